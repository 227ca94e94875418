// Several processes on one port, as real processes: limits hold across them, a killed one costs only its own sessions, all end as one.
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { platform } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../access/support/temporary-folder.ts';
import { ask, askMetrics, freePort } from '../admin/support.ts';
import { waitUntil } from '../faults/support/wait.ts';
import type { TestClient } from '../support/client.ts';
import { type GatewayProcess, spawnGateway } from '../support/gateway.ts';

/** Starting two workers takes its time on a busy machine. */
const LONG_MS = 60_000;

let gateway: GatewayProcess | undefined;
const clients: TestClient[] = [];
const folder = temporaryFolder();
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  const workers = gateway ? workersOf(gateway) : [];
  await gateway?.stop();
  // Without a primary its workers end by themselves; a test that failed may have left some.
  for (const pid of workers) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  gateway = undefined;
});

const start = async (env: Record<string, string> = {}): Promise<GatewayProcess> => {
  gateway = await spawnGateway({ WORKERS: '2', ...env });
  return gateway;
};

async function connect(localAddress?: string): Promise<TestClient> {
  const client = await gateway!.connect(localAddress === undefined ? {} : { localAddress });
  clients.push(client);
  return client;
}

async function ready(localAddress?: string): Promise<TestClient> {
  const client = await connect(localAddress);
  await client.handshake();
  return client;
}

/** Process ids of the workers that live now. */
function workersOf({ child }: GatewayProcess): number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, parent, state, ...args]) =>
        Number(parent) === child.pid && !state?.startsWith('Z') && args.join(' ').includes('src/main.ts'),
    )
    .map(([pid]) => Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Which of them are still connected. */
const living = (all: readonly TestClient[]): TestClient[] =>
  all.filter(({ socket }) => !socket.destroyed && !socket.readableEnded);

/** The worker with the most sessions, and how many those are. */
function busiest(output: string): [pid: number, sessions: number] {
  const counts = new Map<number, number>();
  for (const line of output.split('\n')) {
    if (!line.includes('"session began"')) continue;
    const { pid } = JSON.parse(line) as { pid: number };
    counts.set(pid, (counts.get(pid) ?? 0) + 1);
  }
  const [first] = [...counts].sort(([, one], [, other]) => other - one);
  if (first === undefined) throw new Error('no session has begun');
  return first;
}

async function isRefused(client: TestClient): Promise<boolean> {
  client.command('HANDSHAKE', { major: 1 });
  const line = await client.next();
  if (line['error'] === undefined) return false;
  expect(line).toMatchObject({ error: 'handshake_rejected', fatal: true });
  return true;
}

describe('two workers', () => {
  test(
    'serve one port, hold MAX_SESSIONS together, and give places back',
    async () => {
      await start({ MAX_SESSIONS: '3' });
      expect(gateway!.port).toBeGreaterThan(0);
      expect(workersOf(gateway!)).toHaveLength(2);
      const sessions = [await ready(), await ready(), await ready()];
      for (let i = 0; i < 4; i++) expect(await isRefused(await connect())).toBe(true);
      sessions[0]!.command('STOP', { target: 'session' });
      await sessions[0]!.expect('stop_ack');
      await waitUntil(async () => !(await isRefused(await connect())), 'the place is free again');
      expect(await isRefused(await connect())).toBe(true);
    },
    LONG_MS,
  );

  // Elsewhere than on Linux a machine has but one loopback address.
  test.runIf(platform() === 'linux')(
    'hold MAX_SESSIONS_PER_IP together: eight connections of one address, and another address beside them',
    async () => {
      await start({ MAX_SESSIONS_PER_IP: '2' });
      const [one] = [await ready('127.0.0.1'), await ready('127.0.0.1')];
      for (let i = 0; i < 6; i++) expect(await isRefused(await connect('127.0.0.1'))).toBe(true);
      await ready('127.0.0.2');
      one.command('STOP', { target: 'session' });
      await one.expect('stop_ack');
      await waitUntil(async () => !(await isRefused(await connect('127.0.0.1'))), 'the place is free again');
      expect(await isRefused(await connect('127.0.0.1'))).toBe(true);
    },
    LONG_MS,
  );

  test(
    'one that is killed costs its own sessions only, gives back their places and is replaced',
    async () => {
      await start({ MAX_SESSIONS: '4' });
      const sessions = [await ready(), await ready(), await ready(), await ready()];
      expect(await isRefused(await connect())).toBe(true);
      // The kernel deals connections out as it likes: the log tells who has how many.
      await waitUntil(() => gateway!.output().split('"session began"').length > 4, 'all four are in the log');
      const [victim, lost] = busiest(gateway!.output());
      process.kill(victim, 'SIGKILL');
      await waitUntil(() => living(sessions).length === 4 - lost, 'its sessions are gone, and only they');
      const left = living(sessions);
      for (const session of left) {
        session.command('STOP', { target: 'monitor' });
        await session.expect('nothing_to_stop');
      }
      const places = 4 - left.length;
      const fresh: TestClient[] = [];
      while (fresh.length < places) {
        const client = await connect();
        if (!(await isRefused(client))) fresh.push(client);
      }
      expect(await isRefused(await connect())).toBe(true);
      await waitUntil(() => workersOf(gateway!).length === 2, 'it is replaced', 20_000);
      expect(workersOf(gateway!)).not.toContain(victim);
      expect(gateway!.output()).toContain('worker died');
      expect(living([...left, ...fresh])).toHaveLength(4);
    },
    LONG_MS,
  );

  test(
    '[OS-3.8] drain: every session of every worker gets its last line, and the exit code is 0',
    async () => {
      const { child, exited } = await start();
      const sessions = [await ready(), await ready(), await ready(), await ready()];
      child.kill('SIGTERM');
      for (const session of sessions) {
        await session.expect({ type: 'closing', reason: 'shutdown' });
        await session.expectClosed();
      }
      expect(await exited).toEqual({ code: 0, signal: null });
    },
    LONG_MS,
  );

  test(
    'drain by themselves when their primary is killed',
    async () => {
      const { child } = await start();
      const session = await ready();
      const workers = workersOf(gateway!);
      expect(workers).toHaveLength(2);
      child.kill('SIGKILL');
      await session.expect({ type: 'closing', reason: 'shutdown' });
      await session.expectClosed();
      await waitUntil(() => !workers.some(isAlive), 'they have ended', 20_000);
    },
    LONG_MS,
  );

  test(
    'and whoever still waited for the primary to admit it is told so, at once',
    async () => {
      // A drain that waits for somebody lasts that long.
      const { child, output } = await start({ DRAIN_TIMEOUT_MS: '50000' });
      const workers = workersOf(gateway!);
      child.kill('SIGSTOP');
      const client = await connect();
      client.command('HANDSHAKE', { major: 1 });
      await client.expectSilence(200);
      child.kill('SIGKILL');
      await client.expect({ error: 'handshake_rejected', fatal: true });
      await client.expectClosed();
      await waitUntil(
        () => !workers.some(isAlive),
        () => `they have ended: ${output()}`,
        20_000,
      );
    },
    LONG_MS,
  );
});

describe('a replacement that cannot start, because a file has become invalid', () => {
  const CANNOT_START = 'a replacement worker could not start';
  /** It is tried after 0, 2 and 4 s in most runs; a machine may be slow. */
  const TRIED_AGAIN_MS = 40_000;

  /** One session that streams, of a worker that lives on; the other worker is killed and its replacement has failed. */
  async function bereft(env: Record<string, string> = {}): Promise<{ session: TestClient; repair: () => string }> {
    const repair = (): string => folder.write('rules.json', '{"rules":[{"path":"/**","allow":"all"}]}');
    await start({ ROUTE_RULES: repair(), ...env });
    const session = await ready();
    session.command('MONITOR', { url: '/project/robot/joints/joint_states', method: 'GET', period_ms: 20 });
    await session.until('data');
    await waitUntil(() => gateway!.output().includes('"session began"'), 'the session is in the log');
    const [survivor] = busiest(gateway!.output());
    folder.write('rules.json', '{"rules":');
    const victim = workersOf(gateway!).find((pid) => pid !== survivor)!;
    process.kill(victim, 'SIGKILL');
    await waitUntil(
      () => gateway!.output().includes('ROUTE_RULES'),
      'the replacement says why it cannot start',
      20_000,
    );
    await waitUntil(
      () => gateway!.output().includes(CANNOT_START) || living([session]).length === 0,
      'the log says that it is tried again',
    );
    expect(living([session])).toHaveLength(1);
    return { session, repair };
  }

  test(
    'the other worker goes on undisturbed, and once the file is valid again there are two',
    async () => {
      const admin = await freePort();
      const { session, repair } = await bereft({ ADMIN_PORT: String(admin) });
      const before = session.lines.length;
      await waitUntil(() => gateway!.output().split(CANNOT_START).length > 2, 'it is tried again', TRIED_AGAIN_MS);
      await waitUntil(() => session.lines.length > before + 10, 'data goes on');
      expect(living([session])).toHaveLength(1);
      await ready();
      expect((await ask(admin, '/healthz')).status).toBe(200);
      repair();
      await waitUntil(
        async () => (await askMetrics(admin)).get('open_stream_processes') === 2,
        'there are two again',
        TRIED_AGAIN_MS,
      );
      session.command('STOP', { target: 'session' });
      await session.until('stop_ack');
    },
    2 * LONG_MS,
  );

  test(
    '[OS-3.8] a drain meanwhile waits for no replacement: the last line, and exit code 0',
    async () => {
      const { session } = await bereft();
      gateway!.child.kill('SIGTERM');
      await session.until({ type: 'closing', reason: 'shutdown' });
      await session.expectClosed();
      expect(await gateway!.exited).toEqual({ code: 0, signal: null });
    },
    LONG_MS,
  );
});

describe('a worker that cannot start ends the whole', () => {
  test(
    'a port in use: exit code 1, and the reason',
    async () => {
      const other = createServer();
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const { port } = other.address() as { port: number };
      await expect(start({ PORT: String(port) })).rejects.toThrow(/code 1 [\s\S]*the port is in use/);
      other.close();
    },
    LONG_MS,
  );

  test(
    'a file that is not there: exit code 2, and the setting at fault',
    async () => {
      await expect(start({ ROUTE_RULES: '/nowhere/rules.json' })).rejects.toThrow(/code 2 [\s\S]*ROUTE_RULES/);
    },
    LONG_MS,
  );
});
