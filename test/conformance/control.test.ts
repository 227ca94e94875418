// CONTROL that works: what is relayed, in which order, and what the client hears of it.
import { expect } from 'vitest';
import { acked, control, monitor } from '../faults/support/commands.ts';
import { memberText, tokens } from '../faults/support/wait.ts';
import { createGate } from '../support/backend.ts';
import { check } from '../support/check.ts';

check('control.silence', '[OS-2.1] a CONTROL that succeeds is answered by nothing', async ({ pair }) => {
  const { backend, gateway } = await pair();
  const client = await gateway.ready();
  client.sendLines([control('/one', { id: 1 }), control('/two', { id: 2, ack: false }), acked('/three', { id: 3 })]);
  // The third comes after the other two, so anything they were answered would stand before it.
  await client.expect({ type: 'control_ack', id: 3 });
  await client.fence();
  expect(backend.requests.map((request) => request.path)).toEqual(['/one', '/two', '/three']);
});

check(
  'control.relayed',
  '[OS-2.6] method, url, args and body reach the backend once, with content-type application/json when there is a body',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    const client = await gateway.ready();
    client.sendLines([
      control('/project/robot/motor_on', { body: {} }),
      control('/clock/date_time?x=1', { method: 'PUT', args: { y: 'z' }, body: { year: 2026 } }),
      control('/file_manager/files/project/jobs/special', { method: 'DELETE' }),
      control('/list', { body: [] }),
      control('/nothing'),
      acked('/delete', { method: 'DELETE', body: [1] }),
    ]);
    await client.expect('control_ack');
    const seen = backend.requests.map((r) => [r.method, r.path, r.body, r.headers['content-type']]);
    expect(seen).toEqual([
      ['POST', '/project/robot/motor_on', '{}', 'application/json'],
      ['PUT', '/clock/date_time?x=1&y=z', '{"year":2026}', 'application/json'],
      ['DELETE', '/file_manager/files/project/jobs/special', '', undefined],
      ['POST', '/list', '[]', 'application/json'],
      ['POST', '/nothing', '', undefined],
      ['DELETE', '/delete', '[1]', 'application/json'],
    ]);
  },
);

/** Bodies whose every character must arrive, but for white space between tokens. */
const BODIES: readonly string[] = [
  '{"point":[1.0,-0.0,2.960000,1e3,1E+2,9007199254740993,0.1e-7]}',
  '{"text":"\\u00e9 \\ud83d\\ude00 \\/ \\b é 😀 \u2028"}',
  '{"a":1,"a":2,"__proto__":{"x":1},"constructor":null}',
  '{ "a" : [ 1 ,\t2 ] , "b c" : "d  e" }',
  '[[],[[]],{},[{}],null,true,false,""]',
  `{"deep":${'['.repeat(100)}${']'.repeat(100)}}`,
  `{"long":"${'x'.repeat(60_000)}"}`,
  '{"b":1,"2":2,"1":3}',
];

check(
  'control.body-text',
  '[OS-2.6] not one character of the body changes, white space between tokens aside',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    const client = await gateway.ready();
    for (const body of BODIES) {
      client.send(`{"cmd":"CONTROL","payload":{"url":"/b","method":"POST","ack":true,"body":${body}}}`);
      await client.expect('control_ack');
    }
    expect(backend.requests.map((request) => tokens(request.body))).toEqual(BODIES.map(tokens));
    for (const { headers, body } of backend.requests) {
      expect(Number(headers['content-length'])).toBe(Buffer.byteLength(body));
    }
  },
);

check(
  'control.body-last',
  '[OS-2.6] where a payload names body twice, one body is sent, whole and as it was written',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    const client = await gateway.ready();
    client.send(
      '{"cmd":"CONTROL","payload":{"body":{"first":1.0},"url":"/b","method":"POST","ack":true,"body":{"last":2.0}}}',
    );
    await client.expect('control_ack');
    expect(backend.requests[0]?.body).toBe('{"last":2.0}');
  },
);

check('control.order', '[OS-3.4] CONTROLs are executed in order, one at a time', async ({ pair }) => {
  let running = 0;
  let most = 0;
  const { backend, gateway } = await pair((request, reply) => {
    running += 1;
    most = Math.max(most, running);
    setTimeout(
      () => {
        running -= 1;
        reply.empty(request.index % 5 === 4 ? 500 : 200);
      },
      (request.index * 7) % 11,
    );
  });
  const client = await gateway.ready();
  const methods = ['POST', 'PUT', 'DELETE'];
  client.sendLines(Array.from({ length: 60 }, (_, i) => control(`/${i}`, { method: methods[i % 3], id: i })));
  for (let i = 4; i < 60; i += 5) await client.expect({ type: 'control_err', id: i, status: 500 });
  expect(backend.requests.map((request) => request.path)).toEqual(Array.from({ length: 60 }, (_, i) => `/${i}`));
  expect(most).toBe(1);
});

check(
  'control.ack',
  '[OS-6.2] with "ack":true success is control_ack with id, status, svc_dur_ms and the result',
  async ({ pair }) => {
    const { gateway } = await pair((request, reply) => {
      if (request.path === '/json') return reply.json('{"sno_new":1.0}', 201);
      if (request.path === '/text') return reply.text('done', 200);
      return reply.empty(204);
    });
    const client = await gateway.ready();
    client.send(acked('/json', { id: 'a' }));
    const json = await client.expectLine({ type: 'control_ack', id: 'a', status: 201, result: { sno_new: 1 } });
    expect(memberText(json.text, 'result')).toBe('{"sno_new":1.0}');
    expect(json.json['svc_dur_ms']).toBeGreaterThanOrEqual(0);
    client.send(acked('/text', { id: -7 }));
    await client.expect({ type: 'control_ack', id: -7, status: 200, result: 'done' });
    client.send(acked('/empty'));
    const empty = await client.expect('control_ack');
    expect(Object.keys(empty).sort()).toEqual(['status', 'svc_dur_ms', 'type']);
    expect(empty['status']).toBe(204);
  },
);

check(
  'control.beside-monitor',
  '[OS-3.4] CONTROL goes on while MONITOR runs, and MONITOR while a CONTROL is executed',
  async ({ pair }) => {
    const gate = createGate();
    const { backend, gateway } = await pair(async (request, reply) => {
      if (request.path === '/held') await gate.opened;
      reply.json('1');
    });
    const client = await gateway.ready();
    client.send(monitor('/stream', 10));
    await client.expect('monitor_ack');
    client.send(acked('/held', { id: 'held' }));
    await backend.waitUntil((requests) => requests.some((request) => request.path === '/held'));
    for (let i = 0; i < 10; i += 1) await client.expect('data');
    gate.open();
    await client.until({ type: 'control_ack', id: 'held' });
    client.send(acked('/next', { id: 'next' }));
    await client.until({ type: 'control_ack', id: 'next' });
    await client.until('data');
  },
);

check('control.past-slow-poll', '[OS-3.4] a CONTROL is not held up by a poll that hangs', async ({ pair }) => {
  const { backend, gateway } = await pair((request, reply) => {
    if (request.method === 'GET') reply.hang();
    else reply.json('1');
  });
  const client = await gateway.ready();
  client.send(monitor('/hangs', 10));
  await client.expect('monitor_ack');
  await backend.waitUntil((requests) => requests.some((request) => request.method === 'GET'));
  for (let i = 0; i < 20; i += 1) {
    client.send(acked('/move', { id: i }));
    await client.until({ type: 'control_ack', id: i }, 2500);
  }
});

check(
  'control.malformed-between',
  '[OS-2.3] a malformed CONTROL is answered by itself; those around it are executed',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    const client = await gateway.ready();
    client.sendLines([
      control('/one'),
      control('no-slash', { id: 'bad-url' }),
      '{"cmd":"CONTROL","payload":',
      control('/get', { method: 'GET', id: 'bad-method' }),
      control('/body', { body: 'text', id: 'bad-body' }),
      acked('/two', { id: 'two' }),
    ]);
    await client.expect({ error: 'invalid_url', id: 'bad-url' });
    await client.expect({ error: 'invalid_ndjson' });
    await client.expect({ error: 'method_not_allowed', id: 'bad-method' });
    await client.expect({ error: 'invalid_body', id: 'bad-body' });
    await client.expect({ type: 'control_ack', id: 'two' });
    expect(backend.requests.map((request) => request.path)).toEqual(['/one', '/two']);
  },
);

check(
  'control.null-body',
  '[OS-2.2] null, a string, a number or a boolean is no body: invalid_body',
  async ({ pair }) => {
    const { backend, gateway } = await pair();
    const client = await gateway.ready();
    for (const body of [null, 'x', 1, true]) {
      client.send(control('/b', { body, id: 'b' }));
      await client.expect({ error: 'invalid_body', id: 'b', message: /body/ });
    }
    expect(backend.requests.length).toBe(0);
  },
);

check(
  'control.half-closed',
  '[OS-1.6] all CONTROLs received before the client ends its side are executed, then the server ends its side',
  async ({ pair }) => {
    const { backend, gateway } = await pair((request, reply) => {
      setTimeout(() => reply.empty(request.path === '/7' ? 500 : 200), 10);
    });
    const client = await gateway.ready();
    client.sendLines(Array.from({ length: 10 }, (_, i) => control(`/${i}`, { id: i, ack: i === 9 })));
    client.end();
    await client.expect({ type: 'control_err', id: 7, status: 500 });
    await client.expect({ type: 'control_ack', id: 9 });
    await client.expectClosed();
    expect(backend.requests.length).toBe(10);
  },
);

check('control.after-reset', '[OS-1.6] after a reset nothing that still waits is executed', async ({ pair }) => {
  const gate = createGate();
  const { backend, gateway } = await pair(async (request, reply) => {
    if (request.path === '/first') await gate.opened;
    reply.json('1');
  });
  const client = await gateway.ready();
  client.sendLines([control('/first'), ...Array.from({ length: 20 }, (_, i) => control(`/waits/${i}`))]);
  await backend.waitFor(1);
  client.reset();
  const other = await gateway.ready();
  for (let i = 0; i < 20; i += 1) {
    other.send(acked('/other'));
    await other.expect('control_ack');
  }
  gate.open();
  for (let i = 0; i < 20; i += 1) {
    other.send(acked('/other'));
    await other.expect('control_ack');
  }
  expect(backend.requests.filter((request) => request.path.startsWith('/waits'))).toEqual([]);
});
