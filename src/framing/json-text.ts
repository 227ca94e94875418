// Checks JSON as bytes without building it, so that a value can be spliced into a line exactly as it was written.

/** `scanJson`: one JSON value without raw line breaks; it can stand in a line as it is. */
export const PLAIN = -1;
/** `scanJson`: one JSON value that contains line breaks between its tokens; `compactJson` removes them. */
export const BROKEN_LINES = -2;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const LETTER_U = 0x75;

/** What may come next. */
const VALUE = 0;
const VALUE_OR_END = 1;
const KEY = 2;
const KEY_OR_END = 3;
const AFTER = 4;

const IN_OBJECT = 1;
const IN_ARRAY = 2;

const LITERALS: Readonly<Record<number, Uint8Array>> = {
  116: Buffer.from('true'),
  102: Buffer.from('false'),
  110: Buffer.from('null'),
};

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;
const isHex = (byte: number | undefined): boolean =>
  isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);

/** A fault inside a token: its offset, told apart from "the token ends here" by its sign. */
const faultAt = (offset: number): number => -offset - 1;

/**
 * One pass over the bytes, no allocation but one byte per level of nesting; never recursive, so depth cannot hurt.
 * Answers `PLAIN`, `BROKEN_LINES`, or the offset (≥ 0) of the first byte that cannot stand there; the length when the text ends too
 * early. Accepts what `JSON.parse` accepts. UTF-8 is not checked.
 */
export function scanJson(bytes: Uint8Array): number {
  const length = bytes.length;
  let nesting = new Uint8Array(32);
  let depth = 0;
  let expected = VALUE;
  let breaks = false;
  let i = 0;
  for (;;) {
    let byte = bytes[i];
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      if (byte !== 0x20 && byte !== 0x09) breaks = true;
      byte = bytes[++i];
    }
    if (i >= length || byte === undefined)
      return expected === AFTER && depth === 0 ? (breaks ? BROKEN_LINES : PLAIN) : length;
    if (expected === AFTER) {
      if (depth === 0) return i;
      const inside = nesting[depth - 1];
      if (byte === COMMA) expected = inside === IN_OBJECT ? KEY : VALUE;
      else if (byte === (inside === IN_OBJECT ? CLOSE_BRACE : CLOSE_BRACKET)) depth--;
      else return i;
      i++;
    } else if (expected === KEY || expected === KEY_OR_END) {
      if (byte === CLOSE_BRACE && expected === KEY_OR_END) {
        depth--;
        expected = AFTER;
        i++;
        continue;
      }
      if (byte !== QUOTE) return i;
      i = skipString(bytes, i);
      if (i < 0) return -i - 1;
      byte = bytes[i];
      while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
        if (byte !== 0x20 && byte !== 0x09) breaks = true;
        byte = bytes[++i];
      }
      if (byte !== COLON) return i;
      i++;
      expected = VALUE;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (depth === nesting.length) {
        const grown = new Uint8Array(depth * 2);
        grown.set(nesting);
        nesting = grown;
      }
      nesting[depth++] = byte === OPEN_BRACE ? IN_OBJECT : IN_ARRAY;
      expected = byte === OPEN_BRACE ? KEY_OR_END : VALUE_OR_END;
      i++;
    } else if (byte === CLOSE_BRACKET && expected === VALUE_OR_END) {
      depth--;
      expected = AFTER;
      i++;
    } else {
      i = skipScalar(bytes, i, byte);
      if (i < 0) return -i - 1;
      expected = AFTER;
    }
  }
}

function skipScalar(bytes: Uint8Array, from: number, first: number): number {
  if (first === QUOTE) return skipString(bytes, from);
  if (first === MINUS || isDigit(first)) return skipNumber(bytes, from);
  const literal = LITERALS[first];
  if (!literal) return faultAt(from);
  for (let k = 1; k < literal.length; k++) if (bytes[from + k] !== literal[k]) return faultAt(from + k);
  return from + literal.length;
}

/** Answers the offset behind the closing quote, or a fault. */
function skipString(bytes: Uint8Array, from: number): number {
  let i = from + 1;
  for (;;) {
    const byte = bytes[i];
    if (byte === undefined) return faultAt(bytes.length);
    if (byte === QUOTE) return i + 1;
    if (byte < 0x20) return faultAt(i);
    if (byte !== BACKSLASH) {
      i++;
      continue;
    }
    const escaped = bytes[i + 1];
    if (escaped === LETTER_U) {
      for (let k = 2; k < 6; k++) if (!isHex(bytes[i + k])) return faultAt(Math.min(i + k, bytes.length));
      i += 6;
    } else if (escaped !== undefined && ESCAPES.has(escaped)) {
      i += 2;
    } else {
      return faultAt(Math.min(i + 1, bytes.length));
    }
  }
}

/** The bytes that may follow a backslash, `u` aside. */
const ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));

function skipNumber(bytes: Uint8Array, from: number): number {
  let i = from;
  if (bytes[i] === MINUS) i++;
  if (bytes[i] === ZERO) i++;
  else if (isDigit(bytes[i])) while (isDigit(bytes[i])) i++;
  else return faultAt(i);
  if (bytes[i] === DOT) {
    if (!isDigit(bytes[++i])) return faultAt(i);
    while (isDigit(bytes[i])) i++;
  }
  if (((bytes[i] ?? 0) | 0x20) === 0x65) {
    i++;
    if (bytes[i] === PLUS || bytes[i] === MINUS) i++;
    if (!isDigit(bytes[i])) return faultAt(i);
    while (isDigit(bytes[i])) i++;
  }
  return i;
}

/** Removes the white space between the tokens of valid JSON; every other byte, and so every number's spelling, stays. */
export function compactJson(bytes: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(bytes.length);
  let at = 0;
  let i = 0;
  while (i < bytes.length) {
    const byte = bytes[i]!;
    if (byte === QUOTE) {
      const end = skipString(bytes, i);
      while (i < end) out[at++] = bytes[i++]!;
    } else {
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) out[at++] = byte;
      i++;
    }
  }
  return out.subarray(0, at);
}
