// multiscreen-srt: the number in either envelope, and nothing that merely looks like it.
import { describe, expect, it } from 'vitest';
import { type Case, seen } from './support.ts';

const envelope = (error_code: unknown, more: object = {}) => ({
  success: false,
  error_code,
  error_message: 'x',
  description: 'x',
  category: 'docker_management',
  ...more,
});

const cases: readonly Case[] = [
  ['the first code', 500, envelope(100), { code: 100, name: 'FFmpeg process failed to start', retryable: false }],
  ['the last code', 500, envelope(589), { code: 589, name: 'System recovery failed' }],
  ['a code as a string of digits', 404, envelope('143'), { code: 143 }],
  ['a code written as 143.0', 404, '{"success":false,"error_code":143.0}', { code: 143 }],
  ['a group and its title', 404, envelope(143), { group: 'Stream Configuration Errors' }],
  ['a code that looks like an HTTP status', 503, envelope(404), { code: 404, name: 'Invalid client data' }],
  ['an HTTP status that has nothing to do with it', 400, envelope(580), { name: 'Performance threshold exceeded' }],
  ['a message that stands twice, first code', 400, envelope(182), { code: 182, name: 'Video format not supported' }],
  ['a message that stands twice, second code', 400, envelope(326), { code: 326, name: 'Video format not supported' }],
  [
    'second form: message and error_category are not believed',
    503,
    { error_code: 208, error_category: '1xx', message: 'Video file not found', meaning: 'x', primary_solution: 'x' },
    { code: 208, name: 'Docker service unavailable', retryable: true },
  ],
  ['exhausted, recovers by itself', 503, envelope(502), { retryable: true }],
  ['exhausted, needs a person: disk', 507, envelope(187), { retryable: false }],
  ['exhausted, needs a person: quota', 507, envelope(384), { retryable: false }],
  ['needs a person: permission', 403, envelope(202), { retryable: false }],
  ['the document says wait', 503, envelope(507), { retryable: true }],

  ['near miss: an HTTP error in the same envelope', 404, envelope(404, { category: 'http' }), null],
  ['near miss: a validation error in the same envelope', 422, envelope(422, { category: 'validation' }), null],
  ['near miss: a success that carries a code', 500, { ...envelope(143), success: true }, null],
  ['near miss: no error status', 200, envelope(143), null],
  ['near miss: a redirect', 302, envelope(143), null],
  ['near miss: a number between two groups', 500, envelope(110), null],
  ['near miss: one past the last', 500, envelope(590), null],
  ['near miss: zero', 500, envelope(0), null],
  ['near miss: a negative number', 500, envelope(-143), null],
  ['near miss: a fraction', 500, envelope(143.5), null],
  ['near miss: a boolean', 500, envelope(true), null],
  ['near miss: a list', 500, envelope([143]), null],
  ['near miss: an object', 500, envelope({ code: 143 }), null],
  ['near miss: null', 500, envelope(null), null],
  ['near miss: digits and a blank', 500, envelope('143 '), null],
  ['near miss: hexadecimal', 500, envelope('0x8f'), null],
  ['near miss: a huge integer', 500, '{"success":false,"error_code":1430000000000000000000000000000000143}', null],
  ['near miss: beyond every number', 500, '{"success":false,"error_code":1e999}', null],
  ['near miss: digits without end', 500, envelope('1'.repeat(5000)), null],
  ['near miss: the code under another name', 500, { success: false, code: 143 }, null],
  ['near miss: the code inside', 500, { error: { error_code: 143 } }, null],
  ['near miss: the code on a prototype', 500, '{"__proto__":{"error_code":143}}', null],
  ['near miss: a list of envelopes', 500, [envelope(143)], null],
  ['near miss: the number alone', 500, '143', null],
  ['near miss: plain text', 500, 'error_code 143: Stream group not found in Docker', null],
  ['near miss: broken JSON', 500, '{"success":false,"error_code":143', null],
  ['wrong system: makapix, MQTT form', 404, { success: false, error_code: 'not_found', error: 'x' }, null],
  ['wrong system: robot controller', 403, { _type: 'JObject', err_code: 143 }, null],
  ['wrong system: Open Stream', 500, { error: 'control_busy', message: 'x' }, null],
];

describe('multiscreen-srt', () => {
  it.each(cases)('%s', (...row) => {
    expect(seen('multiscreen-srt', row)).toEqual(row[3]);
  });
});
