// What backends of all sorts may make of a path, and a second, naive reading of the rules to judge the result by.

export interface PlainRule {
  readonly path: string;
  readonly allow?: string | readonly string[];
  readonly deny?: string | readonly string[];
  readonly credentials?: readonly string[];
  readonly min_period_ms?: number;
}

interface PlainRequest {
  readonly method: string;
  readonly credential: string | undefined;
}

/** The floor of the first rule that matches the decoded path, or undefined when it is refused. */
export function judge(rules: readonly PlainRule[], request: PlainRequest, path: string): number | undefined {
  const segments = path.split('/').filter((segment) => segment !== '');
  for (const rule of rules) {
    const methods = rule.allow ?? rule.deny ?? [];
    const named = { all: ['GET', 'POST', 'PUT', 'DELETE'], monitor: ['GET'], control: ['POST', 'PUT', 'DELETE'] };
    const list = typeof methods === 'string' ? named[methods as keyof typeof named] : methods;
    if (!list.includes(request.method)) continue;
    if (rule.credentials !== undefined && !rule.credentials.includes(request.credential ?? '')) continue;
    const wanted = rule.path.split('/').filter((segment) => segment !== '');
    if (!covers(wanted, segments)) continue;
    return rule.allow === undefined ? undefined : (rule.min_period_ms ?? 0);
  }
  return undefined;
}

function covers(wanted: readonly string[], segments: readonly string[]): boolean {
  const [head, ...rest] = wanted;
  if (head === '**') return true;
  if (head === undefined) return segments.length === 0;
  return segments.length > 0 && (head === '*' || head === segments[0]) && covers(rest, segments.slice(1));
}

type Reading = (path: string) => string;

const decodeUtf8: Reading = (path) => {
  try {
    return decodeURIComponent(path);
  } catch {
    return decodeLenient(path);
  }
};
/** Bytes above 127 become whatever; what matters is that the ASCII ones come out. */
const decodeLenient: Reading = (path) =>
  path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
/** Decoders that accept overlong UTF-8 take %C0%AE for a dot. */
const decodeOverlong: Reading = (path) =>
  decodeLenient(
    path.replace(/%c([01])%([89ab][0-9a-f])/gi, (_, high: string, low: string) =>
      String.fromCharCode((Number(high) << 6) | (Number.parseInt(low, 16) & 0x3f)),
    ),
  );
const decodeWide: Reading = (path) =>
  path.replace(/%u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
const backslashes: Reading = (path) => path.replaceAll('\\', '/');
const parameters: Reading = (path) => path.replace(/;[^/]*/g, '');
const cutQuery: Reading = (path) => path.replace(/[?#].*$/s, '');
const cutNul: Reading = (path) => path.replace(/\0.*$/s, '');
const lower: Reading = (path) => path.toLowerCase();
const upperThenLower: Reading = (path) => path.toUpperCase().toLowerCase();
const compatible: Reading = (path) => path.normalize('NFKC');
const plusIsSpace: Reading = (path) => path.replaceAll('+', ' ');
const dropControls: Reading = (path) => path.replace(/[\0-\x1f\x7f]/g, '');
const dropInvisible: Reading = (path) => path.replace(/\p{Default_Ignorable_Code_Point}/gu, '');
const trimNames: Reading = (path) =>
  path
    .split('/')
    .map((name) => (/^\.{1,2}$/.test(name) ? name : name.replace(/[. ]+$/, '').replace(/^ +/, '')))
    .join('/');
const climb: Reading = (path) => {
  const out: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') out.pop();
    else if (segment !== '.' && segment !== '') out.push(segment);
  }
  return `/${out.join('/')}`;
};

/** Every one a plausible backend, from the most faithful to the most helpful. */
export const READINGS: Readonly<Record<string, readonly Reading[]>> = {
  'decodes once': [decodeUtf8, climb],
  'climbs, then decodes': [climb, decodeUtf8],
  'decodes twice': [decodeUtf8, climb, decodeUtf8, climb],
  'takes backslashes for slashes': [decodeUtf8, backslashes, climb],
  'strips parameters, then decodes': [parameters, decodeUtf8, climb],
  'decodes, then strips parameters': [decodeUtf8, parameters, climb],
  'looks for the query after decoding': [decodeUtf8, cutQuery, climb],
  'ends at NUL': [decodeUtf8, cutNul, climb],
  'ignores case': [decodeUtf8, climb, lower],
  'ignores case by capitals': [decodeUtf8, climb, upperThenLower],
  'composes letters': [decodeUtf8, compatible, climb],
  'composes letters and ignores case': [decodeUtf8, compatible, upperThenLower, compatible, climb],
  'takes + for a space': [plusIsSpace, decodeUtf8, trimNames, climb],
  'drops control characters': [decodeUtf8, dropControls, climb],
  'drops what cannot be seen': [decodeUtf8, dropInvisible, climb],
  'trims names like a Windows file system': [decodeUtf8, backslashes, trimNames, climb, lower],
  'decodes bytes': [decodeLenient, climb],
  'decodes overlong UTF-8': [decodeOverlong, climb],
  'decodes %u': [decodeWide, decodeUtf8, climb],
};

export function readAs(reading: readonly Reading[], path: string): string {
  return reading.reduce((text, step) => step(text), path);
}

/** The url rules of the contract as far as the path goes, then what is sent; undefined when the contract refuses it [OS-2.7]. */
export function contractWirePath(url: string): string | undefined {
  if (!url.startsWith('/') || url.startsWith('//') || Buffer.byteLength(url) > 2048) return undefined;
  if (/[\p{White_Space}\p{Cc}\p{Cf}\p{Cs}\\#]/u.test(url) || /%(?![0-9a-f]{2})/i.test(url)) return undefined;
  const path = url.split('?', 1)[0]!;
  for (const once of [path, decodeLenient(path)]) {
    if (once.split(/[/\\]/).some((segment) => segment === '.' || segment === '..')) return undefined;
  }
  return path.replace(/[^\0-\x7f]+/gu, encodeURIComponent);
}
