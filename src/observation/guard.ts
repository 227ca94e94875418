// Keeps a fault that comes a thousand times a second, from one place or from a thousand, from being logged as often.
import { type Logger, limited, type RepeatGuardOptions } from '../log.ts';

/** Logs the first of many: the same `key` gives one line in ten seconds, with `repeated` when some were left out. */
export type Guard = (level: 'debug' | 'info' | 'warn' | 'error', key: string, fields: object, message: string) => void;

/** Keys of one kind that are told apart at once. */
const KEYS_PER_KIND = 16;

/**
 * A guard for every kind of fault, which is the key's first word; what follows it may come from outside (an address, a path).
 * Whatever a client sends, a kind writes 17 lines in ten seconds at most and remembers 16 keys, and never crowds out another kind.
 */
export function guarded(log: Logger, options: Omit<RepeatGuardOptions, 'maxKeys'> = {}): Guard {
  const kinds = new Map<string, Guard>();
  return (level, key, fields, message) => {
    const end = key.indexOf(' ');
    const kind = end < 0 ? key : key.slice(0, end);
    let guard = kinds.get(kind);
    if (guard === undefined) {
      guard = limited(log, { ...options, maxKeys: KEYS_PER_KIND });
      kinds.set(kind, guard);
    }
    guard(level, key, fields, message);
  };
}
