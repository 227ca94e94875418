// How many sessions there are, in all and per address, counted from the connection on [OS-3.2].
import { AddressList, limitKey } from './address.ts';

interface SessionCountOptions {
  /** `MAX_SESSIONS`: sessions in all; 0 for no limit. */
  readonly max: number;
  /** `MAX_SESSIONS_PER_IP`: sessions of one IPv4 address or IPv6 /64; 0 for no limit. */
  readonly maxPerAddress: number;
  /** Addresses without a limit of their own. */
  readonly allow?: AddressList;
  /** Sessions beyond `max` kept for addresses on the allow list, so that a full gateway does not lock its operator out; default 0. */
  readonly reserve?: number;
}

/** A counted session, admitted that far. */
export class SessionSlot {
  readonly admitted = true;
  #giveBack: ((key: string | undefined) => void) | undefined;
  readonly #key: string | undefined;

  constructor(giveBack: (key: string | undefined) => void, key: string | undefined) {
    this.#giveBack = giveBack;
    this.#key = key;
  }

  /** May be called more than once, only the first counts. */
  release(): void {
    this.#giveBack?.(this.#key);
    this.#giveBack = undefined;
  }
}

/** Which limit was reached, by the name of its setting. */
interface SessionRefused {
  readonly refused: 'MAX_SESSIONS' | 'MAX_SESSIONS_PER_IP';
}

/** Holds entries for addresses with live sessions only, so it is bounded by the sessions themselves. */
export class SessionCount {
  readonly #options: SessionCountOptions;
  readonly #allow: AddressList;
  readonly #perKey = new Map<string, number>();
  #total = 0;

  constructor(options: SessionCountOptions) {
    this.#options = options;
    this.#allow = options.allow ?? AddressList.EMPTY;
  }

  /** Sessions counted now. */
  get total(): number {
    return this.#total;
  }

  /** Addresses with a limit of their own that have sessions now. */
  get addresses(): number {
    return this.#perKey.size;
  }

  /** Counts a session of this address, or tells which limit forbids it and counts nothing. */
  acquire(ip: string): SessionSlot | SessionRefused {
    const { max, maxPerAddress, reserve = 0 } = this.#options;
    const allowed = this.#allow.contains(ip);
    if (max > 0 && this.#total >= (allowed ? max + reserve : max)) return { refused: 'MAX_SESSIONS' };
    const key = allowed || maxPerAddress <= 0 ? undefined : limitKey(ip);
    if (key !== undefined) {
      const held = this.#perKey.get(key) ?? 0;
      if (held >= maxPerAddress) return { refused: 'MAX_SESSIONS_PER_IP' };
      this.#perKey.set(key, held + 1);
    }
    this.#total += 1;
    return new SessionSlot(this.#giveBack, key);
  }

  readonly #giveBack = (key: string | undefined): void => {
    this.#total -= 1;
    if (key === undefined) return;
    const left = this.#perKey.get(key)! - 1;
    if (left === 0) this.#perKey.delete(key);
    else this.#perKey.set(key, left);
  };
}
