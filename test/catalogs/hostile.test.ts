// Bodies made to cost time: every one is answered within a bound, whatever catalog looks at it, a user's own included.
import { describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES } from '../../src/catalogs/answer.ts';
import type { Catalog, Entry } from '../../src/catalogs/catalog.ts';
import { createExplainer, type Explainer } from '../../src/catalogs/explainer.ts';
import { validateCatalog } from '../../src/catalogs/validate.ts';
import { explainerFor } from './support.ts';

const ALL = 'open-stream,multiscreen-srt,srt-reject,makapix,tencent-ilvb';
const MIB = 1_048_576;

/** Generous: a slow, busy machine needs a fraction of it, a rule that hangs never comes back. */
const BOUND_MS = 5000;

function filled(unit: string, size: number, open: string, close: string): string {
  return open + unit.repeat(Math.floor((size - open.length - close.length) / unit.length)) + close;
}

function bodiesOf(size: number): [string, string][] {
  const half = Math.floor(size / 2) - 20;
  return [
    ['deep lists', `{"detail":${'['.repeat(half)}${']'.repeat(half)}}`],
    ['deep objects', `{"rspbody":${'{"a":'.repeat(half / 6)}1${'}'.repeat(half / 6)}}`],
    ['deep lists that never end', filled('[', size, '{"detail":', '')],
    ['very many keys', `{${Array.from({ length: size / 12 }, (_, at) => `"k${at}":1`).join(',')}}`],
    ['very many complaints', filled('{"msg":"Value error, x"},', size, '{"detail":[', '{"msg":""}]}')],
    ['very many empty texts', filled('"",', size, '{"a":[', '""]}')],
    ['one long text', filled('a', size, '{"detail":"', '"}')],
    [
      'a template that nearly fits, over and over',
      filled(' MB of Storage quota exceeded. Used ', size, '{"detail":"Storage quota exceeded. Used ', '"}'),
    ],
    ['quotes of a template', filled("' not found", size, `{"detail":"Playset '`, 'x"}')],
    [
      'operators that nearly fit',
      filled(
        "' not valid for boolean field '",
        size,
        `{"status":"error","error_code":"VALIDATION_ERROR","message":"Operator '`,
        '"}',
      ),
    ],
    ['names that go on', filled('SRT_REJ_PEER_', size, '{"a":"', '"}')],
    ['names cut short', filled('SRT_REJ_PEE ', size, '{"a":"', '"}')],
    ['one endless word', filled('SRT_REJ_', size, '', '')],
    ['reasons without end', filled('reject reason: ', size, '{"a":"', '"}')],
    ['blanks', filled(' ', size, '', '')],
    ['digits', filled('1', size, '{"error_code":', '}')],
    ['digits in quotes', filled('1', size, '{"error_code":"', '"}')],
    ['escapes', filled('\\u0041', size, '{"detail":"', '"}')],
    ['zero bytes', filled('\0', size, '', '')],
  ];
}

function timed(explainer: Explainer, status: number, body: Buffer): number {
  const start = performance.now();
  explainer.explain(status, body);
  return performance.now() - start;
}

describe('hostile bodies', () => {
  describe.each([
    ['as long as is looked at', MAX_BODY_BYTES],
    ['1 MiB', MIB],
  ])('%s', (_, size) => {
    it.each(bodiesOf(size))('%s', (_what, text) => {
      for (const status of [200, 400, 404, 413, 422, 500]) {
        expect(timed(explainerFor(ALL), status, Buffer.from(text))).toBeLessThan(BOUND_MS);
      }
    });
  });

  it('over the limit cost no more than looking at their length', () => {
    const long = Buffer.from(filled('{"msg":"x"},', MIB, '{"error_code":143,"detail":[', '{"msg":""}]}'));
    const longest = Buffer.from(filled('{"msg":"x"},', MAX_BODY_BYTES, '{"error_code":999,"detail":[', '{"msg":""}]}'));
    const explainer = explainerFor(ALL);
    expect(explainer.explain(404, long)).toBeUndefined();
    const sum = (body: Buffer) => Array.from({ length: 20 }, () => timed(explainer, 404, body)).reduce((a, b) => a + b);
    sum(longest);
    expect(sum(long)).toBeLessThan(sum(longest));
  });

  it('are looked at up to the limit, and not a byte further', () => {
    const body = (size: number) => Buffer.from(filled('x', size, '{"error_code":143,"pad":"', '"}'));
    expect(body(MAX_BODY_BYTES)).toHaveLength(MAX_BODY_BYTES);
    expect(explainerFor(ALL).explain(500, body(MAX_BODY_BYTES))?.cause.code).toBe(143);
    expect(explainerFor(ALL).explain(500, body(MAX_BODY_BYTES + 1))).toBeUndefined();
  });

  it('are nothing when they are empty or missing', () => {
    expect(explainerFor(ALL).explain(500, Buffer.alloc(0))).toBeUndefined();
    expect(explainerFor(ALL).explain(500, undefined)).toBeUndefined();
  });
});

describe('a catalog written to be slow', () => {
  const entries: Entry[] = Array.from({ length: 2000 }, (_, at) => ({
    code: at,
    name: `${'a'.repeat(200)}${at}`,
    hint: 'x',
    retryable: false,
    ...(at < 256 && { template: ['', ...Array.from({ length: 7 }, () => `${'a'.repeat(290)}b`), ''] }),
  }));
  const places = Array.from({ length: 16 }, (_, at) => `/${'*/'.repeat(at)}*`);
  const catalog: Catalog = {
    id: 'slow',
    title: 'x',
    source: 'x',
    entries,
    rules: [
      ...Array.from({ length: 28 }, () => ({ about: 'x', find: { by: 'code', at: places } }) as const),
      { about: 'x', find: { by: 'text', at: 'anywhere', continued_by: ': ' } },
      { about: 'x', find: { by: 'text', at: 'anywhere', after: 'aa', strip: ['a', 'aa'], continued_by: 'a' } },
      { about: 'x', find: { by: 'word', at: 'anywhere' } },
    ],
  };

  it('is a valid catalog', () => {
    expect(validateCatalog(catalog).faults).toEqual([]);
  });

  it.each([
    ['one text', filled('a', MAX_BODY_BYTES, '{"a":"', '"}')],
    ['many texts', filled(`"${'a'.repeat(205)}",`, MAX_BODY_BYTES, '{"a":[', '""]}')],
    ['many short texts', filled('"a",', MAX_BODY_BYTES, '{"a":[', '""]}')],
    ['lists in lists', `{"a":${'[1,'.repeat(16_000)}1${']'.repeat(16_000)}}`],
  ])('comes back: %s', (_, text) => {
    const body = Buffer.from(text);
    expect(body.length).toBeLessThanOrEqual(MAX_BODY_BYTES);
    expect(timed(createExplainer([catalog]), 500, body)).toBeLessThan(BOUND_MS);
  });
});
