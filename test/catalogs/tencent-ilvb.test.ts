// tencent-ilvb: errors inside an answer 200, two tables that share a number, and successes that are none of its business.
import { describe, expect, it } from 'vitest';
import { ask, type Case, explainerFor, seen } from './support.ts';

const BROADCAST = 'Non-interactive Broadcasting Error Codes';
const rest = (rsp: string, uint32_result: unknown, head: object = {}) => ({
  reqhead: { uint32_result: 0, ...head },
  rspbody: { [rsp]: { uint32_result, str_errorinfo: 'x' } },
});
const callback = (errCode: unknown, module: unknown = 'AVSDK') => ({ module, errCode, errMsg: 'x' });
const both = [
  { name: 'AV_ERR_REPEATED_OPERATION', group: 'AVSDK Client Error Codes' },
  { name: 'Permission error', group: BROADCAST },
];
const ambiguous = { code: 1001, name: null, retryable: false, ambiguous: true as const, candidates: both };

const cases: readonly Case[] = [
  ['recording', 200, rest('rsp_0x5', 30000410), { code: 30000410, name: 'Recording room does not exist' }],
  ['broadcasting', 200, rest('rsp_0x6', 40000411), { code: 40000411, group: BROADCAST }],
  ['same fault, different advice: recording', 200, rest('rsp_0x5', 30000207), { retryable: false }],
  ['same fault, different advice: broadcasting', 200, rest('rsp_0x6', 40000207), { retryable: true }],
  ['already so counts as done', 200, rest('rsp_0x5', 30000412), { retryable: false }],
  ['outside of the block', 200, rest('rsp_0x6', 20406), { name: 'Account overdraft', retryable: false }],
  ['after three seconds', 200, rest('rsp_0x6', 40000500), { retryable: true, retry_after_ms: 3000 }],
  ['digits as a string', 200, rest('rsp_0x6', '40000500'), { code: 40000500 }],
  ['with an error status', 500, rest('rsp_0x6', 50005), { code: 50005, retryable: true }],
  [
    'in the head, broadcasting',
    200,
    { reqhead: { uint32_sub_cmd: 6, uint32_result: 1001 } },
    { name: 'Permission error' },
  ],
  ['in the head, alone', 200, { reqhead: { uint32_result: 50002 } }, { code: 50002 }],
  ['the body goes before the head', 200, rest('rsp_0x5', 30000404, { uint32_result: 50002 }), { code: 30000404 }],
  ['callback, client', 200, callback(1005), { name: 'AV_ERR_TIMEOUT', retryable: true }],
  ['callback, service', 200, callback(10009), { code: 10009, name: 'AV_ERR_SERVER_ROOM_NOT_EXIST' }],
  ['callback, the code whose name 10009 had', 200, callback(10006), { name: 'AV_ERR_SERVER_ID_NOT_IN_ROOM' }],
  ['callback, 1', 200, callback(1), { name: 'AV_ERR_FAILED' }],
  ['callback, already so', 200, callback(1003), { name: 'AV_ERR_HAS_IN_THE_STATE', retryable: false }],
  ['1001 in a callback is the SDK', 200, callback(1001), { name: 'AV_ERR_REPEATED_OPERATION', retryable: true }],
  ['1001 in broadcasting is permission', 200, rest('rsp_0x6', 1001), { name: 'Permission error', retryable: false }],
  ['1001 without a module', 200, { errCode: 1001, errMsg: 'x' }, ambiguous],
  ['1001 in recording', 200, rest('rsp_0x5', 1001), ambiguous],
  ['1001 in an unknown request', 200, rest('rsp_0x9', '1001'), ambiguous],
  ['1001 in the head', 200, { reqhead: { uint32_result: 1001 } }, ambiguous],
  ['another number without a module', 200, { errCode: 10004 }, { code: 10004, ambiguous: undefined }],

  ['near miss: success', 200, rest('rsp_0x6', 0), null],
  ['near miss: success as a string', 200, rest('rsp_0x6', '0'), null],
  ['near miss: success of a callback', 200, callback(0), null],
  ['near miss: success true', 200, { success: true, ...callback(1001) }, null],
  ['near miss: a number nobody listed', 200, rest('rsp_0x5', 30000499), null],
  ['near miss: a number of the SDK in a REST answer', 200, rest('rsp_0x6', 1005), null],
  ['near miss: a REST number from the SDK', 200, callback(40000404), null],
  ['near miss: another module', 200, callback(1001, 'IMSDK'), null],
  ['near miss: the module is no text', 200, callback(1001, null), null],
  ['near miss: a boolean', 200, callback(true), null],
  ['near miss: a fraction', 200, callback(1001.5), null],
  ['near miss: the result is an object', 200, rest('rsp_0x5', { a: 30000404 }), null],
  ['near miss: rspbody is a text', 200, { rspbody: '30000404' }, null],
  ['near miss: a code in ordinary data', 200, { result: 30000404, code: 1001 }, null],
  ['near miss: below 200', 101, callback(1001), null],
  ['near miss: a bare number', 200, '1001', null],
  ['wrong system: srt-reject', 200, { reject_reason: 1001 }, null],
  ['wrong system: multiscreen-srt', 500, { success: false, error_code: 1001 }, null],
];

describe('tencent-ilvb', () => {
  it.each(cases)('%s', (...row) => {
    expect(seen('tencent-ilvb', row)).toEqual(row[3]);
  });

  it('names both meanings in the hint when it cannot tell', () => {
    const hint = ask('tencent-ilvb', 200, { errCode: 1001 })?.hint;
    for (const { name } of both) expect(hint).toContain(name);
  });

  it('alone makes successes worth looking at', () => {
    expect(explainerFor('open-stream,multiscreen-srt,srt-reject,makapix').inspectsSuccess).toBe(false);
    expect(explainerFor('makapix,tencent-ilvb').inspectsSuccess).toBe(true);
  });

  it('does not make other catalogs look at successes', () => {
    expect(ask('multiscreen-srt,tencent-ilvb', 200, { success: false, error_code: 143 })).toBeUndefined();
  });
});
