// What a client writes stays data: no header, no second request, no log line, no prototype can be made of it.
import { expect, test } from 'vitest';
import { answer } from '../faults/support/raw-backend.ts';
import { useStage } from './support/stage.ts';

const stage = useStage();

const SPLIT = '\r\nX-Evil: 1\r\n\r\nPOST /evil HTTP/1.1\r\nHost: evil\r\n\r\n';
const HEADERS = ['connection', 'content-length', 'content-type', 'host'];

async function scene(env: Readonly<Record<string, string>> = {}) {
  const backend = await stage.rawBackend((_request, socket) => socket.write(answer(200, '{"ok":true}')));
  const gateway = await stage.gateway({ BACKEND_URL: backend.url, LOG_LEVEL: 'trace', ...env });
  return { backend, gateway, client: await gateway.ready() };
}

test('CR LF in url, args, body and id makes no header and no second request', async () => {
  const { backend, client } = await scene();
  for (const url of [`/a${SPLIT}`, `/a HTTP/1.1${SPLIT}`, '/a\u0000', '/a\n', '/a\u2028b', '/a\u0085b']) {
    client.command('CONTROL', { url, method: 'POST', ack: true });
    await client.expect('invalid_url');
  }
  for (const method of [`POST /evil HTTP/1.1${SPLIT}`, 'POST\r\n', 'post', 'TRACE', 'CONNECT']) {
    client.command('CONTROL', { url: '/a', method, ack: true });
    await client.expect('method_not_allowed');
  }
  expect(backend.requests).toEqual([]);
  const body = { [`k${SPLIT}`]: `v${SPLIT}` };
  const args = { [`k${SPLIT}`]: SPLIT, list: [SPLIT, { deep: SPLIT }], 'a&b=c#d?e/f': '&x=1#' };
  client.command('CONTROL', {
    url: `/a?q=${encodeURIComponent(SPLIT)}`,
    method: 'PUT',
    args,
    body,
    id: SPLIT,
    ack: true,
  });
  await client.expect({ type: 'control_ack', id: SPLIT });
  expect(backend.requests.length).toBe(1);
  const { head, path } = backend.requests[0]!;
  const names = head
    .split('\r\n')
    .slice(1)
    .map((line) => line.slice(0, line.indexOf(':')).toLowerCase());
  expect(names.sort()).toEqual(HEADERS);
  expect(path).toMatch(/^\/a\?[!-~]+$/);
  const query = new URL(path, 'http://backend').searchParams;
  expect(query.getAll('list')).toEqual([SPLIT, JSON.stringify({ deep: SPLIT })]);
  expect(query.get('a&b=c#d?e/f')).toBe('&x=1#');
  expect(JSON.parse(backend.requests[0]!.body)).toEqual(body);
});

test('fields that look like HTTP are ignored: nobody can set a header, a host or a length', async () => {
  const { backend, client } = await scene();
  const extra = { headers: { 'x-evil': '1' }, host: 'evil', origin: 'http://evil', path: '/evil', query: { a: 1 } };
  client.command('CONTROL', { url: '/a', method: 'DELETE', ack: true, ...extra, upgrade: 'h2c', expectContinue: true });
  await client.expect('control_ack');
  expect(backend.requests.length).toBe(1);
  expect(backend.requests[0]!.head).toMatch(
    /^DELETE \/a HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\nconnection: keep-alive$/i,
  );
});

test('bodies have exactly the length that is announced, whatever characters they hold', async () => {
  const { backend, client } = await scene();
  const bodies = ['{}', '[]', '{"a":"é€😀"}', '["\\ud800"]', `["${'x'.repeat(60_000)}"]`, '{ "a" : [ 1.0 , 1e3 ] }'];
  for (const [id, body] of bodies.entries()) {
    client.send(`{"cmd":"CONTROL","payload":{"url":"/b","method":"POST","ack":true,"id":${id},"body":${body}}}`);
    await client.expect({ type: 'control_ack', id });
  }
  expect(backend.requests.map(({ body }) => JSON.parse(body) as unknown)).toEqual(
    bodies.map((body) => JSON.parse(body) as unknown),
  );
  expect(backend.requests.every(({ head }) => !/transfer-encoding/i.test(head))).toBe(true);
});

test('a MONITOR sends no body, whatever it is given', async () => {
  const { backend, client } = await scene();
  client.command('MONITOR', { url: '/m', method: 'GET', period_ms: 30_000, body: { smuggled: true }, ack: true });
  await client.expect('monitor_ack');
  await client.expect('data');
  expect(backend.requests[0]!.head).toMatch(/^GET \/m HTTP\/1\.1\r\nhost: [^\r]+\r\nconnection: keep-alive$/i);
});

test('names that reach a prototype elsewhere are data here', async () => {
  const { backend, gateway, client } = await scene();
  const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__'];
  for (const name of names) {
    const evil = `{"${name}":{"polluted":"yes","url":"/evil","method":"POST","ack":true}}`;
    client.send(`{"cmd":"CONTROL","payload":{"url":"/p","method":"POST","ack":true,"args":${evil},"body":${evil}}}`);
    await client.expect('control_ack');
    const { path, body } = backend.requests.at(-1)!;
    expect(path).toMatch(new RegExp(`^/p\\?${name}=`));
    expect(body).toBe(evil);
    // Nothing is inherited from what such a member holds.
    client.send(`{"cmd":"CONTROL","payload":{"${name}":{"url":"/evil","method":"POST","ack":true}}}`);
    await client.expect('missing_field');
    client.send(`{"${name}":{"cmd":"STOP","payload":{"target":"session"}}}`);
    await client.expect('missing_field');
    client.send(`{"cmd":"${name}","payload":{}}`);
    await client.expect('invalid_cmd');
    client.command('STOP', { target: name });
    await client.expect('invalid_target');
    client.command('CONTROL', { url: '/p', method: name });
    await client.expect('method_not_allowed');
  }
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  expect(backend.requests.every(({ path }) => path.startsWith('/p'))).toBe(true);
  await (await gateway.ready()).handshake();
});

test('nothing that is received can look like a line of the log, or reach a terminal as more than text', async () => {
  const forged = '\n{"level":"info","msg":"session began","address":"forged"}\n\u001b[2J\u001b]0;x\u0007\u202e\u2028';
  const reply = answer(500, JSON.stringify({ message: forged }), `content-type: text/plain\r\nx-a: b\u001b[1m\r\n`);
  const backend = await stage.rawBackend((_request, socket) => socket.write(reply));
  const gateway = await stage.gateway({ BACKEND_URL: backend.url, LOG_LEVEL: 'trace', ERROR_CATALOGS: 'makapix' });
  const client = await gateway.ready();
  const sent = [
    { cmd: forged, payload: {} },
    { cmd: 'STOP', payload: { target: forged } },
    { cmd: 'CONTROL', payload: { url: forged, method: forged, id: forged.slice(0, 60) } },
    { cmd: 'CONTROL', payload: { url: `/${encodeURIComponent(forged)}`, method: 'POST', args: { [forged]: forged } } },
    { cmd: 'MONITOR', payload: { url: '/m', method: 'GET', period_ms: 30_000, args: { [forged]: forged } } },
  ];
  for (const command of sent) {
    client.send(command);
    await client.until((line) => line['error'] !== undefined);
  }
  client.sendRaw(`{"cmd\u001b[2J\u0007":\r}\n`);
  await client.until('invalid_ndjson');
  client.command('STOP', { target: 'session' });
  await client.until('stop_ack');
  await client.expectClosed({ discard: true });
  const text = gateway.logText();
  const lines = text.split('\n').filter(Boolean);
  for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow();
  expect(gateway.logged('session began').every(({ address }) => address === '127.0.0.1')).toBe(true);
  expect(text).not.toMatch(/[\0-\t\v-\x1f\x7f\x80-\x9f\u2028\u2029\u202e]/);
  // Nor as an escape that a viewer of the log would turn back into a control character.
  const shown = gateway
    .logged()
    .map((line) => Object.values(line).join(' '))
    .join('\n');
  expect(shown).not.toMatch(/[\0-\t\v-\x1f\x7f\u2028\u202e]/);
});
