// MONITOR as a client sees it while the backend works: acknowledgement, the shape of data, the grid of deadlines.
import { expect } from 'vitest';
import { monitor, stop } from '../faults/support/commands.ts';
import { waitUntil } from '../faults/support/wait.ts';
import { createGate } from '../support/backend.ts';
import { check } from '../support/check.ts';

check('monitor.ack-first', '[OS-3.3] monitor_ack comes before the first data', async ({ pair }) => {
  const { gateway } = await pair();
  const client = await gateway.ready();
  client.send(monitor('/fast', 2));
  await client.expect({ type: 'monitor_ack', period_ms: undefined, error: undefined });
  await client.expect('data');
});

check(
  'monitor.data-shape',
  '[OS-2.4] data carries ts in epoch ms, svc_dur_ms and the result, and nothing else',
  async ({ pair }) => {
    const { gateway } = await pair((_request, reply) => reply.json('{"position":[0,90.0],"_type":"JObject"}'));
    const client = await gateway.ready();
    const before = Date.now();
    client.send(monitor('/joints', 5000));
    await client.expect('monitor_ack');
    const data = await client.expect('data');
    expect(Object.keys(data).sort()).toEqual(['result', 'svc_dur_ms', 'ts', 'type']);
    expect(data['result']).toEqual({ position: [0, 90], _type: 'JObject' });
    expect(data['ts']).toBeGreaterThanOrEqual(before - 1000);
    expect(data['ts']).toBeLessThanOrEqual(Date.now() + 1000);
    expect(data['svc_dur_ms']).toBeGreaterThanOrEqual(0);
    expect(data['svc_dur_ms']).toBeLessThan(60_000);
  },
);

check('monitor.request', '[OS-3.3] MONITOR polls GET url?args, without a body', async ({ pair }) => {
  const { backend, gateway } = await pair();
  const client = await gateway.ready();
  client.send(monitor('/project/robot/po_cur', 5000, { args: { crd: 2, mechinfo: 1 } }));
  await client.expect('monitor_ack');
  await client.expect('data');
  const [request] = backend.requests;
  expect(request).toMatchObject({ method: 'GET', path: '/project/robot/po_cur?crd=2&mechinfo=1', body: '' });
  expect(request?.headers['content-type']).toBeUndefined();
});

check(
  'monitor.id',
  '[OS-6.1] the id of a MONITOR stands in its acknowledgement and in every data, as it was written',
  async ({ pair }) => {
    const { gateway } = await pair();
    const client = await gateway.ready();
    client.send('{"cmd":"MONITOR","payload":{"url":"/a","method":"GET","period_ms":10,"id":"m-\\u00e9"}}');
    await client.expect({ type: 'monitor_ack', id: 'm-é' });
    for (let i = 0; i < 3; i += 1) await client.expect({ type: 'data', id: 'm-é' });
  },
);

check(
  'monitor.no-pile-up',
  '[OS-3.3] polls never pile up: the backend never has two of one monitor at once',
  async ({ pair }) => {
    let running = 0;
    let most = 0;
    const { backend, gateway } = await pair((request, reply) => {
      running += 1;
      most = Math.max(most, running);
      setTimeout(() => {
        running -= 1;
        reply.json(String(request.index));
      }, 35);
    });
    const client = await gateway.ready();
    client.send(monitor('/slow', 10));
    await client.expect('monitor_ack');
    for (let i = 0; i < 12; i += 1) await client.expect({ type: 'data', result: i, skipped: undefined });
    expect(backend.requests.length).toBeGreaterThanOrEqual(12);
    expect(most).toBe(1);
  },
);

check(
  'monitor.void-deadlines',
  '[OS-3.3] deadlines that pass during a slow poll are void: nothing is made up for',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(async (request, reply) => {
      if (request.index === 0) await gate.opened;
      reply.json(String(request.index));
    });
    const client = await gateway.ready();
    client.send(monitor('/held', 50));
    await client.expect('monitor_ack');
    await backend.waitFor(1);
    await client.expectSilence(1000);
    expect(backend.requests.length).toBe(1);
    gate.open();
    await backend.waitFor(11);
    const { requests } = backend;
    // Twenty deadlines were void; ten more polls are ten more deadlines, so at least nine periods of 50 ms.
    expect(requests[10]!.at - requests[1]!.at).toBeGreaterThan(350);
  },
);

check(
  'monitor.no-drift',
  '[OS-3.3] deadlines stay at start + k·period_ms, however long a poll takes within its period',
  async ({ pair }) => {
    const { backend, gateway } = await pair((_request, reply) => {
      setTimeout(() => reply.json('1'), 60);
    });
    const client = await gateway.ready();
    client.send(monitor('/drift', 100));
    await backend.waitFor(31);
    const gaps = backend.requests.slice(1, 31).map((request, i) => request.at - backend.requests[i]!.at);
    gaps.sort((a, b) => a - b);
    // A period counted from the end of a poll would give 160 ms; the grid gives 100.
    expect(gaps[15]).toBeLessThan(145);
    expect(gaps[15]).toBeGreaterThan(50);
  },
);

check(
  'monitor.keeps-period',
  '[OS-3.3] MONITOR goes on polling at its period, not faster than it',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    const client = await gateway.ready();
    client.send(monitor('/period', 100));
    await backend.waitFor(9);
    const elapsed = backend.requests[8]!.at - backend.requests[0]!.at;
    expect(elapsed).toBeGreaterThan(650);
    expect(elapsed).toBeLessThan(5000);
  },
);

check(
  'monitor.one-at-most',
  '[OS-4] a second MONITOR is refused by monitor_already_active and the first goes on',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    const client = await gateway.ready();
    client.send(monitor('/first', 20));
    await client.expect('monitor_ack');
    client.send(monitor('/second', 20, { id: 2 }));
    await client.until({ error: 'monitor_already_active', id: 2, type: undefined });
    for (let i = 0; i < 3; i += 1) await client.expect('data');
    expect(backend.requests.map((request) => request.path)).not.toContain('/second');
  },
);

check(
  'monitor.vendor-replaces',
  '[OS-4] vendor: a second MONITOR replaces the first, of which no data comes behind the ack',
  async ({ pair }) => {
    const { gateway } = await pair((request, reply) => reply.json(JSON.stringify(request.path)), {
      PROTOCOL_PROFILE: 'vendor',
    });
    const client = await gateway.ready();
    client.send(monitor('/old', 5));
    await client.expect('monitor_ack');
    for (let i = 0; i < 3; i += 1) await client.expect({ type: 'data', result: '/old' });
    client.send(monitor('/new', 5, { id: 'new' }));
    await client.until({ type: 'monitor_ack', id: 'new' });
    for (let i = 0; i < 10; i += 1) await client.expect({ type: 'data', result: '/new', id: 'new' });
  },
);

check(
  'monitor.vendor-clamps',
  '[OS-4] vendor: a period outside 2–30000 is clamped and the effective one told in monitor_ack',
  async ({ pair }) => {
    const { gateway } = await pair(undefined, { PROTOCOL_PROFILE: 'vendor' });
    for (const [asked, effective] of [
      [1, 2],
      [-5, 2],
      [30001, 30000],
    ] as const) {
      const client = await gateway.ready();
      client.send(monitor('/x', asked));
      await client.expect({ type: 'monitor_ack', period_ms: effective });
      client.destroy();
    }
  },
);

check(
  'monitor.again-after-stop',
  '[OS-3.3] a stopped monitor can be followed by another, whose data alone is sent',
  async ({ pair }) => {
    const { gateway } = await pair((request, reply) => reply.json(JSON.stringify(request.path)));
    const client = await gateway.ready();
    for (const path of ['/one', '/two', '/three']) {
      client.send(monitor(path, 10));
      await client.expect('monitor_ack');
      for (let i = 0; i < 3; i += 1) await client.expect({ type: 'data', result: path });
      client.send(stop('monitor'));
      await client.until('stop_ack');
    }
    await client.fence();
  },
);

check(
  'monitor.half-closed',
  '[OS-1.6] the stream of a running MONITOR goes on for a client that ended its side',
  async ({ pair }) => {
    const { gateway } = await pair();
    const client = await gateway.ready();
    client.send(monitor('/stream', 10));
    client.end();
    await client.expect('monitor_ack');
    for (let i = 0; i < 20; i += 1) await client.expect('data');
  },
);

check('monitor.ends-with-session', '[OS-3.3] nobody polls for a client that is gone', async ({ pair }) => {
  const { backend, gateway } = await pair();
  const client = await gateway.ready();
  client.send(monitor('/gone', 10));
  await client.expect('monitor_ack');
  await client.expect('data');
  client.reset();
  let seen = -1;
  // Quiet for 300 ms, thirty periods, at some point within the bound.
  await waitUntil(async () => {
    if (seen === backend.requests.length) return true;
    seen = backend.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return false;
  }, 'the polls of a client that is gone end');
});
