// Finds the text of an object's members, so that numbers, bodies and ids can be relayed character for character [OS-2.9].

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Calls `visit` with each member of the object whose `{` stands at `open`: its decoded name and its value's raw text, in the order
 * written, equal names included. The text must be valid JSON (`JSON.parse` accepted it). Never recursive.
 */
export function eachMember(text: string, open: number, visit: (name: string, raw: string) => void): void {
  let i = skipSpace(text, open + 1);
  while (text.charCodeAt(i) === QUOTE) {
    const nameEnd = skipString(text, i);
    const quoted = text.slice(i, nameEnd);
    const name = quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
    const start = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const end = skipValue(text, start);
    visit(name, text.slice(start, end));
    i = skipSpace(text, end);
    if (text.charCodeAt(i) !== 0x2c) return;
    i = skipSpace(text, i + 1);
  }
}

/** The raw texts of an object's members by name, the last of equal names winning, as `JSON.parse` has it. */
export function rawMembers(text: string, open = skipSpace(text, 0)): Map<string, string> {
  const members = new Map<string, string>();
  eachMember(text, open, (name, raw) => members.set(name, raw));
  return members;
}

/** The raw texts of an array's elements. */
export function rawElements(text: string): string[] {
  const elements: string[] = [];
  let i = skipSpace(text, skipSpace(text, 0) + 1);
  while (text.charCodeAt(i) !== 0x5d) {
    const end = skipValue(text, i);
    elements.push(text.slice(i, end));
    i = skipSpace(text, end);
    if (text.charCodeAt(i) === 0x2c) i = skipSpace(text, i + 1);
  }
  return elements;
}

/** The first place from `from` on that is no white space. */
export function skipSpace(text: string, from: number): number {
  let i = from;
  for (;;) {
    const c = text.charCodeAt(i);
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return i;
    i++;
  }
}

/** The place behind the string whose quote stands at `from`. */
export function skipString(text: string, from: number): number {
  let end = text.indexOf('"', from + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}

function skipValue(text: string, from: number): number {
  let depth = 0;
  let i = from;
  for (;;) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) i = skipString(text, i);
    else if (c === 0x7b || c === 0x5b) {
      depth++;
      i++;
    } else if (c === 0x7d || c === 0x5d) {
      if (depth === 0) return i;
      depth--;
      i++;
    } else if (depth > 0) {
      i++;
      continue;
    } else {
      // A number or a literal at the top: it ends at the first byte that belongs to neither.
      let k = i;
      while (k < text.length) {
        const d = text.charCodeAt(k);
        if (d === 0x2c || d === 0x7d || d === 0x5d || d === 0x20 || d === 0x0a || d === 0x0d || d === 0x09) return k;
        k++;
      }
      return k;
    }
    if (depth === 0) return i;
  }
}
