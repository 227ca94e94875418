// open-stream: the error line of the reference, for a backend that is an Open Stream server's REST front.
import { describe, expect, it } from 'vitest';
import { ask, type Case, seen } from './support.ts';

const line = (error: unknown) => ({ error, message: 'x', hint: 'x' });

const cases: readonly Case[] = [
  ['a session error', 400, line('invalid_ndjson'), { code: 'invalid_ndjson', retryable: false }],
  ['busy', 503, line('control_busy'), { code: 'control_busy', group: 'CONTROL Errors', retryable: true }],
  ['without a hint', 400, { error: 'invalid_url', message: 'x' }, { name: 'Invalid URL format' }],
  [
    'the code that stands twice',
    400,
    line('version_mismatch'),
    { group: 'Protocol / Session Errors', ambiguous: undefined },
  ],
  [
    'a control_err of its own',
    502,
    { type: 'control_err', error: 'control_err', message: 'x', status: 403 },
    { code: 'control_err' },
  ],
  ['nothing left to do', 409, line('nothing_to_stop'), { retryable: false }],

  ['near miss: capitals', 400, line('INVALID_URL'), null],
  ['near miss: a code that goes on', 400, line('invalid_url_'), null],
  ['near miss: a beginning', 400, line('invalid'), null],
  ['near miss: a code of the other profile', 400, line('missing_url'), null],
  ['near miss: inside an object', 400, { error: { error: 'invalid_url' } }, null],
  ['near miss: a name of the prototype', 400, line('constructor'), null],
  ['near miss: a number', 400, line(404), null],
  ['near miss: the vendor form without a code', 502, { type: 'control_err', status: 403 }, null],
  ['near miss: a success that carries a code', 400, { success: true, ...line('invalid_url') }, null],
  ['near miss: no error status', 200, line('invalid_url'), null],
  ['wrong system: srt-reject', 400, line('SRT_REJX_OVERLOAD'), null],
];

describe('open-stream', () => {
  it.each(cases)('%s', (...row) => {
    expect(seen('open-stream', row)).toEqual(row[3]);
  });
});

describe('several catalogs', () => {
  const everything = ['open-stream', 'multiscreen-srt', 'srt-reject', 'makapix', 'tencent-ilvb'];
  const body = { success: false, error_code: 143, reject_reason: 5, detail: 'Post not found' };

  it.each([
    ['multiscreen-srt,srt-reject,makapix', 'multiscreen-srt'],
    ['srt-reject,makapix,multiscreen-srt', 'srt-reject'],
    ['makapix,multiscreen-srt', 'makapix'],
    ['open-stream,tencent-ilvb,makapix', 'makapix'],
  ])('%s: the first that knows it is %s', (choice, winner) => {
    expect(ask(choice, 404, body)?.cause.catalog).toBe(winner);
  });

  it('keeps colliding numbers apart', () => {
    for (const order of [everything, [...everything].reverse()]) {
      const choice = order.join(',');
      expect(ask(choice, 500, { reject_reason: 1501 })?.cause.name).toBe('SRT_REJX_UNIMPLEMENTED');
      expect(ask(choice, 500, { module: 'AVSDK', errCode: 1501 })?.cause.name).toBe('AV_ERR_TINYID_TO_OPENID_FAILED');
      expect(ask(choice, 404, { success: false, error_code: 404 })?.cause.name).toBe('Invalid client data');
      expect(ask(choice, 404, { detail: 'x' })?.cause.name).toBe('Not Found');
    }
  });
});
