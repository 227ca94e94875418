// Thousands of hostile urls over the wire: whatever reaches the backend is in its origin and within the rules. FUZZ_FACTOR=25 makes 100,000.
import { expect, test } from 'vitest';
import type { PlainRule } from '../access/support/backend-readings.ts';
import { runs } from '../access/support/fuzz.ts';
import { mutator } from '../access/support/path-mutations.ts';
import { temporaryFolder } from '../access/support/temporary-folder.ts';
import { answer } from '../faults/support/raw-backend.ts';
import type { TestClient } from '../support/client.ts';
import { type Expected, type Scope, verdictOn } from './support/route-verdict.ts';
import { useStage } from './support/stage.ts';

const stage = useStage();
const folder = temporaryFolder();

const RULES: readonly PlainRule[] = [
  { path: '/project/robot/stop', deny: 'all' },
  { path: '/project/robot/secret/**', deny: 'all' },
  { path: '/project/robot/a b', deny: 'all' },
  { path: '/project/*/private', deny: 'control' },
  { path: '/admin/**', deny: 'all' },
  { path: '/project/robot/**', allow: 'all', credentials: ['panel'] },
  { path: '/project/context/tasks[0]/reset', allow: 'control' },
  { path: '/status', allow: ['GET', 'PUT'] },
];

const SEEDS = [
  ...['/project/robot/stop', '/project/robot/secret', '/project/robot/secret/key', '/project/robot/a b'],
  ...['/project/robot/a%20b', '/project/robot/private', '/project/robot/joints', '/project/robot', '/project/robot/'],
  ...['/project/context/tasks[0]/reset', '/project/context/tasks%5B0%5D/reset', '/admin', '/status', '/x/secret', '/'],
];

const BATCH = 200;
const METHODS = ['POST', 'PUT', 'DELETE'] as const;

async function scene() {
  const backend = await stage.rawBackend((_request, socket) => socket.write(answer(200)));
  const host = `127.0.0.1:${backend.port}`;
  const scope: Scope = { rules: RULES, credential: 'panel', host, base: '/base/v1' };
  const gateway = await stage.gateway({
    BACKEND_URL: `http://${host}${scope.base}`,
    BACKEND_HEADERS: '{"x-fixed":"yes"}',
    AUTH_TOKENS: 'panel:token-panel',
    ROUTE_RULES: folder.write('rules.json', JSON.stringify({ rules: RULES })),
    MAX_CONSECUTIVE_ERRORS: '1000000',
    LOG_LEVEL: 'warn',
  });
  const client = await gateway.connect();
  await client.handshake({ token: 'token-panel' });
  return { backend, client, scope };
}

/** What the answers to a batch say: which of them were relayed, in order. */
async function relayed(client: TestClient, batch: readonly Expected[]): Promise<Expected[]> {
  client.sendLines(batch.map(({ method, url }, id) => ({ cmd: 'CONTROL', payload: { method, url, id, ack: true } })));
  const acknowledged = new Set<number>();
  for (let left = batch.length; left > 0; left -= 1) {
    const line = await client.next();
    if (line['type'] === 'control_ack') acknowledged.add(line['id'] as number);
    else expect(line['error']).toBe('invalid_url');
  }
  return batch.filter((_, id) => acknowledged.has(id));
}

test('no spelling of a url makes a CONTROL leave the origin or the rules', { timeout: 600_000 }, async () => {
  const { backend, client, scope } = await scene();
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000);
  const mutations = mutator(SEEDS, seed);
  const wrong: string[] = [];
  let passed = 0;
  const total = runs(4000);
  for (let done = 0; done < total && wrong.length < 10; done += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, at) => ({ method: METHODS[at % 3]!, url: mutations.next() }));
    const expected = await relayed(client, batch);
    const arrived = backend.requests.splice(0);
    passed += arrived.length;
    expect(arrived.length, `seed ${seed}`).toBe(expected.length);
    for (const [at, request] of arrived.entries()) {
      const fault = verdictOn(request, expected[at], scope);
      if (fault !== undefined)
        wrong.push(`${request.method} ${request.path} (of ${JSON.stringify(expected[at]?.url)}) ${fault}`);
    }
  }
  expect(wrong, `seed ${seed}`).toEqual([]);
  // The search is worth nothing when everything is refused.
  expect(passed).toBeGreaterThan(total / 50);
});

test('nor a MONITOR', { timeout: 600_000 }, async () => {
  const { backend, client, scope } = await scene();
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000);
  const mutations = mutator(SEEDS, seed);
  let started = 0;
  for (let done = 0; done < runs(1000); done += 1) {
    client.command('MONITOR', { url: mutations.next(), method: 'GET', period_ms: 30_000 });
    const answered = await client.next();
    if (answered['error'] !== undefined) continue;
    started += 1;
    await client.expect('data');
    client.command('STOP', { target: 'monitor' });
    await client.expect('stop_ack');
  }
  expect(backend.requests.length, `seed ${seed}`).toBe(started);
  expect(started).toBeGreaterThan(10);
  const faults = backend.requests.map((request) => verdictOn(request, undefined, scope)).filter(Boolean);
  expect(faults, `seed ${seed}`).toEqual([]);
});

test('the judge itself finds what must not pass', () => {
  const scope: Scope = { rules: RULES, credential: 'panel', host: 'h:1', base: '/base/v1' };
  const judged = (path: string, head = `POST ${path} HTTP/1.1\r\nhost: h:1\r\nconnection: keep-alive`) =>
    verdictOn({ method: 'POST', path, head, body: '', index: 0, connection: 0 }, undefined, scope);
  expect(judged('/base/v1/project/robot/joints')).toBeUndefined();
  for (const path of [
    '/base/v1/project/robot/stop',
    '/base/v1/project/robot/%73top',
    '/base/v1/project/robot/STOP',
    '/base/v1/project/robot/x%2f..%2fstop',
    '/base/v1/../admin',
    '//evil.test/base/v1/project/robot/joints',
    '/project/robot/joints',
  ]) {
    expect(judged(path), path).toBeTypeOf('string');
  }
  const fine = '/base/v1/project/robot/joints';
  expect(judged(fine, `POST ${fine} HTTP/1.1\r\nhost: evil\r\nconnection: close`)).toContain('host');
  expect(judged(fine, `POST ${fine} HTTP/1.1\r\nhost: h:1\r\nx-evil: 1`)).toContain('x-evil');
});
