// The rules of `url` and the request target that is made of `url` and `args` [OS-2.7, OS-2.8].
import { URL_MAX_BYTES } from '../../protocol/limits.ts';
import { eachMember, rawElements } from '../framing/raw-members.ts';

interface UrlFault {
  readonly tooLong: boolean;
  readonly message: string;
}

/** White space and control characters, Unicode's and its invisible format characters included, and halves of surrogate pairs. */
const UNPRINTABLE = /[\p{White_Space}\p{Cc}\p{Cf}\p{Cs}]/u;
const BROKEN_ESCAPE = /%(?![0-9a-fA-F]{2})/;
const ENCODED_DOT = /%2e/gi;
const ENCODED_SEPARATOR = /%2f|%5c/gi;
const DOT_SEGMENT = /(?:^|\/)\.{1,2}(?:;[^/]*)?(?:\/|$)/;

/** The first rule that `url` breaks, length first, or undefined. */
export function urlFault(url: string): UrlFault | undefined {
  const bytes = url.length * 3 <= URL_MAX_BYTES ? 0 : Buffer.byteLength(url);
  if (bytes > URL_MAX_BYTES) return { tooLong: true, message: `is ${bytes} bytes long, ${URL_MAX_BYTES} are allowed` };
  const message = syntaxFault(url);
  return message === undefined ? undefined : { tooLong: false, message };
}

function syntaxFault(url: string): string | undefined {
  if (url.charCodeAt(0) !== 0x2f) return 'does not start with /';
  if (url.charCodeAt(1) === 0x2f) return 'starts with //, which would name another host';
  const unprintable = UNPRINTABLE.exec(url);
  if (unprintable) return `contains ${codePoint(unprintable[0])} at character ${unprintable.index + 1}`;
  if (url.includes('\\')) return `contains a backslash at character ${url.indexOf('\\') + 1}`;
  if (url.includes('#')) return `contains # at character ${url.indexOf('#') + 1}`;
  const broken = BROKEN_ESCAPE.exec(url);
  if (broken) return `contains a % without two hexadecimal digits at character ${broken.index + 1}`;
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  if (path.includes('.') || path.includes('%')) {
    const decoded = path.replace(ENCODED_DOT, '.');
    if (DOT_SEGMENT.test(path) || DOT_SEGMENT.test(decoded.replace(ENCODED_SEPARATOR, '/')))
      return 'contains a . or .. segment: a path may not climb';
  }
  return undefined;
}

const codePoint = (character: string): string =>
  `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;

const NON_ASCII = /[^\0-\x7f]+/g;

/** The request target: `url` with other characters than ASCII percent-encoded, then the query that `args` add. */
export function requestTarget(url: string, query: string): string {
  NON_ASCII.lastIndex = 0;
  const target = NON_ASCII.test(url) ? url.replace(NON_ASCII, encodeURIComponent) : url;
  if (query === '') return target;
  const mark = target.indexOf('?');
  if (mark < 0) return `${target}?${query}`;
  return target.endsWith('?') || target.endsWith('&') ? target + query : `${target}&${query}`;
}

/** A query may be this long whatever its `args`, and three times as long as they are: more only comes of repeating a long name. */
const QUERY_ALWAYS_BYTES = 65_536;
const LONGEST_ENCODING = 3;

type EncodedArgs =
  | { readonly query: string }
  /** A text holds half a surrogate pair, which no UTF-8 can carry; the name it stands under. */
  | { readonly unencodable: string }
  /** The query would be longer than this many bytes. */
  | { readonly tooLong: number };

/**
 * `args` as query parameters [OS-2.8]: in the order written, of equal names the last one, at its own place; numbers and literals as
 * they are spelled.
 */
export function encodeArgs(rawArgs: string): EncodedArgs {
  const last = new Map<string, string>();
  eachMember(rawArgs, rawArgs.indexOf('{'), (name, raw) => {
    last.delete(name);
    last.set(name, raw);
  });
  const longest = Math.max(QUERY_ALWAYS_BYTES, LONGEST_ENCODING * Buffer.byteLength(rawArgs));
  let length = 0;
  const pairs: string[] = [];
  for (const [name, raw] of last) {
    if (!name.isWellFormed()) return { unencodable: name };
    const key = encode(name);
    const values = raw.charCodeAt(0) === 0x5b ? rawElements(raw) : [raw];
    for (const value of values) {
      const text = argText(value);
      if (!text.isWellFormed()) return { unencodable: name };
      const pair = `${key}=${encode(text)}`;
      length += pair.length + 1;
      if (length > longest) return { tooLong: longest };
      pairs.push(pair);
    }
  }
  return { query: pairs.join('&') };
}

function argText(raw: string): string {
  const first = raw.charCodeAt(0);
  if (first === 0x22) return JSON.parse(raw) as string;
  if (raw === 'null') return '';
  return first === 0x7b || first === 0x5b ? compactText(raw) : raw;
}

const STRING_OR_SPACE = /"(?:[^"\\]|\\.)*"|[ \t\r\n]+/g;

/** White space between the tokens of valid JSON goes, all else stays. */
const compactText = (raw: string): string =>
  raw.replace(STRING_OR_SPACE, (token) => (token.charCodeAt(0) === 0x22 ? token : ''));

const RESERVED_MARKS = /[!'()*]/g;

/** Percent-encoding by RFC 3986: only letters, digits and -._~ stand for themselves. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(RESERVED_MARKS, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
