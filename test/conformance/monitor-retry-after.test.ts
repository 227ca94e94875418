// Retry-After: kept for 429 and 503, in both of its forms, and for nothing else.
import { expect } from 'vitest';
import { monitor, stop } from '../faults/support/commands.ts';
import { check } from '../support/check.ts';

for (const status of [429, 503]) {
  check(
    `monitor-retry-after.seconds-${status}`,
    `[OS-3.3] Retry-After in seconds is kept for ${status}, and the session outlives ARMED_TIMEOUT_MS meanwhile`,
    async ({ pair }) => {
      const { backend, gateway } = await pair(
        (request, reply) => (request.index === 0 ? reply.text('', status, { 'retry-after': '3' }) : reply.json('1')),
        { ARMED_TIMEOUT_MS: '1000' },
      );
      const client = await gateway.ready();
      client.send(monitor('/busy', 50));
      await client.expect('monitor_ack');
      await client.expect({ error: 'monitor_internal_error', status, failures: 1 });
      await client.expect('data');
      expect(backend.requests[1]!.at - backend.requests[0]!.at).toBeGreaterThan(2800);
    },
  );
}

check('monitor-retry-after.date', '[OS-3.3] Retry-After as a date is kept too', async ({ pair }) => {
  const { backend, gateway } = await pair((request, reply) => {
    if (request.index > 0) return reply.json('1');
    return reply.text('', 503, { 'retry-after': new Date(Date.now() + 4000).toUTCString() });
  });
  const client = await gateway.ready();
  client.send(monitor('/busy', 50));
  await client.expect('monitor_ack');
  await client.expect({ error: 'monitor_internal_error', status: 503 });
  await client.expect('data');
  // The date has whole seconds, so 3 to 4 s were meant.
  expect(backend.requests[1]!.at - backend.requests[0]!.at).toBeGreaterThan(2500);
});

for (const [name, status, value] of [
  ['another status', 500, '600'],
  ['no number and no date', 503, 'soon'],
  ['a negative number', 503, '-600'],
  ['a date that is past', 503, 'Wed, 21 Oct 2015 07:28:00 GMT'],
] as const) {
  check(
    `monitor-retry-after.ignored-${status}-${value.replaceAll(/[^a-z0-9]+/gi, '-')}`,
    `[OS-3.3] Retry-After that means nothing does not hold a monitor up: ${name}`,
    async ({ pair }) => {
      const { backend, gateway } = await pair((request, reply) =>
        request.index === 0 ? reply.text('', status, { 'retry-after': value }) : reply.json('1'),
      );
      const client = await gateway.ready();
      client.send(monitor('/busy', 50));
      await client.expect('monitor_ack');
      await client.expect({ error: 'monitor_internal_error', status });
      await backend.waitFor(2, 8000);
      await client.until('data');
    },
  );
}

check(
  'monitor-retry-after.not-faster',
  '[OS-3.3] Retry-After does not make a monitor poll faster than its period',
  async ({ pair }) => {
    const { backend, gateway } = await pair((_r, reply) => reply.text('', 503, { 'retry-after': '0' }));
    const client = await gateway.ready();
    client.send(monitor('/busy', 700));
    await backend.waitFor(4);
    expect(backend.requests[3]!.at - backend.requests[0]!.at).toBeGreaterThan(1500);
  },
);

check(
  'monitor-retry-after.stop',
  '[OS-3.5] a monitor that waits for Retry-After can be stopped and replaced at once',
  async ({ pair }) => {
    const { gateway } = await pair((request, reply) =>
      request.path === '/busy' ? reply.text('', 503, { 'retry-after': '60' }) : reply.json('1'),
    );
    const client = await gateway.ready();
    client.send(monitor('/busy', 50));
    await client.expect('monitor_ack');
    await client.expect('monitor_internal_error');
    client.send(stop('monitor'));
    await client.expect('stop_ack');
    client.send(monitor('/free', 50));
    await client.expect('monitor_ack');
    await client.expect('data');
  },
);
