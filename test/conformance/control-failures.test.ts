// CONTROL that fails, in every way a backend can fail: one report, the truth about the outcome, never a second try.
import { expect } from 'vitest';
import { acked, control } from '../faults/support/commands.ts';
import { memberText } from '../faults/support/wait.ts';
import type { Handler } from '../support/backend.ts';
import { check } from '../support/check.ts';
import type { MatchObject } from '../support/match.ts';

const SETTINGS = { BACKEND_TIMEOUT_MS: '1000', MAX_RESULT_BYTES: '2000' };

interface Refusal {
  readonly name: string;
  readonly fail: Handler;
  readonly report: MatchObject;
}

/** The backend answered: there is a status and nothing is unknown. */
const ANSWERED: readonly Refusal[] = [
  {
    name: '400 with JSON',
    fail: (_r, reply) => reply.json('{"err_code":-1}', 400),
    report: { status: 400, body: { err_code: -1 } },
  },
  { name: '403 with an array', fail: (_r, reply) => reply.json('[1,2]', 403), report: { status: 403, body: [1, 2] } },
  { name: '404 without a body', fail: (_r, reply) => reply.empty(404), report: { status: 404, body: undefined } },
  { name: '409 with text', fail: (_r, reply) => reply.text('busy\n', 409), report: { status: 409, body: 'busy\n' } },
  {
    name: '422 with two JSON values',
    fail: (_r, reply) => reply.text('1\n2', 422),
    report: { status: 422, body: '1\n2' },
  },
  { name: '500 with null', fail: (_r, reply) => reply.json('null', 500), report: { status: 500, body: null } },
  {
    name: '503 with Retry-After',
    fail: (_r, reply) => reply.text('', 503, { 'retry-after': '0' }),
    report: { status: 503 },
  },
  {
    name: '307, which is not followed',
    fail: (_r, reply) => reply.text('', 307, { location: '/elsewhere' }),
    report: { status: 307, body: undefined },
  },
  { name: '304', fail: (_r, reply) => reply.response.writeHead(304).end(), report: { status: 304, body: undefined } },
];

/** What was sent may have been executed: nobody answered it in full. */
const UNKNOWN: readonly Refusal[] = [
  { name: 'a reset instead of an answer', fail: (_r, reply) => reply.reset(), report: { status: undefined } },
  {
    name: 'the end instead of an answer',
    fail: (_r, reply) => void reply.response.socket?.end(),
    report: { status: undefined },
  },
  { name: 'no answer within BACKEND_TIMEOUT_MS', fail: (_r, reply) => reply.hang(), report: { status: undefined } },
  { name: 'garbage', fail: (_r, reply) => reply.garbage(), report: { status: undefined } },
  {
    name: 'a reset after the headers of a 200',
    fail: (_r, reply) => reply.resetAfterHeaders(200),
    report: { status: 200 },
  },
  {
    name: 'a reset after the headers of a 500',
    fail: (_r, reply) => reply.resetAfterHeaders(500),
    report: { status: 500 },
  },
  { name: 'half of a 200', fail: (_r, reply) => reply.half(200), report: { status: 200 } },
  { name: 'half of a 404', fail: (_r, reply) => reply.half(404), report: { status: 404 } },
  {
    name: 'a body that stops half way',
    fail: (_r, reply) => void reply.raw('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"a"'),
    report: { status: 200 },
  },
  {
    name: 'a broken chunk',
    fail: (_r, reply) => void reply.raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'),
    report: { status: 200 },
  },
  {
    name: 'headers without an end',
    fail: (_r, reply) => void reply.raw(`HTTP/1.1 200 OK\r\n${'x-filler: 0123456789\r\n'.repeat(20_000)}`),
    report: {},
  },
  { name: '100 and then nothing', fail: (_r, reply) => void reply.raw('HTTP/1.1 100 Continue\r\n\r\n'), report: {} },
];

async function failsOnce(context: Parameters<Parameters<typeof check>[2]>[0], fail: Handler, report: MatchObject) {
  const { backend, gateway } = await context.pair(
    (request, reply) => (request.path === '/fails' ? fail(request, reply) : reply.json('"next"')),
    SETTINGS,
  );
  const client = await gateway.ready();
  client.sendLines([control('/fails', { id: 'f', body: { go: 1 } }), acked('/next', { id: 'n' })]);
  const line = await client.expect({
    type: 'control_err',
    error: 'control_err',
    message: /./,
    id: 'f',
    fatal: undefined,
    ...report,
  });
  // Reported once, the session goes on, and the next one is executed after it.
  await client.expect({ type: 'control_ack', id: 'n', result: 'next' });
  await client.fence();
  expect(backend.requests.map((request) => request.path)).toEqual(['/fails', '/next']);
  return line;
}

for (const [index, { name, fail, report }] of ANSWERED.entries()) {
  check(
    `control-failure.answered-${index}`,
    `[OS-2.5] any status outside 200–299 is one control_err with status and body, and is not tried again: ${name}`,
    async (context) => {
      await failsOnce(context, fail, { ...report, outcome: undefined });
    },
  );
}

for (const [index, { name, fail, report }] of UNKNOWN.entries()) {
  check(
    `control-failure.unknown-${index}`,
    `[OS-2.5] a CONTROL that was sent without a complete answer has the outcome unknown, and is not tried again: ${name}`,
    async (context) => {
      await failsOnce(context, fail, { ...report, outcome: 'unknown' });
    },
  );
}

check(
  'control-failure.oversize-error',
  '[OS-2.5] an error whose body is over MAX_RESULT_BYTES keeps its status and stays small',
  async (context) => {
    const line = await failsOnce(context, (_r, reply) => reply.oversize(100_000, 500), { status: 500 });
    expect(JSON.stringify(line).length).toBeLessThan(5000);
  },
);

check(
  'control-failure.refused',
  '[OS-2.5] without a connection the outcome is not_sent and there is no status',
  async ({ backend, gateway }) => {
    const gone = await backend();
    const { url } = gone;
    await gone.stop();
    const server = await gateway({ BACKEND_URL: url });
    const client = await server.ready();
    client.sendLines([control('/one', { id: 1 }), control('/two', { id: 2, body: {} })]);
    for (const id of [1, 2]) {
      await client.expect({
        type: 'control_err',
        error: 'control_err',
        id,
        outcome: 'not_sent',
        status: undefined,
        body: undefined,
      });
    }
    await client.fence();
  },
);

check(
  'control-failure.oversize-success',
  '[OS-2.5] a body over MAX_RESULT_BYTES makes no failure of a 2xx: silent, or acknowledged without the body',
  async ({ pair }) => {
    const { gateway } = await pair((request, reply) => {
      if (request.path !== '/chunked') return reply.oversize(50_000);
      reply.response.writeHead(200);
      reply.response.write('x'.repeat(30_000));
      reply.response.end('y'.repeat(30_000));
      return undefined;
    }, SETTINGS);
    const client = await gateway.ready();
    client.sendLines([control('/silent', { id: 's' }), acked('/big', { id: 'a' }), acked('/chunked', { id: 'c' })]);
    for (const id of ['a', 'c']) {
      const line = await client.expect({ type: 'control_ack', id, status: 200 });
      expect(JSON.stringify(line).length).toBeLessThan(3000);
    }
    await client.fence();
  },
);

check(
  'control-failure.informational',
  '[OS-2.5] informational answers before the real one are passed over',
  async ({ pair }) => {
    const { gateway } = await pair((_request, reply) => {
      const early = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n';
      return reply.raw(`${early}HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\n7`);
    });
    const client = await gateway.ready();
    client.send(acked('/early', { id: 'e' }));
    await client.expect({ type: 'control_ack', id: 'e', status: 200, result: 7 });
  },
);

check(
  'control-failure.until-close',
  '[OS-2.5] an answer without a length that the end of the connection completes is complete',
  async ({ pair }) => {
    const { gateway } = await pair(async (request, reply) => {
      await reply.raw('HTTP/1.0 200 OK\r\n\r\n{"a":1.0}');
      if (request.path === '/end') reply.response.socket?.end();
    }, SETTINGS);
    const client = await gateway.ready();
    client.send(acked('/end', { id: 'e' }));
    const line = await client.expectLine({ type: 'control_ack', id: 'e', status: 200 });
    expect(memberText(line.text, 'result')).toBe('{"a":1.0}');
  },
);

check(
  'control-failure.body-as-sent',
  '[OS-2.9] numbers in the body of a refusal are relayed as they are written',
  async ({ pair }) => {
    const { gateway } = await pair((_r, reply) => reply.json('{"err_code":-1.0,\n "big":9007199254740993}', 400));
    const client = await gateway.ready();
    client.send(control('/x', { id: 10 }));
    const line = await client.expectLine({ type: 'control_err', status: 400 });
    expect(memberText(line.text, 'body')?.replaceAll(' ', '')).toBe('{"err_code":-1.0,"big":9007199254740993}');
  },
);

check(
  'control-failure.vendor',
  '[OS-4] vendor: control_err carries status, body and the id that was given, and nothing else',
  async ({ pair }) => {
    const { gateway } = await pair(
      (request, reply) =>
        request.path === '/400'
          ? reply.json('{"e":1}', 400)
          : request.path === '/404'
            ? reply.empty(404)
            : reply.reset(),
      { PROTOCOL_PROFILE: 'vendor' },
    );
    const client = await gateway.ready();
    client.sendLines([control('/400', { id: 1 }), control('/404'), control('/reset', { id: 'r' }), control('/reset')]);
    expect(await client.next()).toEqual({ type: 'control_err', status: 400, body: { e: 1 }, id: 1 });
    expect(await client.next()).toEqual({ type: 'control_err', status: 404 });
    expect(await client.next()).toEqual({ type: 'control_err', id: 'r' });
    expect(await client.next()).toEqual({ type: 'control_err' });
    await client.fence();
  },
);
