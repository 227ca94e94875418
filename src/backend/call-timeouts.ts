// Bounds calls in time: all have the same bound, so the oldest ends first and one timer serves them all.

/** A call that is bounded; its place among the others is kept in it, so that taking it out costs nothing. */
export abstract class TimedCall {
  /** When its time is up, ms on `performance.now`. */
  abstract readonly expiresAt: number;
  older: TimedCall | undefined;
  newer: TimedCall | undefined;

  /** Its time is up. May add and remove calls. */
  abstract expired(): void;
}

/** A timer of its own for each call would be set and cleared thousands of times a second, and hardly ever fire. */
export class CallTimeouts {
  #oldest: TimedCall | undefined;
  #newest: TimedCall | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `call` does not expire before any that was added earlier. */
  add(call: TimedCall): void {
    call.older = this.#newest;
    if (this.#newest) this.#newest.newer = call;
    else this.#oldest = call;
    this.#newest = call;
    if (this.#timer === undefined) this.#arm(call);
  }

  /** Nothing happens when it is not among them any more: it has expired, or was removed. */
  remove(call: TimedCall): void {
    const { older, newer } = call;
    if (older === undefined && this.#oldest !== call) return;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
    call.older = call.newer = undefined;
  }

  /** The timer outlives the call it was set for: calls that end in time would set it anew all the time. */
  #arm(call: TimedCall): void {
    const left = Math.max(1, Math.ceil(call.expiresAt - performance.now()));
    this.#timer = setTimeout(() => this.#expire(), left);
    // What a call waits for keeps the process alive.
    this.#timer.unref();
  }

  #expire(): void {
    try {
      const now = performance.now();
      while (this.#oldest && this.#oldest.expiresAt <= now) {
        const call = this.#oldest;
        this.remove(call);
        call.expired();
      }
    } finally {
      // Only now: a call that was added meanwhile is the newest, and must not set the timer for itself.
      this.#timer = undefined;
      if (this.#oldest) this.#arm(this.#oldest);
    }
  }
}
