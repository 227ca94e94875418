// Spells the names of members without escapes: V8 may take an escaped name for another one, which any client may have sent before.
import { skipSpace, skipString } from './raw-members.ts';

const COLON = 0x3a;

/**
 * The same JSON with every name that can do without escapes written so. From Node.js 24 on `JSON.parse` may read `"payloa\u0064"` as
 * `payloa\`, once somebody has sent an object with that name in the same place (nodejs/node#63785). A name that needs escapes is none
 * of the protocol's, whatever it is taken for. The text must be valid JSON.
 */
export function plainNames(text: string): string {
  if (!text.includes('\\')) return text;
  let plain = '';
  let copied = 0;
  for (let start = text.indexOf('"'); start >= 0; ) {
    const end = skipString(text, start);
    const quoted = text.slice(start, end);
    // Behind a string that is no name there is never a colon.
    if (quoted.includes('\\') && text.charCodeAt(skipSpace(text, end)) === COLON) {
      plain += text.slice(copied, start) + JSON.stringify(JSON.parse(quoted));
      copied = end;
    }
    start = text.indexOf('"', end);
  }
  return plain + text.slice(copied);
}
