// One framed line → one JSON object, or the one sentence that says which byte is at fault.
import { isAscii, isUtf8 } from 'node:buffer';
import { scanJson } from './json-text.ts';
import { plainNames } from './plain-names.ts';

export interface DecodedLine {
  /** The line's text, for the raw spelling of what it contains. */
  readonly text: string;
  /** Its length as it came, in bytes of UTF-8. */
  readonly bytes: number;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Why a line is no JSON object; always answered by `invalid_ndjson` [OS-1.5]. */
interface LineFault {
  readonly fault: string;
}

export function decodeLine(bytes: Buffer): DecodedLine | LineFault {
  let text: string;
  if (isAscii(bytes)) text = bytes.toString('latin1');
  else if (isUtf8(bytes)) text = bytes.toString('utf8');
  else return { fault: `not valid UTF-8 at byte ${utf8FaultAt(bytes) + 1} of the line` };
  let value: unknown;
  try {
    value = JSON.parse(text);
    const plain = plainNames(text);
    if (plain !== text) value = JSON.parse(plain);
  } catch {
    return { fault: describeFault(bytes) };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { fault: `the line is ${nameOf(value)}, not a JSON object` };
  return { text, bytes: bytes.length, value: value as Record<string, unknown> };
}

function describeFault(bytes: Buffer): string {
  const at = scanJson(bytes);
  if (at < 0 || at >= bytes.length) return `not valid JSON: the line ends too early, after byte ${bytes.length}`;
  const byte = bytes[at]!;
  const shown =
    byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte 0x${byte.toString(16).padStart(2, '0')}`;
  return `not valid JSON at byte ${at + 1} of the line: unexpected ${shown}`;
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}

/** Offset of the first byte that no UTF-8 text can have there; only called once a line is known to be broken. */
function utf8FaultAt(bytes: Buffer): number {
  let low = 0;
  let high = bytes.length;
  // The longest valid prefix, give or take the bytes of a character cut short: at most three steps back.
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    let cut = middle;
    while (cut > 0 && middle - cut < 4 && !isUtf8(bytes.subarray(0, cut))) cut--;
    if (isUtf8(bytes.subarray(0, cut))) low = middle;
    else high = middle - 1;
  }
  let valid = low;
  while (valid > 0 && !isUtf8(bytes.subarray(0, valid))) valid--;
  return valid;
}
