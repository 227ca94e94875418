// Asks one or more catalogs about an answer, so that a case in a test is one line.

import type { Cause, Explainer, Explanation } from '../../src/catalogs/explainer.ts';
import { loadCatalogs } from '../../src/catalogs/load.ts';

const explainers = new Map<string, Explainer>();

/** The explainer for a comma-separated choice, as ERROR_CATALOGS would make it. */
export function explainerFor(choice: string): Explainer {
  const known = explainers.get(choice);
  if (known !== undefined) return known;
  const { explainer, faults } = loadCatalogs(choice.split(','));
  if (explainer === undefined) throw new Error(faults.join('\n'));
  explainers.set(choice, explainer);
  return explainer;
}

/** A string or Buffer is the body as it is; anything else is sent as JSON. */
export function ask(choice: string, status: number, body: unknown, attempt?: number): Explanation | undefined {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return explainerFor(choice).explain(status, bytes, attempt);
}

/** Fields a cause has to have; undefined says that a field must not be there. */
export type Expected = { readonly [K in keyof Cause]?: Cause[K] | undefined };

/** One row of a table of cases: what came, and what the cause has to say (null: nothing is recognised). */
export type Case = readonly [what: string, status: number, body: unknown, expected: Expected | null];

/** The fields of `cause` that `expected` names; undefined when nothing was recognised. */
export function seen(choice: string, [, status, body, expected]: Case): Expected | null {
  const cause = ask(choice, status, body)?.cause;
  if (cause === undefined) return null;
  if (expected === null) return cause;
  return Object.fromEntries(Object.keys(expected).map((field) => [field, cause[field as keyof Cause]]));
}
