// How a client may leave: by ending its side and reading on, with half a line, or by a reset.
import { expect } from 'vitest';
import { createGate } from '../support/backend.ts';
import { check } from '../support/check.ts';

const HANDSHAKE = '{"cmd":"HANDSHAKE","payload":{"major":1}}';

check('framing.half-close', '[OS-1.6] a client that ends its side gets every answer, then the end', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  client.sendLines([
    HANDSHAKE,
    { cmd: 'CONTROL', payload: { url: '/a', method: 'POST', ack: true, id: 1 } },
    { cmd: 'WRONG', payload: {} },
    { cmd: 'CONTROL', payload: { url: '/b', method: 'POST', ack: true, id: 2 } },
  ]);
  client.end();
  await client.expectClosed({ discard: true });
  const answers = client.lines.map(({ json }) => json['id'] ?? json['type'] ?? json['error']);
  expect([...answers].sort()).toEqual([1, 2, 'handshake_ack', 'invalid_cmd']);
  expect(answers.indexOf(1)).toBeLessThan(answers.indexOf(2));
});

check('framing.half-close-executes', '[OS-1.6] all lines received before the end are executed, in order', async (t) => {
  const gate = createGate();
  const { backend, gateway } = await t.pair(async (_request, reply) => {
    await gate.opened;
    reply.empty();
  });
  const client = await gateway.connect();
  const paths = Array.from({ length: 50 }, (_, n) => `/step/${n}`);
  client.sendLines([HANDSHAKE, ...paths.map((url) => ({ cmd: 'CONTROL', payload: { url, method: 'POST' } }))]);
  client.end();
  await client.expect('handshake_ack');
  await backend.waitFor(1);
  expect(client.ended).toBe(false);
  gate.open();
  await client.expectClosed();
  expect(backend.requests.map((request) => request.path)).toEqual(paths);
});

check(
  'framing.half-close-monitor',
  '[OS-1.6] the stream of a running MONITOR goes on after a half-close',
  async (t) => {
    const { gateway } = await t.pair();
    const client = await gateway.connect();
    client.sendLines([HANDSHAKE, { cmd: 'MONITOR', payload: { url: '/a', method: 'GET', period_ms: 10 } }]);
    client.end();
    await client.expect('handshake_ack');
    await client.expect('monitor_ack');
    for (let n = 0; n < 10; n += 1) await client.expect('data');
  },
);

check('framing.half-close-idle', '[OS-1.6] with nothing left to do the server ends its side too', async (t) => {
  const { gateway } = await t.pair();
  const fresh = await gateway.connect();
  fresh.end();
  await fresh.expectClosed();
  const ready = await gateway.ready();
  ready.end();
  await ready.expectClosed();
});

check(
  'framing.half-close-rest',
  '[OS-1.5] bytes left without a newline at the end are invalid_ndjson, not a command',
  async (t) => {
    const { backend, gateway } = await t.pair();
    const client = await gateway.ready();
    client.sendRaw('{"cmd":"CONTROL","payload":{"url":"/never","method":"POST","body":{}}}');
    client.end();
    await client.expect('invalid_ndjson');
    await client.expectClosed();
    const fresh = await gateway.connect();
    fresh.sendRaw(HANDSHAKE);
    fresh.end();
    await fresh.expect('invalid_ndjson');
    await fresh.expectClosed();
    expect(backend.requests).toEqual([]);
  },
);

check('framing.half-close-white-space', '[OS-1.5] white space left at the end is nothing', async (t) => {
  const { gateway } = await t.pair();
  for (const rest of [' ', '\r', ' \t\r \t']) {
    const client = await gateway.ready();
    client.sendRaw(rest);
    client.end();
    await client.expectClosed();
  }
  const bom = await gateway.connect();
  bom.sendRaw(Uint8Array.of(0xef, 0xbb, 0xbf));
  bom.end();
  await bom.expectClosed();
});

check(
  'framing.half-close-overflow',
  '[OS-1.5] the rest of an overflow is no second error when the client ends its side',
  async (t) => {
    const { gateway } = await t.pair(undefined, { RX_BUFFER_BYTES: '300' });
    const client = await gateway.ready();
    client.sendRaw('{'.padEnd(400, 'x'));
    client.end();
    await client.expect('rx_buf_overflow');
    await client.expectClosed();
  },
);

check('framing.half-close-cr', '[OS-1.5] a CR without its LF at the end leaves its line unfinished', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.ready();
  client.sendRaw(`${HANDSHAKE}\r`);
  client.end();
  await client.expect('invalid_ndjson');
  await client.expectClosed();
});

check('framing.rst', '[OS-1.6] after a reset nothing that still waits is executed', async (t) => {
  const gate = createGate();
  const { backend, gateway } = await t.pair(async (request, reply) => {
    if (request.path === '/first') await gate.opened;
    reply.empty();
  });
  const client = await gateway.ready();
  const later = Array.from({ length: 20 }, (_, n) => ({
    cmd: 'CONTROL',
    payload: { url: `/later/${n}`, method: 'POST' },
  }));
  client.sendLines([{ cmd: 'CONTROL', payload: { url: '/first', method: 'POST' } }, ...later]);
  client.command('HANDSHAKE', { major: 1 });
  await client.expect('busy_session_active'); // every line before it was read
  await backend.waitFor(1);
  client.reset();
  // Two round trips of another session: by then the gateway has seen the reset that came before them.
  const other = await gateway.ready();
  await other.fence();
  await other.fence();
  gate.open();
  other.command('CONTROL', { url: '/other', method: 'POST', ack: true });
  await other.expect('control_ack');
  await other.fence();
  expect(backend.requests.map((request) => request.path)).toEqual(['/first', '/other']);
});

check(
  'framing.rst-after-half-close',
  '[OS-1.6] after a reset nothing that still waits is executed, also when the client had ended its side before',
  async (t) => {
    const gate = createGate();
    const { backend, gateway } = await t.pair(async (request, reply) => {
      if (request.path === '/first') await gate.opened;
      reply.empty();
    });
    const client = await gateway.ready();
    client.sendLines(
      ['/first', '/second', '/third'].map((url) => ({ cmd: 'CONTROL', payload: { url, method: 'POST' } })),
    );
    client.command('HANDSHAKE', { major: 1 });
    client.end();
    await client.expect('busy_session_active'); // every line before it was read
    await backend.waitFor(1);
    const other = await gateway.ready();
    await other.fence(); // by now the end of the first one's side was seen
    client.reset();
    await other.fence();
    gate.open();
    for (let n = 0; n < 5; n += 1) {
      other.command('CONTROL', { url: '/other', method: 'POST', ack: true });
      await other.expect('control_ack');
    }
    expect(backend.requests.map(({ path }) => path).filter((path) => path !== '/other')).toEqual(['/first']);
  },
);

check('framing.rst-monitor', '[OS-1.6] a reset ends the polls of its session', async (t) => {
  const { backend, gateway } = await t.pair();
  const client = await gateway.ready();
  client.command('MONITOR', { url: '/polled', method: 'GET', period_ms: 5 });
  await client.until('data');
  client.reset();
  const other = await gateway.ready();
  await other.fence();
  await other.fence();
  const before = backend.requests.length;
  // A poll may have been under way; after 20 further CONTROLs one after the other there would have been many more.
  for (let n = 0; n < 20; n += 1) {
    other.command('CONTROL', { url: '/tick', method: 'POST', ack: true });
    await other.expect('control_ack');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(
    backend.of('GET').length - backend.requests.slice(0, before).filter((r) => r.method === 'GET').length,
  ).toBeLessThan(3);
});
