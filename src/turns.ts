// Shares each turn of the event loop among all that have work, so that whatever comes at once holds nobody else up for long.

/** Somebody with work left over from a turn. */
export interface Runnable {
  /** Goes on until its work is done or `take` refuses. */
  run(): void;
}

/** Units of work in one turn, of about 5 µs each. */
const UNITS_PER_TURN = 100;

/** Units that one of several has at a time. Whoever is alone has the whole turn, and its answers go out together. */
const SHARE = 20;

/** What those who came last leave to those who have waited for longer, units. */
const KEPT_FOR_WAITING = UNITS_PER_TURN / 2;

/**
 * Fair queueing with new flows first, as in RFC 8290: whoever has had nothing yet comes before those who have had their share and want
 * more, so that one line is not behind the floods of others, however many they are.
 */
export class Turns {
  #left = UNITS_PER_TURN;
  #scheduled = false;
  /** Each first in, first out. */
  readonly #fresh = new Set<Runnable>();
  readonly #waiting = new Set<Runnable>();
  #running: Runnable | undefined;
  /** What is left of the share of the one that runs. */
  #share = Number.POSITIVE_INFINITY;
  readonly #soon: (fire: () => void) => void;

  /** `soon` calls once in the next turn of the event loop; default `setImmediate`. */
  constructor(soon: (fire: () => void) => void = setImmediate) {
    this.#soon = soon;
  }

  /** Takes units for a piece of work; false when this turn is used up. What is left is enough for a piece of any size. */
  take(units: number): boolean {
    if (this.#left <= 0 || this.#share <= 0) return false;
    this.spend(units);
    this.#schedule();
    return true;
  }

  /** What was taken for turned out to be more work than it looked. */
  spend(units: number): void {
    this.#left -= units;
    this.#share -= units;
  }

  /** Runs it in a later turn: one that has just had its share behind everybody who waits already. */
  later(runnable: Runnable): void {
    if (runnable === this.#running) this.#waiting.add(runnable);
    else if (!this.#waiting.has(runnable)) this.#fresh.add(runnable);
    this.#schedule();
  }

  forget(runnable: Runnable): void {
    this.#fresh.delete(runnable);
    this.#waiting.delete(runnable);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#soon(() => this.#begin());
  }

  #begin(): void {
    this.#scheduled = false;
    this.#left = UNITS_PER_TURN;
    try {
      this.#serve(this.#fresh, this.#waiting.size > 0 ? KEPT_FOR_WAITING : 0);
      this.#serve(this.#waiting, 0);
    } finally {
      this.#running = undefined;
      this.#share = Number.POSITIVE_INFINITY;
      // Also behind one that threw.
      if (this.#fresh.size + this.#waiting.size > 0) this.#schedule();
    }
  }

  /** Whoever gets no further with its share comes back behind the others, in this turn if it has units left. */
  #serve(queue: Set<Runnable>, kept: number): void {
    for (const runnable of queue) {
      if (this.#left <= kept) break;
      queue.delete(runnable);
      this.#running = runnable;
      this.#share = this.#fresh.size + this.#waiting.size > 0 ? SHARE : UNITS_PER_TURN;
      runnable.run();
    }
  }
}
