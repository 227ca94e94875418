// The admin port of a running gateway: that what it shows is what happened, and that a drain can be watched through it.
import { afterEach, describe, expect, test } from 'vitest';
import { AdminStartError } from '../../src/admin/admin-server.ts';
import { loadConfig } from '../../src/config.ts';
import { startGateway } from '../../src/gateway.ts';
import type { SessionList } from '../../src/observation/snapshot.ts';
import { createGate, ScriptedBackend } from '../support/backend.ts';
import { TEST_DEFAULTS } from '../support/gateway.ts';
import { createMemoryLog } from '../support/log.ts';
import {
  type AdminGateway,
  ask,
  askJson,
  askMetrics,
  eventually,
  freePort,
  startWithAdmin as start,
} from './support.ts';

const running: { stop(): Promise<void> }[] = [];

async function backend(): Promise<ScriptedBackend> {
  const scripted = await ScriptedBackend.start();
  running.push(scripted);
  return scripted;
}

async function gateway(env: Readonly<Record<string, string>> = {}): Promise<AdminGateway> {
  const started = await start(env);
  running.unshift(started);
  return started;
}

afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

const ready = async (port: number): Promise<{ status: number; because: string[] }> => {
  const { status, body } = await ask(port, '/readyz');
  return { status, ...(JSON.parse(body) as { because: string[] }) };
};

describe('readiness', () => {
  test('an idle gateway looks for its backend by itself, sends it nothing, and says so when it is gone and back', async () => {
    const first = await backend();
    const { port } = first;
    const { admin, log } = await gateway({ BACKEND_URL: first.url });
    expect(await ready(admin)).toMatchObject({ status: 200, because: [] });
    expect(first.connections).toBe(1);
    expect(first.requests).toEqual([]);

    await first.stop();
    await eventually(
      () => ready(admin),
      ({ status, because }) => status === 503 && because.includes('backend unreachable'),
    );
    expect((await ask(admin, '/healthz')).status).toBe(200);
    expect((await askMetrics(admin)).get('open_stream_backend_reachable')).toBe(0);

    running.push(await ScriptedBackend.start(undefined, port));
    await eventually(
      () => ready(admin),
      ({ status }) => status === 200,
    );
    const messages = log.entries.map(({ message }) => message);
    expect(messages).toContain('backend unreachable');
    expect(messages).toContain('backend reachable again');
  });

  test('an error status shows that the backend is there; a reset does not', async () => {
    const scripted = await backend();
    const one = await gateway({ BACKEND_URL: scripted.url });
    const client = await one.ready();
    scripted.handler = (_request, reply) => reply.json({ error: 'no' }, 500);
    client.command('CONTROL', { url: '/x', method: 'POST' });
    await client.expect('control_err');
    expect(await ready(one.admin)).toMatchObject({ status: 200 });
    scripted.handler = (_request, reply) => reply.reset();
    client.command('CONTROL', { url: '/x', method: 'POST' });
    await client.expect({ type: 'control_err', outcome: 'unknown' });
    expect(await ready(one.admin)).toMatchObject({ status: 503, because: ['backend unreachable'] });
  });

  test('a drain takes readiness down first; the port stays until the last session has ended, then closes', async () => {
    const gate = createGate();
    const scripted = await backend();
    scripted.handler = async (_request, reply) => {
      await gate.opened;
      reply.json({});
    };
    const {
      gateway: inner,
      admin,
      ready: connect,
    } = await gateway({ BACKEND_URL: scripted.url, STOP_GRACE_MS: '20000' });
    const client = await connect();
    client.command('CONTROL', { url: '/slow', method: 'POST', ack: true });
    await scripted.waitFor(1);
    const drained = inner.drain();
    expect(await ready(admin)).toMatchObject({ status: 503, because: ['not listening', 'draining'] });
    expect((await askMetrics(admin)).get('open_stream_sessions{state="READY"}')).toBe(1);
    gate.open();
    await client.expect('control_ack');
    await client.expect({ type: 'closing', reason: 'shutdown' });
    await drained;
    await expect(ask(admin, '/healthz')).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe('what is shown is what happened', () => {
  test('metrics follow a conversation', async () => {
    const scripted = await backend();
    const { admin, ready: connect } = await gateway({ BACKEND_URL: scripted.url });
    const client = await connect();
    client.send('{');
    await client.expect({ error: 'invalid_ndjson' });
    client.command('CONTROL', { url: '/a', method: 'POST', ack: true });
    await client.expect('control_ack');
    scripted.handler = (request, reply) => reply.json({}, request.method === 'GET' ? 200 : 404);
    client.command('CONTROL', { url: '/a', method: 'POST' });
    await client.expect('control_err');
    client.command('MONITOR', { url: '/m', method: 'GET', period_ms: 10 });
    await client.until('data');
    await client.until('data');
    const found = await askMetrics(admin);
    const expected: Record<string, number> = {
      'open_stream_sessions{state="READY"}': 1,
      open_stream_sessions_opened_total: 1,
      open_stream_lines_total: 5,
      'open_stream_errors_total{code="invalid_ndjson"}': 1,
      'open_stream_errors_total{code="control_err"}': 1,
      'open_stream_controls_total{outcome="ok"}': 1,
      'open_stream_controls_total{outcome="refused"}': 1,
      open_stream_control_duration_seconds_count: 2,
      open_stream_polls_running: 1,
      'open_stream_polls_total{result="failed"}': 0,
      open_stream_backend_reachable: 1,
      open_stream_processes: 1,
    };
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, found.get(name)]))).toEqual(expected);
    for (const name of [
      'open_stream_events_total',
      'open_stream_polls_total{result="ok"}',
      'open_stream_poll_duration_seconds_count',
      'open_stream_poll_lateness_seconds_count',
      'open_stream_ticks_total',
      'open_stream_bytes_total{direction="in"}',
      'open_stream_bytes_total{direction="out"}',
      'process_resident_memory_bytes',
    ])
      expect(found.get(name), name).toBeGreaterThan(0);

    client.command('STOP', { target: 'session' });
    await client.until('stop_ack');
    await client.expectClosed({ discard: true });
    const after = await eventually(
      () => askMetrics(admin),
      (metrics) => metrics.get('open_stream_closes_total{reason="stop_session"}') === 1,
    );
    // Nothing is lost when a session moves from the live ones to the ended ones.
    for (const name of [
      'open_stream_lines_total',
      'open_stream_events_total',
      'open_stream_bytes_total{direction="out"}',
    ])
      expect(after.get(name), name).toBeGreaterThanOrEqual(found.get(name) ?? Number.NaN);
    expect(after.get('open_stream_polls_running')).toBe(0);
    expect(after.get('open_stream_sessions{state="READY"}')).toBe(0);
  });

  test('sessions, live and ended, with the name of their credential and never its token', async () => {
    const scripted = await backend();
    const { admin, ready: connect } = await gateway({
      BACKEND_URL: scripted.url,
      AUTH_TOKENS: 'cell-3:a-token-nobody-may-see',
    });
    const client = await connect({ token: 'a-token-nobody-may-see' });
    client.command('MONITOR', { url: '/m?token=a-token-nobody-may-see', method: 'GET', period_ms: 30_000 });
    await client.until('data');
    const list = await askJson<SessionList>(admin, '/sessions');
    expect(list).toMatchObject({ live: 1, ended: [] });
    expect(list.sessions[0]).toMatchObject({
      pid: process.pid,
      address: '127.0.0.1',
      credential: 'cell-3',
      state: 'READY',
      lines: 2,
      events: 1,
      monitor: { periodMs: 30_000 },
      bytesWaiting: 0,
    });
    expect(Math.abs(Date.parse(list.sessions[0]!.since) - Date.now())).toBeLessThan(60_000);
    client.reset();
    const later = await eventually(
      () => askJson<SessionList>(admin, '/sessions'),
      ({ ended }) => ended.length === 1,
    );
    expect(later).toMatchObject({ live: 0, sessions: [] });
    expect(later.ended[0]).toMatchObject({ session: list.sessions[0]!.session, reason: 'connection_lost', lines: 2 });
    expect(JSON.stringify([list, later])).not.toContain('nobody-may-see');
  });

  test('refused connections and failed authentications are counted', async () => {
    const { admin, connect, ready: enter } = await gateway({ MAX_SESSIONS: '1', AUTH_TOKENS: 'right-token' });
    const first = await connect();
    await first.fence();
    const second = await connect();
    await second.expect({ error: 'handshake_rejected' });
    first.command('HANDSHAKE', { major: 1, token: 'wrong-token' });
    await first.expect({ error: 'handshake_rejected' });
    await first.expectClosed();
    const found = await eventually(
      () => askMetrics(admin),
      (metrics) => metrics.get('open_stream_closes_total{reason="credentials"}') === 1,
    );
    expect(found.get('open_stream_closes_total{reason="full"}')).toBe(1);
    expect(found.get('open_stream_authentication_failures_total')).toBe(1);
    expect(found.get('open_stream_errors_total{code="handshake_rejected"}')).toBeGreaterThanOrEqual(1);
    // Only what became a session is listed as one.
    expect((await askJson<SessionList>(admin, '/sessions')).ended.map(({ reason }) => reason)).toEqual(['credentials']);
    await (await enter({ token: 'right-token' })).fence();
  });
});

describe('starting', () => {
  test('ADMIN_PORT=0: there is none', async () => {
    const loaded = loadConfig(TEST_DEFAULTS);
    if (!('config' in loaded)) throw new Error(loaded.faults.join());
    const one = await startGateway(loaded.config, createMemoryLog());
    expect(one.adminPort).toBe(0);
    await one.close();
  });

  test('a port in use fails the start, and leaves nothing behind on PORT', async () => {
    const { admin } = await gateway();
    const port = String(await freePort());
    await expect(start({ ADMIN_PORT: String(admin), PORT: port })).rejects.toThrow(AdminStartError);
    const next = await gateway({ PORT: port });
    expect(next.gateway.port).toBe(Number(port));
  });

  test('a PORT in use closes the admin port again', async () => {
    const first = await gateway();
    const admin = await freePort();
    const failure = await start({ PORT: String(first.gateway.port), ADMIN_PORT: String(admin) }).catch(
      (error) => error,
    );
    expect(failure.code).toBe('EADDRINUSE');
    await expect(ask(admin, '/healthz')).rejects.toThrow(/ECONNREFUSED/);
  });
});
