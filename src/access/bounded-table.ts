// What is remembered per address must not grow with the number of addresses an attacker owns.

/** A map of at most `capacity` entries; one more pushes out the entry that was not used for the longest time. */
export class BoundedTable<V> {
  readonly #capacity: number;
  /** In the order of the last use, the oldest first. */
  readonly #entries = new Map<string, V>();

  /** `capacity` at least 1. */
  constructor(capacity: number) {
    this.#capacity = Math.max(1, capacity);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The entry of `key`, made by `create` when there is none; this counts as a use. */
  use(key: string, create: () => V): V {
    const known = this.#entries.get(key);
    const value = known === undefined ? create() : known;
    if (known !== undefined) this.#entries.delete(key);
    else if (this.#entries.size >= this.#capacity) this.#dropOldest();
    this.#entries.set(key, value);
    return value;
  }

  /** The entry of `key` if there is one; this is no use. */
  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  #dropOldest(): void {
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      return;
    }
  }
}
