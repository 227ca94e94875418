// Which known error is this answer, what does it mean, and can trying again help? The one thing the rest of the gateway asks of catalogs.
import { type Answer, readAnswer } from './answer.ts';
import type { Catalog, Code, Entry } from './catalog.ts';
import { indexCatalog } from './catalog-index.ts';
import { compileConditions } from './conditions.ts';
import { compileFind, type Found } from './finders.ts';
import { adviceFor } from './retry.ts';

interface Candidate {
  name: string;
  group: string;
}

/** What a line says about a recognised error; the fields stand on the line as they are. */
export interface Cause {
  /** Id of the catalog that knows it. */
  catalog: string;
  code: Code;
  /** The documented name; null where the number is not listed, or listed more than once. */
  name: string | null;
  group?: string;
  retryable: boolean;
  /** Milliseconds to wait before trying again, where the documents say so. */
  retry_after_ms?: number;
  /** Tries after which the documents give up. */
  max_attempts?: number;
  /** The code has several meanings and nothing in the answer tells which. */
  ambiguous?: true;
  candidates?: Candidate[];
  /** What the placeholders in `name` stood for, in their order. */
  args?: string[];
}

export interface Explanation {
  /** What to do first. */
  hint?: string;
  cause: Cause;
}

export interface Explainer {
  /** True when some chosen catalog looks at answers below 400, so that successes have to be inspected too. */
  readonly inspectsSuccess: boolean;
  /**
   * The first catalog and rule that recognise the answer, or undefined.
   * `attempt` counts consecutive failures (1 = the first) for catalogs with a documented schedule. Never throws.
   */
  explain(status: number, body: Buffer | undefined, attempt?: number): Explanation | undefined;
}

/** Statuses a rule looks at when it names none: what HTTP calls an error. */
const ERRORS = { from: 400, to: 599 } as const;

/** What recognises one catalog's errors. */
interface Recogniser {
  readonly lowest: number;
  recognise(answer: Answer): Found | undefined;
  readonly catalog: Catalog;
}

/** An explainer that asks these catalogs in order; the first hit wins. The catalogs have to be valid. */
export function createExplainer(catalogs: readonly Catalog[]): Explainer {
  const recognisers = catalogs.map(compileCatalog);
  const lowest = Math.min(...recognisers.map((recogniser) => recogniser.lowest));
  return {
    inspectsSuccess: lowest < ERRORS.from,
    explain(status, body, attempt = 1) {
      if (!(status >= lowest)) return undefined;
      const answer = readAnswer(status, body);
      if (answer === undefined) return undefined;
      for (const { catalog, recognise } of recognisers) {
        const found = recognise(answer);
        if (found !== undefined) return explanationOf(catalog, found, attempt);
      }
      return undefined;
    },
  };
}

function compileCatalog(catalog: Catalog): Recogniser {
  const index = indexCatalog(catalog);
  const rules = catalog.rules.map((rule) => ({
    status: rule.status ?? ERRORS,
    holds: compileConditions(rule.when),
    find: compileFind(index, rule.find),
  }));
  return {
    catalog,
    lowest: Math.min(...rules.map((rule) => rule.status.from)),
    recognise(answer) {
      for (const { status, holds, find } of rules) {
        if (answer.status < status.from || answer.status > status.to || !holds(answer)) continue;
        const found = find(answer);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

function explanationOf(catalog: Catalog, found: Found, attempt: number): Explanation {
  const [entry, ...others] = found.entries;
  if (entry === undefined) return unlisted(catalog, found);
  const code = found.code ?? entry.code;
  // The same text in two tables of a document is one meaning, not two.
  if (others.some((other) => other.name !== entry.name)) return ambiguous(catalog, code, found.entries);
  return {
    hint: entry.hint,
    cause: {
      catalog: catalog.id,
      code,
      name: entry.name,
      ...(entry.group !== undefined && { group: entry.group }),
      ...adviceFor(catalog, entry, attempt),
      ...(found.args !== undefined && { args: [...found.args] }),
    },
  };
}

function unlisted(catalog: Catalog, { code = 0, range }: Found): Explanation {
  return {
    ...(range?.unlisted !== undefined && { hint: range.unlisted.hint }),
    cause: {
      catalog: catalog.id,
      code,
      name: null,
      ...(range !== undefined && { group: range.name }),
      retryable: false,
    },
  };
}

function ambiguous(catalog: Catalog, code: Code, entries: readonly Entry[]): Explanation {
  const candidates = entries.map(({ name, group }) => ({ name, group: group ?? catalog.title }));
  const hints = entries.map(({ name, hint }) => `if it is ${name}: ${hint}`);
  return {
    hint: `This code has ${entries.length} meanings. ${hints.join(' ')}`,
    cause: { catalog: catalog.id, code, name: null, retryable: false, ambiguous: true, candidates },
  };
}
