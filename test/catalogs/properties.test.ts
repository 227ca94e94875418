// For any answer at all: recognition never throws, never changes its mind, and never says anything its catalogs do not hold.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUILT_IN } from '../../src/catalogs/built-in.ts';
import type { Catalog, Entry } from '../../src/catalogs/catalog.ts';
import { waitOf } from '../../src/catalogs/retry.ts';
import { fill } from '../../src/catalogs/template.ts';
import { ask, explainerFor } from './support.ts';

const ids = [...BUILT_IN.keys()];
const entries = ids.flatMap((id) => [...(BUILT_IN.get(id) as Catalog).entries]);
const TIMED = { interruptAfterTimeLimit: 700, numRuns: 20_000, markInterruptAsFailure: false } as const;

const code = fc.oneof(
  fc.constantFrom(...entries.map((entry) => entry.code)),
  fc.constantFrom(...entries.map((entry) => String(entry.code))),
  fc.integer({ min: -3, max: 4001 }),
  fc.double(),
  fc.constantFrom(true, false, null),
  fc.string(),
);
const text = fc.oneof(
  fc.constantFrom(...entries.map((entry) => entry.name)),
  fc.tuple(fc.constantFrom(...entries.map((entry) => entry.name)), fc.string()).map((parts) => parts.join('')),
  fc.constantFrom(...entries).map(({ template }) => (template ?? ['', '']).join('?')),
  fc.string({ unit: 'binary' }),
);
const field = fc
  .constantFrom(
    'error_code error_category category success reject_reason rejectReason reject_code srt error handshake_type detail msg'.split(
      ' ',
    ),
    'status message reqhead rspbody rsp_0x5 rsp_0x6 uint32_result uint32_sub_cmd module errCode errMsg __proto__'.split(
      ' ',
    ),
  )
  .chain((names) => fc.constantFrom(...names));

/** Objects made of the very names the rules look for, so that most of them come near to something. */
const { body } = fc.letrec<{ body: unknown }>((tie) => ({
  body: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    code,
    text,
    fc.array(tie('body'), { maxLength: 4 }),
    fc.array(fc.tuple(field, tie('body')), { maxLength: 6 }).map((pairs) => Object.fromEntries(pairs)),
  ),
}));
/** A real code or text in a real place, among other fields. */
const near = fc.tuple(
  fc.constantFrom('error', 'error_code', 'reject_reason', 'handshake_type', 'detail', 'errCode', 'message'),
  fc.oneof(code, text),
  fc.array(fc.tuple(field, body), { maxLength: 2 }),
);
const bytes = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .array(fc.tuple(field, body), { maxLength: 6 })
      .map((pairs) => JSON.stringify(Object.fromEntries(pairs))),
  },
  {
    weight: 6,
    arbitrary: near.map(([place, value, others]) => JSON.stringify({ ...Object.fromEntries(others), [place]: value })),
  },
  { weight: 1, arbitrary: body.map((value) => JSON.stringify(value) ?? '') },
  { weight: 1, arbitrary: text },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)) },
);
const status = fc.oneof(
  fc.constantFrom(200, 204, 302, 400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503),
  fc.integer(),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY),
);
const attempt = fc.oneof(fc.integer(), fc.double(), fc.constant(undefined));

/** Entries of the catalog that say what `name` says. */
function named(catalog: string, name: string | null): Entry[] {
  return (BUILT_IN.get(catalog)?.entries ?? []).filter((entry) => entry.name === name);
}

describe('any answer', () => {
  it.each([...ids, ids.join(',')])('%s: never throws, never invents', (choice) => {
    const { explain } = explainerFor(choice);
    let hits = 0;
    fc.assert(
      fc.property(status, bytes, attempt, (httpStatus, sent, failures) => {
        const explanation = explain(httpStatus, Buffer.from(sent as string), failures);
        if (explanation === undefined) return;
        hits++;
        const { cause, hint } = explanation;
        expect(choice.split(',')).toContain(cause.catalog);
        expect(hint).toBeTruthy();
        if (cause.name === null) {
          // Without a name: listed twice, or in a range the catalog describes.
          if (cause.ambiguous === true) expect(cause.candidates?.length).toBeGreaterThan(1);
          else
            expect([cause.catalog, Number(cause.code) >= 0 && Number(cause.code) <= 2999]).toEqual([
              'srt-reject',
              true,
            ]);
          return;
        }
        const known = named(cause.catalog, cause.name).filter(({ group }) => group === cause.group);
        expect(known).not.toEqual([]);
        expect(known.map(({ hint: told }) => told)).toContain(hint);
        expect(known.map(({ retryable }) => retryable)).toContain(cause.retryable);
        // The code is an entry's own, or the HTTP status that came.
        expect([...known.map((entry) => entry.code), httpStatus]).toContain(cause.code);
        if (cause.retry_after_ms !== undefined) expect(Number.isSafeInteger(cause.retry_after_ms)).toBe(true);
      }),
      TIMED,
    );
    // Otherwise the property would hold because nothing was ever recognised.
    expect(hits).toBeGreaterThan(0);
  });

  it('says the same thing twice', () => {
    fc.assert(
      fc.property(status, bytes, (httpStatus, sent) => {
        expect(ask(ids.join(','), httpStatus, sent)).toEqual(ask(ids.join(','), httpStatus, sent));
      }),
      TIMED,
    );
  });
});

describe('every entry', () => {
  const shapes: Readonly<Record<string, (entry: Entry) => [number, object] | undefined>> = {
    'open-stream': ({ code: error }) => [400, { error, message: 'x' }],
    'multiscreen-srt': ({ code: error_code }) => [500, { success: false, error_code }],
    'srt-reject': ({ code: reject_reason }) => [500, { reject_reason }],
    makapix: ({ code: key, name, template }) => {
      const filled = template?.join('some value') ?? name;
      if (key === 'VALIDATION_ERROR') return [400, { status: 'error', error_code: key, message: filled }];
      if (typeof key === 'string') return [400, { status: 'error', error_code: key }];
      return key < 400 ? undefined : [key, { detail: filled }];
    },
    'tencent-ilvb': ({ code: value, group = '' }) =>
      group.startsWith('AVSDK')
        ? [200, { module: 'AVSDK', errCode: value }]
        : [200, { rspbody: { [group.startsWith('Rec') ? 'rsp_0x5' : 'rsp_0x6']: { uint32_result: value } } }],
  };

  it.each(ids)('%s: is recognised in its documented shape', (id) => {
    for (const entry of (BUILT_IN.get(id) as Catalog).entries) {
      const shape = shapes[id]?.(entry);
      if (shape === undefined) continue;
      expect(ask(id, ...shape)?.cause).toMatchObject({
        code: entry.code,
        name: entry.name,
        retryable: entry.retryable,
      });
    }
  });
});

describe('templates', () => {
  const pieces = fc.array(fc.string({ maxLength: 4 }), { minLength: 2, maxLength: 5 });
  const separated = pieces.filter((list) => list.slice(1, -1).every((piece) => piece !== ''));

  it('fit what was made from them, and the arguments put back give the text', () => {
    fc.assert(
      fc.property(
        separated,
        fc.array(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 4, maxLength: 4 }),
        (template, values) => {
          const made = template.map((piece, at) => piece + (at < template.length - 1 ? values[at] : '')).join('');
          const args = fill(template, made);
          expect(args).toHaveLength(template.length - 1);
          expect(template.map((piece, at) => piece + (args?.[at] ?? '')).join('')).toBe(made);
        },
      ),
      TIMED,
    );
  });
});

describe('schedules', () => {
  it('never wait longer than they may, and never less than before', () => {
    const schedule = fc.record({
      base_ms: fc.integer({ min: 1, max: 3_600_000 }),
      factor: fc.double({ min: 1, max: 10, noNaN: true }),
      max_ms: fc.integer({ min: 1, max: 3_600_000 }),
    });
    fc.assert(
      fc.property(schedule, fc.integer({ min: 1, max: 10_000 }), (waits, failures) => {
        const wait = waitOf(waits, failures);
        expect(Number.isSafeInteger(wait) && wait <= waits.max_ms).toBe(true);
        expect(waitOf(waits, failures + 1)).toBeGreaterThanOrEqual(wait);
      }),
      TIMED,
    );
  });
});
