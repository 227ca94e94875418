// Spells the names of members without escapes: V8 may take an escaped name for another one, which any client may have sent before.
import { skipSpace, skipString } from './raw-members.ts';

const COLON = 0x3a;
/** What the names of the protocol are made of, and how these characters are escaped. */
const ESCAPED = /^"(?:[a-z_]|\\u00[4-7][0-9A-Fa-f])+"$/;
const LONGEST_ESCAPED = 64;
/** No honest line has nearly as many: what a line of nothing else costs is bounded. */
const MOST_ESCAPED = 64;

/**
 * The same JSON with the names that might be the protocol's written without escapes. From Node.js 24 on `JSON.parse` may read
 * `"payloa\u0064"` as `payloa\`, once somebody has sent an object with that name in the same place (nodejs/node#63785). Other names may
 * be read wrong, too, but never as one of the protocol's, which contain no backslash. The text must be valid JSON.
 */
export function plainNames(text: string): string {
  let plain = '';
  let copied = 0;
  let count = 0;
  let escapedAt = text.indexOf('\\');
  for (let start = text.indexOf('"'); start >= 0 && escapedAt >= 0 && count < MOST_ESCAPED; ) {
    const end = skipString(text, start);
    // Behind a string that is no name there is never a colon.
    if (escapedAt < end && end - start <= LONGEST_ESCAPED && text.charCodeAt(skipSpace(text, end)) === COLON) {
      const quoted = text.slice(start, end);
      if (ESCAPED.test(quoted)) {
        plain += text.slice(copied, start) + JSON.stringify(JSON.parse(quoted));
        copied = end;
        count++;
      }
    }
    if (escapedAt < end) escapedAt = text.indexOf('\\', end);
    start = text.indexOf('"', end);
  }
  return plain + text.slice(copied);
}
