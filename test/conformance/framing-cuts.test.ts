// Properties of framing over a real socket: cuts never matter, and no input makes the server fall silent or leave its schemas.
import fc from 'fast-check';
import { expect } from 'vitest';
import { check } from '../support/check.ts';
import type { TestClient } from '../support/client.ts';
import { checkLine } from '../support/wire-log.ts';

/** Longer with FUZZ_MS; a slow machine tries fewer cases and fails no sooner. */
const BUDGET_MS = Number(process.env['FUZZ_MS'] ?? 2000);
const TIMEOUT_MS = BUDGET_MS + 60_000;

/** Small rounds until the time is up, one at least; a failure is shrunk and names its seed. */
async function holds<Ts>(property: fc.IAsyncProperty<Ts>): Promise<void> {
  const deadline = performance.now() + BUDGET_MS;
  do await fc.assert(property, { numRuns: 3 });
  while (performance.now() < deadline);
}

const HANDSHAKE = '{"cmd":"HANDSHAKE","payload":{"major":1}}';
const control = (id: string) =>
  `{"cmd":"CONTROL","payload":{"url":"/c","method":"POST","body":{"n":1.0},"ack":true,"id":${id}}}`;

const lineArbitrary = fc.constantFrom(
  HANDSHAKE,
  '{"cmd":"HANDSHAKE","payload":{"major":1,"id":"é🤖"}}',
  '{"cmd":"HANDSHAKE","payload":{"major":2}}',
  '{"cmd":"STOP","payload":{"target":"monitor","id":1.0}}',
  '{"cmd":"STOP","payload":{"target":"no"}}',
  '{"cmd":"NO","payload":{"id":"x"}}',
  '{"cmd":"MONITOR","payload":{"url":"a"}}',
  '{bad',
  '[]',
  '',
  ' \t ',
  `{"x":"${'y'.repeat(300)}"}`,
  `{${' '.repeat(254)}}`,
  `{${' '.repeat(255)}}`,
  '{"é🤖":"\u{10ffff}"}',
);

const streamArbitrary = fc
  .record({
    lines: fc.array(fc.tuple(lineArbitrary, fc.constantFrom('\n', '\r\n')), { minLength: 1, maxLength: 15 }),
    controls: fc.array(fc.nat({ max: 99 }), { maxLength: 5 }),
    bom: fc.boolean(),
    rest: fc.constantFrom('', ' ', '\r', '{"half":'),
  })
  .map(({ lines, controls, bom, rest }) => {
    const text = lines.map(([line, end]) => `${line}${end}`).join('');
    const tail = controls.map((n) => `${control(`${n}.0`)}\n`).join('');
    return Buffer.from(`${bom ? '\ufeff' : ''}${HANDSHAKE}\n${text}${tail}${rest}`);
  });

const cutsArbitrary = fc.oneof(
  fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }),
  fc.constant('each byte' as const),
);

function cut(bytes: Buffer, cuts: readonly number[] | 'each byte'): Buffer[] {
  const places =
    cuts === 'each byte' ? bytes.keys() : [...cuts].sort((a, b) => a - b).map((cut) => Math.floor(cut * bytes.length));
  const chunks: Buffer[] = [];
  let from = 0;
  for (const place of [...places, bytes.length]) {
    if (place > from) chunks.push(bytes.subarray(from, place));
    from = Math.max(from, place);
  }
  return chunks;
}

/** Answers to CONTROL interleave freely with the rest: the order within each of the two kinds is what counts. */
function answers(client: TestClient): { readonly relayed: string[]; readonly rest: string[] } {
  const texts = client.lines.map(({ text }) => text.replace(/"svc_dur_ms":[\d.e-]+/, '"svc_dur_ms":0'));
  const relayed = texts.filter((text) => text.includes('"control_ack"'));
  return { relayed, rest: texts.filter((text) => !relayed.includes(text)) };
}

check(
  'framing.any-cut',
  '[OS-1.3] however a stream is cut into segments, its answers are the same',
  async (t) => {
    const { backend, gateway } = await t.pair(undefined, { RX_BUFFER_BYTES: '256', MAX_CONSECUTIVE_ERRORS: '6' });
    const talk = async (chunks: readonly Buffer[]) => {
      const client = await gateway.connect();
      const before = backend.requests.length;
      await client.sendChunks(chunks);
      client.end();
      await client.expectClosed({ discard: true });
      return { ...answers(client), bodies: backend.requests.slice(before).map((request) => request.body) };
    };
    await holds(
      fc.asyncProperty(streamArbitrary, cutsArbitrary, async (bytes, cuts) => {
        expect(await talk(cut(bytes, cuts))).toEqual(await talk([bytes]));
      }),
    );
  },
  TIMEOUT_MS,
);

const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)),
  fc
    .record({ cmd: fc.constantFrom('HANDSHAKE', 'MONITOR', 'CONTROL', 'STOP', 'X'), payload: fc.jsonValue() })
    .map((value) => Buffer.from(JSON.stringify(value))),
  fc
    .record({
      cmd: fc.constantFrom('HANDSHAKE', 'MONITOR', 'CONTROL', 'STOP'),
      payload: fc.record(
        {
          major: fc.jsonValue(),
          url: fc.oneof(
            fc.jsonValue(),
            fc.string().map((text) => `/${text}`),
          ),
          method: fc.oneof(fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'), fc.jsonValue()),
          period_ms: fc.oneof(fc.integer({ min: 2, max: 30_000 }), fc.jsonValue()),
          args: fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue()),
          body: fc.jsonValue(),
          target: fc.constantFrom('monitor', 'control', 'x', 5),
          id: fc.oneof(fc.string(), fc.integer(), fc.jsonValue()),
          ack: fc.oneof(fc.boolean(), fc.jsonValue()),
          stop: fc.boolean(),
        },
        { requiredKeys: [] },
      ),
    })
    .map((value) => Buffer.from(JSON.stringify(value))),
  // A good line with one byte changed.
  fc.tuple(lineArbitrary, fc.nat(), fc.nat({ max: 255 })).map(([line, at, byte]) => {
    const bytes = Buffer.from(line);
    if (bytes.length > 0) bytes[at % bytes.length] = byte;
    return bytes;
  }),
);

for (const profile of ['strict', 'vendor']) {
  check(
    `framing.garbage-${profile}`,
    `[OS-1.5] whatever a client sends, each line is answered within the schemas or ends the session (${profile})`,
    async (t) => {
      const { gateway } = await t.pair(undefined, { PROTOCOL_PROFILE: profile, RX_BUFFER_BYTES: '4096' });
      await holds(
        fc.asyncProperty(fc.array(hostile, { minLength: 1, maxLength: 20 }), fc.boolean(), async (lines, greeted) => {
          const client = await gateway.connect();
          if (greeted) await client.handshake();
          await client.sendRaw(Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])));
          const fence = client.sendFence();
          const done = (line: Record<string, unknown>) => line['id'] === fence || line['fatal'] === true;
          const last = await client.until(done);
          if (last['fatal'] === true) await client.expectClosed();
          for (const { text } of client.lines) expect(checkLine(text), text).toBeUndefined();
          client.destroy();
        }),
      );
      await (await gateway.ready()).fence();
    },
    TIMEOUT_MS,
  );
}
