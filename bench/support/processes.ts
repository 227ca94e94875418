// Starts the processes of a measurement, pinned to a core, and ends every one of them: on success, failure and Ctrl-C.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** The measured process has core 0 to itself; the load client and the backend share core 1. */
export const SUBJECT_CORE = 0;
export const LOAD_CORE = 1;

const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

/** Whether `taskset` is there and the machine has a second core; without it figures mix the load's cost with ours. */
export function canPin(): boolean {
  return spawnSync('taskset', ['-c', String(LOAD_CORE), 'true']).status === 0;
}

const pinning = canPin();

let realtime = false;

/**
 * Starts every later process under SCHED_FIFO, so that neighbours do not count. A Node process needs --single-threaded-gc
 * with it. Throws where it is not allowed.
 */
export function useRealtime(): void {
  const tried = spawnSync('chrt', ['-f', '10', 'true'], { encoding: 'utf8' });
  if (tried.status !== 0)
    throw new Error(`--realtime needs chrt and root: ${tried.error?.message ?? tried.stderr.trim()}`);
  realtime = true;
}

/** One JSON event of a tool's stdout; `event` names it. */
export type ToolEvent = { event: string } & Record<string, unknown>;

export interface Running {
  pid: number;
  /** Resolves with the first such event, seen already or yet to come; rejects when the process ends before, or after `boundMs`. */
  event(name: string, boundMs: number): Promise<ToolEvent>;
  signal(signal: NodeJS.Signals): void;
  ended(): boolean;
  /** Ends the process: SIGTERM (or the end of its stdin), then SIGKILL after 5 s. */
  stop(): Promise<void>;
}

export interface StartOptions {
  core: number;
  env?: Record<string, string>;
  cwd?: string;
}

/** Starts one process with nothing inherited from this environment but PATH and HOME. */
export function start(command: string, args: string[], options: StartOptions): Running {
  const argv = [
    ...(realtime ? ['chrt', '-f', '10'] : []),
    ...(pinning ? ['taskset', '-c', String(options.core)] : []),
    command,
    ...args,
  ];
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...options.env };
  const child = spawn(argv[0]!, argv.slice(1), { env, cwd: options.cwd, stdio: ['pipe', 'pipe', 'inherit'] });
  running.add(child);
  const seen: ToolEvent[] = [];
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const check of [...waiting]) check();
  };
  let ended = false;
  const exited = new Promise<void>((resolve) => {
    child.on('error', (error) => console.error(`${command}: ${error.message}`));
    child.on('close', () => {
      ended = true;
      running.delete(child);
      wake();
      resolve();
    });
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{"event"')) return;
    seen.push(JSON.parse(line) as ToolEvent);
    wake();
  });
  return {
    pid: child.pid ?? -1,
    signal: (signal) => child.kill(signal),
    ended: () => ended,
    event: (name, boundMs) =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void) => {
          clearTimeout(timer);
          waiting.delete(check);
          act();
        };
        const check = () => {
          const at = seen.findIndex((event) => event.event === name);
          if (at >= 0) settle(() => resolve(seen.splice(at, 1)[0]!));
          else if (ended) settle(() => reject(new Error(`${command} ended before it reported '${name}'`)));
        };
        const late = () => settle(() => reject(new Error(`${command} did not report '${name}' within ${boundMs} ms`)));
        const timer = setTimeout(late, boundMs);
        waiting.add(check);
        check();
      }),
    stop: async () => {
      if (ended) return;
      child.stdin.end();
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** Below the kernel's range for outgoing connections, of which a benchmark makes thousands: none of them takes the port. */
const LOWEST_PORT = 20_000;
const PORTS = 12_000;

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = LOWEST_PORT + Math.floor(Math.random() * PORTS);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port among a hundred tried from ${LOWEST_PORT}`);
}

/** Waits until the process accepts connections on the port. Throws when it ends before, or after `boundMs`. */
export async function listening(child: Running, port: number, boundMs: number): Promise<void> {
  const end = Date.now() + boundMs;
  for (;;) {
    const accepted = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.end());
    });
    if (child.ended()) throw new Error(`the process meant for port ${port} ended at once`);
    if (accepted) return;
    if (Date.now() > end) throw new Error(`nothing listens on 127.0.0.1:${port} after ${boundMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
