// A worker's numbers as the primary sees them: asked for over the line between the two processes.
import type { Numbers, Readiness, SessionList, Sources } from '../observation/snapshot.ts';

/** What can be asked of a worker: the methods of its sources. */
export type Question = 'readiness' | 'numbers' | 'sessions';

export class RemoteSources implements Sources {
  readonly #ask: (number: number, question: Question) => void;
  readonly #waiting = new Map<number, (value: unknown) => void>();
  #number = 0;

  /** `ask` sends a question on its way; whoever asks bounds the time it waits. */
  constructor(ask: (number: number, question: Question) => void) {
    this.#ask = ask;
  }

  readiness(): Promise<Readiness> {
    return this.#answer('readiness');
  }

  numbers(): Promise<Numbers> {
    return this.#answer('numbers');
  }

  sessions(): Promise<SessionList> {
    return this.#answer('sessions');
  }

  /** The worker answered; its word is trusted, it runs this very code. */
  answered(number: number, value: unknown): void {
    this.#waiting.get(number)?.(value);
    this.#waiting.delete(number);
  }

  #answer<T>(question: Question): Promise<T> {
    const number = ++this.#number;
    // A worker that hangs answers nothing; questions of long ago are given up.
    this.#waiting.delete(number - MAX_WAITING);
    return new Promise((resolve) => {
      this.#waiting.set(number, resolve as (value: unknown) => void);
      this.#ask(number, question);
    });
  }
}

const MAX_WAITING = 100;
