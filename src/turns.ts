// Shares each turn of the event loop among all that have work, so that whatever comes at once holds nobody else up for long.

/** Somebody with work left over from a turn. */
export interface Runnable {
  /** Goes on until its work is done or `take` refuses. */
  run(): void;
}

/** Units of work in one turn, of about 5 µs each. */
const UNITS_PER_TURN = 100;

export class Turns {
  #left = UNITS_PER_TURN;
  #scheduled = false;
  /** First in, first out: whoever was refused goes behind all others that wait. */
  readonly #waiting = new Set<Runnable>();
  readonly #soon: (fire: () => void) => void;

  /** `soon` calls once in the next turn of the event loop; default `setImmediate`. */
  constructor(soon: (fire: () => void) => void = setImmediate) {
    this.#soon = soon;
  }

  /** Takes units for a piece of work; false when this turn is used up. What is left is enough for a piece of any size. */
  take(units: number): boolean {
    if (this.#left <= 0) return false;
    this.#left -= units;
    this.#schedule();
    return true;
  }

  /** What was taken for turned out to be more work than it looked. */
  spend(units: number): void {
    this.#left -= units;
  }

  /** Runs it in a later turn, behind everybody who waits already. */
  later(runnable: Runnable): void {
    this.#waiting.add(runnable);
    this.#schedule();
  }

  forget(runnable: Runnable): void {
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
      for (const runnable of this.#waiting) {
        if (this.#left <= 0) break;
        this.#waiting.delete(runnable);
        runnable.run();
      }
    } finally {
      // Also behind one that threw.
      if (this.#waiting.size > 0) this.#schedule();
    }
  }
}
