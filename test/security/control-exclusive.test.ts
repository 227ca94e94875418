// CONTROL_EXCLUSIVE: one session at a time moves the machine; the others are told who does, and since when.
import { expect, test } from 'vitest';
import { waitUntil } from '../faults/support/wait.ts';
import { createGate } from '../support/backend.ts';
import type { TestClient } from '../support/client.ts';
import type { Json } from '../support/match.ts';
import { useStage } from './support/stage.ts';

const stage = useStage();

async function scene(env: Readonly<Record<string, string>> = {}) {
  const gate = createGate();
  const backend = await stage.backend(async (request, reply) => {
    if (request.path.startsWith('/held')) await gate.opened;
    reply.json({ ok: true });
  });
  const gateway = await stage.gateway({
    BACKEND_URL: backend.url,
    CONTROL_EXCLUSIVE: 'on',
    STOP_GRACE_MS: '2000',
    ...env,
  });
  const [one, other] = [
    await gateway.connect({ localAddress: '127.0.0.2' }),
    await gateway.connect({ localAddress: '127.0.0.3' }),
  ];
  await one.handshake();
  await other.handshake();
  return { gate, backend, gateway, one, other };
}

async function control(client: TestClient, url = '/go'): Promise<Json> {
  client.command('CONTROL', { url, method: 'POST', ack: true });
  return client.until((line) => line['type'] !== 'data');
}

const ACK = { type: 'control_ack' };
const BUSY = { error: 'control_busy' };

test('the first session that sends a CONTROL holds control; the other is told its address and since when', async () => {
  const { backend, one, other } = await scene();
  const before = Date.now();
  expect(await control(one)).toMatchObject(ACK);
  const after = Date.now();
  const refused = await control(other);
  expect(refused).toMatchObject(BUSY);
  const told = /held by 127\.0\.0\.2 since (\S+Z)/.exec(refused['message'] as string);
  const since = Date.parse(told?.[1] ?? '');
  expect(since).toBeGreaterThanOrEqual(before);
  expect(since).toBeLessThanOrEqual(after);
  expect(await control(one)).toMatchObject(ACK);
  // Watching needs no control.
  other.command('MONITOR', { url: '/state', method: 'GET', period_ms: 50 });
  await other.expect('monitor_ack');
  await other.until('data');
  expect(await control(other)).toMatchObject(BUSY);
  expect(backend.of('POST').length).toBe(2);
});

test('a CONTROL that is refused takes no control', async () => {
  const { one, other } = await scene();
  one.command('CONTROL', { url: 'bad', method: 'POST' });
  await one.expect('invalid_url');
  one.command('CONTROL', { url: '/go', method: 'GET' });
  await one.expect('method_not_allowed');
  expect(await control(other)).toMatchObject(ACK);
  expect(await control(one)).toMatchObject(BUSY);
});

test('STOP control gives it back, also when there is nothing left to stop', async () => {
  const { one, other } = await scene();
  expect(await control(one)).toMatchObject(ACK);
  one.command('STOP', { target: 'control' });
  await one.expect('nothing_to_stop');
  expect(await control(other)).toMatchObject(ACK);
  expect(await control(one)).toMatchObject(BUSY);
});

test('STOP monitor does not give it back', async () => {
  const { one, other } = await scene();
  expect(await control(one)).toMatchObject(ACK);
  one.command('STOP', { target: 'monitor' });
  await one.expect('nothing_to_stop');
  expect(await control(other)).toMatchObject(BUSY);
});

const ENDS: Readonly<Record<string, (client: TestClient) => void>> = {
  'STOP session': (client) => client.command('STOP', { target: 'session' }),
  'its end of input': (client) => client.end(),
  'a reset': (client) => client.reset(),
  'a fatal error': (client) => client.sendLines(Array.from({ length: 32 }, () => '{')),
};

for (const [name, end] of Object.entries(ENDS)) {
  test(`the end of the session gives it back: ${name}`, async () => {
    const { gateway, one, other } = await scene();
    expect(await control(one)).toMatchObject(ACK);
    end(one);
    await waitUntil(() => gateway.target.sessions?.() === 1, 'the session is over');
    expect(await control(other)).toMatchObject(ACK);
  });
}

test('whoever is idle for the configured time loses it to the next who asks, and may ask again', async () => {
  const { one, other } = await scene({ CONTROL_EXCLUSIVE_IDLE_MS: '300' });
  expect(await control(one)).toMatchObject(ACK);
  expect(await control(other)).toMatchObject(BUSY);
  await waitUntil(async () => (await control(other))['type'] === 'control_ack', 'the holder is idle');
  expect(await control(one)).toMatchObject(BUSY);
  await waitUntil(async () => (await control(one))['type'] === 'control_ack', 'the other one is idle');
});

test('a session whose CONTROL still runs is not idle, however long it takes', async () => {
  const { gate, backend, one, other } = await scene({ CONTROL_EXCLUSIVE_IDLE_MS: '100', BACKEND_TIMEOUT_MS: '10000' });
  one.command('CONTROL', { url: '/held', method: 'POST', ack: true });
  await backend.waitFor(1);
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(await control(other)).toMatchObject(BUSY);
  gate.open();
  await one.expect(ACK);
});

test('after STOP control the other one waits for what is still in flight', async () => {
  const { gate, backend, one, other } = await scene();
  one.command('CONTROL', { url: '/held', method: 'POST', ack: true });
  await backend.waitFor(1);
  one.command('STOP', { target: 'control' });
  one.command('STOP', { target: 'monitor' });
  await one.expect('nothing_to_stop');
  // Two sessions would move the machine at once.
  expect(await control(other)).toMatchObject(BUSY);
  gate.open();
  await one.expect(ACK);
  await one.expect('stop_ack');
  expect(await control(other)).toMatchObject(ACK);
});

test('after STOP session too', async () => {
  const { gate, backend, one, other } = await scene();
  one.command('CONTROL', { url: '/held', method: 'POST', ack: true });
  await backend.waitFor(1);
  one.command('STOP', { target: 'session' });
  await other.handshake();
  expect(await control(other)).toMatchObject(BUSY);
  gate.open();
  await one.expect(ACK);
  await one.expect('stop_ack');
  await one.expectClosed();
  await waitUntil(async () => (await control(other))['type'] === 'control_ack', 'control is free');
});

test('a CONTROL behind STOP control keeps control with its session', async () => {
  const { gate, backend, one, other } = await scene();
  one.command('CONTROL', { url: '/held', method: 'POST', ack: true, id: 1 });
  await backend.waitFor(1);
  one.command('STOP', { target: 'control' });
  one.command('CONTROL', { url: '/held/again', method: 'POST', ack: true, id: 2 });
  gate.open();
  await one.expect({ ...ACK, id: 1 });
  await one.expect('stop_ack');
  await one.expect({ ...ACK, id: 2 });
  expect(await control(other)).toMatchObject(BUSY);
});

test('without the setting everybody may send', async () => {
  const { one, other } = await scene({ CONTROL_EXCLUSIVE: 'off' });
  expect(await control(one)).toMatchObject(ACK);
  expect(await control(other)).toMatchObject(ACK);
});
