// A backend whose calls are counted and whose answers are seen by somebody else too.
import type { Backend, BackendAnswer, Lane } from '../backend/backend.ts';

export class ObservedBackend implements Backend {
  /** Calls whose answer has not come yet, wills and CONTROLs of ended sessions included. */
  readonly underWay: Record<Lane, number> = { control: 0, poll: 0 };
  readonly #backend: Backend;
  readonly #answered: (answer: BackendAnswer) => void;

  constructor(backend: Backend, answered: (answer: BackendAnswer) => void) {
    this.#backend = backend;
    this.#answered = answered;
  }

  readonly call: Backend['call'] = (lane, request, done) => {
    this.underWay[lane]++;
    return this.#backend.call(lane, request, (answer) => {
      this.underWay[lane]--;
      this.#answered(answer);
      done(answer);
    });
  };

  close(): Promise<void> {
    return this.#backend.close();
  }
}
