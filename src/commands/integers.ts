// Whether a number is an integer is told from how it is written: a double can no longer say so beyond 2^53 [OS-2.1].

const PARTS = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** True when a JSON number's text is worth a whole number: `1e1` is, and so are `10.0` and `1.5e1`. */
export function isIntegralText(raw: string): boolean {
  const parts = PARTS.exec(raw);
  if (!parts) return false;
  const fraction = parts[2] ?? '';
  const digits = (parts[1] ?? '') + fraction;
  const zeros = trailingZeros(digits);
  if (zeros === digits.length) return true;
  return Number(parts[3] ?? 0) >= fraction.length - zeros;
}

/** Counted from the end, each digit once: a regular expression would take quadratic time on a line full of zeros. */
function trailingZeros(digits: string): number {
  let at = digits.length;
  while (at > 0 && digits.charCodeAt(at - 1) === 0x30) at--;
  return digits.length - at;
}

/**
 * The double for validation: as parsed when it tells the truth about being an integer, otherwise one that does
 * (a half for what has a fraction, the largest double for integers too large for any).
 */
export function truthful(value: number, raw: string): number {
  if (Number.isSafeInteger(value) && !raw.includes('.') && !raw.includes('e') && !raw.includes('E')) return value;
  if (!isIntegralText(raw)) return Number.isInteger(value) || !Number.isFinite(value) ? 0.5 : value;
  if (Number.isFinite(value)) return value;
  return value > 0 ? Number.MAX_VALUE : -Number.MAX_VALUE;
}
