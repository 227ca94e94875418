// Route rules on the wire: who may monitor and control what, told in words that give nothing of the rules away.
import { expect, test } from 'vitest';
import { temporaryFolder } from '../access/support/temporary-folder.ts';
import type { TestClient } from '../support/client.ts';
import { type GuardedGateway, useStage } from './support/stage.ts';

const stage = useStage();
const folder = temporaryFolder();

const AUTH_TOKENS = 'panel:token-panel,robot:token-robot,guest:token-guest';

const RULES = {
  rules: [
    { path: '/project/robot/secret/**', deny: 'all', credentials: ['panel', 'guest'] },
    { path: '/project/robot/**', allow: 'all', credentials: ['robot'] },
    { path: '/project/robot/*', allow: 'monitor', credentials: ['panel'] },
    { path: '/project/robot/stop', allow: ['POST'] },
    { path: '/project/robot/stop', deny: 'all' },
    { path: '/project/context/tasks[0]/reset', allow: 'control', credentials: ['panel'] },
    { path: '/api_ver', allow: 'monitor' },
    { path: '/slow', allow: 'monitor', min_period_ms: 200 },
    { path: '/**', deny: 'all' },
  ],
};

const SLOW = { rules: [{ path: '/slow', allow: 'monitor', min_period_ms: 200 }] };

const HINT = 'the route rules of this gateway do not allow it; ask its operator';

async function scene(rules: object | undefined, env: Readonly<Record<string, string>> = {}) {
  const backend = await stage.backend();
  const gateway = await stage.gateway({
    BACKEND_URL: `${backend.url}/base`,
    ...(rules === undefined ? {} : { ROUTE_RULES: folder.write('rules.json', JSON.stringify(rules)) }),
    ...env,
  });
  return { backend, gateway };
}

async function as(gateway: GuardedGateway, name: string): Promise<TestClient> {
  const client = await gateway.connect();
  await client.handshake({ token: `token-${name}` });
  return client;
}

/** Tries the route and says whether it was relayed. */
async function allowed(client: TestClient, method: string, url: string): Promise<boolean> {
  if (method === 'GET') {
    client.command('MONITOR', { url, method, period_ms: 30_000 });
    const answer = await client.until((line) => line['type'] === 'monitor_ack' || line['error'] !== undefined);
    if (answer['type'] !== 'monitor_ack') return refused(answer, 'monitor');
    client.command('STOP', { target: 'monitor' });
    await client.until('stop_ack');
    return true;
  }
  client.command('CONTROL', { url, method, ack: true });
  const answer = await client.until((line) => line['type'] !== 'data');
  return answer['type'] === 'control_ack' || refused(answer, 'control');
}

function refused(answer: object, what: string): false {
  expect(answer).toEqual({
    error: 'invalid_url',
    message: `payload.url is not a route this session may ${what}`,
    hint: HINT,
  });
  return false;
}

test('the first rule that matches credential, method and path decides; what none matches is refused', async () => {
  const { backend, gateway } = await scene(RULES, { AUTH_TOKENS });
  const table: readonly (readonly [string, string, string, boolean])[] = [
    ['panel', 'GET', '/project/robot/joints', true],
    ['panel', 'GET', '/project/robot/joints?jno_start=1', true],
    ['panel', 'GET', '/project/robot/a/b', false],
    ['panel', 'GET', '/project/robot/secret', false],
    ['panel', 'POST', '/project/robot/joints', false],
    ['panel', 'POST', '/project/robot/stop', true],
    ['panel', 'PUT', '/project/robot/stop', false],
    ['panel', 'POST', '/project/context/tasks[0]/reset', true],
    ['panel', 'POST', '/project/context/tasks%5B0%5D/reset', true],
    ['panel', 'POST', '/project/context/tasks[1]/reset', false],
    ['robot', 'DELETE', '/project/robot/secret/key', true],
    ['robot', 'POST', '/project/context/tasks[0]/reset', false],
    ['guest', 'GET', '/api_ver', true],
    ['guest', 'POST', '/api_ver', false],
    ['guest', 'GET', '/', false],
    ['guest', 'GET', '/Api_ver', false],
    ['guest', 'GET', '/api_ver/more', false],
  ];
  for (const [name, method, url, expected] of table) {
    const client = await as(gateway, name);
    expect(await allowed(client, method, url), `${name} ${method} ${url}`).toBe(expected);
    client.destroy();
  }
  const relayed = table.filter(([, , , expected]) => expected).map(([, method, url]) => `${method} /base${url}`);
  expect(backend.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(relayed);
});

test('everything is allowed without a file, nothing with one that has no rules', async () => {
  const open = await scene(undefined);
  const free = await open.gateway.ready();
  expect(await allowed(free, 'DELETE', '/anything/at%20all')).toBe(true);
  const closed = await scene({ rules: [] });
  const client = await closed.gateway.ready();
  for (const method of ['GET', 'POST', 'PUT', 'DELETE']) expect(await allowed(client, method, '/')).toBe(false);
  expect(closed.backend.requests).toEqual([]);
});

test('rights go by the credential of the last HANDSHAKE; a rejected change of version leaves them as they were', async () => {
  const { gateway } = await scene(RULES, { AUTH_TOKENS });
  const client = await as(gateway, 'robot');
  expect(await allowed(client, 'POST', '/project/robot/secret')).toBe(true);
  client.command('HANDSHAKE', { major: 9, token: 'token-guest' });
  await client.expect('version_mismatch');
  expect(await allowed(client, 'POST', '/project/robot/secret')).toBe(true);
  await client.handshake({ token: 'token-guest' });
  expect(await allowed(client, 'POST', '/project/robot/secret')).toBe(false);
  client.command('HANDSHAKE', { major: 9, token: 'token-robot' });
  await client.expect('version_mismatch');
  expect(await allowed(client, 'POST', '/project/robot/secret')).toBe(false);
});

test('a will is a CONTROL: what the session may not control it may not leave behind either', async () => {
  const { backend, gateway } = await scene(RULES, { AUTH_TOKENS });
  const client = await gateway.connect();
  client.command('HANDSHAKE', { major: 1, token: 'token-guest', will: { method: 'POST', url: '/api_ver' } });
  expect(await client.next()).toEqual({
    error: 'invalid_url',
    message: 'payload.will.url is not a route this session may control',
    hint: HINT,
  });
  client.command('STOP', { target: 'control' });
  await client.expect('handshake_required');
  client.reset();
  const other = await gateway.connect();
  await other.handshake({ token: 'token-guest', will: { method: 'POST', url: '/project/robot/stop' } });
  other.reset();
  await backend.waitFor(1);
  expect(backend.requests.map(({ path }) => path)).toEqual(['/base/project/robot/stop']);
});

test('the query plays no part in a decision and cannot smuggle a path', async () => {
  const { backend, gateway } = await scene(RULES, { AUTH_TOKENS });
  const client = await as(gateway, 'guest');
  for (const url of ['/secret?/../api_ver', '/?x=/api_ver', '/project/robot/secret?path=/api_ver', '/x%3f/../api_ver'])
    expect(await allowed(client, 'GET', url).catch(() => false), url).toBe(false);
  client.command('MONITOR', { url: '/api_ver?a=/..', method: 'GET', period_ms: 30_000, args: { '/../x': '../..' } });
  await client.until('monitor_ack');
  await client.until('data');
  expect(backend.requests.map(({ path }) => path)).toEqual(['/base/api_ver?a=/..&%2F..%2Fx=..%2F..']);
});

test('the floor of a route: longer periods stay, shorter ones become it, and the effective one is told', async () => {
  for (const profile of ['strict', 'vendor']) {
    const { gateway } = await scene(SLOW, { PROTOCOL_PROFILE: profile });
    const client = await gateway.ready();
    for (const [period_ms, effective] of [
      [200, undefined],
      [201, undefined],
      [30_000, undefined],
      [199, 200],
      [2, 200],
    ]) {
      client.command('MONITOR', { url: '/slow', method: 'GET', period_ms });
      await client.until({ type: 'monitor_ack', period_ms: effective });
      client.command('STOP', { target: 'monitor' });
      await client.until('stop_ack');
    }
  }
});

test('the floor is kept at the backend, also when others share the poll or ask for another period', async () => {
  const { backend, gateway } = await scene(SLOW);
  const begun = performance.now();
  for (const period_ms of [2, 5, 2, 100]) {
    const client = await gateway.ready();
    client.command('MONITOR', { url: '/slow', method: 'GET', period_ms });
    await client.expect({ type: 'monitor_ack', period_ms: 200 });
  }
  const watcher = await gateway.ready();
  watcher.command('MONITOR', { url: '/slow', method: 'GET', period_ms: 2 });
  for (let count = 0; count < 5; count += 1) await watcher.until('data');
  const elapsed = performance.now() - begun;
  // Shared, so one poll a period; a second one where a session joined between two deadlines.
  expect(backend.requests.length).toBeLessThanOrEqual(2 * (elapsed / 200 + 1));
  const gaps = backend.requests.slice(2).map(({ at }, index) => at - backend.requests[index]!.at);
  expect(Math.max(...gaps)).toBeGreaterThan(150);
});

test('a rule file with faults stops the start and names each by its place', async () => {
  const bad = {
    rules: [{ path: 'x', allow: 'all' }, { path: '/a' }, { path: '/b', allow: 'all', credentials: ['nobody'] }],
  };
  await expect(scene(bad, { AUTH_TOKENS })).rejects.toThrow(
    /\/rules\/0\/path.*\/rules\/1.*\/rules\/2\/credentials\/0/s,
  );
  await expect(stage.gateway({ ROUTE_RULES: '/does/not/exist' })).rejects.toThrow('ROUTE_RULES: the file');
});
