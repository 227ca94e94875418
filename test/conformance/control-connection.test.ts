// CONTROL and the moments at which a connection to the backend can break: at most once, and the truth about it.
import { expect } from 'vitest';
import { acked, control, monitor } from '../faults/support/commands.ts';
import { answer, RawBackend, type RawHandler } from '../faults/support/raw-backend.ts';
import { type CheckContext, check } from '../support/check.ts';
import type { TestClient } from '../support/client.ts';
import type { TestGateway } from '../support/gateway.ts';

async function inFront(
  { gateway }: CheckContext,
  handler: RawHandler,
  talk: (backend: RawBackend, client: TestClient, server: TestGateway) => Promise<void>,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const backend = await RawBackend.start(handler);
  try {
    const server = await gateway({ BACKEND_URL: backend.url, BACKEND_TIMEOUT_MS: '3000', ...env });
    await talk(backend, await server.ready(), server);
  } finally {
    await backend.stop();
  }
}

const works: RawHandler = (request, socket) => socket.write(answer(200, JSON.stringify(request.path)));

check(
  'control-connection.reset-on-accept',
  '[OS-2.5] a connection that is reset before a request arrives makes one report, without status',
  async (context) => {
    await inFront(context, works, async (backend, client) => {
      backend.onConnection = (socket, n) => {
        if (n === 0) socket.resetAndDestroy();
      };
      client.sendLines([control('/lost', { id: 1 }), acked('/next', { id: 2 })]);
      const line = await client.expect({ type: 'control_err', id: 1, status: undefined });
      expect(['not_sent', 'unknown']).toContain(line['outcome']);
      await client.expect({ type: 'control_ack', id: 2, result: '/next' });
      expect(backend.requests.map((request) => request.path)).toEqual(['/next']);
    });
  },
);

check(
  'control-connection.reset-in-the-middle',
  '[OS-2.5] a connection that is reset while the request is on its way makes one report with outcome unknown',
  async (context) => {
    await inFront(context, works, async (backend, client) => {
      let heads = 0;
      backend.onConnection = (socket, n) => {
        if (n > 0) return;
        // The head is enough: the rest of the request is never read.
        socket.once('data', () => {
          heads += 1;
          socket.resetAndDestroy();
        });
      };
      client.sendLines([control('/cut', { id: 1, body: { long: 'x'.repeat(50_000) } }), acked('/next', { id: 2 })]);
      await client.expect({ type: 'control_err', id: 1, outcome: 'unknown', status: undefined });
      await client.expect({ type: 'control_ack', id: 2 });
      expect(heads).toBe(1);
      expect(backend.requests.filter((request) => request.path === '/cut').length).toBeLessThanOrEqual(1);
    });
  },
);

check(
  'control-connection.keep-alive-race',
  '[OS-3.4] a keep-alive connection that closes in the moment of use never makes a CONTROL run twice or vanish',
  async (context) => {
    // Every answer is followed by the end of its connection, at once or a moment later, while the next one is sent.
    const closing: RawHandler = (request, socket) => {
      socket.write(answer(200, '1'));
      if (request.index % 2 === 0) socket.end();
      else setImmediate(() => socket.resetAndDestroy());
    };
    await inFront(context, closing, async (backend, client) => {
      const count = 200;
      client.sendLines(Array.from({ length: count }, (_, i) => acked(`/${i}`, { id: i })));
      let failed = 0;
      for (let i = 0; i < count; i += 1) {
        const line = await client.next();
        expect(line['id']).toBe(i);
        const executed = backend.requests.filter((request) => request.path === `/${i}`).length;
        expect(executed).toBeLessThanOrEqual(1);
        if (line['type'] === 'control_ack') expect(executed).toBe(1);
        else {
          failed += 1;
          expect(line).toMatchObject({ type: 'control_err', error: 'control_err' });
          if (line['outcome'] === 'not_sent') expect(executed).toBe(0);
        }
      }
      expect(failed).toBeLessThan(count);
      await client.fence();
    });
  },
);

check(
  'control-connection.left-over-answer',
  '[OS-2.5] bytes that follow an answer are never taken for the answer of the next CONTROL',
  async (context) => {
    const chatty: RawHandler = (request, socket) => {
      if (request.path !== '/chatty') return void socket.write(answer(200, JSON.stringify(request.path)));
      socket.write(answer(200, '"mine"') + answer(500, '"stray"'));
    };
    await inFront(context, chatty, async (backend, client) => {
      for (let i = 0; i < 10; i += 1) {
        client.sendLines([acked('/chatty', { id: 'c' }), acked(`/real/${i}`, { id: i })]);
        await client.expect({ type: 'control_ack', id: 'c', status: 200, result: 'mine' });
        await client.expect({ type: 'control_ack', id: i, status: 200, result: `/real/${i}` });
      }
      expect(backend.requests.length).toBe(20);
    });
  },
);

check(
  'control-connection.body-longer-than-told',
  '[OS-2.5] a body longer than its content-length is cut there, and the next CONTROL gets its own answer',
  async (context) => {
    const lying: RawHandler = (request, socket) => {
      if (request.path !== '/lies') return void socket.write(answer(200, '"honest"'));
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n"a"and much more than was told');
    };
    await inFront(context, lying, async (backend, client) => {
      client.sendLines([control('/lies', { id: 'l' }), acked('/honest', { id: 'h' })]);
      const line = await client.next();
      // Complete by its own length, or found out as broken: either way once, and never mixed up.
      if (line['id'] === 'l') {
        expect(line).toMatchObject({ type: 'control_err', outcome: 'unknown' });
        await client.expect({ type: 'control_ack', id: 'h', result: 'honest' });
      } else expect(line).toMatchObject({ type: 'control_ack', id: 'h', result: 'honest' });
      expect(backend.requests.map((request) => request.path)).toEqual(['/lies', '/honest']);
    });
  },
);

check(
  'control-connection.early-answer',
  '[OS-2.5] a refusal that comes before the whole request was taken keeps its status',
  async (context) => {
    await inFront(context, works, async (backend, client) => {
      backend.onConnection = (socket, n) => {
        if (n === 0) socket.once('data', () => socket.end(answer(413, '"too much"')));
      };
      client.sendLines([control('/much', { id: 1, body: { long: 'x'.repeat(60_000) } }), acked('/next', { id: 2 })]);
      const line = await client.expect({ type: 'control_err', id: 1 });
      expect([413, undefined]).toContain(line['status']);
      if (line['status'] === undefined) expect(line['outcome']).toBe('unknown');
      await client.expect({ type: 'control_ack', id: 2 });
    });
  },
);

check(
  'control-connection.own-lane',
  '[OS-3.4] CONTROL has connections of its own: polls that hang in number do not take them all',
  async (context) => {
    const hanging: RawHandler = (request, socket) => {
      if (request.method !== 'GET') socket.write(answer(200, '1'));
    };
    await inFront(
      context,
      hanging,
      async (backend, client, server) => {
        for (let i = 0; i < 12; i += 1) {
          const watching = await server.ready();
          watching.send(monitor(`/hangs/${i}`, 50));
          await watching.expect('monitor_ack');
        }
        for (let i = 0; i < 12; i += 1) {
          client.send(acked(`/move/${i}`, { id: i }));
          await client.expect({ type: 'control_ack', id: i }, 2500);
        }
        expect(backend.requests.filter((request) => request.method === 'POST').length).toBe(12);
      },
      { BACKEND_CONNECTIONS: '2' },
    );
  },
);
