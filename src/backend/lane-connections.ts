// Who is given one of a lane's connections, who waits for one, and how long an answer that nobody waits for may keep one.

/** A request on its way to a connection, or on one. */
export interface Passenger {
  /** It has a connection, or one is being made for it. Kept in it, as a look-up for each request would cost more. */
  aboard: boolean;
  /** A connection is free for it. */
  start(): void;
  /** Its answer is not worth the connection any more: ends both. False when it is too early for that. */
  cut(): boolean;
}

/**
 * How long somebody has to wait for a connection while an answer that nobody waits for keeps one, ms; up to twice as long behind one
 * that has just been made. Cutting such a connection off at once would let a flood of monitors that begin and end make the backend's
 * connections anew all the time.
 */
const PATIENCE_MS = 10;

/**
 * Requests wait here and not in the HTTP client, because one that is given up must be gone: left in the client's queue it would be
 * taken up before others' requests, only to cost the connection that it is given.
 */
export class LaneConnections {
  readonly #limit: number;
  readonly #waiting = new Set<Passenger>();
  #aboard = 0;
  /** Those aboard whose answer nobody waits for; the oldest first. */
  readonly #left = new Set<Passenger>();
  #patience: NodeJS.Timeout | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Starts it now, or as soon as one that came before it has released its connection. */
  enter(passenger: Passenger): void {
    if (this.#aboard < this.#limit) this.#start(passenger);
    else {
      this.#waiting.add(passenger);
      this.#beginPatience();
    }
  }

  /** It is done with, wherever it is. Nothing happens the second time. */
  release(passenger: Passenger): void {
    if (!passenger.aboard) {
      this.#waiting.delete(passenger);
      return;
    }
    passenger.aboard = false;
    this.#aboard--;
    if (this.#left.size > 0) this.#left.delete(passenger);
    if (this.#waiting.size > 0) this.#startNext();
  }

  /**
   * Nobody waits for its answer any more. True when it goes on, so that its connection can be used again; false when it had none yet and
   * is forgotten.
   */
  leave(passenger: Passenger): boolean {
    if (!passenger.aboard) {
      this.#waiting.delete(passenger);
      return false;
    }
    this.#left.add(passenger);
    this.#beginPatience();
    return true;
  }

  /** The client is closed and refuses whatever it is given: so it says to all that wait. */
  close(): void {
    for (const passenger of this.#waiting) {
      this.#waiting.delete(passenger);
      passenger.start();
    }
  }

  #start(passenger: Passenger): void {
    passenger.aboard = true;
    this.#aboard++;
    passenger.start();
  }

  #startNext(): void {
    const [next] = this.#waiting;
    this.#waiting.delete(next!);
    this.#start(next!);
  }

  #beginPatience(): void {
    if (this.#patience !== undefined || this.#waiting.size === 0 || this.#left.size === 0) return;
    this.#patience = setTimeout(() => this.#makeRoom(), PATIENCE_MS);
    this.#patience.unref();
  }

  /** As many as wait are given the connections of those that have been left for longest. */
  #makeRoom(): void {
    this.#patience = undefined;
    let wanted = this.#waiting.size;
    for (const passenger of [...this.#left]) {
      if (wanted === 0) break;
      if (passenger.cut()) wanted--;
    }
    this.#beginPatience();
  }
}
