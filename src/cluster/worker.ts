// One of several gateways on one port: asks the primary for places among the sessions, obeys its orders.
import cluster from 'node:cluster';
import type { Admission } from '../access/admissions.ts';
import type { Sources } from '../observation/snapshot.ts';
import type { Listen } from '../transport/listen.ts';
import { isOrder, type Order, type Report } from './messages.ts';
import type { Question } from './remote-sources.ts';

interface Assignment {
  readonly listen: Listen | undefined;
  readonly backendUrl: string | undefined;
}

interface WorkerHandlers {
  readonly drain: () => void;
  readonly reload: () => void;
  /** What this worker tells of itself, once it runs. */
  readonly sources: () => Sources | undefined;
}

/** A place among sessions that nobody counts any more. */
const WORTHLESS: Admission = { admitted: true, release: () => {} };

const ignore = (): void => {};

/** The worker's end of the line to the primary. */
export class PrimaryLink {
  readonly #waiting = new Map<number, (admission: Admission) => void>();
  #number = 0;
  readonly #handlers: WorkerHandlers;
  #started: ((assignment: Assignment) => void) | undefined;

  constructor(handlers: WorkerHandlers) {
    this.#handlers = handlers;
    process.on('message', (message: unknown) => {
      if (isOrder(message)) this.#obey(message);
    });
    // The primary died. Node would end this process at once, its sessions without a last line and their wills unsent.
    cluster.worker?.once('disconnect', () => {
      cluster.worker!.exitedAfterDisconnect = true;
      handlers.drain();
      // Nobody is there to be asked; this worker drains, and tells those who still wait for a place that it does.
      for (const [number, resolve] of this.#waiting) {
        this.#waiting.delete(number);
        resolve(WORTHLESS);
      }
    });
  }

  /** What this worker is to do; resolves with the primary's first order. */
  assignment(): Promise<Assignment> {
    return new Promise((resolve) => {
      this.#started = resolve;
      this.#tell({ report: 'ready' });
    });
  }

  listening(port: number): void {
    this.#tell({ report: 'listening', port });
  }

  readonly admit = (address: string): Promise<Admission> => {
    if (!process.connected) return Promise.resolve(WORTHLESS);
    const number = ++this.#number;
    return new Promise((resolve) => {
      this.#waiting.set(number, resolve);
      this.#tell({ report: 'admit', number, address });
    });
  };

  #obey(message: Order): void {
    switch (message.order) {
      case 'start':
        this.#started?.(message);
        break;
      case 'admission': {
        const { number, refused } = message;
        const resolve = this.#waiting.get(number);
        this.#waiting.delete(number);
        resolve?.(
          refused
            ? { admitted: false, ...refused }
            : { admitted: true, release: () => this.#tell({ report: 'release', number }) },
        );
        break;
      }
      case 'tell':
        void this.#answer(message.number, message.question);
        break;
      case 'reload':
        this.#handlers.reload();
        break;
      case 'drain':
        this.#handlers.drain();
        break;
    }
  }

  async #answer(number: number, question: Question): Promise<void> {
    const sources = this.#handlers.sources();
    if (sources) this.#tell({ report: 'told', number, value: await sources[question]() });
  }

  #tell(report: Report): void {
    // That the primary has just died is told by `disconnect`; without a callback it would end this process.
    if (process.connected) process.send?.(report, undefined, undefined, ignore);
  }
}
