// What a test expects of one line: a partial match whose failure says which member was wrong.

/** A string names a `type` or an error code; an object must match every member it lists; a function decides by itself. */
export type Matcher = string | MatchObject | ((line: Json) => boolean);

export type Json = Record<string, unknown>;

/** Values may be plain JSON (compared deeply), `undefined` (must be absent), a RegExp (on strings) or a predicate. */
export interface MatchObject {
  readonly [key: string]: unknown;
}

/** undefined when the line matches, otherwise what is wrong with it. */
export function mismatch(line: Json, matcher: Matcher): string | undefined {
  if (typeof matcher === 'function') return matcher(line) ? undefined : `predicate ${String(matcher)} refused it`;
  if (typeof matcher === 'string') {
    return line['type'] === matcher || line['error'] === matcher ? undefined : `neither type nor error is ${matcher}`;
  }
  return compareMembers(line, matcher, '');
}

export function describeMatcher(matcher: Matcher): string {
  if (typeof matcher === 'string') return matcher;
  if (typeof matcher === 'function') return String(matcher);
  return JSON.stringify(matcher, (_key, value: unknown) => {
    if (value === undefined) return '<absent>';
    return value instanceof RegExp || typeof value === 'function' ? String(value) : value;
  });
}

function compareMembers(actual: Json, expected: MatchObject, path: string): string | undefined {
  for (const [key, wanted] of Object.entries(expected)) {
    const wrong = compare(actual[key], wanted, `${path}/${key}`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function compare(actual: unknown, wanted: unknown, path: string): string | undefined {
  if (wanted === undefined) return actual === undefined ? undefined : `${path} should be absent`;
  if (typeof wanted === 'function')
    return (wanted as (value: unknown) => boolean)(actual) ? undefined : `${path} refused`;
  if (wanted instanceof RegExp) {
    return typeof actual === 'string' && wanted.test(actual) ? undefined : `${path} does not match ${wanted}`;
  }
  if (Array.isArray(wanted) || wanted === null || typeof wanted !== 'object') {
    return JSON.stringify(actual) === JSON.stringify(wanted) ? undefined : `${path} is not ${JSON.stringify(wanted)}`;
  }
  if (actual === null || typeof actual !== 'object') return `${path} is not an object`;
  return compareMembers(actual as Json, wanted as MatchObject, path);
}
