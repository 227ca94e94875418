// A listening socket that outlives the gateways it is handed to, as a service manager holds one.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { createInterface } from 'node:readline';

const WAIT_MS = 30_000;

interface Handle {
  readonly fd: number;
  getsockname(out: { port?: number }): number;
  close(): void;
}

/** A socket that is bound but, unlike a net.Server, accepts nothing here: Node has no documented way to have one. */
const createHandle = (net as unknown as { _createServerHandle(host: string, port: number, type: 4): Handle | number })
  ._createServerHandle;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One gateway process. */
export interface Generation {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  /** ms from its start until its log said that it listens. */
  readonly startMs: number;
  output(): string;
}

export class HeldSocket {
  readonly port: number;
  readonly #handle: Handle;
  readonly #running = new Set<Generation>();

  constructor() {
    const handle = createHandle('127.0.0.1', 0, 4);
    if (typeof handle === 'number') throw new Error(`cannot bind a socket: error ${handle}`);
    const name: { port?: number } = {};
    handle.getsockname(name);
    this.#handle = handle;
    this.port = name.port!;
  }

  /** Starts a gateway on the socket, by the convention of LISTEN_FDS; resolves once it listens. */
  async start(bundle: string, env: Readonly<Record<string, string>>): Promise<Generation> {
    const begun = performance.now();
    // The shell becomes the gateway: only so can the process be told its own number.
    const child = spawn('sh', ['-c', 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"', process.execPath, bundle], {
      env: { PATH: process.env['PATH'], LOG_LEVEL: 'info', ADMIN_PORT: '0', HOST: '192.0.2.1', PORT: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe', this.#handle.fd],
    });
    let output = '';
    const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }) as Exit);
    await new Promise<void>((resolve, reject) => {
      const fail = (what: string): void => {
        child.kill('SIGKILL');
        reject(new Error(`the gateway ${what}\n${output}`));
      };
      const timer = setTimeout(() => fail(`did not listen within ${WAIT_MS} ms`), WAIT_MS);
      const read = (line: string): void => {
        output = `${output}${line}\n`.slice(-100_000);
        if (!line.includes('"msg":"listening"')) return;
        clearTimeout(timer);
        resolve();
      };
      createInterface({ input: child.stdout! }).on('line', read);
      createInterface({ input: child.stderr! }).on('line', read);
      void exited.then(({ code }) => {
        clearTimeout(timer);
        fail(`ended with code ${code} before it listened`);
      });
    });
    const generation: Generation = { child, exited, startMs: performance.now() - begun, output: () => output };
    this.#running.add(generation);
    void exited.then(() => this.#running.delete(generation));
    return generation;
  }

  /** Ends whatever still runs and lets go of the socket. */
  async close(): Promise<void> {
    const running = [...this.#running];
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(running.map(({ exited }) => exited));
    this.#handle.close();
  }
}
