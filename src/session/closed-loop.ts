// Notices a session whose CONTROLs follow closely, each on the answer before it: whatever the gateway sleeps in between, they take longer.

/** How many of the latest CONTROLs decide, roughly: a few close ones are no habit yet, and one late one ends none. */
const MEMORY = 8;

export class ClosedLoop {
  #lastAt = 0;
  /** How many of the latest came close behind the one before, from 0 to 1. */
  #close = 0;

  /** The next CONTROL is sent at `now`, ms. True when most of the latest were sent within `withinMs` of the one before. */
  next(now: number, withinMs: number): boolean {
    const isClose = now - this.#lastAt <= withinMs;
    this.#lastAt = now;
    this.#close += (Number(isClose) - this.#close) / MEMORY;
    return this.#close > 0.5;
  }
}
