// Limits per address: sessions, connections a second, commands a second; and the allow list that none of them touches.
import { expect, test } from 'vitest';
import { waitUntil } from '../faults/support/wait.ts';
import type { TestClient } from '../support/client.ts';
import { type GuardedGateway, useStage } from './support/stage.ts';

const stage = useStage();

const from = (gateway: GuardedGateway, localAddress: string): Promise<TestClient> => gateway.connect({ localAddress });

/** Whether this address gets a session now; keeps it open. */
async function admitted(gateway: GuardedGateway, localAddress: string): Promise<boolean> {
  const client = await from(gateway, localAddress);
  client.command('HANDSHAKE', { major: 1 });
  const line = await client.next();
  if (line['type'] === 'handshake_ack') return true;
  expect(line).toMatchObject({ error: 'handshake_rejected', fatal: true });
  await client.expectClosed();
  return false;
}

test('sessions per address count from the connection on and are free again when it ends', async () => {
  const gateway = await stage.gateway({ MAX_SESSIONS_PER_IP: '2' });
  const silent = await from(gateway, '127.0.0.2');
  expect(await admitted(gateway, '127.0.0.2')).toBe(true);
  expect(await admitted(gateway, '127.0.0.2')).toBe(false);
  expect(await admitted(gateway, '127.0.0.3')).toBe(true);
  silent.reset();
  await waitUntil(() => gateway.target.sessions?.() === 2, 'the place is free');
  expect(await admitted(gateway, '127.0.0.2')).toBe(true);
  expect(gateway.logged('connection refused')[0]).toMatchObject({ address: '127.0.0.2', reason: 'full' });
});

test('IPv4 over an IPv6 socket is the same address', async () => {
  const gateway = await stage.gateway({ MAX_SESSIONS_PER_IP: '1', HOST: '::' });
  const target = { host: '127.0.0.1', localAddress: '127.0.0.2' };
  const first = await gateway.connect(target);
  await first.handshake();
  const second = await gateway.connect(target);
  await second.expect({ error: 'handshake_rejected', fatal: true });
  expect(gateway.logged('session began')[0]).toMatchObject({ address: '127.0.0.2' });
});

test('who is on the allow list is not counted and not locked out of a full gateway', async () => {
  const gateway = await stage.gateway({ MAX_SESSIONS_PER_IP: '1', MAX_SESSIONS: '3', LIMITS_ALLOW: '127.0.0.8/29' });
  for (const address of ['127.0.0.2', '127.0.0.3', '127.0.0.4']) expect(await admitted(gateway, address)).toBe(true);
  expect(await admitted(gateway, '127.0.0.5')).toBe(false);
  for (let count = 0; count < 3; count += 1) expect(await admitted(gateway, '127.0.0.9')).toBe(true);
  // What is kept for operators has an end too.
  let more = 0;
  while (more < 50 && (await admitted(gateway, '127.0.0.10'))) more += 1;
  expect(more).toBeGreaterThan(0);
  expect(more).toBeLessThan(50);
});

test('connections a second: a burst of one second’s worth, then the rate; other addresses are not touched', async () => {
  const gateway = await stage.gateway({ MAX_CONNECTIONS_PER_SECOND_PER_IP: '5', LIMITS_ALLOW: '127.0.0.9' });
  const results = await Promise.all(Array.from({ length: 20 }, () => admitted(gateway, '127.0.0.2')));
  const through = results.filter(Boolean).length;
  expect(through).toBeGreaterThanOrEqual(5);
  expect(through).toBeLessThan(20);
  expect(await admitted(gateway, '127.0.0.3')).toBe(true);
  const operator = await Promise.all(Array.from({ length: 20 }, () => admitted(gateway, '127.0.0.9')));
  expect(operator.every(Boolean)).toBe(true);
  await waitUntil(() => admitted(gateway, '127.0.0.2'), 'the address may connect again');
  expect(gateway.logged('connection refused')[0]).toMatchObject({ address: '127.0.0.2', reason: 'rate_limited' });
});

const BURST = 150;

function burst(client: TestClient): void {
  client.sendLines(
    Array.from({ length: BURST }, (_, id) => ({
      cmd: 'CONTROL',
      payload: { url: `/c/${id}`, method: 'POST', id, ack: true },
    })),
  );
}

test('commands a second: who sends more is read more slowly; nothing is lost, nothing out of order', async () => {
  const backend = await stage.backend();
  const gateway = await stage.gateway({
    BACKEND_URL: backend.url,
    MAX_COMMANDS_PER_SECOND_PER_IP: '50',
    LIMITS_ALLOW: '127.0.0.9',
  });
  const client = await from(gateway, '127.0.0.2');
  await client.handshake();
  const begun = performance.now();
  burst(client);
  client.end();
  // Meanwhile others are served at their own pace.
  const operator = await from(gateway, '127.0.0.9');
  await operator.handshake();
  burst(operator);
  for (let id = 0; id < BURST; id += 1) await operator.expect({ type: 'control_ack', id });
  expect(backend.requests.length).toBeLessThan(2 * BURST);
  const other = await from(gateway, '127.0.0.3');
  await other.handshake();
  for (let id = 0; id < BURST; id += 1) await client.expect({ type: 'control_ack', id });
  await client.expectClosed();
  // 151 commands, 50 of them at once, leave 101 at 50 a second.
  expect(performance.now() - begun).toBeGreaterThan(1900);
  expect(backend.requests.length).toBe(2 * BURST);
});

test('the command rate is one for all sessions of an address', async () => {
  const gateway = await stage.gateway({ MAX_COMMANDS_PER_SECOND_PER_IP: '20' });
  const clients = await Promise.all(Array.from({ length: 4 }, () => from(gateway, '127.0.0.2')));
  const begun = performance.now();
  for (const client of clients)
    client.sendLines(Array.from({ length: 15 }, () => '{"cmd":"HANDSHAKE","payload":{"major":1}}'));
  for (const client of clients) for (let count = 0; count < 15; count += 1) await client.expect('handshake_ack');
  expect(performance.now() - begun).toBeGreaterThan(1900);
});

test('how a command is cut does not change what it costs', async () => {
  const gateway = await stage.gateway({ MAX_COMMANDS_PER_SECOND_PER_IP: '5' });
  const client = await from(gateway, '127.0.0.2');
  const begun = performance.now();
  await client.sendChunks('{"cmd":"HANDSHAKE","payload":{"major":1}}\n');
  await client.expect('handshake_ack');
  // One command of five that may come at once; 42 of them would take more than seven seconds.
  expect(performance.now() - begun).toBeLessThan(4000);
});
