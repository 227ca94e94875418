// Values and texts of a parsed body, found with bounds, because the body is as hostile as whoever sent it.

/** Values one pointer yields at most: a `*` over a longer list looks at its first items only. */
export const MAX_VALUES = 64;
/** Nodes that are visited at most while every text of a body is collected. */
export const MAX_NODES = 4096;

/** Splits a JSON pointer; `/a~1b` is the name `a/b`. */
export function parsePointer(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Items of a list, or values of an object's own fields, up to `room` of them. */
function children(value: object, room: number): unknown[] {
  if (Array.isArray(value)) return value.slice(0, room);
  const found: unknown[] = [];
  // Not Object.values: that would copy a million fields to look at 64.
  for (const name in value) {
    if (found.length >= room) break;
    if (Object.hasOwn(value, name)) found.push((value as Record<string, unknown>)[name]);
  }
  return found;
}

/** The values at `path`, in the order of the body, at most MAX_VALUES. Prototypes are never reached: only own fields count. */
export function valuesAt(root: unknown, path: readonly string[]): unknown[] {
  let level: unknown[] = [root];
  for (const segment of path) {
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue;
      if (segment === '*') next.push(...children(value, MAX_VALUES - next.length));
      else if (Object.hasOwn(value, segment)) next.push((value as Record<string, unknown>)[segment]);
      if (next.length >= MAX_VALUES) break;
    }
    level = next;
  }
  return level;
}

/** Every string value of the body, those nearest to its top first, as far as MAX_NODES nodes reach. Never recursive. */
export function textsOf(root: unknown): string[] {
  const texts: string[] = [];
  const queue: unknown[] = [root];
  for (let at = 0; at < queue.length; at++) {
    const value = queue[at];
    if (typeof value === 'string') texts.push(value);
    else if (typeof value === 'object' && value !== null) queue.push(...children(value, MAX_NODES - queue.length));
  }
  return texts;
}
