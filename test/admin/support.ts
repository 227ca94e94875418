// What the tests of the admin port share: asking it, a gateway that has one, and sources without a gateway.
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { AdminStartError } from '../../src/admin/admin-server.ts';
import { loadConfig } from '../../src/config.ts';
import { type Gateway, startGateway } from '../../src/gateway.ts';
import { LocalSources, type LocalSourcesOptions, type Observed } from '../../src/observation/local-sources.ts';
import { Telemetry } from '../../src/observation/telemetry.ts';
import { TestClient, WAIT_MS } from '../support/client.ts';
import { TEST_DEFAULTS } from '../support/gateway.ts';
import { createMemoryLog, type MemoryLog } from '../support/log.ts';

interface Got {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export function ask(
  port: number,
  path: string,
  options: { readonly method?: string; readonly headers?: http.OutgoingHttpHeaders } = {},
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, path, agent: false, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    request.on('error', reject);
    request.setTimeout(WAIT_MS, () => request.destroy(new Error(`no answer to ${path} in time`)));
    request.end();
  });
}

export async function askJson<T>(port: number, path: string): Promise<T> {
  return JSON.parse((await ask(port, path)).body) as T;
}

/** The samples of /metrics by their name with labels, as they are written. */
export async function askMetrics(port: number): Promise<Map<string, number>> {
  return samples((await ask(port, '/metrics')).body);
}

export function samples(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** Asks again until the condition holds; fails with the last finding. */
export async function eventually<T>(look: () => Promise<T> | T, holds: (found: T) => boolean): Promise<T> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const found = await look();
    if (holds(found)) return found;
    if (performance.now() > deadline) throw new Error(`it never held; last found: ${JSON.stringify(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface AdminGateway {
  readonly gateway: Gateway;
  readonly log: MemoryLog;
  readonly admin: number;
  connect(): Promise<TestClient>;
  ready(payload?: object): Promise<TestClient>;
  stop(): Promise<void>;
}

/** A gateway in this process with an admin port of its own. */
export async function startWithAdmin(env: Readonly<Record<string, string>> = {}): Promise<AdminGateway> {
  const log = createMemoryLog();
  const gateway = await started(env, log);
  const clients = new Set<TestClient>();
  const connect = async () => {
    const profile = env['PROTOCOL_PROFILE'] ?? 'strict';
    const client = await TestClient.connect({ host: '127.0.0.1', port: gateway.port, profile });
    clients.add(client);
    return client;
  };
  return {
    gateway,
    log,
    admin: gateway.adminPort,
    connect,
    async ready(payload = {}) {
      const client = await connect();
      await client.handshake(payload);
      return client;
    },
    async stop() {
      for (const client of clients) client.destroy();
      await gateway.close();
    },
  };
}

/** 0 means no admin port, so a free one is looked up; somebody else may take it meanwhile, then another one is. */
async function started(env: Readonly<Record<string, string>>, log: MemoryLog): Promise<Gateway> {
  for (let left = 5; ; left--) {
    const port = String(await freePort());
    const loaded = loadConfig({ ...TEST_DEFAULTS, ADMIN_PORT: port, ...env });
    if (!('config' in loaded)) throw new Error(loaded.faults.join('; '));
    try {
      return await startGateway(loaded.config, log);
    } catch (error) {
      if (!(error instanceof AdminStartError) || left === 0 || env['ADMIN_PORT'] !== undefined) throw error;
    }
  }
}

export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Sources of a process without a gateway. */
export function createSources(options: Partial<LocalSourcesOptions> = {}): LocalSources {
  return new LocalSources({
    telemetry: new Telemetry(),
    connections: () => new Map<Observed, unknown>(),
    listening: () => true,
    draining: () => false,
    backend: async () => ({ reachable: true, at: 1 }),
    calls: { control: 0, poll: 0 },
    pollsRunning: () => 0,
    ...options,
  });
}

export function observed(id: number, more: Partial<Observed['session']> = {}): Observed {
  return {
    session: {
      id,
      address: '192.0.2.1',
      credential: undefined,
      state: 'READY',
      counts: { lines: 1, events: 2, skipped: 3, errors: 4, controls: 5 },
      monitor: undefined,
      durationMs: 1000,
      ...more,
    },
    bytes: { received: 10, written: 20, waiting: 30 },
  };
}

export const connections = (list: readonly Observed[]): ReadonlyMap<Observed, unknown> =>
  new Map(list.map((one) => [one, undefined]));
