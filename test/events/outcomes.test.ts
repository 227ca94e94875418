// What an answer means on the line: results, failures, CONTROL's success and its two spellings of failure [OS-2.5] [OS-3.3].
import { describe, expect, test } from 'vitest';
import { ERRORS, type ErrorCode } from '../../protocol/errors.ts';
import type { BackendAnswer, CompleteAnswer } from '../../src/backend/backend.ts';
import { errorLine, milliseconds } from '../../src/events/encode.ts';
import {
  controlNotSent,
  controlReport,
  type Explain,
  pollFailureLine,
  pollOutcome,
  retryAfterMs,
  shortened,
} from '../../src/events/outcomes.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

const complete = (status: number, body = '{"a":1.0}', more: Partial<CompleteAnswer> = {}): CompleteAnswer => ({
  ok: true,
  status,
  body: Buffer.from(body),
  oversize: false,
  durationMs: 1.5,
  ...more,
});
const failed = (outcome: 'not_sent' | 'unknown', status?: number): BackendAnswer => ({
  ok: false,
  outcome,
  ...(status === undefined ? {} : { status }),
  reason: 'the connection was refused',
  fault: 'connect',
  durationMs: 2,
});
const control = { method: 'POST', path: '/c', id: '7', ack: false };
const report = (
  answer: BackendAnswer,
  more: object = {},
  profile: 'strict' | 'vendor' = 'strict',
  explain?: Explain,
) => {
  const { ok, line } = controlReport({ ...control, ...more }, answer, profile, NOW, explain);
  return { ok, line: line === undefined ? undefined : (JSON.parse(line) as Record<string, unknown>) };
};

describe('[OS-2.5] CONTROL', () => {
  test.each([200, 201, 204, 299])('status %d is success: silent, or told when asked for', (status) => {
    expect(report(complete(status))).toEqual({ ok: true, line: undefined });
    expect(report(complete(status, ''), { ack: true }).line).toEqual({
      type: 'control_ack',
      id: 7,
      status,
      svc_dur_ms: 1.5,
    });
  });

  test.each([300, 302, 304, 400, 404, 500, 599])('status %d is refused with status and body', (status) => {
    expect(report(complete(status), { ack: true })).toMatchObject({
      ok: false,
      line: { type: 'control_err', error: 'control_err', id: 7, status, body: { a: 1 } },
    });
    expect(report(complete(status, '')).line).not.toHaveProperty('body');
    expect(report(complete(status)).line).not.toHaveProperty('outcome');
  });

  test('a success too large to keep is a success without a result', () => {
    const answer = complete(200, '', { oversize: true });
    expect(report(answer)).toEqual({ ok: true, line: undefined });
    expect(report(answer, { ack: true }).line).toEqual({ type: 'control_ack', id: 7, status: 200, svc_dur_ms: 1.5 });
  });

  test('a refusal too large to keep has its status', () => {
    expect(report(complete(500, '', { oversize: true }))).toMatchObject({ ok: false, line: { status: 500 } });
  });

  test.each(['not_sent', 'unknown'] as const)('no complete answer: %s', (outcome) => {
    const { ok, line } = report(failed(outcome));
    expect(ok).toBe(false);
    expect(line).toMatchObject({ outcome, message: expect.stringContaining('the connection was refused') });
    expect(line).not.toHaveProperty('status');
    expect(report(failed(outcome, 200)).line).toMatchObject({ outcome, status: 200 });
  });

  test('[OS-4] the vendor spelling has status, body and id only', () => {
    expect(report(complete(409), {}, 'vendor').line).toEqual({
      type: 'control_err',
      status: 409,
      body: { a: 1 },
      id: 7,
    });
    expect(report(failed('unknown'), { id: undefined }, 'vendor').line).toEqual({ type: 'control_err' });
    expect(JSON.parse(controlNotSent(control, 'x', 'vendor'))).toEqual({ type: 'control_err', id: 7 });
  });

  test('numbers of the body keep their spelling', () => {
    const { line } = controlReport(control, complete(500, '{"n": 1.0, "m":-0.0}'), 'strict', NOW, undefined);
    expect(line).toContain('"body":{"n": 1.0, "m":-0.0}');
  });
});

describe('[OS-3.3] polls', () => {
  const poll = (answer: BackendAnswer, explain?: Explain) => pollOutcome(answer, NOW, 3, explain);

  test('success is data; everything else is a failure with what is known', () => {
    expect(poll(complete(200))).toHaveProperty('data');
    expect(poll(complete(299, ''))).toHaveProperty('data');
    for (const status of [199, 300, 500]) expect(poll(complete(status))).toHaveProperty('failure');
    expect(poll(complete(200, '', { oversize: true }))).toMatchObject({
      failure: { message: expect.stringContaining('MAX_RESULT_BYTES'), members: [['status', '200']] },
    });
    expect(poll(failed('unknown', 200))).toMatchObject({ failure: { members: [['status', '200']] } });
    expect(poll(failed('not_sent'))).toMatchObject({ failure: { members: [['status', undefined]] } });
  });

  test('the line names path, count and id', () => {
    const outcome = poll(complete(500));
    if (!('failure' in outcome)) throw new Error('a result');
    expect(JSON.parse(pollFailureLine(outcome.failure, `/p?${'x'.repeat(500)}`, 4, '"i"'))).toEqual({
      error: 'monitor_internal_error',
      message: expect.stringMatching(/^GET \/p\?x{117}…: the backend answered with status 500$/),
      hint: ERRORS.monitor_internal_error.hint,
      id: 'i',
      status: 500,
      body: { a: 1 },
      failures: 4,
    });
  });

  test('an explanation is asked for with the attempt, and only where it may see something', () => {
    const asked: unknown[] = [];
    const explain = (inspectsSuccess: boolean, found: boolean): Explain => ({
      inspectsSuccess,
      explain: (status, body, attempt) => {
        asked.push([status, body?.toString(), attempt]);
        return found ? { hint: 'do this', cause: { retry_after_ms: 250 } } : undefined;
      },
    });
    expect(poll(complete(200), explain(false, true))).toHaveProperty('data');
    expect(asked).toEqual([]);
    expect(poll(complete(200), explain(true, false))).toHaveProperty('data');
    expect(poll(complete(200), explain(true, true))).toMatchObject({
      failure: {
        hint: 'do this',
        retryAfterMs: 250,
        members: expect.arrayContaining([['cause', '{"retry_after_ms":250}']]),
      },
    });
    expect(poll(complete(503, '', { retryAfter: '2' }), explain(false, true))).toMatchObject({
      failure: { retryAfterMs: 2000, members: expect.arrayContaining([['cause', '{"retry_after_ms":2000}']]) },
    });
    // Nothing is known of a body that was not kept.
    expect(report(complete(200, '', { oversize: true }), {}, 'strict', explain(true, true)).ok).toBe(true);
    expect(asked).toEqual([
      [200, '{"a":1.0}', 3],
      [200, '{"a":1.0}', 3],
      [503, undefined, 3],
    ]);
    expect(report(complete(200), { ack: true }, 'strict', explain(true, true))).toMatchObject({
      ok: false,
      line: { error: 'control_err', hint: 'do this', status: 200, cause: { retry_after_ms: 250 } },
    });
  });
});

describe('[OS-3.3] Retry-After', () => {
  test.each([
    [503, '2', 'the backend answered with status 503, and asks for a pause of 2 s, which is kept'],
    [429, '99999999999999', 'the backend answered with status 429, and asks for a pause of 86400 s, which is kept'],
    [503, '0', 'the backend answered with status 503'],
    [503, undefined, 'the backend answered with status 503'],
  ])('%d, %s: the report says how long the monitor will be silent', (status, retryAfter, message) => {
    const more = retryAfter === undefined ? {} : { retryAfter };
    expect(pollOutcome(complete(status, '', more), NOW, 1, undefined)).toMatchObject({ failure: { message } });
  });

  test.each([
    [undefined, undefined],
    ['', undefined],
    ['soon', undefined],
    ['overload 2099', undefined],
    ['-5', undefined],
    ['Wednesday', undefined],
    ['0', 0],
    ['1', 1000],
    [' 12 ', 12_000],
    ['00012', 12_000],
    ['86401', 86_400_000],
    ['9'.repeat(400), 86_400_000],
    ['Fri, 02 Jan 2026 03:04:15 GMT', 10_000],
    ['Fri, 02 Jan 2026 03:03:05 GMT', 0],
    ['Sat, 02 Jan 2027 03:04:15 GMT', 86_400_000],
    ['Friday, 02-Jan-26 03:04:15 GMT', 10_000],
    ['Fri Jan  2 03:04:15 2026 GMT', 10_000],
    ['2026-01-02T03:04:15Z', 10_000],
  ])('%j', (header, ms) => {
    expect(retryAfterMs(header, NOW)).toBe(ms);
  });
});

describe('lines', () => {
  test('every error code makes a line with its own hint, unless another or none is given', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      expect(JSON.parse(errorLine(code, 'm'))).toEqual({ error: code, message: 'm', hint: ERRORS[code].hint });
      expect(JSON.parse(errorLine(code, 'm', { hint: 'h', fatal: true, id: '1.0' }))).toEqual({
        error: code,
        message: 'm',
        hint: 'h',
        fatal: true,
        id: 1,
      });
      expect(JSON.parse(errorLine(code, 'm', { hint: null }))).toEqual({ error: code, message: 'm' });
    }
  });

  test('a message may hold anything and stays one line', () => {
    const text = errorLine('invalid_url', 'a\nb\u2028"\\\0');
    expect(text.indexOf('\n')).toBe(text.length - 1);
    expect(JSON.parse(text)).toMatchObject({ message: 'a\nb\u2028"\\\0' });
  });

  test('milliseconds to the microsecond, paths to 120 characters', () => {
    expect(['0', '1.235', '0.001', '1e+21']).toEqual([0, 1.23456, 0.0012, 1e21].map(milliseconds));
    for (let us = 0; us < 3000; us++) expect(milliseconds(us / 1000)).toBe(String(us / 1000));
    for (let us = 1; us < 1e12; us = us * 3 + 1) expect(milliseconds(us / 1000)).toBe(String(us / 1000));
    expect(shortened('x'.repeat(120))).toHaveLength(120);
    expect(shortened('x'.repeat(121))).toBe(`${'x'.repeat(120)}…`);
  });
});
