// Kinds of settings that name places on the network and what is sent there: hosts, the backend's URL, extra headers.
import { isIP } from 'node:net';
import { asIs, bad, good, MASK, maskSecret, type Read, type Spec, showText } from './spec.ts';

const HOST_MAX_CHARACTERS = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;

export function host(): Spec<string> {
  return {
    type: 'host',
    allowed: 'an IP address without brackets, or a host name',
    schema: { type: 'string', minLength: 1, maxLength: HOST_MAX_CHARACTERS },
    read: (text) =>
      isIP(text) !== 0 || isHostName(text) ? good(text) : bad('is neither an IP address nor a host name'),
    print: asIs,
    mask: showText,
  };
}

function isHostName(text: string): boolean {
  if (text.length > HOST_MAX_CHARACTERS) return false;
  const labels = text.replace(/\.$/, '').split('.');
  // A last label of digits would be a mistyped IPv4 address (256.1.1.1, 10.0.0).
  return labels.every((label) => LABEL.test(label)) && !/^[0-9]+$/.test(labels.at(-1)!);
}

/** An origin and an optional path, returned without a `/` at its end. */
export function backendUrl(): Spec<string> {
  return {
    type: 'URL',
    allowed: 'http:// or https://, host, optional port and path; no query, fragment or credentials',
    schema: { type: 'string', pattern: '^https?://[^/?#@\\s]+(?:/[^?#\\s]*)?$' },
    read: readBackendUrl,
    print: asIs,
    mask: maskUrl,
  };
}

function readBackendUrl(text: string): Read<string> {
  if (/[\s\p{Cc}\p{Cf}\\]/u.test(text)) return bad('contains white space, a control character or a backslash');
  const start = /^https?:\/\/([^/?#]*)/i.exec(text);
  if (start === null) return bad('does not begin with http:// or https://');
  if (start[1]!.includes('@')) return bad('carries credentials; put them into BACKEND_HEADERS (authorization) instead');
  if (/[?#]/.test(text)) return bad('has a query or a fragment');
  if (/%(?![0-9a-f]{2})/i.test(text)) return bad('has a % without two hex digits after it');
  if (!URL.canParse(text)) return bad('is not a valid URL');
  const url = new URL(text);
  if (url.port === '0') return bad('has port 0, where nothing can listen');
  return good(`${url.origin}${url.pathname.replace(/\/+$/, '')}`);
}

/** Whatever stands where credentials or a query could is hidden, also when the URL is refused for another reason. */
function maskUrl(text: string): string {
  return text
    .replace(/^([a-z][a-z0-9+.-]*:\/*)?.*@/is, `$1${MASK}@`)
    .replace(/[?#].*$/s, (tail) => `${tail[0]}${MASK}`);
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const HEADERS_MAX_COUNT = 64;
const HEADERS_MAX_CHARACTERS = 16_384;

/** Why a header that the gateway itself must decide is not to be fixed here. */
const RESERVED_HEADERS: Readonly<Record<string, string>> = {
  connection: 'belongs to one connection',
  'keep-alive': 'belongs to one connection',
  'proxy-connection': 'belongs to one connection',
  upgrade: 'belongs to one connection',
  te: 'belongs to one connection',
  trailer: 'belongs to one message',
  'transfer-encoding': 'belongs to one message',
  'content-length': 'belongs to one message',
  expect: 'would hold requests back',
  'accept-encoding': 'would bring compressed answers, which are relayed as they are',
};

/** A JSON object of header names and values; names come out in lower case. `host` may be set. */
export function headers(): Spec<Record<string, string>> {
  return {
    type: 'JSON object',
    allowed:
      'header names and their string values, such as `{"authorization":"Bearer …"}`; none that HTTP itself needs',
    schema: { type: 'object', propertyNames: { pattern: '^[^A-Z\\s]+$' }, additionalProperties: { type: 'string' } },
    empty: {},
    secret: true,
    read: readHeaders,
    print: (value) => Object.fromEntries(Object.keys(value).map((name) => [name, MASK])),
    mask: maskSecret,
  };
}

function readHeaders(text: string): Read<Record<string, string>> {
  if (text.length > HEADERS_MAX_CHARACTERS) return bad(`is longer than ${HEADERS_MAX_CHARACTERS} characters`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return bad('is not valid JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return bad('is not a JSON object');
  const entries = Object.entries(parsed);
  if (entries.length > HEADERS_MAX_COUNT) return bad(`has more than ${HEADERS_MAX_COUNT} headers`);
  const seen = new Map<string, string>();
  for (const [index, [written, value]] of entries.entries()) {
    const name = written.toLowerCase();
    const why = headerFault(name, value) ?? (seen.has(name) ? 'is there twice (case does not count)' : undefined);
    if (why !== undefined) return bad(`entry ${index + 1} ${why}`);
    seen.set(name, value as string);
  }
  return good(Object.fromEntries(seen));
}

/** Names the place only: what stands in a malformed name may be the secret itself. */
function headerFault(name: string, value: unknown): string | undefined {
  if (!TOKEN.test(name)) return 'has a name that is not a legal header name';
  if (Object.hasOwn(RESERVED_HEADERS, name)) return `sets ${name}, which ${RESERVED_HEADERS[name]}`;
  if (typeof value !== 'string') return 'has a value that is not a string';
  return HEADER_VALUE.test(value) ? undefined : 'has a value with a control character or one that HTTP cannot carry';
}
