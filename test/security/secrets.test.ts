// The backend's credentials: in every request, in nothing else that the gateway writes.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { useStage } from './support/stage.ts';

const stage = useStage();
const SECRET = 's3cr3t-of-the-backend';
const HEADERS = JSON.stringify({
  authorization: `Bearer ${SECRET}`,
  'X-Api-Key': `key-${SECRET}`,
  cookie: `sid=${SECRET}`,
});

test('fixed headers go with every poll, CONTROL and will, and are in no answer and no log line', async () => {
  const backend = await stage.backend(async (request, reply) => {
    if (request.path === '/reset') reply.reset();
    else if (request.path === '/half') await reply.half();
    else if (request.path === '/garbage') await reply.garbage();
    else if (request.path === '/hang') reply.hang();
    else if (request.path === '/refuse') reply.json({ error: 'no' }, 401, { 'www-authenticate': 'Bearer realm="x"' });
    else reply.json({ ok: true });
  });
  const gateway = await stage.gateway({
    BACKEND_URL: backend.url,
    BACKEND_HEADERS: HEADERS,
    BACKEND_TIMEOUT_MS: '300',
    LOG_LEVEL: 'trace',
  });
  const client = await gateway.connect();
  await client.handshake({ will: { url: '/will', method: 'POST' } });
  const paths = ['/ok', '/reset', '/half', '/garbage', '/hang', '/refuse'];
  for (const [id, url] of paths.entries()) {
    client.command('CONTROL', { url, method: 'PUT', id, ack: true, body: {} });
    await client.until({ id });
    client.command('MONITOR', { url, method: 'GET', period_ms: 30_000, id });
    await client.until('monitor_ack');
    await client.next();
    client.command('STOP', { target: 'monitor' });
    await client.until('stop_ack');
  }
  await backend.stop();
  client.command('CONTROL', { url: '/gone', method: 'POST', id: 99 });
  await client.until({ id: 99 });
  const talk = client.lines.map(({ text }) => text).join('\n');
  await gateway.drain();
  expect(backend.requests.length).toBe(2 * paths.length);
  for (const { headers } of backend.requests) {
    expect(headers).toMatchObject({
      authorization: `Bearer ${SECRET}`,
      'x-api-key': `key-${SECRET}`,
      cookie: `sid=${SECRET}`,
    });
  }
  expect(gateway.logged().length).toBeGreaterThan(20);
  for (const text of [gateway.logText(), talk]) {
    for (const form of [
      SECRET,
      Buffer.from(SECRET).toString('base64').slice(0, 20),
      Buffer.from(SECRET).toString('hex'),
    ])
      expect(text).not.toContain(form);
  }
});

test('a client cannot set or see them', async () => {
  const backend = await stage.backend();
  const gateway = await stage.gateway({ BACKEND_URL: backend.url, BACKEND_HEADERS: HEADERS });
  const client = await gateway.ready();
  const headers = { authorization: 'Bearer mine', 'x-api-key': 'mine' };
  client.command('CONTROL', {
    url: '/a',
    method: 'POST',
    headers,
    args: { authorization: 'mine' },
    body: { headers },
    ack: true,
  });
  await client.expect('control_ack');
  expect(backend.requests[0]!.headers['authorization']).toBe(`Bearer ${SECRET}`);
  expect(backend.requests[0]!.headers['x-api-key']).toBe(`key-${SECRET}`);
});

const FAULTY = [
  `{"authorization":"Bearer ${SECRET}\\r\\nx-evil: 1"}`,
  `{"transfer-encoding":"${SECRET}"}`,
  `{"content-length":"${SECRET}"}`,
  `{"bad name ${SECRET}":"x"}`,
  `{"authorization":{"a":"${SECRET}"}}`,
  `{"authorization":"${SECRET}"`,
];

test('faulty headers stop the start without being shown; a good configuration is printed masked', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const run = (env: Readonly<Record<string, string>>) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'src/main.ts', '--check-config'], {
      cwd: root,
      env: { PATH: process.env['PATH'], ...env },
      encoding: 'utf8',
      timeout: 30_000,
    });
  // All of them in one process each would take long; one that is refused by its form, one by its name.
  for (const headers of [FAULTY[0]!, FAULTY[3]!]) {
    const { status, stdout, stderr } = run({ BACKEND_HEADERS: headers, AUTH_TOKENS: `a:${SECRET}` });
    expect(status).toBe(2);
    expect(stdout + stderr).toContain('BACKEND_HEADERS');
    expect(stdout + stderr).not.toContain(SECRET);
  }
  const { status, stdout, stderr } = run({ BACKEND_HEADERS: HEADERS, AUTH_TOKENS: `a:${SECRET}` });
  expect(status).toBe(0);
  expect(stdout).toContain('authorization');
  expect(stdout + stderr).not.toContain(SECRET);
});

test('no header that HTTP itself needs, and none with a line break, can be fixed', async () => {
  for (const headers of FAULTY) {
    const failure = await stage.gateway({ BACKEND_HEADERS: headers }).catch((error: unknown) => String(error));
    expect(failure).toMatch(/BACKEND_HEADERS/);
    expect(failure).not.toContain(SECRET);
  }
});
