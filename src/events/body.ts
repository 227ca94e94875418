// A REST body as it stands in a line: the very bytes when they are one JSON value, a string of its text when not [OS-2.4].
import { isUtf8 } from 'node:buffer';
import { BROKEN_LINES, compactJson, PLAIN, scanJson } from '../framing/json-text.ts';

/**
 * JSON text for a body that is not empty. Without raw line breaks the bytes are checked and used as they are; only bodies with
 * line breaks are made compact, keeping every number's characters. A byte order mark before the value is left out.
 */
export function bodyJson(body: Buffer): Buffer {
  const marked = body.length >= 3 && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  const bytes = marked ? body.subarray(3) : body;
  const verdict = scanJson(bytes);
  if ((verdict === PLAIN || verdict === BROKEN_LINES) && isUtf8(bytes))
    return verdict === PLAIN ? bytes : compactJson(bytes);
  return Buffer.from(JSON.stringify(body.toString('utf8')));
}

/** The same as text; undefined for an empty body. */
export const bodyText = (body: Buffer): string | undefined =>
  body.length === 0 ? undefined : bodyJson(body).toString('utf8');
