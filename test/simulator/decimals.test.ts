// The spelling of numbers: what typed clients rely on, and that no number changes by being written.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimal, decimalArray, rounded } from '../../src/simulator/decimals.ts';

describe('decimal', () => {
  it.each([
    [0, '0.0'],
    [-0, '-0.0'],
    [90, '90.0'],
    [-90, '-90.0'],
    [1782, '1782.0'],
    [0.1, '0.1'],
    [-2.5, '-2.5'],
    [123456.789, '123456.789'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [1.5e-7, '1.5e-07'],
    [1e15, '1000000000000000.0'],
    [1e16, '1e+16'],
    [1.25e100, '1.25e+100'],
    [5e-324, '5e-324'],
  ])('writes %d as %s', (value, text) => {
    expect(decimal(value)).toBe(text);
  });

  it('has only null for what JSON cannot say', () => {
    expect([decimal(Number.NaN), decimal(Number.POSITIVE_INFINITY)]).toEqual(['null', 'null']);
  });

  it('always has a point or an exponent, and reads back as the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = decimal(value);
        expect(text).toMatch(/^-?\d+(\.\d+)?(e[+-]\d{2,})?$/);
        expect(text).toMatch(/[.e]/);
        expect(Object.is(JSON.parse(text), value)).toBe(true);
      }),
      { interruptAfterTimeLimit: 1500 },
    );
  });
});

describe('rounding', () => {
  it('keeps six decimals and the sign of zero', () => {
    expect(rounded(1.23456789)).toBe(1.234568);
    expect(Object.is(rounded(-1e-9), -0)).toBe(true);
    expect(decimalArray([1, -0, 0.1234567, 4], 1, 2)).toBe('[-0.0,0.123457]');
  });
});
