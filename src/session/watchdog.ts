// Ends dead sessions: one timer that is looked at when it fires, so that feeding the watchdog costs nothing [OS-3.6].
import type { Clock, Timer } from '../clock.ts';

/** When the session would end, on the clock's `now()`, and for which of its rules. */
export interface Expiry<Reason> {
  readonly at: number;
  readonly reason: Reason;
}

export interface WatchdogOptions<Reason> {
  readonly clock: Clock;
  /** The next expiry as things stand; without a `reason` it is only a time to look again. */
  readonly next: () => Expiry<Reason | undefined>;
  readonly expired: (reason: Reason) => void;
}

export class Watchdog<Reason> {
  readonly #options: WatchdogOptions<Reason>;
  #timer: Timer | undefined;
  #at = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(options: WatchdogOptions<Reason>) {
    this.#options = options;
    this.look();
  }

  /** Something happened that may bring the expiry forward. Putting it off needs no call: the timer finds out when it fires. */
  look(): void {
    if (this.#stopped) return;
    const { clock, next, expired } = this.#options;
    const now = clock.now();
    const { at, reason } = next();
    if (at <= now && reason !== undefined) {
      this.stop();
      expired(reason);
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
    this.#options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
