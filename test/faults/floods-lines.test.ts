// Floods of bytes and of structure: endless lines, overlong lines, nests and objects that are made to explode.
import { expect } from 'vitest';
import { check } from '../support/check.ts';
import type { TestClient } from '../support/client.ts';
import { acked, handshake, monitor, stop } from './support/commands.ts';
import { openCrowd } from './support/crowd.ts';
import { flooded } from './support/flooded.ts';
import { MIB } from './support/process-figures.ts';
import { waitUntil } from './support/wait.ts';

/** Bytes without a newline: a gigabyte, a little under the highest RX_DISCARD_BYTES there is. FLOOD_BYTES for fewer. */
const FLOOD_BYTES = Math.min(Number(process.env['FLOOD_BYTES'] ?? 1000 * MIB), 1000 * MIB);

const CHUNK = Buffer.alloc(MIB, 'x');

check(
  'faults.endless-line',
  `[OS-1.4] ${FLOOD_BYTES / MIB} MiB without a newline are read and thrown away in a bounded memory`,
  async () => {
    // The limit past which such a line is fatal is put out of reach, so that all of it has to be swallowed.
    const env = { RX_DISCARD_BYTES: '1073741824', ARMED_TIMEOUT_MS: '60000' };
    await flooded(`${FLOOD_BYTES / MIB} MiB without a newline`, env, 128 * MIB, async ({ gateway }) => {
      const crowd = await openCrowd(gateway.host, gateway.port, 1);
      const [socket] = crowd.sockets;
      let heard = '';
      socket!.on('data', (chunk: Buffer) => {
        heard += chunk.toString('utf8');
      });
      socket!.write('{"cmd":"');
      for (let sent = 0; sent < FLOOD_BYTES; sent += CHUNK.length) {
        await new Promise<void>((resolve) => {
          socket!.write(CHUNK, () => resolve());
        });
      }
      expect(crowd.ended()).toBe(0);
      // One answer to all of it, and the session goes on.
      socket!.write(`"}\n${JSON.stringify(handshake({ id: 'after' }))}\n`);
      await waitUntil(
        () => heard.includes('"after"'),
        () => `the session goes on; heard ${heard}`,
        60_000,
      );
      expect(heard.split('\n').map((line) => /"(?:error|type)":"(\w+)"/.exec(line)?.[1])).toEqual([
        'rx_buf_overflow',
        'handshake_ack',
        undefined,
      ]);
      crowd.destroy();
    });
  },
  300_000,
);

check(
  'faults.fatal-line',
  '[OS-1.4] fifty endless lines at once are each ended by a fatal rx_buf_overflow past RX_DISCARD_BYTES',
  async () => {
    await flooded('50 endless lines', {}, 160 * MIB, async ({ gateway }) => {
      const clients: TestClient[] = [];
      for (let i = 0; i < 50; i += 1) clients.push(await gateway.connect());
      await Promise.all(
        clients.map(async (client) => {
          client.sendRaw('{');
          for (let i = 0; i < 8 && !client.ended; i += 1) await client.sendRaw(CHUNK.subarray(0, 262_144));
          await client.expect({ error: 'rx_buf_overflow', fatal: undefined });
          await client.expect({ error: 'rx_buf_overflow', fatal: true });
          await client.expectClosed();
          client.destroy();
        }),
      );
    });
  },
  120_000,
);

check(
  'faults.overlong-lines',
  '[OS-1.4] overlong lines one after the other are each answered once, and commands between them are executed',
  async () => {
    await flooded('64 overlong lines', {}, 128 * MIB, async ({ gateway }) => {
      const client = await gateway.connect();
      await client.handshake();
      for (let i = 0; i < 64; i += 1) {
        await client.sendRaw(CHUNK.subarray(0, 900_000));
        await client.sendRaw('\n');
        client.send(acked('/between', { id: i }));
        await client.expect({ error: 'rx_buf_overflow', fatal: undefined });
        await client.expect({ type: 'control_ack', id: i });
      }
    });
  },
  120_000,
);

const nest = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const nestedObjects = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
const manyKeys = (count: number): string => `{${Array.from({ length: count }, (_, i) => `"k${i}":${i}`).join(',')}}`;

/** Lines as a client may send them; what matters is that each is answered once, whatever the answer, and nothing breaks. */
function bombs(): [string, string][] {
  const depth = 100_000;
  const control = (field: string): string =>
    `{"cmd":"CONTROL","payload":{"url":"/bomb","method":"POST","ack":true,${field}}}`;
  return [
    ['a nest instead of a command', nest(depth)],
    ['a nest of objects instead of a command', nestedObjects(depth)],
    ['a nest that never closes', '{"cmd":'.concat('['.repeat(depth))],
    ['a nest as cmd', `{"cmd":${nest(depth)},"payload":{}}`],
    ['a nest as payload', `{"cmd":"CONTROL","payload":${nest(depth)}}`],
    ['a nest as body', control(`"body":${nest(depth)}`)],
    ['a nest of objects as body', control(`"body":${nestedObjects(depth)}`)],
    ['a nest in args', control(`"args":{"a":${nest(depth)}}`)],
    ['a nest as url', `{"cmd":"CONTROL","payload":{"url":${nest(depth)},"method":"POST"}}`],
    ['a nest as id', control(`"id":${nest(depth)}`)],
    ['a nest beside the payload', `{"cmd":"HANDSHAKE","payload":{"major":1},"x":${nest(depth)}}`],
    ['a million keys instead of a command', manyKeys(1_000_000)],
    ['a million keys as payload', `{"cmd":"CONTROL","payload":${manyKeys(1_000_000)}}`],
    ['a million keys as body', control(`"body":${manyKeys(1_000_000)}`)],
    ['a million keys in args', control(`"args":${manyKeys(1_000_000)}`)],
    ['a million equal names', control(`"args":{${'"a":1,'.repeat(999_999)}"a":2}`)],
    ['a million elements in args', control(`"args":{"a":[${'1,'.repeat(999_999)}1]}`)],
    ['a number of a million digits', control(`"body":[${'1'.repeat(1_000_000)}]`)],
    ['a number of three hundred digits as id', control(`"id":${'1'.repeat(300)}`)],
    ['a million digits as major', `{"cmd":"HANDSHAKE","payload":{"major":${'1'.repeat(1_000_000)}}}`],
    ['an exponent out of this world', '{"cmd":"HANDSHAKE","payload":{"major":1e999999999}}'],
    ['an exponent far below it', '{"cmd":"MONITOR","payload":{"url":"/x","method":"GET","period_ms":1e-999999999}}'],
    ['a million zeroes behind the point', `{"cmd":"HANDSHAKE","payload":{"major":1.${'0'.repeat(1_000_000)}}}`],
    ['a million escapes', control(`"body":["${'\\u0041'.repeat(1_000_000)}"]`)],
    ['a string without an end', `{"cmd":"${'\\\\'.repeat(1_000_000)}`],
  ];
}

check(
  'faults.json-bombs',
  '[OS-1.5] nests of a hundred thousand levels, a million keys and their like are each answered once; the session lives on',
  async () => {
    const env = {
      RX_BUFFER_BYTES: '16777216',
      CONTROL_QUEUE_BYTES: '67108864',
      MAX_CONSECUTIVE_ERRORS: '1000',
      BACKEND_TIMEOUT_MS: '10000',
    };
    await flooded('JSON bombs of 100,000 levels and 1,000,000 keys', env, 512 * MIB, async ({ gateway }) => {
      const client = await gateway.connect();
      await client.handshake();
      for (const [name, bomb] of bombs()) {
        await client.sendRaw(`${bomb}\n`);
        const line = await client.nextLine(30_000, `an answer to ${name}`);
        expect(line.text.length, name).toBeLessThan(70_000);
        expect(typeof (line.json['type'] ?? line.json['error']), name).toBe('string');
        await client.fence();
      }
      client.send(acked('/after', { id: 'after' }));
      await client.expect({ type: 'control_ack', id: 'after' });
    });
  },
  180_000,
);

check(
  'faults.json-bombs-from-the-backend',
  '[OS-2.4] the same from the backend: a nest, a million brackets, broken or whole, make one line each and nothing worse',
  async () => {
    const depth = 100_000;
    const bodies = [
      nest(depth),
      nestedObjects(depth),
      `\n${nest(depth)}\n`,
      '['.repeat(1_000_000),
      manyKeys(60_000),
      `${'1'.repeat(1_000_000)}`,
      `"${'\\u0041'.repeat(150_000)}"`,
      '{"a":'.repeat(200_000),
      `[${'\n'.repeat(500_000)}]`,
      '"\n'.repeat(500_000),
    ];
    await flooded(
      'JSON bombs from the backend',
      {},
      400 * MIB,
      async ({ gateway }) => {
        const client = await gateway.connect();
        await client.handshake();
        for (const [i, body] of bodies.entries()) {
          client.send(acked(`/ok/${i}`, { id: i }));
          const ack = await client.nextLine(30_000, `the result of bomb ${i}`);
          expect(ack.text).toContain('"control_ack"');
          expect(ack.text.length).toBeLessThan(body.length * 6 + 1000);
          client.send({ ...acked(`/bad/${i}`, { id: i }) });
          const failed = await client.nextLine(30_000, `the refusal of bomb ${i}`);
          expect(failed.text).toContain('"control_err"');
          client.send(monitor(`/ok/${i}`, 30_000));
          await client.expect('monitor_ack');
          expect((await client.nextLine(30_000)).text).toContain('"data"');
          client.send(stop('monitor'));
          await client.expect('stop_ack');
        }
      },
      (request, reply) => {
        const [, kind, index] = request.path.split('/');
        if (kind === 'healthy') return reply.json('1');
        return reply.text(bodies[Number(index)] ?? '', kind === 'ok' ? 200 : 500, {
          'content-type': 'application/json',
        });
      },
    );
  },
  120_000,
);
