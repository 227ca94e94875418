// The sessions that ended last, for whoever asks why; older ones are overwritten.
import { ENDED_KEPT } from './snapshot.ts';

export class EndedSessions<Row> {
  readonly #capacity: number;
  readonly #ring: Row[] = [];
  #next = 0;

  /** `capacity`: how many are kept, default 1000. */
  constructor(capacity = ENDED_KEPT) {
    this.#capacity = capacity;
  }

  add(session: Row): void {
    this.#ring[this.#next] = session;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** The newest first. */
  list(): Row[] {
    return [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)].reverse();
  }
}
