// An answer that is expensive to make is made once for all who ask at about the same time.

export class Reused<T> {
  readonly #make: () => Promise<T>;
  readonly #forMs: number;
  #made: Promise<T> | undefined;
  /** When it was finished; undefined while it is being made. */
  #at: number | undefined;

  /** `forMs`: how long an answer serves after it was made. A failure serves nobody but those who waited for it. */
  constructor(make: () => Promise<T>, forMs: number) {
    this.#make = make;
    this.#forMs = forMs;
  }

  get(): Promise<T> {
    if (this.#made && (this.#at === undefined || performance.now() - this.#at < this.#forMs)) return this.#made;
    const made = this.#make();
    this.#made = made;
    this.#at = undefined;
    made.then(
      () => {
        this.#at = performance.now();
      },
      () => {
        this.#made = undefined;
      },
    );
    return made;
  }
}
