// Whether the conditions of a rule hold for an answer.
import type { Answer } from './answer.ts';
import type { Condition, Scalar } from './catalog.ts';
import { parsePointer, valuesAt } from './pointer.ts';

export type Test = (answer: Answer) => boolean;

/** Pointers that are read once, not for every answer. */
export function reader(pointers: readonly string[]): (answer: Answer) => Iterable<unknown> {
  const paths = pointers.map(parsePointer);
  return function* read(answer) {
    if (answer.json === undefined) return;
    for (const path of paths) yield* valuesAt(answer.json, path);
  };
}

/** Letters a-z only: what other alphabets do when their case changes must not make two names equal. */
export function upperCase(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

function compileCondition(condition: Condition): Test {
  const read = reader([condition.at]);
  const wanted = condition.is === undefined ? undefined : list(condition.is);
  const unwanted = condition.not === undefined ? undefined : list(condition.not);
  const same = condition.ignore_case === true ? sameLetters : (a: unknown, b: Scalar) => a === b;
  return (answer) => {
    const values = [...read(answer)];
    const some = (scalars: readonly Scalar[]) => values.some((value) => scalars.some((scalar) => same(value, scalar)));
    if (condition.exists !== undefined && values.length > 0 !== condition.exists) return false;
    if (condition.type !== undefined && !values.some((value) => typeOf(value) === condition.type)) return false;
    if (wanted !== undefined && !some(wanted)) return false;
    return unwanted === undefined || !some(unwanted);
  };
}

/** True when every condition holds; a rule without conditions always applies. */
export function compileConditions(conditions: readonly Condition[] = []): Test {
  const tests = conditions.map(compileCondition);
  return (answer) => tests.every((test) => test(answer));
}

function list(value: Scalar | readonly Scalar[]): readonly Scalar[] {
  return Array.isArray(value) ? value : [value as Scalar];
}

function sameLetters(a: unknown, b: Scalar): boolean {
  if (typeof a !== 'string' || typeof b !== 'string') return a === b;
  // The lengths first: a text of 64 KiB is not rewritten to find that it is no keyword.
  return a.length === b.length && upperCase(a) === upperCase(b);
}

function typeOf(value: unknown): Condition['type'] | undefined {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : undefined;
  return typeof value as 'string' | 'object' | 'boolean';
}
