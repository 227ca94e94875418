// Starts the server under test: in this process, as a process of its own, or whatever CONFORMANCE_TARGET names.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { TestClient, WAIT_MS } from './client.ts';
import { createMemoryLog, type MemoryLog } from './log.ts';

/** What is set unless a test says otherwise: loopback, a free port, no admin port, no log. */
export const TEST_DEFAULTS: Readonly<Record<string, string>> = {
  HOST: '127.0.0.1',
  PORT: '0',
  ADMIN_PORT: '0',
  LOG_LEVEL: 'silent',
};

interface ConnectOptions {
  readonly host?: string;
  readonly localAddress?: string;
}

/** A server some conformance test talks to. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** Graceful shutdown of section 3, as SIGTERM would begin it. Resolves when it is over. */
  drain(): Promise<void>;
  stop(): Promise<void>;
  /** Present when the server runs in this process. */
  readonly log?: MemoryLog;
  /** Sessions alive in the server, when the target can tell. */
  readonly sessions?: () => number;
  /** False for servers that are broken on purpose. */
  readonly audit?: boolean;
}

export type TargetFactory = (env: Readonly<Record<string, string>>) => Promise<Target>;

export interface TestGateway {
  readonly host: string;
  readonly port: number;
  readonly target: Target;
  connect(options?: ConnectOptions): Promise<TestClient>;
  /** connect() and a HANDSHAKE that was acknowledged. */
  ready(options?: ConnectOptions): Promise<TestClient>;
  drain(): Promise<void>;
  /** Destroys every client of connect(), then stops the server. May be called twice. */
  stop(): Promise<void>;
}

/** The gateway in front of `env.BACKEND_URL`, or of the embedded simulator. Rejects with the faults of a wrong `env`. */
export async function startTestGateway(
  env: Readonly<Record<string, string>> = {},
  factory?: TargetFactory,
): Promise<TestGateway> {
  const settings = { ...TEST_DEFAULTS, ...env };
  const target = await (factory ?? (await defaultFactory()))(settings);
  const clients = new Set<TestClient>();
  const connect = async (options: ConnectOptions = {}) => {
    const client = await TestClient.connect({
      host: options.host ?? target.host,
      port: target.port,
      profile: settings['PROTOCOL_PROFILE'] ?? 'strict',
      ...(target.audit === false ? { audit: false } : {}),
      ...(options.localAddress ? { localAddress: options.localAddress } : {}),
    });
    clients.add(client);
    client.socket.once('close', () => clients.delete(client));
    return client;
  };
  let stopped: Promise<void> | undefined;
  return {
    host: target.host,
    port: target.port,
    target,
    connect,
    async ready(options = {}) {
      const client = await connect(options);
      await client.handshake();
      return client;
    },
    drain: () => target.drain(),
    stop: () => {
      for (const client of clients) client.destroy();
      stopped ??= target.stop();
      return stopped;
    },
  };
}

/** Runs the composition of src/gateway.ts inside this process. */
export const inProcess: TargetFactory = async (env) => {
  const { loadConfig } = await import('../../src/config.ts');
  const { startGateway } = await import('../../src/gateway.ts');
  const loaded = loadConfig(env);
  if (!('config' in loaded)) throw new Error(`the test's settings are wrong: ${loaded.faults.join('; ')}`);
  const log = createMemoryLog();
  const gateway = await startGateway(loaded.config, log);
  return {
    host: env['HOST'] === '::' ? '127.0.0.1' : (env['HOST'] ?? '127.0.0.1'),
    port: gateway.port,
    drain: () => gateway.drain(),
    stop: () => gateway.close(),
    log,
    sessions: () => gateway.sessions,
  };
};

/** Runs `src/main.ts` as a child process. */
const asProcess: TargetFactory = async (env) => {
  const child = await spawnGateway(env);
  return {
    host: child.host,
    port: child.port,
    async drain() {
      child.kill('SIGTERM');
      await child.exited;
    },
    stop: () => child.stop(),
  };
};

/** CONFORMANCE_TARGET: `in-process` (default), `process`, or the path of a module whose default export is a TargetFactory. */
async function defaultFactory(): Promise<TargetFactory> {
  const name = process.env['CONFORMANCE_TARGET'] ?? 'in-process';
  if (name === 'in-process') return inProcess;
  if (name === 'process') return asProcess;
  const module = (await import(pathToFileURL(name).href)) as { readonly default: TargetFactory };
  return module.default;
}

export interface GatewayProcess {
  readonly host: string;
  readonly port: number;
  readonly child: ChildProcess;
  /** Everything printed so far. */
  readonly output: () => string;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  connect(options?: ConnectOptions): Promise<TestClient>;
  kill(signal: NodeJS.Signals): void;
  /** Ends the process if it still runs. */
  stop(): Promise<void>;
}

/** `node --import tsx src/main.ts` with only these settings; resolves when its log says that it listens. */
export async function spawnGateway(env: Readonly<Record<string, string>> = {}): Promise<GatewayProcess> {
  const settings: Record<string, string> = { ...TEST_DEFAULTS, ...env, LOG_LEVEL: 'info' };
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const exited = once(child, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  const port = await new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the gateway did not start to listen:\n${output}`)), 3 * WAIT_MS);
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-1_000_000);
      const found = listeningPort(output);
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    void exited.then(({ code }) => {
      clearTimeout(timer);
      reject(new Error(`the gateway ended with code ${code} before it listened:\n${output}`));
    });
  }).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  const host = settings['HOST'] === '::' ? '127.0.0.1' : (settings['HOST'] ?? '127.0.0.1');
  const profile = settings['PROTOCOL_PROFILE'] ?? 'strict';
  return {
    host,
    port,
    child,
    output: () => output,
    exited,
    connect: (options = {}) => TestClient.connect({ host, port, profile, ...options }),
    kill: (signal) => {
      child.kill(signal);
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}

/** The log line that says so has a message with "listening" and the port as a number of its own. */
function listeningPort(output: string): number | undefined {
  for (const line of output.split('\n')) {
    if (!line.startsWith('{') || !line.includes('listening')) continue;
    try {
      const port = (JSON.parse(line) as { readonly port?: unknown }).port;
      if (typeof port === 'number' && port > 0) return port;
    } catch {
      // a line that is not complete yet
    }
  }
  return undefined;
}
