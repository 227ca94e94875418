// Real controllers print 90.0 where JSON.stringify prints 90, and -0.0 where it prints 0; relays must carry that, so we write it.

const SCALE = 1e6;

/**
 * A number as a controller prints a float: always with a fraction (`90.0`, `-0.0`), shortest digits that read back as the
 * same number, an exponent of two digits below 1e-4 and from 1e16 on (`1e-05`). JSON has no NaN or infinity: `null`.
 */
export function decimal(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  const size = Math.abs(value);
  if (size >= 1e16 || (size < 1e-4 && size > 0)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  if (!Number.isInteger(value)) return String(value);
  return value === 0 && Object.is(value, -0) ? '-0.0' : `${value}.0`;
}

/** `value` to six decimals (a millionth of a degree, a nanometre); tells -0 from 0. */
export function rounded(value: number): number {
  return Math.round(value * SCALE) / SCALE;
}

/** The first `count` numbers from `start` on, as a JSON array of decimals. */
export function decimalArray(values: ArrayLike<number>, start: number, count: number): string {
  let text = '[';
  for (let i = start; i < start + count; i++) {
    if (i > start) text += ',';
    text += decimal(rounded(values[i] ?? 0));
  }
  return `${text}]`;
}
