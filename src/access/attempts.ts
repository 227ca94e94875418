// Guessing tokens must not be cheap: each refused HANDSHAKE of an address makes its next refusal come later [OS-6.3].
import { limitKey } from './address.ts';
import { BoundedTable } from './bounded-table.ts';

interface FailedAttemptsOptions {
  /** Milliseconds on any monotonic clock. */
  readonly now: () => number;
  /** Failures answered at once, for a mistyped token; default 2. */
  readonly free?: number;
  /** Delay of the first failure that is not free, in ms, doubled by each further one; default 250. */
  readonly firstDelayMs?: number;
  /** Longest delay, in ms; default 5000. */
  readonly maxDelayMs?: number;
  /** Time without a failure after which one is forgotten, in ms; default 60000. */
  readonly forgetMs?: number;
  /** Addresses remembered, by limit key; the one quiet for the longest time is forgotten first; default 10000. */
  readonly maxAddresses?: number;
}

interface Failures {
  count: number;
  at: number;
  /** Until when no further attempt of this address is looked at. */
  until: number;
}

/**
 * Failed authentication attempts per address. It only tells how long a refusal waits; whoever sends it keeps the time,
 * counts the waiting connection as a session all the while, and reads nothing further from it.
 */
export class FailedAttempts {
  readonly #now: () => number;
  readonly #free: number;
  readonly #firstDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #forgetMs: number;
  /** Failures beyond this change nothing; not counting them lets an address recover in a foreseeable time. */
  readonly #maxCount: number;
  readonly #table: BoundedTable<Failures>;

  constructor(options: FailedAttemptsOptions) {
    this.#now = options.now;
    this.#free = options.free ?? 2;
    this.#firstDelayMs = options.firstDelayMs ?? 250;
    this.#maxDelayMs = options.maxDelayMs ?? 5000;
    this.#forgetMs = options.forgetMs ?? 60_000;
    this.#maxCount = this.#free + 1 + Math.ceil(Math.log2(Math.max(1, this.#maxDelayMs / this.#firstDelayMs)));
    this.#table = new BoundedTable(options.maxAddresses ?? 10_000);
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#table.size;
  }

  /** Counts a failure of this address; the answer is how many ms its refusal waits, 0 for at once. */
  failed(ip: string): number {
    const now = this.#now();
    const failures = this.#table.use(limitKey(ip), () => ({ count: 0, at: now, until: now }));
    const forgotten = Math.floor(Math.max(0, now - failures.at) / this.#forgetMs);
    failures.count = Math.min(this.#maxCount, Math.max(0, failures.count - forgotten) + 1);
    failures.at = now;
    if (failures.count <= this.#free) return 0;
    const delay = Math.min(this.#maxDelayMs, this.#firstDelayMs * 2 ** (failures.count - this.#free - 1));
    failures.until = now + delay;
    return delay;
  }

  /** How long the next attempt of this address waits, ms: whoever hangs up before a refusal comes gains nothing by it. */
  waitMs(ip: string): number {
    const failures = this.#table.get(limitKey(ip));
    return failures === undefined ? 0 : Math.max(0, failures.until - this.#now());
  }

  /** A right token: the failures of this address were slips and are forgiven. */
  succeeded(ip: string): void {
    this.#table.delete(limitKey(ip));
  }
}
