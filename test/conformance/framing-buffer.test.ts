// The receive buffer: the longest line, one answer for a longer one, and the end of the gateway's patience.
import { check } from '../support/check.ts';

/** A HANDSHAKE of exactly `bytes` bytes without its line end. */
function handshakeOf(bytes: number): string {
  const start = '{"cmd":"HANDSHAKE","payload":{"major":1},"pad":"';
  return `${start}${'x'.repeat(bytes - start.length - 2)}"}`;
}

const overflow = { error: 'rx_buf_overflow', fatal: undefined };

for (const [name, size, env] of [
  ['default', 65_536, {}],
  ['small', 300, { RX_BUFFER_BYTES: '300' }],
] as const) {
  check(
    `framing.rx-edge-${name}`,
    `[OS-1.4] ${size} bytes fit the ${name} receive buffer, one more does not`,
    async (t) => {
      const { gateway } = await t.pair(undefined, env);
      const client = await gateway.connect();
      client.sendRaw(`${handshakeOf(size)}\n`);
      await client.expect('handshake_ack');
      client.sendRaw(`${handshakeOf(size + 1)}\n`);
      await client.expect(overflow);
      client.sendRaw(`${handshakeOf(size - 1)}\n`);
      await client.expect('handshake_ack');
      await client.fence();
    },
  );
}

check(
  'framing.rx-white-space',
  '[OS-1.4] white space before the first byte of a connection counts towards its line, and the line is thrown away whole',
  async (t) => {
    const { gateway } = await t.pair(undefined, { RX_BUFFER_BYTES: '300' });
    const line = handshakeOf(100);
    const long = await gateway.connect();
    long.sendRaw(`${' '.repeat(201)}${line}\n`);
    await long.expect(overflow);
    await long.fence();
    long.sendRaw(`${line}\n`);
    await long.expect('handshake_ack');
    const fitting = await gateway.connect();
    await fitting.sendChunks([' '.repeat(150), '\n', ' '.repeat(200), `${line}\n`]);
    await fitting.expect('handshake_ack');
    await fitting.fence();
  },
);

check('framing.rx-crlf', '[OS-1.4] neither \\n nor \\r\\n counts towards the length of a line', async (t) => {
  const { gateway } = await t.pair(undefined, { RX_BUFFER_BYTES: '300' });
  const client = await gateway.connect();
  client.sendRaw(`${handshakeOf(300)}\r\n`);
  await client.expect('handshake_ack');
  await client.sendChunks([handshakeOf(300), '\r', '\n']);
  await client.expect('handshake_ack');
  client.sendRaw(`${handshakeOf(300)}\r\r\n`);
  await client.expect(overflow);
  await client.sendChunks([handshakeOf(300), '\r', ' ', '\n']);
  await client.expect(overflow);
  client.sendRaw(`${handshakeOf(301)}\r\n`);
  await client.expect(overflow);
  await client.fence();
});

check('framing.rx-unfinished', '[OS-1.4] an overflow is answered as soon as it is one, finished or not', async (t) => {
  const { gateway } = await t.pair(undefined, { RX_BUFFER_BYTES: '300' });
  const client = await gateway.ready();
  await client.sendRaw(handshakeOf(400).slice(0, 301));
  await client.expect(overflow);
  client.sendRaw(`more of the same\n`);
  await client.handshake();
});

check(
  'framing.rx-once',
  '[OS-1.4] a line too long is answered once, thrown away up to its newline, and never executed',
  async (t) => {
    const { gateway } = await t.pair(undefined, { RX_BUFFER_BYTES: '300' });
    const client = await gateway.ready();
    const inner = '{"cmd":"STOP","payload":{"target":"session"}}';
    await client.sendChunks(['{"x":"', ...Array.from({ length: 40 }, () => inner.repeat(5)), '"}', '\n']);
    await client.expect(overflow);
    await client.handshake();
    client.sendRaw(`${'x'.repeat(5000)}\n${'y'.repeat(5000)}\r\n${'z'.repeat(301)}\n`);
    for (let n = 0; n < 3; n += 1) await client.expect(overflow);
    await client.fence();
  },
);

check('framing.rx-bytes', '[OS-1.4] the length of a line is counted in bytes, not characters', async (t) => {
  const { gateway } = await t.pair(undefined, { RX_BUFFER_BYTES: '300' });
  const client = await gateway.connect();
  const line = (emoji: number, pad: number) =>
    `{"cmd":"HANDSHAKE","payload":{"major":1},"pad":"${'🤖'.repeat(emoji)}${'x'.repeat(pad)}"}`;
  const rest = 300 - Buffer.byteLength(line(50, 0));
  client.send(line(50, rest));
  await client.expect('handshake_ack');
  client.send(line(50, rest + 1));
  await client.expect(overflow);
});

check('framing.rx-first-byte', '[OS-1.7] a flood that does not begin with { is no overflow', async (t) => {
  const { gateway } = await t.pair(undefined, { RX_BUFFER_BYTES: '300' });
  const client = await gateway.connect();
  client.sendRaw('x'.repeat(5000));
  await client.expect({ error: 'invalid_ndjson', fatal: true });
  await client.expectClosed();
});

check(
  'framing.rx-before-handshake',
  '[OS-1.4] before HANDSHAKE a line too long is answered like after it',
  async (t) => {
    const { gateway } = await t.pair(undefined, { RX_BUFFER_BYTES: '300' });
    const client = await gateway.connect();
    client.sendRaw(`${handshakeOf(1000)}\n`);
    await client.expect(overflow);
    await client.handshake();
  },
);

check(
  'framing.rx-discard',
  '[OS-1.4] a line still unfinished RX_DISCARD_BYTES after its overflow is fatal',
  async (t) => {
    const { gateway } = await t.pair(undefined, { RX_BUFFER_BYTES: '300', RX_DISCARD_BYTES: '2000' });
    const client = await gateway.ready();
    client.sendRaw('{'.padEnd(300 + 1990, 'x'));
    await client.expect(overflow);
    client.sendRaw('\n');
    await client.handshake();
    // In one piece or in many, twice what may be thrown away is too much.
    await client.sendChunks(['{'.padEnd(301, 'x'), 'x'.repeat(1000)]);
    await client.expect(overflow);
    client.sendRaw('x'.repeat(1100));
    await client.expect({ error: 'rx_buf_overflow', fatal: true });
    await client.expectClosed();
    const other = await gateway.ready();
    other.sendRaw('{'.padEnd(300 + 2100, 'x'));
    await other.until({ error: 'rx_buf_overflow', fatal: true });
    await other.expectClosed();
  },
);

check(
  'framing.rx-discard-default',
  '[OS-1.4] a megabyte without a newline is thrown away, two end the session',
  async (t) => {
    const { gateway } = await t.pair();
    const client = await gateway.ready();
    const chunk = Buffer.alloc(65_536, 'x');
    client.sendRaw('{');
    for (let n = 0; n < 16; n += 1) client.sendRaw(chunk);
    client.sendRaw('\n');
    await client.expect(overflow);
    await client.handshake();
    client.sendRaw('{');
    for (let n = 0; n < 32; n += 1) client.sendRaw(chunk);
    await client.until({ error: 'rx_buf_overflow', fatal: true });
    await client.expectClosed();
  },
);
