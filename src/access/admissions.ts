// Whether one more connection may become a session: the rate of its address first, then the number of sessions.
import type { AddressList } from './address.ts';
import { RateLimit } from './rate-limit.ts';
import { SessionCount } from './session-count.ts';

interface AdmissionLimits {
  readonly maxSessions: number;
  readonly maxSessionsPerIp: number;
  readonly maxConnectionsPerSecondPerIp: number;
}

/** A place among the sessions. */
export interface Place {
  readonly admitted: true;
  /** Gives it back; only the first call counts. */
  release(): void;
}

/** A place, or the reason why there is none [OS-3.2]. */
export type Admission =
  | Place
  | { readonly admitted: false; readonly reason: 'full' | 'rate_limited'; readonly message: string };

/** Sessions kept for addresses on the allow list when the gateway is full, so that its operator is never locked out. */
const OPERATOR_RESERVE = 16;

export class Admissions {
  readonly #rate: RateLimit;
  readonly #count: SessionCount;

  constructor(limits: AdmissionLimits, allow: AddressList, now: () => number) {
    this.#rate = new RateLimit({ perSecond: limits.maxConnectionsPerSecondPerIp, now, allow });
    this.#count = new SessionCount({
      max: limits.maxSessions,
      maxPerAddress: limits.maxSessionsPerIp,
      allow,
      reserve: OPERATOR_RESERVE,
    });
  }

  admit(address: string): Admission {
    if (this.#rate.take(this.#rate.keyOf(address)) > 0) {
      const message = 'this address opens connections too fast (MAX_CONNECTIONS_PER_SECOND_PER_IP)';
      return { admitted: false, reason: 'rate_limited', message };
    }
    const slot = this.#count.acquire(address);
    if ('refused' in slot)
      return {
        admitted: false,
        reason: 'full',
        message: `the gateway has as many sessions as it may (${slot.refused})`,
      };
    return slot;
  }
}
