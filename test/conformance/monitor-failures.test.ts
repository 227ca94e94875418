// A MONITOR whose polls fail: what is reported, how often, and that the monitor outlives it.
import { expect } from 'vitest';
import { monitor, stop } from '../faults/support/commands.ts';
import { type Handler, ScriptedBackend } from '../support/backend.ts';
import { check } from '../support/check.ts';
import type { MatchObject } from '../support/match.ts';

interface Failure {
  readonly name: string;
  readonly fail: Handler;
  readonly report: MatchObject;
}

const hang: Handler = (_request, reply) => reply.hang();

const FAILURES: readonly Failure[] = [
  {
    name: 'a 500 with JSON',
    fail: (_r, reply) => reply.json('{"err_code":-7,"v":1.0}', 500),
    report: { status: 500, body: { err_code: -7, v: 1 } },
  },
  {
    name: 'a 404 with text',
    fail: (_r, reply) => reply.text('no such thing', 404),
    report: { status: 404, body: 'no such thing' },
  },
  { name: 'a 403 without a body', fail: (_r, reply) => reply.empty(403), report: { status: 403, body: undefined } },
  {
    name: 'a redirect, which is not followed',
    fail: (_r, reply) => reply.text('', 302, { location: '/elsewhere' }),
    report: { status: 302, body: undefined },
  },
  { name: 'a 304', fail: (_r, reply) => reply.response.writeHead(304).end(), report: { status: 304 } },
  {
    name: 'a reset instead of an answer',
    fail: (_r, reply) => reply.reset(),
    report: { status: undefined, body: undefined },
  },
  { name: 'a reset after the headers', fail: (_r, reply) => reply.resetAfterHeaders(), report: {} },
  { name: 'half an answer', fail: (_r, reply) => reply.half(), report: {} },
  { name: 'garbage', fail: (_r, reply) => reply.garbage(), report: { status: undefined, body: undefined } },
  { name: 'no answer within BACKEND_TIMEOUT_MS', fail: hang, report: { status: undefined, body: undefined } },
  {
    name: 'an answer that stops half way',
    fail: (_r, reply) => void reply.raw('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"half":'),
    report: {},
  },
  { name: 'a body over MAX_RESULT_BYTES', fail: (_r, reply) => reply.oversize(2001), report: {} },
  {
    name: 'a chunked body over MAX_RESULT_BYTES',
    fail: (_r, reply) => {
      reply.response.writeHead(200);
      reply.response.write('x'.repeat(1500));
      reply.response.end('x'.repeat(1500));
    },
    report: {},
  },
  {
    name: 'an error whose body is over MAX_RESULT_BYTES',
    fail: (_r, reply) => reply.oversize(5000, 500),
    report: { status: 500 },
  },
];

const SHORT = { BACKEND_TIMEOUT_MS: '1000', MAX_RESULT_BYTES: '2000' };

for (const [index, { name, fail, report }] of FAILURES.entries()) {
  check(
    `monitor-failure.kind-${index}`,
    `[OS-3.3] a failing poll is monitor_internal_error at once, and its monitor recovers: ${name}`,
    async ({ pair }) => {
      const { backend, gateway } = await pair(fail, SHORT);
      const client = await gateway.ready();
      client.send(monitor('/poll', 50, { id: 'm' }));
      await client.expect({ type: 'monitor_ack', id: 'm' });
      const first = await client.expect({
        error: 'monitor_internal_error',
        type: undefined,
        failures: 1,
        fatal: undefined,
        message: /./,
        id: 'm',
        ...report,
      });
      expect(JSON.stringify(first).length).toBeLessThan(4000);
      backend.handler = (_request, reply) => reply.json('"back"');
      await client.until({ type: 'data', result: 'back', id: 'm' });
      await client.expect({ type: 'data', result: 'back' });
    },
  );
}

check(
  'monitor-failure.refused',
  '[OS-3.3] no connection is a failing poll without status, and data comes when the backend does',
  async ({ backend, gateway }) => {
    const gone = await backend();
    const { port, url } = gone;
    await gone.stop();
    const server = await gateway({ BACKEND_URL: url });
    const client = await server.ready();
    client.send(monitor('/down', 100));
    await client.expect('monitor_ack');
    await client.expect({ error: 'monitor_internal_error', failures: 1, status: undefined, body: undefined });
    const back = await ScriptedBackend.start(undefined, port);
    try {
      await client.until('data');
    } finally {
      await back.stop();
    }
  },
);

check(
  'monitor-failure.within-limits',
  '[OS-3.3] a body of exactly MAX_RESULT_BYTES is not over it',
  async ({ pair }) => {
    const { gateway } = await pair((_r, reply) => reply.oversize(2000), SHORT);
    const client = await gateway.ready();
    client.send(monitor('/exact', 1000));
    await client.expect('monitor_ack');
    await client.expect('data');
  },
);

check(
  'monitor-failure.reports',
  '[OS-3.3] after the first failure at most one report a second, each counting the polls failed since the last',
  async ({ pair }) => {
    const { backend, gateway } = await pair((_r, reply) => reply.empty(500));
    const client = await gateway.ready();
    client.send(monitor('/bad', 20));
    await client.expect('monitor_ack');
    const reports = [];
    for (let i = 0; i < 4; i += 1) reports.push(await client.expectLine('monitor_internal_error'));
    const polled = backend.requests.length;
    expect(reports[0]!.json['failures']).toBe(1);
    expect(reports[3]!.at - reports[0]!.at).toBeGreaterThan(2000);
    const told = reports.reduce((sum, report) => sum + Number(report.json['failures']), 0);
    expect(told).toBeLessThanOrEqual(polled);
    // Everything but what failed since the last report, at most a second's polls, was told.
    expect(told).toBeGreaterThanOrEqual(reports.length);
    expect(told).toBeGreaterThanOrEqual(polled - 50);
  },
);

check(
  'monitor-failure.flapping',
  '[OS-3.3] a backend that flaps is reported at most once a second too, and no failure is forgotten',
  async ({ pair }) => {
    let failed = 0;
    const { gateway } = await pair((request, reply) => {
      if (request.index % 2 === 1) return reply.json('1');
      failed += 1;
      return reply.empty(500);
    });
    const client = await gateway.ready();
    client.send(monitor('/flap', 10));
    await client.expect({ type: 'monitor_ack' });
    const begun = performance.now();
    let told = 0;
    let reports = 0;
    while (reports < 4) {
      const line = await client.next();
      if (line['error'] !== 'monitor_internal_error') continue;
      reports += 1;
      told += Number(line['failures']);
      expect(told).toBeLessThanOrEqual(failed);
    }
    expect(performance.now() - begun).toBeGreaterThan(2000);
    expect(client.lines.filter((line) => line.json['type'] === 'data').length).toBeGreaterThan(3);
    expect(told).toBeGreaterThan(4);
  },
);

check(
  'monitor-failure.slows-down',
  '[OS-3.3] polling slows down while it fails, to tries at most 1 s apart',
  async ({ pair }) => {
    const { backend, gateway } = await pair((_r, reply) => reply.empty(500));
    const client = await gateway.ready();
    client.send(monitor('/slower', 5));
    await client.expect('monitor_ack');
    for (let i = 0; i < 4; i += 1) await client.expect('monitor_internal_error');
    const times = backend.requests.map((request) => request.at);
    // Three seconds at 5 ms would be 600 polls.
    expect(times.length).toBeLessThan(200);
    const gaps = times.slice(1).map((at, i) => at - times[i]!);
    expect(Math.max(...gaps)).toBeLessThan(4000);
    expect(times.length).toBeGreaterThanOrEqual(4);
  },
);

check(
  'monitor-failure.not-faster',
  '[OS-3.3] a failing monitor never polls faster than its period',
  async ({ pair }) => {
    const { backend, gateway } = await pair((_r, reply) => reply.empty(500));
    const client = await gateway.ready();
    client.send(monitor('/long', 1500));
    await backend.waitFor(3);
    expect(backend.requests[2]!.at - backend.requests[0]!.at).toBeGreaterThan(2000);
  },
);

check(
  'monitor-failure.recovers',
  '[OS-3.3] one success is enough for polling to be on its period again',
  async ({ pair }) => {
    const { backend, gateway } = await pair((request, reply) =>
      request.index < 6 ? reply.empty(500) : reply.json(String(request.index)),
    );
    const client = await gateway.ready();
    client.send(monitor('/recover', 50));
    await client.until('data', 20_000);
    for (let i = 0; i < 10; i += 1) await client.until('data');
    const times = backend.requests.slice(6).map((request) => request.at);
    const gaps = times.slice(1).map((at, i) => at - times[i]!);
    gaps.sort((a, b) => a - b);
    expect(gaps[Math.floor(gaps.length / 2)]).toBeLessThan(300);
  },
);

check(
  'monitor-failure.stays-active',
  '[OS-3.3] a failing monitor stays active: a second one is refused, STOP ends it and its polls',
  async ({ pair }) => {
    const { backend, gateway } = await pair((_r, reply) => reply.empty(500));
    const client = await gateway.ready();
    client.send(monitor('/bad', 50));
    await client.expect('monitor_ack');
    await client.expect('monitor_internal_error');
    client.send(monitor('/bad', 50, { id: 'again' }));
    await client.until({ error: 'monitor_already_active', id: 'again' });
    client.send(stop('monitor'));
    await client.until('stop_ack');
    const polled = backend.requests.length;
    await client.expectSilence(1500);
    // One may have been on its way when STOP arrived.
    expect(backend.requests.length).toBeLessThanOrEqual(polled + 1);
  },
);
