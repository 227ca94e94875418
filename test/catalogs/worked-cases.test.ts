// The worked cases of the specification, kept beside the tests as data.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ask } from './support.ts';

interface WorkedCase {
  readonly id: string;
  readonly catalog: string;
  readonly http_status: number;
  readonly body: unknown;
  readonly expect: { readonly code: number | string; readonly name: string; readonly retryable: boolean } | null;
}

const cases = JSON.parse(
  readFileSync(new URL('fixtures/worked-cases.json', import.meta.url), 'utf8'),
) as readonly WorkedCase[];

describe('worked cases', () => {
  it('are all here', () => {
    expect(cases.map(({ id }) => id).join(' ')).toBe('M1 M2 M3 M4 M5 S1 S2 S3 S4 S5 P1 P2 P3 P4 P5 P6 T1 T2 T3 T4 T5');
  });

  it.each(cases)('$id $catalog', ({ catalog, http_status, body, expect: expected }) => {
    const explanation = ask(catalog, http_status, body);
    if (expected === null) return expect(explanation).toBeUndefined();
    expect(explanation?.cause).toMatchObject({ catalog, ...expected });
    expect(explanation?.hint).toMatch(/\w{3,}/);
  });
});
