// Keeps the event loop awake for a moment: what comes then need not wake a sleeping process first, which takes as long as a near backend's answer.

export interface BusyPollingOptions {
  /** Milliseconds on a monotonic clock. */
  readonly now: () => number;
  /** Calls once, after the events that are already waiting have been handled. */
  readonly soon: (fire: () => void) => void;
  /** Called in each turn while awake, for what is not brought by the event loop itself. */
  readonly turned: () => void;
}

/** While it lasts, the event loop goes round and round and handles whatever has come, as always; only it takes all of its core. */
export class BusyPolling {
  readonly #options: BusyPollingOptions;
  #until = Number.NEGATIVE_INFINITY;
  #isAwake = false;

  constructor(options: BusyPollingOptions) {
    this.#options = options;
  }

  /** Does not fall asleep before `until`, ms on its clock; an earlier wish that lasts longer holds on. */
  stayAwake(until: number): void {
    if (until > this.#until) this.#until = until;
    if (this.#isAwake) return;
    this.#isAwake = true;
    this.#options.soon(this.#look);
  }

  /** A turn of the event loop that asks for another one does not end in sleep. */
  readonly #look = (): void => {
    const { now, soon, turned } = this.#options;
    this.#isAwake = now() < this.#until;
    if (this.#isAwake) soon(this.#look);
    turned();
  };
}
