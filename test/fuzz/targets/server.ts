// The whole gateway over TCP, in front of a backend that misbehaves: after any conversation it still serves a healthy session.
import net from 'node:net';
import { RawBackend } from '../../faults/support/raw-backend.ts';
import type { TestClient } from '../../support/client.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { checkLine } from '../../support/wire-log.ts';
import { mutate } from '../support/mutate.ts';
import { hashOf, Random } from '../support/random.ts';
import { hold, type Target } from '../support/target.ts';
import { conversation } from './corpus.ts';
import { cutByItself } from './pure.ts';

/** Small bounds and short times, so that a conversation meets them. */
const SETTINGS = {
  RX_BUFFER_BYTES: '512',
  RX_DISCARD_BYTES: '600',
  TX_BUFFER_BYTES: '2048',
  MAX_RESULT_BYTES: '400',
  MAX_CONSECUTIVE_ERRORS: '6',
  CONTROL_QUEUE_DEPTH: '3',
  CONTROL_QUEUE_BYTES: '600',
  IDLE_TIMEOUT_MS: '60000',
  STOP_GRACE_MS: '10',
  BACKEND_TIMEOUT_MS: '100',
  BACKEND_CONNECTIONS: '8',
  ERROR_CATALOGS: 'open-stream',
};

const QUIET_MS = 3;
const PATIENCE_MS = 10_000;
const TRIES = 20;

interface World {
  readonly backend: RawBackend;
  readonly gateways: readonly TestGateway[];
  /** A session on each that lives through it all. */
  readonly healthy: readonly TestClient[];
}

export function createServerTarget(): Target {
  let world: Promise<World> | undefined;
  let number = 0;
  /** Told already, by the input that made them. */
  const known = new WeakSet<object>();
  return {
    name: 'server',
    sliceMs: 2000,
    generate: (random) => {
      const bytes = Buffer.from(conversation(random));
      return random.oneIn(8) ? bytes : mutate(bytes, random);
    },
    check: async (input) => {
      world ??= start();
      const { gateways, healthy } = await world;
      const which = hashOf(input) % gateways.length;
      await talk(gateways[which]!, input);
      await serves(healthy[which]!, ++number);
      const crashes = gateways[which]!.target.log?.entries.filter(({ message }) =>
        message.includes('fault of the gateway'),
      );
      const crash = crashes?.find((entry) => !known.has(entry));
      for (const entry of crashes ?? []) known.add(entry);
      hold(crash === undefined, `a session ended by a fault of the gateway: ${stackOf(crash?.fields['error'])}`);
    },
    stop: async () => {
      if (!world) return;
      const { backend, gateways } = await world;
      await backend.stop();
      for (const gateway of gateways) await gateway.stop();
      world = undefined;
    },
  };
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

async function start(): Promise<World> {
  const backend = await RawBackend.start(({ path }, socket) => {
    if (path.startsWith('/healthy')) socket.write(ok(path));
    else misbehave(path, socket);
  });
  const gateways = await Promise.all(
    ['strict', 'vendor'].map((profile) =>
      startTestGateway({ ...SETTINGS, BACKEND_URL: backend.url, PROTOCOL_PROFILE: profile }),
    ),
  );
  const healthy = await Promise.all(gateways.map((gateway) => gateway.ready()));
  return { backend, gateways, healthy };
}

const ok = (path: string): string => {
  const body = JSON.stringify({ path });
  return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
};

/** One of a backend's faults, settled by the path. */
function misbehave(path: string, socket: net.Socket): void {
  const random = new Random(hashOf(Buffer.from(path)));
  const body = random.pick([
    '',
    '{"a": 1.0}',
    '[1,\r\n2]',
    'text',
    '{"err_code":-11,"_type":"JObject"}',
    'x'.repeat(500),
    '\xff\xfe',
    '{"a":',
  ]);
  const status = random.pick([200, 200, 200, 204, 302, 400, 404, 429, 500, 503, 799]);
  const good = Buffer.from(
    `HTTP/1.1 ${status} X\r\nretry-after: 0\r\ncontent-length: ${Buffer.byteLength(body, 'latin1')}\r\n\r\n${body}`,
    'latin1',
  );
  switch (random.below(8)) {
    case 0:
      socket.resetAndDestroy();
      break;
    case 1:
      socket.end(good.subarray(0, random.below(good.length)));
      break;
    case 2:
      socket.write(mutate(good, random));
      break;
    case 3:
      break;
    default:
      socket.write(good);
  }
}

/** Sends the bytes, cut as they themselves settle, and checks every line that comes back until the talk is over. */
async function talk(gateway: TestGateway, input: Uint8Array): Promise<void> {
  const random = new Random(hashOf(input) ^ 0x5bd1e995);
  const socket = net.connect({ host: gateway.host, port: gateway.port, allowHalfOpen: true });
  let text = '';
  let wrong: string | undefined;
  let over = false;
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      over = true;
      resolve();
    });
  });
  socket.on('error', () => {});
  socket.on('end', () => {
    over = true;
    socket.end();
  });
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) wrong ??= checkLine(line) && `${checkLine(line)}: ${line.slice(0, 500)}`;
  });
  for (const chunk of cutByItself(input)) {
    if (over) break;
    socket.write(chunk);
    if (random.oneIn(3)) await new Promise((resolve) => setImmediate(resolve));
  }
  const ending = random.below(4);
  if (ending < 2) socket.end();
  // Not every talk ends by itself: a monitor goes on for ever. What is still to come then comes unseen.
  const quietUntil = performance.now() + (random.oneIn(10) ? 150 : QUIET_MS);
  while (!over && performance.now() < quietUntil) await new Promise((resolve) => setTimeout(resolve, 1));
  if (ending === 3) socket.resetAndDestroy();
  else socket.destroy();
  await closed;
  hold(wrong === undefined, `a line that breaks its schema: ${wrong}`);
}

/** Its HANDSHAKE is answered at once; its CONTROL, before a backend like this, at the latest after a few tries. */
async function serves(client: TestClient, number: number): Promise<void> {
  const next = async (): Promise<Record<string, unknown>> => {
    const line = await client.nextLine(PATIENCE_MS, 'the healthy session’s answer');
    const wrong = checkLine(line.text);
    hold(wrong === undefined, `the healthy session's line breaks its schema: ${wrong}: ${line.text}`);
    return line.json;
  };
  client.command('HANDSHAKE', { major: 1, id: number });
  const ack = await next();
  hold(ack['type'] === 'handshake_ack' && ack['id'] === number, `HANDSHAKE was answered ${JSON.stringify(ack)}`);
  for (let tries = 1; ; tries++) {
    const path = `/healthy/${number}/${tries}`;
    client.command('CONTROL', { url: path, method: 'POST', ack: true, id: path });
    const line = await next();
    hold(line['id'] === path, `CONTROL ${path} was answered ${JSON.stringify(line)}`);
    if (line['type'] === 'control_ack') {
      hold(JSON.stringify(line['result']) === JSON.stringify({ path }), `another's answer: ${JSON.stringify(line)}`);
      return;
    }
    hold(tries < TRIES, `CONTROL failed ${tries} times: ${JSON.stringify(line)}`);
  }
}
