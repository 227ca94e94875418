// Which methods and paths a session may monitor and control, decided on exactly the path that is sent.
import { matches, type RoutePattern } from './route-pattern.ts';
import { type PathReading, readWirePath } from './wire-path.ts';

export const ROUTE_METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const;

/** One checked rule of the file. */
export interface RouteRule {
  readonly verdict: 'allow' | 'deny';
  readonly methods: ReadonlySet<string>;
  readonly pattern: RoutePattern;
  /** Absent: whoever asks. */
  readonly credentials?: ReadonlySet<string>;
  /** 0: no floor of its own. */
  readonly minPeriodMs: number;
}

interface RouteRequest {
  /** GET for MONITOR; as it is sent, in capital letters. */
  readonly method: string;
  /** As it is sent behind the path of `BACKEND_URL`, non-ASCII percent-encoded, without the query, which rules do not see. */
  readonly path: string;
  /** The name of the session's credential; undefined when it needed none. */
  readonly credential: string | undefined;
}

type RouteDecision =
  | {
      readonly allowed: true;
      /** Shortest period of a MONITOR on this route, ms; 0 for none. */
      readonly minPeriodMs: number;
    }
  | { readonly allowed: false };

const REFUSED: RouteDecision = Object.freeze({ allowed: false });

/**
 * An ordered list of rules, first match wins, nothing is allowed by default.
 *
 * A path must have one meaning: what backends read differently is refused whatever the rules say (see `readWirePath`).
 * What is left is compared in its percent-decoded form, twice: once exactly, once with case, width and composition of
 * letters folded on both sides. Both comparisons must end in an allowing rule, and the longer of their floors holds, so
 * neither a backend that tells `/Stop` from `/stop` nor one that does not can be brought past a rule.
 */
export class RouteRules {
  /** What holds without a rule file: everything is allowed. */
  static readonly EVERYTHING = new RouteRules(undefined);

  readonly #rules: readonly RouteRule[] | undefined;

  private constructor(rules: readonly RouteRule[] | undefined) {
    this.#rules = rules;
  }

  static of(rules: readonly RouteRule[]): RouteRules {
    return new RouteRules([...rules]);
  }

  /** How much a decision may have to look at, in rules of a few segments. */
  get weight(): number {
    return (this.#rules ?? []).reduce((sum, { pattern }) => sum + Math.ceil((pattern.exact.length + 1) / 6), 0);
  }

  decide(request: RouteRequest): RouteDecision {
    if (this.#rules === undefined) return { allowed: true, minPeriodMs: 0 };
    const path = readWirePath(request.path);
    if (path === undefined) return REFUSED;
    const exact = this.#first(request, path, 'exact');
    if (exact?.verdict !== 'allow') return REFUSED;
    const folded = this.#first(request, path, 'folded');
    if (folded?.verdict !== 'allow') return REFUSED;
    return { allowed: true, minPeriodMs: Math.max(exact.minPeriodMs, folded.minPeriodMs) };
  }

  #first({ method, credential }: RouteRequest, path: PathReading, reading: keyof PathReading): RouteRule | undefined {
    return this.#rules?.find(
      (rule) =>
        rule.methods.has(method) &&
        (rule.credentials === undefined || (credential !== undefined && rule.credentials.has(credential))) &&
        matches(rule.pattern, path, reading),
    );
  }
}
