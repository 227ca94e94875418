// srt-reject: API values, wire values, names and the library's sentences, in JSON and in plain text.
import { describe, expect, it } from 'vitest';
import { ask, type Case, seen } from './support.ts';

const cases: readonly Case[] = [
  ['/reject_reason', 502, { reject_reason: 16 }, { code: 16, name: 'SRT_REJ_TIMEOUT', retryable: true }],
  ['/rejectReason', 502, { rejectReason: 17 }, { code: 17, name: 'SRT_REJ_CRYPTO' }],
  ['/reject_code', 502, { reject_code: 1507 }, { code: 1507, name: 'SRT_REJX_NOROOM', retryable: false }],
  ['inside srt', 502, { srt: { reject_reason: 1404 } }, { code: 1404, group: 'predefined' }],
  ['inside error', 502, { error: { rejectReason: 7 } }, { code: 7, group: 'internal' }],
  ['digits as a string', 502, { reject_reason: '1403' }, { code: 1403 }],
  ['code 0: listed, and not a rejection', 502, { reject_reason: 0 }, { code: 0, name: 'SRT_REJ_UNKNOWN' }],
  ['code -0', 502, '{"reject_reason":-0}', { code: 0 }],
  ['wire value of 0', 502, { handshake_type: 1000 }, { code: 0, name: 'SRT_REJ_UNKNOWN' }],
  ['wire value of a predefined code', 502, { handshake_type: 2403 }, { code: 1403, name: 'SRT_REJX_FORBIDDEN' }],
  ['wire value as a string', 502, { handshake_type: '2503' }, { code: 1503, retryable: true }],
  ['the same number, API', 502, { reject_reason: 1001 }, { code: 1001, name: 'SRT_REJX_KEY_NOTSUP' }],
  ['the same number, wire', 502, { handshake_type: 1001 }, { code: 1, name: 'SRT_REJ_SYSTEM' }],
  ['both: the API value first', 502, { handshake_type: 1010, reject_reason: 5 }, { code: 5 }],
  ['unlisted, internal', 502, { reject_reason: 18 }, { code: 18, name: null, group: 'internal', retryable: false }],
  ['unlisted, predefined', 502, { reject_reason: 1450 }, { code: 1450, name: null, group: 'predefined' }],
  ['user-defined, first', 502, { reject_reason: 2000 }, { code: 2000, name: null, group: 'user-defined' }],
  ['user-defined, last', 502, { reject_reason: 2999 }, { code: 2999, name: null, group: 'user-defined' }],
  ['user-defined on the wire', 502, { handshake_type: 3005 }, { code: 2005, name: null, group: 'user-defined' }],
  ['a name in a text', 500, { message: 'refused (SRT_REJ_BACKLOG).' }, { code: 5, retryable: true }],
  ['a name deep inside', 500, { a: [{ b: { c: ['x', 'y: SRT_REJX_DOWN'] } }] }, { code: 1503 }],
  ['a name in plain text', 500, 'HTTP bridge: SRT_REJX_LOCKED\n', { code: 1423, retryable: true }],
  ['a name in a JSON string', 500, '"SRT_REJX_LOCKED"', { code: 1423 }],
  ['a name as the value of reject_reason', 500, { reject_reason: 'SRT_REJ_PEER' }, { code: 2 }],
  ['one name is the beginning of another: SRT_REJ_', 500, 'SRT_REJ_VERSION', { code: 8 }],
  ['one name is the beginning of another: SRT_REJX_', 500, 'SRT_REJX_VERSION', { code: 1505 }],
  ['a sentence in plain text', 500, 'rejected, reject reason: Incorrect passphrase\r\n', { code: 10 }],
  ['a sentence with an apostrophe', 500, { e: "reject reason: Listener's backlog exceeded" }, { code: 5 }],
  ['older wording of the same code', 500, 'reject reason: Packet Filter type collision', { code: 14 }],
  ['the last of two reasons', 500, 'reject reason: x, reject reason: Crypto mode', { code: 17 }],
  ['no valid UTF-8 around it', 500, Buffer.from([0xff, 0xfe, 0x20, ...Buffer.from('SRT_REJ_IPE')]), { code: 6 }],
  ['behind a byte order mark', 500, '\ufeff{"reject_reason":5}', { code: 5 }],

  ['near miss: a bare code', 502, { code: 1403 }, null],
  ['near miss: a bare code inside error', 502, { error: { code: 1403 } }, null],
  ['near miss: error is a number', 502, { error: 1403 }, null],
  ['near miss: beyond the user-defined', 502, { reject_reason: 3000 }, null],
  ['near miss: negative', 502, { reject_reason: -1 }, null],
  ['near miss: wire value below the rejections', 502, { handshake_type: 1 }, null],
  ['near miss: wire value of a conclusion', 502, { handshake_type: -1 }, null],
  ['near miss: wire value beyond', 502, { handshake_type: 4000 }, null],
  ['near miss: a boolean', 502, { reject_reason: true }, null],
  ['near miss: a fraction', 502, { reject_reason: 5.5 }, null],
  ['near miss: a name that goes on', 500, 'SRT_REJ_PEERS', null],
  ['near miss: a name that begins earlier', 500, 'MY_SRT_REJ_PEER', null],
  ['near miss: the border of a range', 500, 'SRT_REJC_PREDEFINED', null],
  ['near miss: a name as a key', 500, { counters: { SRT_REJ_PEER: 3 } }, null],
  ['near miss: small letters', 500, 'srt_rej_peer', null],
  ['near miss: a sentence without its mark', 500, 'Peer rejected connection', null],
  ['near miss: a sentence that goes on', 500, 'reject reason: Peer rejected connection twice', null],
  [
    'near miss: the sentence for every predefined code',
    500,
    'reject reason: Application-defined rejection reason',
    null,
  ],
  ['near miss: a success that carries a code', 500, { success: true, reject_reason: 5 }, null],
  ['near miss: no error status', 200, { reject_reason: 5 }, null],
  ['near miss: a list', 500, ['SRT_REJ_PEER'], null],
  ['near miss: blanks only', 500, '  \n', null],
  [
    'wrong system: multiscreen-srt',
    503,
    { success: false, error_code: 127, error_message: 'SRT handshake failure' },
    null,
  ],
  ['wrong system: tencent-ilvb', 500, { module: 'AVSDK', errCode: 1001 }, null],
];

describe('srt-reject', () => {
  it.each(cases)('%s', (...row) => {
    expect(seen('srt-reject', row)).toEqual(row[3]);
  });

  it('says of a user-defined code who knows it', () => {
    expect(ask('srt-reject', 502, { reject_reason: 2005 })?.hint).toContain('defined by the application');
  });
});
