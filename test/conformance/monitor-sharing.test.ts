// Many readers of one resource: one poll for all of them, and nobody's coming and going is felt by the others.
import { expect } from 'vitest';
import { monitor, stop } from '../faults/support/commands.ts';
import type { Handler } from '../support/backend.ts';
import { check } from '../support/check.ts';
import type { TestClient } from '../support/client.ts';

const counting: Handler = (request, reply) => reply.json(String(request.index));

async function readData(client: TestClient, count: number): Promise<number[]> {
  const results: number[] = [];
  while (results.length < count) results.push(Number((await client.expect('data'))['result']));
  return results;
}

check(
  'monitor-sharing.one-request',
  '[OS-3.3] monitors that ask for the same share one poll: the backend sees one request per period',
  async ({ pair }) => {
    const { backend, gateway } = await pair(counting);
    const clients = await Promise.all(Array.from({ length: 20 }, () => gateway.ready()));
    for (const client of clients) client.send(monitor('/shared', 50, { args: { jno: 1 } }));
    await Promise.all(clients.map((client) => client.expect('monitor_ack')));
    const seen = await Promise.all(clients.map((client) => readData(client, 8)));
    for (const results of seen) expect(results.every((n, i) => i === 0 || n > results[i - 1]!)).toBe(true);
    const newest = Math.max(...seen.flat());
    // Every request was some client's data: none was made for one client alone.
    expect(backend.requests.length).toBeLessThanOrEqual(newest + 3);
    expect(backend.requests.length).toBeLessThan(60);
  },
);

check(
  'monitor-sharing.different',
  '[OS-3.3] another url, other args, another spelling of a number or another period is another poll',
  async ({ pair }) => {
    const { backend, gateway } = await pair((request, reply) => reply.json(JSON.stringify(request.path)));
    const asked = [
      ['/a', '{"v":1}', '/a?v=1'],
      ['/a', '{"v":1.0}', '/a?v=1.0'],
      ['/a', '{"v":"1","w":2}', '/a?v=1&w=2'],
      ['/b', '{"v":1}', '/b?v=1'],
    ] as const;
    for (const [url, args, path] of asked) {
      const client = await gateway.ready();
      client.send(`{"cmd":"MONITOR","payload":{"url":"${url}","method":"GET","period_ms":30000,"args":${args}}}`);
      await client.expect('monitor_ack');
      await client.expect({ type: 'data', result: path });
    }
    expect(backend.requests.map((request) => request.path)).toEqual(asked.map(([, , path]) => path));
    const other = await gateway.ready();
    other.send(monitor('/b', 20_000, { args: { v: 1 } }));
    await backend.waitFor(5);
  },
);

check(
  'monitor-sharing.newcomer',
  '[OS-3.3] a newcomer is sent the newest result at once, with its own ts, and is on the common deadlines from then on',
  async ({ pair }) => {
    const { backend, gateway } = await pair(counting);
    const first = await gateway.ready();
    first.send(monitor('/slow', 2500));
    await first.expect('monitor_ack');
    const [a] = [await first.expect({ type: 'data', result: 0 })];
    const second = await gateway.ready();
    second.send(monitor('/slow', 2500, { id: 'newcomer' }));
    await second.expect('monitor_ack');
    const b = await second.expect({ type: 'data', result: 0, id: 'newcomer' });
    expect(b['ts']).toBe(a!['ts']);
    expect(backend.requests.length).toBe(1);
    await Promise.all([first.expect({ type: 'data', result: 1 }), second.expect({ type: 'data', result: 1 })]);
    expect(backend.requests.length).toBe(2);
  },
);

check('monitor-sharing.ids', '[OS-6.1] sessions that share a poll each get their own id, or none', async ({ pair }) => {
  const { gateway } = await pair(counting);
  const [one, two, none] = [await gateway.ready(), await gateway.ready(), await gateway.ready()] as const;
  one.send(monitor('/shared', 30, { id: 1 }));
  two.send(monitor('/shared', 30, { id: 'two' }));
  none.send(monitor('/shared', 30));
  await Promise.all([one, two, none].map((client) => client.expect('monitor_ack')));
  for (let i = 0; i < 5; i += 1) {
    await one.expect({ type: 'data', id: 1 });
    await two.expect({ type: 'data', id: 'two' });
    await none.expect({ type: 'data', id: undefined });
  }
});

check(
  'monitor-sharing.leaving',
  '[OS-3.3] leaving, in whatever way, does not disturb those who stay',
  async ({ pair }) => {
    const { gateway } = await pair(counting);
    const staying = await gateway.ready();
    staying.send(monitor('/shared', 25));
    await staying.expect('monitor_ack');
    const [begin] = await readData(staying, 1);
    for (const leave of [
      (client: TestClient) => client.send(stop('monitor')),
      (client: TestClient) => client.send(stop('session')),
      (client: TestClient) => client.reset(),
      (client: TestClient) => client.destroy(),
    ]) {
      const client = await gateway.ready();
      client.send(monitor('/shared', 25));
      await client.expect('monitor_ack');
      await client.expect('data');
      leave(client);
      await readData(staying, 3);
    }
    const results = staying.lines
      .filter((line) => line.json['type'] === 'data')
      .map((line) => Number(line.json['result']));
    // Each poll's result once, in order, without a gap.
    expect(results).toEqual(results.map((_, i) => begin! + i));
  },
);

check(
  'monitor-sharing.starter-leaves',
  '[OS-3.3] the poll goes on when the session that began it leaves',
  async ({ pair }) => {
    const { gateway } = await pair(counting);
    const first = await gateway.ready();
    first.send(monitor('/shared', 25));
    await first.expect('monitor_ack');
    await first.expect('data');
    const second = await gateway.ready();
    second.send(monitor('/shared', 25));
    await second.expect('monitor_ack');
    await second.expect('data');
    first.reset();
    const results = await readData(second, 10);
    expect(results).toEqual(results.map((_, i) => results[0]! + i));
  },
);

check(
  'monitor-sharing.failures',
  '[OS-3.3] a failing shared poll is reported to every session that reads it, first failure at once',
  async ({ pair }) => {
    const { gateway } = await pair((_request, reply) => reply.json('{"err_code":1}', 500));
    const clients = await Promise.all(Array.from({ length: 5 }, () => gateway.ready()));
    for (const [i, client] of clients.entries()) client.send(monitor('/shared', 100, { id: i }));
    for (const [i, client] of clients.entries()) {
      await client.expect({ type: 'monitor_ack', id: i });
      await client.expect({ error: 'monitor_internal_error', id: i, status: 500, body: { err_code: 1 }, failures: 1 });
    }
  },
);

check(
  'monitor-sharing.credentials',
  '[OS-3.3] monitors of different credentials never share a poll; those of the same do',
  async ({ pair }) => {
    const { backend, gateway } = await pair(counting, { AUTH_TOKENS: 'alice:secret-of-alice,bob:secret-of-bob' });
    for (const [token, result] of [
      ['secret-of-alice', 0],
      ['secret-of-bob', 1],
      ['secret-of-alice', 0],
      ['secret-of-bob', 1],
    ] as const) {
      const client = await gateway.connect();
      await client.handshake({ token });
      client.send(monitor('/shared', 30_000));
      await client.expect('monitor_ack');
      await client.expect({ type: 'data', result });
    }
    expect(backend.requests.length).toBe(2);
  },
);

check('monitor-sharing.off', '[OS-7] MONITOR_SHARING=off gives every session its own poll', async ({ pair }) => {
  const { backend, gateway } = await pair(counting, { MONITOR_SHARING: 'off' });
  const [one, two] = [await gateway.ready(), await gateway.ready()] as const;
  one.send(monitor('/own', 30_000));
  await one.expect('monitor_ack');
  await one.expect({ type: 'data', result: 0 });
  two.send(monitor('/own', 30_000));
  await two.expect('monitor_ack');
  await two.expect({ type: 'data', result: 1 });
  expect(backend.requests.length).toBe(2);
});

check(
  'monitor-in-flight.order',
  '[OS-7] MONITOR_MAX_IN_FLIGHT holds the period over a slow link: up to that many at once, results in order, late ones counted',
  async ({ pair }) => {
    let running = 0;
    let most = 0;
    const { gateway } = await pair(
      (request, reply) => {
        running += 1;
        most = Math.max(most, running);
        // Every third answer is overtaken by those asked for after it.
        setTimeout(
          () => {
            running -= 1;
            reply.json(String(request.index));
          },
          request.index % 3 === 1 ? 150 : 60,
        );
      },
      { MONITOR_MAX_IN_FLIGHT: '4' },
    );
    const client = await gateway.ready();
    client.send(monitor('/far', 40));
    await client.expect('monitor_ack');
    let last = -1;
    let skipped = 0;
    for (let i = 0; i < 25; i += 1) {
      const data = await client.expect('data');
      const result = Number(data['result']);
      expect(result).toBeGreaterThan(last);
      last = result;
      skipped += Number(data['skipped'] ?? 0);
      // Whatever was asked for up to here was delivered, dropped and counted, or dropped and is still to be counted.
      expect(i + 1 + skipped).toBeLessThanOrEqual(last + 1 + 4);
    }
    // A slow answer lasts for nearly four periods, those behind it for one and a half: two at once would not do.
    expect(most).toBeGreaterThan(2);
    expect(most).toBeLessThanOrEqual(4);
    expect(last + 1 - 25 - skipped).toBeLessThanOrEqual(4);
    expect(skipped).toBeGreaterThan(0);
  },
);
