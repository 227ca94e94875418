// The sources of several processes behind one front: one that does not answer is left out, never waited for.
import { departed, mergeNumbers, mergeReadiness, mergeSessions } from './merge.ts';
import type { Numbers, Readiness, SessionList, Sources } from './snapshot.ts';

const ANSWER_TIMEOUT_MS = 1000;

interface MergedSourcesOptions {
  /** How long a process may take to answer, ms; default 1000. */
  readonly timeoutMs?: number;
}

export class MergedSources implements Sources {
  readonly #timeoutMs: number;
  /** Each process with the numbers it told last, which stand in while it does not answer. */
  readonly #processes = new Map<Sources, Numbers | undefined>();
  #departed: Numbers | undefined;

  constructor(options: MergedSourcesOptions = {}) {
    this.#timeoutMs = options.timeoutMs ?? ANSWER_TIMEOUT_MS;
  }

  add(sources: Sources): void {
    this.#processes.set(sources, undefined);
  }

  /** The process is gone. What it counted up to its last answer stays in the sums. */
  remove(sources: Sources): void {
    const last = this.#processes.get(sources);
    this.#processes.delete(sources);
    if (last === undefined) return;
    const left = departed(last);
    this.#departed = this.#departed === undefined ? left : mergeNumbers([this.#departed, left]);
  }

  async readiness(): Promise<Readiness> {
    const [first, ...others] = await this.#ask((sources) => sources.readiness());
    if (first === undefined) return { listening: false, draining: false, backend: { reachable: false, at: 0 } };
    return mergeReadiness([first, ...others]);
  }

  /** Rejects while no process has told its numbers yet. */
  async numbers(): Promise<Numbers> {
    await this.#ask(async (sources) => {
      const numbers = await sources.numbers();
      if (this.#processes.has(sources)) this.#processes.set(sources, numbers);
    });
    const known = [...this.#processes.values(), this.#departed];
    const [first, ...others] = known.filter((numbers) => numbers !== undefined);
    if (first === undefined) throw new Error('no process answered');
    return mergeNumbers([first, ...others]);
  }

  async sessions(): Promise<SessionList> {
    const [first, ...others] = await this.#ask((sources) => sources.sessions());
    return first === undefined ? { live: 0, sessions: [], ended: [] } : mergeSessions([first, ...others]);
  }

  async #ask<T>(question: (sources: Sources) => T | Promise<T>): Promise<T[]> {
    const answers = await Promise.allSettled(
      [...this.#processes.keys()].map((sources) => inTime(async () => question(sources), this.#timeoutMs)),
    );
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }
}

function inTime<T>(ask: () => Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer in time')), timeoutMs);
    ask()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
