// makapix: status and text together, templates, texts that begin alike, lists of complaints, the MQTT form, and the waits of 429.
import { describe, expect, it } from 'vitest';
import { ask, type Case, seen } from './support.ts';

const detail = (text: unknown) => ({ detail: text });
const complaint = (...texts: string[]) => detail(texts.map((msg) => ({ loc: ['body'], msg, type: 'value_error' })));
const EXISTS = 'An account with this email already exists';

const cases: readonly Case[] = [
  [
    'same text, status 404',
    404,
    detail('User not found'),
    { code: 404, name: 'User not found', group: 'Player Errors' },
  ],
  ['same text, status 401', 401, detail('User not found'), { group: 'Authentication Errors' }],
  ['same text, a status it is not listed under', 403, detail('User not found'), { code: 403, name: 'Forbidden' }],
  [
    'a text in two tables is not ambiguous',
    404,
    detail('Post not found'),
    { name: 'Post not found', ambiguous: undefined },
  ],
  ['a prefix, alone', 409, detail(EXISTS), { name: EXISTS }],
  [
    'a prefix, with the longer text',
    409,
    detail(`${EXISTS}. Please log in with your existing account.`),
    { name: `${EXISTS}. Please log in with your existing account.` },
  ],
  ['a prefix, going on otherwise', 409, detail(`${EXISTS}, sorry`), { name: 'Conflict' }],
  ['a prefix, shorter', 404, detail('Player not found'), { name: 'Player not found' }],
  [
    'a prefix, longer',
    404,
    detail('Player not found or not registered'),
    { name: 'Player not found or not registered' },
  ],
  ['similar, one word less', 500, detail('CA certificate not found'), { name: 'CA certificate not found' }],
  [
    'an explanation behind a colon',
    500,
    detail('Failed to generate certificate: no key'),
    { name: 'Failed to generate certificate', retryable: true },
  ],
  ['a colon without a blank is no explanation', 404, detail('Post not found:x'), { name: 'Not Found' }],
  [
    'one placeholder',
    400,
    detail('Certificate is still valid for 17 days. Renewal only available within 30 days of expiry.'),
    { args: ['17'] },
  ],
  ['two placeholders', 413, detail('Storage quota exceeded. Used 49.8 MB of 50 MB.'), { args: ['49.8', '50'] }],
  [
    'a placeholder at the end',
    400,
    detail('GitHub OAuth error: bad code'),
    { name: 'GitHub OAuth error: description', args: ['bad code'] },
  ],
  [
    'a placeholder that contains the text around it',
    404,
    detail("Playset 'a' not found' not found"),
    { args: ["a' not found"] },
  ],
  ['an empty placeholder', 404, detail("Playset '' not found"), { name: 'Not Found', args: undefined }],
  ['a template under another status', 400, detail("Playset 'x' not found"), { name: 'Bad Request' }],
  ['try again, although it is a 400', 400, detail('Invalid OAuth state. Please try again.'), { retryable: true }],
  ['not listed, status listed', 404, detail('Nothing here'), { code: 404, name: 'Not Found', retryable: false }],
  [
    'not listed, 429',
    429,
    detail('Slow down'),
    { name: 'Too Many Requests', retryable: true, retry_after_ms: 2000, max_attempts: 5 },
  ],
  ['not listed, 500', 500, detail('Oops'), { name: 'Internal Server Error', retryable: true }],
  ['other letters are another text', 404, detail('post not found'), { name: 'Not Found' }],
  ['white space around is no difference', 404, detail(' Post not found\n'), { name: 'Post not found' }],
  [
    'complaint with prefix',
    422,
    complaint('Value error, post_id is required for show_artwork command'),
    { code: 422, name: 'post_id is required for show_artwork command', retryable: false },
  ],
  ['complaint without prefix', 422, complaint('Invalid license_id'), { code: 422, name: 'Invalid license_id' }],
  [
    'the second of two complaints',
    422,
    complaint('Field required', 'Value error, Invalid license_id'),
    { name: 'Invalid license_id' },
  ],
  [
    'complaint about validation',
    422,
    complaint("Value error, Field 'hash' is not nullable"),
    { code: 422, name: "Field 'X' is not nullable", args: ['hash'] },
  ],
  [
    'complaint under a listed status',
    400,
    complaint('Value error, Invalid license_id'),
    { code: 400, name: 'Invalid license_id' },
  ],
  ['unlisted complaint under a listed status', 400, complaint('Field required'), { code: 400, name: 'Bad Request' }],
  [
    'MQTT, each code',
    404,
    { status: 'error', error_code: 'NOT_FOUND', message: 'x' },
    { code: 'NOT_FOUND', retryable: false },
  ],
  [
    'MQTT, rate',
    429,
    { status: 'error', error_code: 'RATE_LIMITED', message: 'x' },
    { code: 'RATE_LIMITED', retryable: true, retry_after_ms: 2000 },
  ],
  [
    'MQTT, internal',
    500,
    { status: 'error', error_code: 'INTERNAL_ERROR' },
    { code: 'INTERNAL_ERROR', retryable: true },
  ],
  ['MQTT, invalid', 400, { status: 'error', error_code: 'INVALID_REQUEST' }, { code: 'INVALID_REQUEST' }],
  [
    'MQTT, validation without a listed text',
    400,
    { status: 'error', error_code: 'VALIDATION_ERROR', message: 'x' },
    { code: 'VALIDATION_ERROR', name: 'Invalid field values or criteria' },
  ],
  ['MQTT in practice', 404, { success: false, error_code: 'not_found', error: 'x' }, { code: 'NOT_FOUND' }],
  [
    'MQTT in practice, validation',
    400,
    { success: false, error_code: 'validation_error', error: "Invalid value for field 'w'" },
    { code: 'VALIDATION_ERROR', name: "Invalid value for field 'X'", args: ['w'] },
  ],
  [
    'operators',
    400,
    { status: 'error', error_code: 'VALIDATION_ERROR', message: "Operator 'like' not valid for enum field 'kind'" },
    { name: "Operator 'X' not valid for enum field 'Y'", args: ['like', 'kind'] },
  ],

  ['near miss: a status that is not listed', 418, detail('Post not found'), null],
  ['near miss: 422 with an unlisted complaint', 422, complaint('Field required'), null],
  ['near miss: 422 with a text of another status', 422, complaint('Post not found'), null],
  ['near miss: detail is an object', 404, detail({ reason: 'Post not found' }), null],
  ['near miss: detail is a number', 404, detail(404), null],
  ['near miss: detail is null', 404, detail(null), null],
  ['near miss: an empty list', 404, detail([]), null],
  ['near miss: no detail', 404, { message: 'Post not found' }, null],
  ['near miss: a listed status that is a success', 200, detail('Post not found'), null],
  ['near miss: success true', 404, { success: true, detail: 'Post not found' }, null],
  ['near miss: plain text', 404, 'Post not found', null],
  ['near miss: MQTT with another code', 404, { status: 'error', error_code: 'GONE' }, null],
  ['near miss: MQTT with a Turkish i', 400, { status: 'error', error_code: '\u0131nvalid_request' }, null],
  ['near miss: MQTT without status', 404, { error_code: 'NOT_FOUND' }, null],
  ['near miss: MQTT with status ok', 404, { status: 'ok', error_code: 'NOT_FOUND' }, null],
  ['near miss: MQTT with a number', 404, { status: 'error', error_code: 404 }, null],
  ['wrong system: multiscreen-srt', 404, { success: false, error_code: 404, error_message: 'x' }, null],
];

describe('makapix', () => {
  it.each(cases)('%s', (...row) => {
    expect(seen('makapix', row)).toEqual(row[3]);
  });

  it('waits longer after each failure, up to a minute', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 1000].map(
      (attempt) => ask('makapix', 429, detail('x'), attempt)?.cause.retry_after_ms,
    );
    expect(waits).toEqual([2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000]);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1.9])('takes attempt %s for the first', (attempt) => {
    expect(ask('makapix', 429, detail('x'), attempt)?.cause.retry_after_ms).toBe(2000);
  });

  it('relays arguments up to a limit, never half a character', () => {
    const [arg] = ask('makapix', 404, detail(`Playset '${'x'.repeat(255)}\u{1f3a8}${'y'.repeat(9000)}' not found`))
      ?.cause.args ?? [''];
    expect(arg?.length).toBe(256);
    expect(arg?.isWellFormed()).toBe(true);
  });
});
