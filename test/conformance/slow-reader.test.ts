// A slow reader costs only itself: data is skipped and counted, answers never are, CONTROL is not held up.
import { expect } from 'vitest';
import { acked, control, handshake, monitor, stop } from '../faults/support/commands.ts';
import { pass, waitUntil } from '../faults/support/wait.ts';
import type { Handler, ScriptedBackend } from '../support/backend.ts';
import { check } from '../support/check.ts';
import type { TestClient } from '../support/client.ts';

/** A GET answers 100 KB that begin with the number of the poll; everything else answers 1. */
function bulky(): Handler {
  let polls = 0;
  return (request, reply) => {
    if (request.method !== 'GET') return reply.json('1');
    reply.json(`[${polls},"${'x'.repeat(100_000)}"]`);
    polls += 1;
    return undefined;
  };
}

const polls = (backend: ScriptedBackend): number => backend.of('GET').length;

/** Stops reading until so much was polled that the kernel's buffers (a few MB at most) cannot have taken it all. */
async function congest(client: TestClient, backend: ScriptedBackend, results = 250): Promise<void> {
  client.pause();
  const from = polls(backend);
  await waitUntil(() => polls(backend) > from + results, 'the stream outgrows the kernel', 25_000);
}

/** Reads data lines until one carries `skipped`; returns everything read as [number of the poll, skipped]. */
async function readThroughGap(client: TestClient): Promise<[number, number][]> {
  const seen: [number, number][] = [];
  for (;;) {
    const line = await client.until('data');
    seen.push([(line['result'] as [number])[0], Number(line['skipped'] ?? 0)]);
    if (line['skipped'] !== undefined) return seen;
  }
}

const PATIENT = { ARMED_TIMEOUT_MS: '60000', TX_BUFFER_BYTES: '65536' };

check(
  'slow-reader.skipped',
  '[OS-3.7] due data is skipped while the socket is congested, and the next data says how many: the counts add up',
  async ({ pair }) => {
    const { backend, gateway } = await pair(bulky(), PATIENT);
    const client = await gateway.ready();
    client.send(monitor('/bulky', 5));
    await client.expect('monitor_ack');
    const seen: [number, number][] = [];
    for (let round = 0; round < 2; round += 1) {
      await congest(client, backend);
      client.resume();
      seen.push(...(await readThroughGap(client)));
    }
    let last = -1;
    let skipped = 0;
    for (const [poll, count] of seen) {
      expect(poll - last - 1).toBe(count);
      last = poll;
      skipped += count;
    }
    expect(skipped).toBeGreaterThan(50);
  },
  60_000,
);

check(
  'slow-reader.newest',
  '[OS-3.7] after a congestion the newest sample comes, not what had piled up',
  async ({ pair }) => {
    const { backend, gateway } = await pair(bulky(), PATIENT);
    const client = await gateway.ready();
    client.send(monitor('/bulky', 5));
    await client.expect('monitor_ack');
    await congest(client, backend);
    const before = polls(backend);
    client.resume();
    const [newest] = (await readThroughGap(client)).at(-1)!;
    // Polled at the end of the congestion or after it.
    expect(newest).toBeGreaterThanOrEqual(before - 3);
  },
  60_000,
);

check(
  'slow-reader.answers-kept',
  '[OS-3.7] acks and errors are never skipped, however congested the socket is; their order stays',
  async ({ pair }) => {
    const { backend, gateway } = await pair(bulky(), PATIENT);
    const client = await gateway.ready();
    client.send(monitor('/bulky', 5));
    await client.expect('monitor_ack');
    await congest(client, backend);
    for (let i = 0; i < 50; i += 1) client.sendLines([acked('/x', { id: `c${i}` }), monitor('/y', 5, { id: `m${i}` })]);
    await backend.waitUntil((requests) => requests.filter((request) => request.method === 'POST').length === 50);
    client.resume();
    const acks: unknown[] = [];
    const errors: unknown[] = [];
    while (acks.length + errors.length < 100) {
      const line = await client.next();
      if (line['type'] === 'control_ack') acks.push(line['id']);
      if (line['error'] === 'monitor_already_active') errors.push(line['id']);
    }
    expect(acks).toEqual(Array.from({ length: 50 }, (_, i) => `c${i}`));
    expect(errors).toEqual(Array.from({ length: 50 }, (_, i) => `m${i}`));
  },
  60_000,
);

check(
  'slow-reader.control-goes-on',
  '[OS-3.7] CONTROL goes on while only data is congested',
  async ({ pair }) => {
    const { backend, gateway } = await pair(bulky(), PATIENT);
    const client = await gateway.ready();
    client.send(monitor('/bulky', 5));
    await client.expect('monitor_ack');
    await congest(client, backend);
    client.sendLines(Array.from({ length: 100 }, (_, i) => control(`/move/${i}`)));
    await backend.waitUntil((requests) => requests.filter((request) => request.method === 'POST').length === 100);
    expect(backend.of('POST').map((request) => request.path)).toEqual(
      Array.from({ length: 100 }, (_, i) => `/move/${i}`),
    );
  },
  60_000,
);

check(
  'slow-reader.stop',
  '[OS-3.5] a congested monitor can be stopped: what was sent before arrives, then the stop_ack, then no data',
  async ({ pair }) => {
    const { backend, gateway } = await pair(bulky(), PATIENT);
    const client = await gateway.ready();
    client.send(monitor('/bulky', 5));
    await client.expect('monitor_ack');
    await congest(client, backend);
    client.send(stop('monitor'));
    await waitUntil(async () => {
      const before = polls(backend);
      await pass(200);
      return polls(backend) === before;
    }, 'the polls end');
    client.resume();
    await client.until('stop_ack');
    await client.expectSilence(200);
  },
  60_000,
);

check(
  'slow-reader.own-cost',
  '[OS-3.7] a slow reader of a shared poll costs the others nothing',
  async ({ pair }) => {
    const { backend, gateway } = await pair(bulky(), PATIENT);
    const [slow, quick] = [await gateway.ready(), await gateway.ready()] as const;
    slow.send(monitor('/bulky', 10));
    quick.send(monitor('/bulky', 10));
    await slow.expect('monitor_ack');
    await quick.expect('monitor_ack');
    await congest(slow, backend, 200);
    for (let i = 0; i < 20; i += 1) await quick.until({ type: 'data', skipped: undefined });
    const behind = polls(backend) - quick.lines.length;
    slow.resume();
    await readThroughGap(slow);
    expect(behind).toBeLessThan(50);
  },
  60_000,
);

check(
  'slow-reader.reading-stops',
  '[OS-3.7] nothing is read from a socket for which too many answers wait; all of them arrive in the end',
  async ({ pair }) => {
    const { backend, gateway } = await pair(undefined, PATIENT);
    const client = await gateway.ready();
    client.pause();
    const filler = 'f'.repeat(64);
    const batch = 1000;
    const total = 150;
    let sent = 0;
    // 18 MB of answers to 15 MB of lines: the kernel keeps some of both, the gateway no more than its limits.
    for (let b = 0; b < total; b += 1) {
      client.sendRaw(`${JSON.stringify({ cmd: 'HANDSHAKE', payload: { major: 1, id: filler } })}\n`.repeat(batch));
      sent += batch;
    }
    client.send(acked('/end-of-flood', { id: 'end' }));
    // Others are served while it waits, and its last line is not reached.
    const other = await gateway.ready();
    const begun = performance.now();
    for (let i = 0; performance.now() - begun < 1500; i += 1) {
      other.send(acked('/other', { id: i }));
      await other.expect({ type: 'control_ack', id: i });
      await pass(20);
    }
    expect(backend.requests.some((request) => request.path === '/end-of-flood')).toBe(false);
    client.resume();
    await backend.waitUntil((requests) => requests.some((request) => request.path === '/end-of-flood'), 30_000);
    await waitUntil(
      () => client.lines.length === sent + 2,
      () => `all answers arrive, ${client.lines.length} of ${sent + 2}`,
      30_000,
    );
    const answers = client.lines.slice(1);
    expect(
      answers.slice(0, sent).every((line) => line.json['type'] === 'handshake_ack' && line.json['id'] === filler),
    ).toBe(true);
    expect(answers[sent]!.json).toMatchObject({ type: 'control_ack', id: 'end' });
    client.send(handshake());
  },
  90_000,
);
