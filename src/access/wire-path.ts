// What a backend may take a path for: rules are only worth something when no spelling means more than one thing to it.

/** A path as its decoded segments; a slash at the end does not count. */
export interface PathReading {
  /** For a backend that compares names as they are. */
  readonly exact: readonly string[];
  /** For a backend that ignores case, width and composition of letters, or takes `+` for a space. */
  readonly folded: readonly string[];
}

/** 2048 bytes of a url, each as an escape, and the path of a base URL. */
const MAX_LENGTH = 8192;

const WIRE_PATH = /^\/[\x21-\x7e]*$/;

/** Each splits, ends or escapes a path for some backend, raw or out of an escape; `;` starts parameters. */
const MARKS = '/\\?#;%';

/** Nobody encodes these but to disguise them; `~` is missing here, since old libraries encode it. */
const UNRESERVED = /[A-Za-z0-9._-]/;

/** What cannot be seen in a name may be dropped or changed on the way to its comparison. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/** Names that some file system or framework takes for another: `.`, `..`, `name.`, `name ` and ` name`. */
const UNSTABLE_NAME = /^$|^\s|[.\s]$/u;

/**
 * Reads the path of a request exactly as it goes on the wire, without its query; undefined when it must not be sent
 * under any rules, because one backend would take it for another path than the next:
 * anything but visible ASCII, `\ # ? ;`; a broken escape; an escape for a letter, digit, `-`, `.` or `_`, for one of
 * `/ \ ? # ; %`, for a control or invisible character, or for bytes that are not UTF-8; empty segments; segments that
 * begin with a space or end with a dot or a space, `.` and `..` among them, also when they become so by folding (`name+`).
 */
export function readWirePath(path: string): PathReading | undefined {
  if (path.length > MAX_LENGTH || !WIRE_PATH.test(path)) return undefined;
  const decoded = path.includes('%') ? decodeEscapes(path) : path;
  return decoded === undefined ? undefined : readSegments(segmentsOf(decoded));
}

/** The two readings of decoded segments; undefined when one of them has no single meaning. */
export function readSegments(segments: readonly string[]): PathReading | undefined {
  const folded = segments.map(fold);
  if (segments.some(isAmbiguous) || folded.some(isAmbiguous)) return undefined;
  return { exact: segments, folded };
}

/** What stands between the slashes of a decoded path. */
export function segmentsOf(path: string): string[] {
  const end = path.endsWith('/') ? -1 : undefined;
  return path === '/' ? [] : path.slice(1, end).split('/');
}

/** Percent-decodes once; undefined for escapes no honest client writes. */
export function decodeEscapes(text: string): string | undefined {
  for (let at = text.indexOf('%'); at !== -1; at = text.indexOf('%', at + 3)) {
    const hex = text.slice(at + 1, at + 3);
    if (!/^[0-9A-Fa-f]{2}$/.test(hex)) return undefined;
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    if (MARKS.includes(character) || UNRESERVED.test(character)) return undefined;
  }
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function isAmbiguous(segment: string): boolean {
  if (UNSTABLE_NAME.test(segment) || INVISIBLE.test(segment)) return true;
  for (const mark of MARKS) if (segment.includes(mark)) return true;
  return false;
}

/** Upper case first: it joins letters that lower case leaves apart, such as the long s and the dotless i. */
function fold(segment: string): string {
  return segment.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC').replaceAll('+', ' ');
}
