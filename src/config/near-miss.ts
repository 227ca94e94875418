// A mistyped variable is ignored by its nature; this finds those that were probably meant for us.

import { clip } from '../log.ts';

const MAX_DISTANCE = 2;
/** From this length on a name this close to ours is no accident, whatever it begins with (`BACKND_URL`). */
const LONG_NAME = 9;

/**
 * Warnings for variables that begin like ours (`BACKEND_`, `MAX_`…) and are at most two letters off one of them, or are
 * one of them in other case; also for long ones with the slip at their beginning. Their values are not shown: they may be secrets.
 */
export function nearMisses(found: Iterable<string>, known: readonly string[]): string[] {
  const ours = new Set(known);
  const prefixes = new Set(
    known.filter((name) => name.includes('_')).map((name) => name.slice(0, name.indexOf('_') + 1)),
  );
  const warnings: string[] = [];
  for (const name of found) {
    const upper = name.toUpperCase();
    const prefix = upper.slice(0, upper.indexOf('_') + 1);
    if (ours.has(name) || prefix === '' || !(prefixes.has(prefix) || upper.length >= LONG_NAME)) continue;
    const meant = closest(upper, known);
    if (meant !== undefined) warnings.push(`${clip(name)} is not a setting and is ignored: was ${meant} meant?`);
  }
  return warnings;
}

function closest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = MAX_DISTANCE + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= least) continue;
    const distance = editDistance(name, candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Levenshtein: letters to insert, delete or replace. Both texts are as short as a variable's name. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
