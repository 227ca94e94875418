// How often one address may knock or command: a token bucket per address, bounded, with an allow list that is never limited.
import { AddressList, limitKey } from './address.ts';
import { BoundedTable } from './bounded-table.ts';

interface RateLimitOptions {
  /** Sustained rate per address; 0 turns the limit off. */
  readonly perSecond: number;
  /** How many may come at once after a pause; default one second's worth, at least 1. */
  readonly burst?: number;
  /** Milliseconds on any monotonic clock. */
  readonly now: () => number;
  /** Addresses that are never limited. */
  readonly allow?: AddressList;
  /** Addresses remembered; the one quiet for the longest time is forgotten first, most likely with a full bucket; default 10000. */
  readonly maxAddresses?: number;
}

/** What one admission costs: thousandths, so that whole milliseconds at a whole rate add up exactly. */
const COST = 1000;

interface Bucket {
  credit: number;
  at: number;
}

/** One rate for each limit key: connections per second, or commands per second, of an IPv4 address or IPv6 /64. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #fullCredit: number;
  readonly #now: () => number;
  readonly #allow: AddressList;
  readonly #table: BoundedTable<Bucket>;

  constructor(options: RateLimitOptions) {
    this.#perSecond = options.perSecond;
    this.#fullCredit = COST * Math.max(1, options.burst ?? options.perSecond);
    this.#now = options.now;
    this.#allow = options.allow ?? AddressList.EMPTY;
    this.#table = new BoundedTable(options.maxAddresses ?? 10_000);
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#table.size;
  }

  /** What `take` counts by; undefined when nothing limits this address. Ask once per connection, not once per command. */
  keyOf(ip: string): string | undefined {
    return this.#perSecond <= 0 || this.#allow.contains(ip) ? undefined : limitKey(ip);
  }

  /** 0: admitted and counted. Otherwise not counted, and this many ms (at least 1) until one would be admitted. */
  take(key: string | undefined): number {
    if (key === undefined) return 0;
    const now = this.#now();
    const bucket = this.#table.use(key, () => ({ credit: this.#fullCredit, at: now }));
    bucket.credit = Math.min(this.#fullCredit, bucket.credit + Math.max(0, now - bucket.at) * this.#perSecond);
    bucket.at = now;
    if (bucket.credit >= COST) {
      bucket.credit -= COST;
      return 0;
    }
    return Math.max(1, Math.ceil((COST - bucket.credit) / this.#perSecond));
  }
}
