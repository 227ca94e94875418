// A backend under test in front of a server of bytes, and calls that remember how often they were answered.
import type { Backend, BackendAnswer, BackendRequest, Call, Lane } from '../../src/backend/backend.ts';
import { createHttpBackend, type HttpBackendOptions } from '../../src/backend/http-backend.ts';
import { RawBackend, type RawHandler } from '../faults/support/raw-backend.ts';
import { waitUntil } from '../faults/support/wait.ts';

interface Made {
  readonly call: Call;
  /** Every answer that came; more than one would be a fault. */
  readonly answers: BackendAnswer[];
  /** The first answer. */
  readonly answered: Promise<BackendAnswer>;
}

export class Pair {
  readonly server: RawBackend;
  readonly backend: Backend;
  /** Numbers of the connections that have ended. */
  readonly ended = new Set<number>();
  readonly #made: Made[] = [];

  private constructor(server: RawBackend, options: Partial<HttpBackendOptions>) {
    this.server = server;
    server.onConnection = (socket, number) => socket.on('close', () => this.ended.add(number));
    this.backend = createHttpBackend({
      url: server.url,
      timeoutMs: 5000,
      connections: 4,
      maxResultBytes: 1000,
      headers: {},
      ...options,
    });
  }

  static async start(handler: RawHandler, options: Partial<HttpBackendOptions> = {}): Promise<Pair> {
    return new Pair(await RawBackend.start(handler), options);
  }

  /** Fails when `done` is called from within. */
  make(request: Partial<BackendRequest> = {}, lane: Lane = 'control'): Made {
    const answers: BackendAnswer[] = [];
    let within = true;
    let settle: (answer: BackendAnswer) => void = () => {};
    const answered = new Promise<BackendAnswer>((resolve) => {
      settle = resolve;
    });
    const call = this.backend.call(lane, { method: 'POST', path: '/c', ...request }, (answer) => {
      if (within) throw new Error('answered from within the call');
      answers.push(answer);
      settle(answer);
    });
    within = false;
    const made = { call, answers, answered };
    this.#made.push(made);
    return made;
  }

  ask(request: Partial<BackendRequest> = {}, lane: Lane = 'control'): Promise<BackendAnswer> {
    return this.make(request, lane).answered;
  }

  /** Complete requests that arrived, as `POST /c`. */
  get seen(): string[] {
    return this.server.requests.map(({ method, path }) => `${method} ${path}`);
  }

  /** Ends both; every call must have been answered exactly once by then. */
  async stop(): Promise<void> {
    await this.backend.close();
    await this.server.stop();
    await waitUntil(() => this.#made.every(({ answers }) => answers.length > 0), 'every call is answered');
    const counts = this.#made.map(({ answers }) => answers.length);
    if (counts.some((count) => count !== 1)) throw new Error(`answers per call: ${counts.join(', ')}`);
  }
}
