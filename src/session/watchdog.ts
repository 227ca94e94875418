// Ends dead sessions: one timer that is looked at when it fires, so that feeding the watchdog costs nothing [OS-3.6].
import type { Clock, Timer } from '../clock.ts';

/** When the session would end, on the clock's `now()`, and for which of its rules. */
export interface Expiry<Reason> {
  readonly at: number;
  readonly reason: Reason;
}

export interface WatchdogOwner<Reason> {
  /** The next expiry as things stand; without a `reason` it is only a time to look again. */
  nextExpiry(): Expiry<Reason | undefined>;
  expired(reason: Reason): void;
}

export class Watchdog<Reason> {
  readonly #clock: Clock;
  readonly #owner: WatchdogOwner<Reason>;
  #timer: Timer | undefined;
  #at = Number.POSITIVE_INFINITY;
  #stopped = false;

  /** Looks at its owner at once, which must be able to tell. */
  constructor(clock: Clock, owner: WatchdogOwner<Reason>) {
    this.#clock = clock;
    this.#owner = owner;
    this.look();
  }

  /** Something happened that may bring the expiry forward. Putting it off needs no call: the timer finds out when it fires. */
  look(): void {
    if (this.#stopped) return;
    const clock = this.#clock;
    const now = clock.now();
    const { at, reason } = this.#owner.nextExpiry();
    if (at <= now && reason !== undefined) {
      this.stop();
      this.#owner.expired(reason);
      return;
    }
    if (this.#timer !== undefined && this.#at <= at) return;
    clock.clearTimer(this.#timer);
    this.#at = at;
    this.#timer = clock.setTimer(Math.max(1, at - now), () => {
      this.#timer = undefined;
      this.#at = Number.POSITIVE_INFINITY;
      this.look();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
