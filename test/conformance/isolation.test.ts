// What one session does changes nothing for another: no line strays, no flood is felt, no fault spreads.
import { expect } from 'vitest';
import { acked, control, handshake, monitor } from '../faults/support/commands.ts';
import { pass } from '../faults/support/wait.ts';
import { check } from '../support/check.ts';
import type { TestClient } from '../support/client.ts';
import type { TestGateway } from '../support/gateway.ts';

check(
  'isolation.own-lines',
  '[OS-3.1] a session is sent what answers itself, and nothing of the others',
  async ({ pair }) => {
    const { gateway } = await pair((request, reply) =>
      request.path.startsWith('/bad')
        ? reply.json(JSON.stringify(request.path), 500)
        : reply.json(JSON.stringify(request.path)),
    );
    const clients = await Promise.all(Array.from({ length: 30 }, () => gateway.ready()));
    for (const [i, client] of clients.entries()) {
      client.send(monitor(`/stream/${i}`, 20, { id: `m${i}` }));
      for (let n = 0; n < 10; n += 1) {
        client.sendLines([
          acked(`/ok/${i}`, { id: `a${i}` }),
          control(`/bad/${i}`, { id: `e${i}` }),
          control('no', { id: `u${i}` }),
        ]);
      }
    }
    await Promise.all(clients.map((client, i) => ownLinesOnly(client, i)));
  },
);

async function ownLinesOnly(client: TestClient, i: number): Promise<void> {
  const counts: Record<string, number> = {};
  while ((counts['control_ack'] ?? 0) < 10 || (counts['control_err'] ?? 0) < 10 || (counts['data'] ?? 0) < 3) {
    const line = await client.next();
    const kind = String(line['type'] ?? line['error']);
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (kind === 'data') expect(line).toMatchObject({ result: `/stream/${i}`, id: `m${i}` });
    else if (kind === 'control_ack') expect(line).toMatchObject({ result: `/ok/${i}`, id: `a${i}` });
    else if (kind === 'control_err') expect(line).toMatchObject({ body: `/bad/${i}`, id: `e${i}` });
    else if (kind === 'invalid_url') expect(line['id']).toBe(`u${i}`);
    else expect([kind, line['id']]).toEqual(['monitor_ack', `m${i}`]);
  }
  expect(counts).toMatchObject({ monitor_ack: 1, control_ack: 10, control_err: 10, invalid_url: 10 });
}

/** What one turn of the event loop may do for a flood: so many lines, or so many bytes of blank ones. */
const LINES_PER_TURN = 100;
const BYTES_PER_TURN = 51_200;
/** The first and the last turn of a flood may be cut off. */
const PARTIAL_TURNS = 2;

/**
 * How many turns of the event loop `work` takes: a count, which no slow machine changes. Infinite for a server that is no part of
 * this process, whose turns are its own.
 */
async function turnsOf({ target }: TestGateway, work: () => Promise<void>): Promise<number> {
  let turns = 0;
  let counter = setImmediate(function count() {
    turns += 1;
    counter = setImmediate(count);
  });
  try {
    await work();
  } finally {
    clearImmediate(counter);
  }
  return target.sessions ? turns : Number.POSITIVE_INFINITY;
}

/** A session that can begin its flood, and another one that monitors at the shortest period. */
async function besideMonitor(gateway: TestGateway) {
  const [flooding, other] = [await gateway.ready(), await gateway.ready()] as const;
  other.send(monitor('/stream', 2));
  await other.expect('monitor_ack');
  return [flooding, other] as const;
}

check(
  'isolation.burst',
  '[OS-1.3] ten thousand lines at once on one session: all are answered in order, and another session is served meanwhile',
  async ({ pair }) => {
    const { gateway } = await pair();
    const [flooding, other] = await besideMonitor(gateway);
    const count = 10_000;
    const turns = await turnsOf(gateway, async () => {
      flooding.sendLines(Array.from({ length: count }, (_, i) => handshake({ id: i })));
      other.send(acked('/other'));
      await other.until('control_ack');
      for (let i = 0; i < count; i += 1) await flooding.expect({ type: 'handshake_ack', id: i });
    });
    expect(turns).toBeGreaterThanOrEqual(count / LINES_PER_TURN - PARTIAL_TURNS);
    for (let i = 0; i < 5; i += 1) await other.until('data');
  },
);

check(
  'isolation.endless-flood',
  '[OS-3.1] an endless flood of errors on one session does not starve another: its answers and its stream go on',
  async ({ pair }) => {
    const { gateway } = await pair(undefined, { MAX_CONSECUTIVE_ERRORS: '1000000' });
    const [flooding, other] = await besideMonitor(gateway);
    const errors = (): number => flooding.lines.filter((line) => line.json['error'] === 'invalid_cmd').length;
    const data = (): number => other.lines.filter((line) => line.json['type'] === 'data').length;
    let over = false;
    const flood = (async () => {
      const lines = '{"cmd":"NO","payload":{}}\n'.repeat(5000);
      // More than is taken meanwhile, and an end none the less, for a server that takes it all at once.
      for (let i = 0; i < 20 && !over; i += 1) await flooding.sendRaw(lines);
    })();
    let answered = 0;
    let seen = 0;
    const turns = await turnsOf(gateway, async () => {
      for (; errors() < 20_000 || data() < 50 || answered < 50; answered += 1) {
        other.send(acked('/other', { id: answered }));
        await other.until({ type: 'control_ack', id: answered });
      }
      seen = errors();
    }).finally(() => {
      over = true;
    });
    expect(turns).toBeGreaterThanOrEqual(seen / LINES_PER_TURN - PARTIAL_TURNS);
    await flood;
  },
);

check(
  'isolation.blank-flood',
  '[OS-1.2] a flood of blank lines is ignored, and takes the time of its own session alone',
  async ({ pair }) => {
    const { gateway } = await pair();
    const [flooding, other] = await besideMonitor(gateway);
    for (const blank of ['\n', '\r\n', ' \n', '\t \r\n']) {
      const flood = Buffer.alloc(4_194_304, blank);
      const turns = await turnsOf(gateway, async () => {
        flooding.socket.write(flood);
        await flooding.fence();
      });
      expect(turns, JSON.stringify(blank)).toBeGreaterThanOrEqual(flood.length / BYTES_PER_TURN - PARTIAL_TURNS);
      for (let i = 0; i < 5; i += 1) await other.until('data');
    }
  },
);

check(
  'isolation.hung-control',
  '[OS-3.4] CONTROLs that hang on some sessions do not hold up the CONTROL of another',
  async ({ pair }) => {
    const { backend, gateway } = await pair(
      (request, reply) => (request.path === '/hangs' ? reply.hang() : reply.json('1')),
      {
        BACKEND_TIMEOUT_MS: '60000',
      },
    );
    for (let i = 0; i < 5; i += 1) (await gateway.ready()).send(control('/hangs'));
    await backend.waitFor(5);
    const other = await gateway.ready();
    for (let i = 0; i < 20; i += 1) {
      other.send(acked('/other', { id: i }));
      await other.expect({ type: 'control_ack', id: i }, 5000);
    }
  },
);

check(
  'isolation.endings',
  '[OS-3.1] sessions that end, in whatever way, leave the others running',
  async ({ pair }) => {
    const { gateway } = await pair(undefined, { MAX_CONSECUTIVE_ERRORS: '2' });
    const staying = await gateway.ready();
    staying.send(monitor('/stream', 20));
    await staying.expect('monitor_ack');
    for (const end of [
      (client: TestClient) => client.reset(),
      (client: TestClient) => client.sendLines(['x', 'x']),
      (client: TestClient) => client.sendRaw('GET / HTTP/1.1\r\n\r\n'),
      (client: TestClient) => client.sendRaw(new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1])),
      (client: TestClient) => client.end(),
      (client: TestClient) => client.destroy(),
    ]) {
      const client = await gateway.connect();
      end(client);
      await staying.until('data');
      await pass(20);
    }
    staying.send(acked('/still', { id: 'still' }));
    await staying.until({ type: 'control_ack', id: 'still' });
  },
);

check('isolation.error-rows', '[OS-1.8] malformed lines are counted per session', async ({ pair }) => {
  const { gateway } = await pair(undefined, { MAX_CONSECUTIVE_ERRORS: '3' });
  const [one, two] = [await gateway.ready(), await gateway.ready()] as const;
  for (let i = 0; i < 2; i += 1) {
    one.send('x');
    await one.expect({ error: 'invalid_ndjson', fatal: undefined });
    two.send('x');
    await two.expect({ error: 'invalid_ndjson', fatal: undefined });
  }
  one.send('x');
  await one.expect({ error: 'invalid_ndjson', fatal: true });
  await one.expectClosed();
  two.send(handshake());
  await two.expect('handshake_ack');
});
