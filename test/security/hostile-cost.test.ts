// Lines that are cheap to send and meant to be dear to handle: each is answered soon, in bounded memory, and others are served meanwhile.
import { expect, test } from 'vitest';
import { answer } from '../faults/support/raw-backend.ts';
import type { TestClient } from '../support/client.ts';
import { useStage } from './support/stage.ts';

const stage = useStage();

/** Far more than any of these lines should cost, far less than any of them once would have. */
const SOON_MS = 1000;

async function scene() {
  const backend = await stage.rawBackend((_request, socket) => socket.write(answer(200, '{"ok":true}')));
  const gateway = await stage.gateway({ BACKEND_URL: backend.url, LOG_LEVEL: 'trace', MAX_CONSECUTIVE_ERRORS: '1000' });
  return { backend, gateway, client: await gateway.ready() };
}

/** Each line three times; how long the answers took in all, ms. */
async function cost(client: TestClient, line: string): Promise<number> {
  expect(Buffer.byteLength(line)).toBeLessThanOrEqual(65_536);
  const begun = performance.now();
  for (let round = 0; round < 3; round += 1) {
    client.send(line);
    await client.next();
  }
  return performance.now() - begun;
}

const nested = (depth: number, inner = ''): string => '['.repeat(depth) + inner + ']'.repeat(depth);
const control = (members: string): string =>
  `{"cmd":"CONTROL","payload":{"url":"/c","method":"POST","ack":true,${members}}}`;
const N = 60_000;

const LINES: Readonly<Record<string, string>> = {
  'an id of many digits': control(`"id":1${'0'.repeat(N)}1.5`),
  'an id of many zeros behind the point': control(`"id":1.${'0'.repeat(N)}1`),
  'a period of many digits': `{"cmd":"MONITOR","payload":{"url":"/c","method":"GET","period_ms":1${'0'.repeat(N)}1}}`,
  'an exponent of many digits': control(`"id":15e-${'9'.repeat(N)}`),
  'a major of many digits': `{"cmd":"HANDSHAKE","payload":{"major":1${'0'.repeat(N)}1}}`,
  'a url of dots and slashes': `{"cmd":"CONTROL","payload":{"url":"/${'./;.%2e%2f'.repeat(200)}","method":"POST"}}`,
  'a url that is far too long': `{"cmd":"CONTROL","payload":{"url":"/${'%2e'.repeat(20_000)}","method":"POST"}}`,
  'a string of backslashes': control(`"body":["${'\\\\'.repeat(N / 2)}"]`),
  'a string of quotation marks': control(`"body":["${'\\"'.repeat(N / 2)}"]`),
  'args of backslashes': control(`"args":{"a":{"b":"${'\\\\'.repeat(N / 2)}"}}`),
  'an unfinished string of quotation marks': `{"cmd":"${'\\"'.repeat(N / 2)}`,
  'tokens of brackets': `{"cmd":"HANDSHAKE","payload":{"major":1,"token":${nested(N / 2)}}}`,
  'the word token over and over': `{"cmd":"${'token:'.repeat(N / 6)}","payload":{}}`,
  'many members': `{"cmd":"STOP","payload":{"target":"monitor"},${Array.from({ length: 6000 }, (_, n) => `"${n}":0`).join(',')}}`,
  'one member many times': control(`"args":{${Array.from({ length: 8000 }, () => '"a":1').join(',')}}`),
  'many small args': control(`"args":{${Array.from({ length: 4000 }, (_, n) => `"${n.toString(36)}":1`).join(',')}}`),
  'white space': `{${' '.repeat(N)}"cmd":"STOP","payload":{"target":"monitor"}}`,
};

for (const [name, line] of Object.entries(LINES)) {
  test(`${name}: answered soon`, async () => {
    const { client, gateway } = await scene();
    expect(await cost(client, line)).toBeLessThan(SOON_MS);
    await client.fence();
    expect(gateway.logText()).not.toContain('fault of the gateway');
  });
}

const DEEP: Readonly<Record<string, readonly [line: (value: string) => string, answer: string | undefined]>> = {
  cmd: [(value) => `{"cmd":${value},"payload":{}}`, 'invalid_type'],
  target: [(value) => `{"cmd":"STOP","payload":{"target":${value}}}`, 'invalid_type'],
  id: [(value) => `{"cmd":"STOP","payload":{"target":"session","id":${value}}}`, 'invalid_type'],
  url: [(value) => `{"cmd":"CONTROL","payload":{"url":${value},"method":"POST"}}`, 'invalid_type'],
  method: [(value) => `{"cmd":"CONTROL","payload":{"url":"/c","method":${value}}}`, 'invalid_type'],
  period_ms: [
    (value) => `{"cmd":"MONITOR","payload":{"url":"/c","method":"GET","period_ms":${value}}}`,
    'invalid_type',
  ],
  major: [(value) => `{"cmd":"HANDSHAKE","payload":{"major":${value}}}`, 'invalid_type'],
  token: [(value) => `{"cmd":"HANDSHAKE","payload":{"major":1,"token":${value}}}`, 'handshake_ack'],
  will: [
    (value) => `{"cmd":"HANDSHAKE","payload":{"major":1,"will":{"url":"/w","method":"POST","args":{"a":${value}}}}}`,
    'handshake_ack',
  ],
  body: [(value) => control(`"body":${value}`), 'control_ack'],
  args: [(value) => control(`"args":{"a":${value}}`), 'control_ack'],
  'a field nobody knows': [(value) => control(`"ignored":${value}`), 'control_ack'],
};

for (const [field, [line, expected]] of Object.entries(DEEP)) {
  test(`depth in ${field} is answered like any other value`, async () => {
    const { client, gateway } = await scene();
    for (const value of [nested(20_000), `${'{"a":'.repeat(8000)}1${'}'.repeat(8000)}`]) {
      client.send(line(value));
      const answered = await client.next();
      expect(answered['type'] ?? answered['error']).toBe(expected);
    }
    expect(gateway.logText()).not.toContain('fault of the gateway');
  });
}

test('a backend’s answer may be as deep as it is long', async () => {
  const bodies = [
    nested(500_000),
    `${'{"a":'.repeat(160_000)}1${'}'.repeat(160_000)}`,
    '['.repeat(1_000_000),
    '"'.repeat(1_000_000),
  ];
  const backend = await stage.rawBackend((request, socket) => {
    socket.write(answer(request.index % 2 === 0 ? 200 : 500, bodies[request.index >> 1]!));
  });
  const gateway = await stage.gateway({
    BACKEND_URL: backend.url,
    ERROR_CATALOGS: 'multiscreen-srt,makapix,tencent-ilvb,srt-reject',
  });
  const client = await gateway.ready();
  for (let id = 0; id < 2 * bodies.length; id += 1) {
    const begun = performance.now();
    client.command('CONTROL', { url: '/c', method: 'POST', ack: true, id });
    const { text } = await client.nextLine();
    expect(text).toContain(`"id":${id}`);
    expect(performance.now() - begun).toBeLessThan(5 * SOON_MS);
  }
  expect(gateway.logText()).not.toContain('fault of the gateway');
});

test('a repeated key cannot multiply a line into a request many times its size', async () => {
  const { backend, gateway, client } = await scene();
  for (const [key, count] of [
    [1000, 1000],
    [4000, 4000],
    [31_000, 16_000],
    [31_000, 17_000],
  ] as const) {
    const line = control(`"id":${count},"args":{"${'k'.repeat(key)}":[${'1,'.repeat(count - 1)}1]}`);
    const before = process.memoryUsage().rss;
    client.send(line);
    const answered = await client.next();
    expect(answered, `${key} × ${count}`).toMatchObject({ id: count });
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  }
  const longest = Math.max(0, ...backend.requests.map(({ path }) => path.length));
  expect(longest).toBeLessThanOrEqual(3 * 65_536);
  expect(gateway.logText()).not.toContain('fault of the gateway');
  // What honest clients send passes.
  client.send(
    control(
      `"id":"honest","args":{"no":[${Array.from({ length: 500 }, (_, n) => n).join(',')}],"text":"${'ü'.repeat(5000)}"}`,
    ),
  );
  await client.expect({ type: 'control_ack', id: 'honest' });
});
