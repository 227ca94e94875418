// Waiting for a condition with a bound, for what no event announces.
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 10;

/** Rejects, naming `what`, when the condition does not hold within `waitMs`. Returns how long it took, in ms. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string),
  waitMs = 10_000,
): Promise<number> {
  const begun = performance.now();
  for (;;) {
    if (await condition()) return performance.now() - begun;
    if (performance.now() - begun > waitMs) {
      throw new Error(`waited ${waitMs} ms until ${typeof what === 'string' ? what : what()}`);
    }
    await sleep(POLL_MS);
  }
}

/** Lets that much time pass because time itself is what the sentence under test is about. */
export const pass = (ms: number): Promise<void> => sleep(ms);

/** JSON text without the white space between its tokens; everything inside strings stays. */
export function tokens(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|[ \t\r\n]+/gs, (piece) => (piece.startsWith('"') ? piece : ''));
}

/** The text of a top-level member's value in a one-line JSON object, exactly as it stands on the wire. */
export function memberText(line: string, name: string): string | undefined {
  const start = line.indexOf(`"${name}":`);
  if (start < 0) return undefined;
  const from = start + name.length + 3;
  let depth = 0;
  for (let at = from; at < line.length; at += 1) {
    const char = line[at];
    if (char === '"') {
      at += 1;
      while (at < line.length && line[at] !== '"') at += line[at] === '\\' ? 2 : 1;
    } else if (char === '{' || char === '[') depth += 1;
    else if ((char === '}' || char === ']' || char === ',') && depth === 0) return line.slice(from, at);
    else if (char === '}' || char === ']') depth -= 1;
  }
  return undefined;
}
