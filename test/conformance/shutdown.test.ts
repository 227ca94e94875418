// Graceful shutdown: what still finishes, what is reported, the last line of every session, the exit code.
import { expect } from 'vitest';
import { acked, control, handshake, monitor, stop } from '../faults/support/commands.ts';
import { pass } from '../faults/support/wait.ts';
import { createGate } from '../support/backend.ts';
import { check } from '../support/check.ts';
import { spawnGateway } from '../support/gateway.ts';

const CLOSING = { type: 'closing', reason: 'shutdown', error: undefined } as const;

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  check(
    `shutdown.${signal.toLowerCase()}`,
    `[OS-3.8] ${signal}: every session gets the closing line as its last and then the end, no new connections, exit code 0`,
    async ({ backend }) => {
      const rest = await backend();
      const gateway = await spawnGateway({ BACKEND_URL: rest.url });
      try {
        const [greeted, silent, watching] = [await gateway.connect(), await gateway.connect(), await gateway.connect()];
        await greeted!.handshake();
        await watching!.handshake();
        watching!.send(monitor('/stream', 20));
        await watching!.expect('monitor_ack');
        await watching!.expect('data');
        gateway.kill(signal);
        await greeted!.expect(CLOSING);
        await silent!.expect(CLOSING);
        await watching!.until(CLOSING);
        for (const client of [greeted!, silent!, watching!]) {
          await client.expectClosed();
          client.end();
        }
        expect(await gateway.exited).toEqual({ code: 0, signal: null });
        await expect(gateway.connect()).rejects.toThrow(/ECONNREFUSED/);
      } finally {
        await gateway.stop();
      }
    },
  );
}

check(
  'shutdown.sessionless',
  '[OS-3.8] without any session the process ends by itself, exit code 0',
  async ({ backend }) => {
    const rest = await backend();
    const gateway = await spawnGateway({ BACKEND_URL: rest.url });
    try {
      gateway.kill('SIGTERM');
      expect(await gateway.exited).toEqual({ code: 0, signal: null });
    } finally {
      await gateway.stop();
    }
  },
);

check(
  'shutdown.running-control',
  '[OS-3.8] the CONTROL in flight may finish and is answered; waiting ones are reported not_sent; closing comes last',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(
      async (_request, reply) => {
        await gate.opened;
        reply.json('"finished"');
      },
      { STOP_GRACE_MS: '20000', DRAIN_TIMEOUT_MS: '30000' },
    );
    const client = await gateway.ready();
    client.sendLines([acked('/flying', { id: 'flying' }), control('/a', { id: 'a' }), acked('/b', { id: 'b' })]);
    await backend.waitFor(1);
    const drained = gateway.drain();
    for (const id of ['a', 'b']) {
      await client.expect({ type: 'control_err', error: 'control_err', id, outcome: 'not_sent', status: undefined });
    }
    gate.open();
    await client.expect({ type: 'control_ack', id: 'flying', result: 'finished' });
    await client.expect(CLOSING);
    await client.expectClosed();
    client.end();
    await drained;
    expect(backend.requests.length).toBe(1);
  },
);

check(
  'shutdown.hanging-control',
  '[OS-3.8] a CONTROL that outlasts STOP_GRACE_MS is reported with outcome unknown before the closing line',
  async ({ pair }) => {
    const { backend, gateway } = await pair((_request, reply) => reply.hang(), {
      STOP_GRACE_MS: '300',
      BACKEND_TIMEOUT_MS: '60000',
    });
    const client = await gateway.ready();
    client.send(control('/hangs', { id: 'flying' }));
    await backend.waitFor(1);
    const drained = gateway.drain();
    await client.expect({ type: 'control_err', id: 'flying', outcome: 'unknown' });
    await client.expect(CLOSING);
    await client.expectClosed();
    client.end();
    await drained;
  },
);

check(
  'shutdown.handshake',
  '[OS-3.2] a HANDSHAKE that comes while the gateway drains is handshake_rejected, or the closing line stands before it',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(
      async (_request, reply) => {
        await gate.opened;
        reply.json('1');
      },
      { STOP_GRACE_MS: '20000', DRAIN_TIMEOUT_MS: '30000' },
    );
    const busy = await gateway.ready();
    busy.send(acked('/flying', { id: 'flying' }));
    await backend.waitFor(1);
    const late = await gateway.connect();
    await late.fence();
    const drained = gateway.drain();
    late.send(handshake());
    const line = await late.next();
    if (line['type'] !== 'closing') expect(line).toMatchObject({ error: 'handshake_rejected', fatal: true });
    await late.expectClosed({ discard: true });
    expect(late.lines.some((received) => received.json['type'] === 'handshake_ack')).toBe(false);
    gate.open();
    await busy.expect({ type: 'control_ack', id: 'flying' });
    await busy.expect(CLOSING);
    busy.end();
    late.end();
    await drained;
  },
);

check(
  'shutdown.later-commands',
  '[OS-3.8] commands that arrive while the gateway drains are not executed',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(
      async (_request, reply) => {
        await gate.opened;
        reply.json('1');
      },
      { STOP_GRACE_MS: '20000', DRAIN_TIMEOUT_MS: '30000' },
    );
    const client = await gateway.ready();
    client.send(acked('/flying', { id: 'flying' }));
    await backend.waitFor(1);
    const drained = gateway.drain();
    client.sendLines([control('/late', { id: 'late' }), monitor('/late', 10, { id: 'm' })]);
    await pass(200);
    gate.open();
    await client.until(CLOSING);
    await client.expectClosed();
    client.end();
    await drained;
    expect(backend.requests.map((request) => request.path)).toEqual(['/flying']);
  },
);

check(
  'shutdown.stop-meanwhile',
  '[OS-3.8] a STOP control that arrives while the gateway drains has its answer, before the closing line',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(
      async (_request, reply) => {
        await gate.opened;
        reply.json('1');
      },
      { STOP_GRACE_MS: '20000', DRAIN_TIMEOUT_MS: '30000' },
    );
    const client = await gateway.ready();
    client.sendLines([acked('/flying', { id: 'flying' }), control('/waiting', { id: 'waiting' })]);
    await backend.waitFor(1);
    const drained = gateway.drain();
    await client.expect({ type: 'control_err', id: 'waiting', outcome: 'not_sent' });
    client.sendLines([stop('control', { id: 'halt' }), control('/late', { id: 'late' })]);
    await client.expect({ type: 'control_err', id: 'late', outcome: 'not_sent' });
    gate.open();
    await client.expect({ type: 'control_ack', id: 'flying' });
    await client.expect({ type: 'stop_ack', target: 'control', id: 'halt' });
    await client.expect(CLOSING);
    await client.expectClosed();
    client.end();
    await drained;
  },
);

check(
  'shutdown.deaf-clients',
  '[OS-3.8] clients that neither read nor end their side do not hold the shutdown past DRAIN_TIMEOUT_MS',
  async ({ backend }) => {
    const rest = await backend((_request, reply) => reply.oversize(500_000));
    const gateway = await spawnGateway({
      BACKEND_URL: rest.url,
      DRAIN_TIMEOUT_MS: '1500',
      STOP_GRACE_MS: '200',
      ARMED_TIMEOUT_MS: '60000',
    });
    try {
      const deaf = await gateway.connect();
      await deaf.handshake();
      deaf.pause();
      deaf.send(monitor('/big', 5));
      deaf.sendLines(Array.from({ length: 50 }, (_, i) => acked('/big', { id: i })));
      const open = await gateway.connect();
      await open.handshake();
      await rest.waitFor(40);
      const begun = performance.now();
      gateway.kill('SIGTERM');
      expect(await gateway.exited).toEqual({ code: 0, signal: null });
      expect(performance.now() - begun).toBeLessThan(15_000);
      await open.expect(CLOSING);
      deaf.destroy();
      open.destroy();
    } finally {
      await gateway.stop();
    }
  },
);

check(
  'shutdown.process',
  '[OS-3.8] a CONTROL that runs when SIGTERM comes is finished by the process and its result delivered',
  async ({ backend }) => {
    const gate = createGate();
    const rest = await backend(async (_request, reply) => {
      await gate.opened;
      reply.json('"done"');
    });
    const gateway = await spawnGateway({
      BACKEND_URL: rest.url,
      STOP_GRACE_MS: '20000',
      DRAIN_TIMEOUT_MS: '30000',
    });
    try {
      const client = await gateway.connect();
      await client.handshake();
      client.sendLines([acked('/flying', { id: 1 }), acked('/waits', { id: 2 })]);
      await rest.waitFor(1);
      gateway.kill('SIGTERM');
      await client.expect({ type: 'control_err', id: 2, outcome: 'not_sent' });
      gate.open();
      await client.expect({ type: 'control_ack', id: 1, result: 'done' });
      await client.expect(CLOSING);
      await client.expectClosed();
      client.end();
      expect(await gateway.exited).toEqual({ code: 0, signal: null });
    } finally {
      await gateway.stop();
    }
  },
);
