// Whether a number is an integer is told from its text, for any spelling and any size [OS-2.1].
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isIntegralText, truthful } from '../../src/commands/integers.ts';
import { numberText } from '../framing/json-texts.ts';

/** By whole numbers only: sign·digits·10^exponent is an integer when no digit other than 0 is left behind the point. */
function reference(text: string): boolean {
  const [, whole = '', fraction = '', exponent = '0'] = /^-?(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const places = fraction.length - Number(exponent);
  if (places <= 0) return true;
  return places > 2000 ? BigInt(whole + fraction) === 0n : BigInt(whole + fraction) % 10n ** BigInt(places) === 0n;
}

describe('isIntegralText', () => {
  test('agrees with arithmetic on whole numbers', () => {
    fc.assert(
      fc.property(numberText, (text) => {
        expect(isIntegralText(text)).toBe(reference(text));
      }),
      { numRuns: 5000 },
    );
  });

  test.each([
    '0',
    '-0',
    '0.0',
    '10',
    '10.0',
    '1e1',
    '1.5e1',
    '100e-2',
    '0e-99',
    '0.00e5',
    '12.50e1',
    '9007199254740993',
    '1e400',
  ])('%s is one', (text) => {
    expect(isIntegralText(text)).toBe(true);
  });

  test.each(['0.5', '1e-1', '1.25e1', '10e-2', '1e-400', '9007199254740993.5', '-0.1'])('%s is none', (text) => {
    expect(isIntegralText(text)).toBe(false);
  });

  test.each(['', '"1"', 'null', '[1]', '+1', '1e', '0x1'])('%j is no number at all', (text) => {
    expect(isIntegralText(text)).toBe(false);
  });

  test('takes linear time for any text that fits in a line', () => {
    const texts = [
      `1${'0'.repeat(1_000_000)}1`,
      `1.${'0'.repeat(1_000_000)}1`,
      '0'.repeat(1_000_000),
      `1${'0'.repeat(1_000_000)}e-1000000`,
    ];
    const started = performance.now();
    for (const text of texts) isIntegralText(text);
    // Quadratic time would take minutes.
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('truthful', () => {
  test('the double it gives is an integer exactly when the text says so, and otherwise the value as parsed', () => {
    fc.assert(
      fc.property(numberText, (text) => {
        const value = Number(text);
        const told = truthful(value, text);
        expect(Number.isInteger(told)).toBe(reference(text));
        if (Number.isInteger(value) === reference(text) && Number.isFinite(value)) expect(told).toBe(value);
        expect(Number.isFinite(told)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test('keeps the sign of what is too large', () => {
    expect(truthful(-Infinity, '-1e400')).toBe(-Number.MAX_VALUE);
    expect(truthful(Infinity, '1e400')).toBe(Number.MAX_VALUE);
  });
});
