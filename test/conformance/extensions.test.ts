// The opt-in extensions: id in every answer, acknowledged CONTROLs.
import { expect } from 'vitest';
import { check } from '../support/check.ts';

const monitor = { url: '/a', method: 'GET', period_ms: 20 };

check('extensions.id-everywhere', '[OS-6.1] id comes back in every line that answers its command', async (t) => {
  const { gateway } = await t.pair((request, reply) => {
    if (request.path === '/bad') reply.json({ no: 1 }, 500);
    else reply.json({ ok: true });
  });
  const client = await gateway.ready();
  const exchange: [string, object, object][] = [
    ['HANDSHAKE', { major: 1, id: 'h' }, { type: 'handshake_ack', id: 'h' }],
    ['HANDSHAKE', { major: 2, id: 'v' }, { error: 'version_mismatch', id: 'v' }],
    ['NOTHING', { id: 'c' }, { error: 'invalid_cmd', id: 'c' }],
    ['MONITOR', { id: 'f' }, { error: 'missing_field', id: 'f' }],
    ['MONITOR', { url: 5, id: 't' }, { error: 'invalid_type', id: 't' }],
    ['STOP', { target: 'x', id: 'x' }, { error: 'invalid_target', id: 'x' }],
    ['STOP', { target: 'monitor', id: 'n' }, { error: 'nothing_to_stop', id: 'n' }],
    ['CONTROL', { url: '/bad', method: 'POST', id: 'e' }, { type: 'control_err', id: 'e' }],
    ['CONTROL', { url: '/ok', method: 'POST', ack: true, id: 'a' }, { type: 'control_ack', id: 'a' }],
    ['MONITOR', { ...monitor, id: 'm' }, { type: 'monitor_ack', id: 'm' }],
  ];
  for (const [cmd, payload, answer] of exchange) {
    client.command(cmd, payload);
    await client.expect({ ...answer });
  }
  await client.expect({ type: 'data', id: 'm' });
  client.command('MONITOR', { ...monitor, id: 'again' });
  await client.until({ error: 'monitor_already_active', id: 'again' });
  client.command('HANDSHAKE', { major: 1, id: 'busy' });
  await client.until({ error: 'busy_session_active', id: 'busy' });
  client.command('STOP', { target: 'monitor', id: 's' });
  await client.until({ type: 'stop_ack', id: 's' });
  client.command('MONITOR', { ...monitor, url: '/bad', id: 'p' });
  await client.expect({ type: 'monitor_ack', id: 'p' });
  await client.expect({ error: 'monitor_internal_error', id: 'p' });
});

check('extensions.id-before-handshake', '[OS-6.1] handshake_required carries the id too', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  client.command('STOP', { target: 'monitor', id: 12 });
  await client.expect({ error: 'handshake_required', id: 12 });
});

check('extensions.id-spelling', '[OS-6.1] an integer id comes back as it was written', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  const spellings = [
    '1',
    '1.0',
    '-0',
    '0.0',
    '1e2',
    '1E+2',
    '10e-1',
    '9007199254740993',
    '-12',
    '123456789012345678901234567890',
  ];
  for (const id of spellings) {
    client.send(`{"cmd":"HANDSHAKE","payload":{"major":1,"id":${id}}}`);
    expect((await client.expectLine('handshake_ack')).text).toContain(`"id":${id}}`);
    client.send(`{"cmd":"STOP","payload":{"id":${id},"target":"monitor"}}`);
    expect((await client.expectLine('nothing_to_stop')).text).toMatch(
      new RegExp(`"id":${id.replace(/[.+]/g, '\\$&')}[,}]`),
    );
  }
});

check(
  'extensions.id-spelling-data',
  '[OS-6.1] the id of a MONITOR stands as it was written in each of its data',
  async (t) => {
    const { gateway } = await t.pair();
    const client = await gateway.ready();
    client.send('{"cmd":"MONITOR","payload":{"url":"/a","method":"GET","period_ms":5,"id":7.0}}');
    expect((await client.expectLine('monitor_ack')).text).toContain('"id":7.0');
    for (let n = 0; n < 3; n += 1) expect((await client.expectLine('data')).text).toContain('"id":7.0');
  },
);

check('extensions.id-strings', '[OS-6.1] a string id may be any text of up to 64 code points', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  const texts = [
    '',
    'x',
    'x'.repeat(64),
    '🤖'.repeat(64),
    '"\\/\b\f\n\r\t\u0000\u001f',
    '\u2028\u2029',
    'é€',
    '1',
    'null',
    '__proto__',
  ];
  for (const id of texts) {
    client.command('HANDSHAKE', { major: 1, id });
    await client.expect({ type: 'handshake_ack', id });
  }
  client.send('{"cmd":"HANDSHAKE","payload":{"major":1,"id":"\\u0041\\ud83e\\udd16\\/"}}');
  await client.expect({ type: 'handshake_ack', id: 'A🤖/' });
});

check('extensions.id-too-long', '[OS-6.1] a string id of more than 64 code points is invalid_value', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.ready();
  for (const id of ['x'.repeat(65), '🤖'.repeat(65), 'é'.repeat(1000)]) {
    client.command('HANDSHAKE', { major: 1, id });
    await client.expect({ error: 'invalid_value', message: /id/, id: undefined });
    await client.handshake();
  }
});

check('extensions.id-type', '[OS-6.1] an id that is neither string nor integer is invalid_type', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.ready();
  for (const id of ['null', 'true', '1.5', '1e-2', '{}', '[]', '["x"]', '0.1']) {
    for (const [cmd, rest] of [
      ['HANDSHAKE', '"major":1'],
      ['MONITOR', '"url":"/a","method":"GET","period_ms":100'],
      ['CONTROL', '"url":"/a","method":"POST"'],
      ['STOP', '"target":"monitor"'],
    ]) {
      client.send(`{"cmd":"${cmd}","payload":{${rest},"id":${id}}}`);
      await client.expect({ error: 'invalid_type', message: /id/, id: undefined });
      await client.handshake();
    }
  }
});

check('extensions.id-invalid-not-echoed', '[OS-6.1] an id that is not one never comes back', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.ready();
  for (const id of [null, {}, [], true, 1.5, 'x'.repeat(65)]) {
    client.command('STOP', { target: 'x', id });
    await client.expect({ error: 'invalid_target', id: undefined });
    client.command('NOTHING', { id });
    await client.expect({ error: 'invalid_cmd', id: undefined });
  }
});

check('extensions.no-id', '[OS-6.1] without an id no answer carries one', async (t) => {
  const { gateway } = await t.pair();
  const client = await gateway.connect();
  client.sendLines([
    { cmd: 'STOP', payload: { target: 'monitor' }, id: 'outside the payload' },
    { cmd: 'HANDSHAKE', payload: { major: 1 } },
    '{bad',
    { cmd: 'STOP', payload: { target: 'monitor' } },
    { cmd: 'CONTROL', payload: { url: '/a', method: 'POST', ack: true } },
    { cmd: 'MONITOR', payload: monitor },
  ]);
  for (let n = 0; n < 7; n += 1) await client.expect({ id: undefined });
});

check(
  'extensions.ack',
  '[OS-6.2] a CONTROL with ack:true is acknowledged with status, duration and result',
  async (t) => {
    const { gateway } = await t.pair((request, reply) => {
      if (request.path === '/empty') reply.empty(204);
      else if (request.path === '/text') reply.text('done', 202);
      else reply.json('{"v":1.0,"w":[-0.0,1e3]}', 201);
    });
    const client = await gateway.ready();
    const duration = (value: unknown) => typeof value === 'number' && value >= 0;
    client.command('CONTROL', { url: '/json', method: 'POST', ack: true, id: 'j' });
    const { text } = await client.expectLine({ type: 'control_ack', id: 'j', status: 201, svc_dur_ms: duration });
    expect(text).toContain('"result":{"v":1.0,"w":[-0.0,1e3]}');
    client.command('CONTROL', { url: '/empty', method: 'PUT', ack: true });
    await client.expect({ type: 'control_ack', id: undefined, status: 204, svc_dur_ms: duration, result: undefined });
    client.command('CONTROL', { url: '/text', method: 'DELETE', ack: true });
    await client.expect({ type: 'control_ack', status: 202, svc_dur_ms: duration, result: 'done' });
  },
);

check('extensions.no-ack', '[OS-6.2] without ack:true a CONTROL that succeeds is answered by silence', async (t) => {
  const { backend, gateway } = await t.pair();
  const client = await gateway.ready();
  client.command('CONTROL', { url: '/1', method: 'POST' });
  client.command('CONTROL', { url: '/2', method: 'POST', id: 'x' });
  client.command('CONTROL', { url: '/3', method: 'POST', ack: false, id: 'y' });
  client.command('CONTROL', { url: '/4', method: 'POST', ack: true, id: 'last' });
  await client.expect({ type: 'control_ack', id: 'last' });
  expect(backend.requests.map((request) => request.path)).toEqual(['/1', '/2', '/3', '/4']);
});

check('extensions.ack-failure', '[OS-6.2] a CONTROL that fails is not acknowledged', async (t) => {
  const { gateway } = await t.pair((_request, reply) => reply.empty(500));
  const client = await gateway.ready();
  client.command('CONTROL', { url: '/a', method: 'POST', ack: true, id: 1 });
  await client.expect({ type: 'control_err', status: 500, id: 1 });
  await client.fence();
});

check(
  'extensions.ack-type',
  '[OS-6.2] an ack that is no boolean is invalid_type, and nothing is relayed',
  async (t) => {
    const { backend, gateway } = await t.pair();
    const client = await gateway.ready();
    for (const ack of [null, 1, 0, 'true', {}, []]) {
      client.command('CONTROL', { url: '/a', method: 'POST', ack, id: 'n' });
      await client.expect({ error: 'invalid_type', message: /ack/, id: 'n' });
      await client.handshake();
    }
    client.command('MONITOR', { ...monitor, ack: 'means nothing here' });
    await client.expect('monitor_ack');
    await client.expect('data');
    expect(backend.of('POST')).toEqual([]);
  },
);

check(
  'extensions.numbers',
  '[OS-2.9] numbers in a body and in args reach the backend as they are written',
  async (t) => {
    const { backend, gateway } = await t.pair();
    const client = await gateway.ready();
    const numbers = '[1.0,-0.0,2.960000,1e3,9007199254740993,1E+2,0.10]';
    client.send(
      `{"cmd":"CONTROL","payload":{"url":"/n","method":"POST","args":{"a":1.0,"b":9007199254740993,"c":[2.960000,1e3]},"body":{"n":${numbers}},"ack":true}}`,
    );
    await client.expect('control_ack');
    expect(backend.requests[0]).toMatchObject({
      path: '/n?a=1.0&b=9007199254740993&c=2.960000&c=1e3',
      body: `{"n":${numbers}}`,
    });
  },
);

check(
  'extensions.numbers-back',
  '[OS-2.9] numbers in a result reach the client as the backend wrote them',
  async (t) => {
    const result = '{"n":[1.0,-0.0,2.960000,1e3,9007199254740993,1E+2,0.10]}';
    const { gateway } = await t.pair((_request, reply) => reply.json(result));
    const client = await gateway.ready();
    client.command('MONITOR', monitor);
    await client.expect('monitor_ack');
    expect((await client.expectLine('data')).text).toContain(`"result":${result}`);
  },
);
