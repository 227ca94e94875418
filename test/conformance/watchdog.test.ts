// The watchdogs: what feeds them, what does not, and that neither a long period nor a back-off is cut short.
import { expect } from 'vitest';
import { acked, control, handshake, monitor, stop } from '../faults/support/commands.ts';
import { pass, waitUntil } from '../faults/support/wait.ts';
import { check } from '../support/check.ts';

const TIMED_OUT = { error: 'session_timeout', fatal: true, type: undefined, message: /./ } as const;

check(
  'watchdog.idle',
  '[OS-3.6] IDLE_TIMEOUT_MS without a valid command ends the session by session_timeout, fatal',
  async ({ pair }) => {
    const { gateway } = await pair(undefined, { IDLE_TIMEOUT_MS: '500' });
    const begun = performance.now();
    const client = await gateway.ready();
    await client.expect(TIMED_OUT);
    await client.expectClosed();
    expect(performance.now() - begun).toBeGreaterThan(450);
  },
);

check(
  'watchdog.idle-before-handshake',
  '[OS-3.6] a connection that never sends a command is ended the same way',
  async ({ pair }) => {
    const { gateway } = await pair(undefined, { IDLE_TIMEOUT_MS: '300' });
    const client = await gateway.connect();
    await client.expect(TIMED_OUT);
    await client.expectClosed();
  },
);

check('watchdog.idle-fed', '[OS-3.6] valid commands feed the watchdog', async ({ pair }) => {
  const { gateway } = await pair(undefined, { IDLE_TIMEOUT_MS: '1500' });
  const client = await gateway.ready();
  const begun = performance.now();
  const lines = [handshake(), control('/x'), handshake({ id: 2 }), acked('/y')];
  for (let i = 0; i < 12; i += 1) {
    client.send(lines[i % lines.length]!);
    await pass(250);
  }
  expect(performance.now() - begun).toBeGreaterThan(2800);
  await client.until('control_ack');
  await client.fencePast();
  await client.expect(TIMED_OUT);
});

check(
  'watchdog.idle-not-fed',
  '[OS-3.6] blank lines, errors and raw bytes do not feed the watchdog',
  async ({ pair }) => {
    const { gateway } = await pair(undefined, { IDLE_TIMEOUT_MS: '1000' });
    for (const bytes of [
      '\n',
      ' \t\r\n',
      '{"cmd":',
      '{"cmd":"NO"}\n',
      '{"broken\n',
      `${JSON.stringify(monitor('x', 5))}\n`,
    ]) {
      const client = await gateway.ready();
      let over = false;
      const feeding = (async () => {
        for (let i = 0; i < 25 && !over; i += 1) {
          client.sendRaw(bytes === '{"cmd":' ? ' ' : bytes);
          await pass(200);
        }
      })();
      // Fed every 200 ms it would live as long as this goes on, 5 s.
      const begun = performance.now();
      await client.until('session_timeout', 8000);
      over = true;
      expect(performance.now() - begun, bytes).toBeLessThan(4500);
      await feeding;
      await client.expectClosed();
    }
  },
  60_000,
);

check(
  'watchdog.state-errors-do-not-feed',
  '[OS-3.6] commands that are refused do not feed the watchdog',
  async ({ pair }) => {
    const { gateway } = await pair(undefined, { IDLE_TIMEOUT_MS: '800' });
    const client = await gateway.connect();
    let over = false;
    const begun = performance.now();
    const feeding = (async () => {
      for (let i = 0; i < 25 && !over; i += 1) {
        client.send(i % 2 === 0 ? control('/x') : { cmd: 'HANDSHAKE', payload: { major: 2 } });
        await pass(200);
      }
    })();
    await client.until('session_timeout', 8000);
    over = true;
    expect(performance.now() - begun).toBeLessThan(4500);
    await feeding;
  },
);

check(
  'watchdog.idle-off-while-monitoring',
  '[OS-3.6] while a MONITOR is active IDLE_TIMEOUT_MS does not count; after its STOP it does',
  async ({ pair }) => {
    const { gateway } = await pair(undefined, { IDLE_TIMEOUT_MS: '400' });
    const client = await gateway.ready();
    client.send(monitor('/stream', 50));
    await client.expect('monitor_ack');
    const begun = performance.now();
    while (performance.now() - begun < 1500) await client.expect('data');
    client.send(stop('monitor'));
    await client.until('stop_ack');
    await client.expect(TIMED_OUT);
    await client.expectClosed();
  },
);

check(
  'watchdog.armed',
  '[OS-3.6] armed: no stream event for ARMED_TIMEOUT_MS after one was due ends the session',
  async ({ pair }) => {
    const { gateway } = await pair((_request, reply) => reply.hang(), {
      ARMED_TIMEOUT_MS: '500',
      BACKEND_TIMEOUT_MS: '60000',
    });
    const client = await gateway.ready();
    const begun = performance.now();
    client.send(monitor('/hangs', 50));
    await client.expect('monitor_ack');
    await client.expect(TIMED_OUT);
    await client.expectClosed();
    expect(performance.now() - begun).toBeGreaterThan(450);
  },
);

check('watchdog.armed-later', '[OS-3.6] armed: a stream that dries up ends the session too', async ({ pair }) => {
  const { gateway } = await pair((request, reply) => (request.index < 5 ? reply.json('1') : reply.hang()), {
    ARMED_TIMEOUT_MS: '800',
    BACKEND_TIMEOUT_MS: '60000',
  });
  const client = await gateway.ready();
  client.send(monitor('/dries-up', 30));
  await client.expect('monitor_ack');
  for (let i = 0; i < 5; i += 1) await client.expect('data');
  await client.expect(TIMED_OUT);
  await client.expectClosed();
});

check(
  'watchdog.armed-fed',
  '[OS-3.6] a valid command feeds the armed watchdog too; errors and blank lines do not',
  async ({ pair }) => {
    const { gateway } = await pair((request, reply) => (request.method === 'GET' ? reply.hang() : reply.json('1')), {
      ARMED_TIMEOUT_MS: '1200',
      BACKEND_TIMEOUT_MS: '60000',
    });
    const client = await gateway.ready();
    client.send(monitor('/hangs', 50));
    await client.expect('monitor_ack');
    for (let i = 0; i < 12; i += 1) {
      client.send(acked('/alive', { id: i }));
      await client.expect({ type: 'control_ack', id: i });
      await pass(200);
    }
    let over = false;
    const begun = performance.now();
    const noise = (async () => {
      for (let i = 0; i < 25 && !over; i += 1) {
        client.sendRaw(i % 2 === 0 ? '\n\n' : '{"cmd":"NO","payload":{}}\n');
        await pass(200);
      }
    })();
    await client.until('session_timeout', 8000);
    over = true;
    expect(performance.now() - begun).toBeLessThan(4500);
    await noise;
  },
);

check('watchdog.long-period', '[OS-3.6] ARMED_TIMEOUT_MS does not end a monitor of 30 s', async ({ pair }) => {
  const { gateway } = await pair(undefined, { ARMED_TIMEOUT_MS: '700', IDLE_TIMEOUT_MS: '700' });
  const client = await gateway.ready();
  client.send(monitor('/rare', 30_000));
  await client.expect('monitor_ack');
  await client.expect('data');
  await client.expectSilence(2000);
  await client.fence();
});

check(
  'watchdog.failing-stream',
  '[OS-3.6] monitor_internal_error is a stream event: a backend that is down does not end the session, nor does back-off',
  async ({ backend, gateway }) => {
    const gone = await backend();
    const { url } = gone;
    await gone.stop();
    const server = await gateway({ BACKEND_URL: url, ARMED_TIMEOUT_MS: '700' });
    const client = await server.ready();
    client.send(monitor('/down', 10));
    await client.expect('monitor_ack');
    for (let i = 0; i < 4; i += 1) await client.expect('monitor_internal_error');
    await client.fencePast();
  },
);

check('watchdog.reader-stops', '[OS-3.6] a client that stops reading its stream is ended', async ({ pair }) => {
  const { backend, gateway } = await pair((_request, reply) => reply.oversize(200_000), { ARMED_TIMEOUT_MS: '500' });
  const client = await gateway.ready();
  client.send(monitor('/big', 5));
  await client.expect('monitor_ack');
  await client.expect('data');
  client.pause();
  let polled = 0;
  let since = performance.now();
  await waitUntil(
    () => {
      if (backend.requests.length !== polled) since = performance.now();
      polled = backend.requests.length;
      return performance.now() - since > 700;
    },
    'nobody polls for it any more',
    20_000,
  );
  client.resume();
  await client.expectClosed({ discard: true });
});

check(
  'watchdog.stalled',
  '[OS-3.6] without MONITOR too, answers that nobody takes for ARMED_TIMEOUT_MS end the session',
  async ({ pair }) => {
    const { gateway } = await pair((_request, reply) => reply.oversize(1_000_000), {
      ARMED_TIMEOUT_MS: '500',
      IDLE_TIMEOUT_MS: '60000',
    });
    const client = await gateway.ready();
    client.pause();
    let ended = false;
    client.socket.on('close', () => {
      ended = true;
    });
    client.socket.on('error', () => {
      ended = true;
    });
    // 60 MB of answers: more than any kernel keeps for one connection.
    client.sendLines(Array.from({ length: 60 }, (_, i) => acked('/big', { id: i })));
    // A peer that was given up resets, which a write from here finds out.
    await waitUntil(
      async () => {
        client.send(handshake());
        await pass(100);
        return ended;
      },
      'the stalled session is ended',
      15_000,
    );
    expect(client.lines.length).toBeLessThan(62);
  },
);
