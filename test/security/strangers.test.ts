// Whoever is no client: browsers made to knock, scanners, and connections that never say anything.
import { once } from 'node:events';
import http from 'node:http';
import { expect, test } from 'vitest';
import { pass, waitUntil } from '../faults/support/wait.ts';
import { useStage } from './support/stage.ts';

const stage = useStage();

const COMMANDS = [
  '{"cmd":"HANDSHAKE","payload":{"major":1}}',
  '{"cmd":"CONTROL","payload":{"url":"/project/robot/start","method":"POST","body":{}}}',
  '',
].join('\n');

/** As a page on the internet could send them through the browser of somebody on the machine's network. */
const BROWSER: Readonly<Record<string, string>> = {
  'a form post as text': `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: ${COMMANDS.length}\r\n\r\n${COMMANDS}`,
  'a fetch with a body of lines': `PUT /\r\n HTTP/1.1\r\n\r\n${COMMANDS}`,
  'a preflight': `OPTIONS / HTTP/1.1\r\nOrigin: http://evil.test\r\n\r\n${COMMANDS}`,
  'a web socket': `GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n${COMMANDS}`,
  'HTTP/2 without TLS': `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${COMMANDS}`,
  'an SSH client': `SSH-2.0-OpenSSH_9.0\r\n${COMMANDS}`,
  'a mail client': `EHLO evil\r\n${COMMANDS}`,
  'white space, then a request': `\r\n\r\n \tGET / HTTP/1.1\r\n\r\n${COMMANDS}`,
  'an array around the commands': `[${COMMANDS.trim().replace('\n', ',')}]\n${COMMANDS}`,
  'a string': `"\n${COMMANDS}`,
};

for (const [name, bytes] of Object.entries(BROWSER)) {
  test(`${name}: one invalid_ndjson, fatal, and nothing is executed`, async () => {
    const backend = await stage.backend();
    const gateway = await stage.gateway({ BACKEND_URL: backend.url });
    for (const pieces of [[bytes], [...bytes]]) {
      const client = await gateway.connect();
      await client.sendChunks(pieces);
      await client.expect({ error: 'invalid_ndjson', fatal: true });
      await client.expectClosed();
    }
    expect(backend.requests).toEqual([]);
    expect(gateway.logged('session ended')[0]).toMatchObject({ reason: 'not_ndjson' });
  });
}

test('an HTTP client gets nothing that it could take for an answer', async () => {
  const gateway = await stage.gateway();
  const request = http.request({ host: gateway.host, port: gateway.port, method: 'POST', path: '/' });
  request.end(COMMANDS);
  const [error] = (await once(request, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toMatch(/^HPE_|ECONNRESET/);
});

test('who never shakes hands is gone after the idle time, whatever it sends but a valid command', async () => {
  const gateway = await stage.gateway({ IDLE_TIMEOUT_MS: '400', MAX_CONSECUTIVE_ERRORS: '1000000' });
  const silent = await gateway.connect();
  const blank = await gateway.connect();
  const wrong = await gateway.connect();
  const eager = await gateway.connect();
  const dripping = await gateway.connect();
  let alive = true;
  const begun = performance.now();
  const noise = (async () => {
    dripping.sendRaw('{"cmd":"');
    while (alive && performance.now() - begun < 8000) {
      blank.sendRaw('\n');
      wrong.command('HANDSHAKE', { major: 99 });
      eager.command('STOP', { target: 'session' });
      dripping.sendRaw('x');
      await pass(50);
    }
  })();
  await Promise.all([silent, blank, wrong, eager, dripping].map((client) => client.until('session_timeout')));
  alive = false;
  await noise;
  await waitUntil(() => gateway.target.sessions?.() === 0, 'all are gone');
});

test('a full gateway says so at once, frees its places by the idle time, and keeps telling a crowd', {
  timeout: 60_000,
}, async () => {
  const gateway = await stage.gateway({ MAX_SESSIONS: '5', IDLE_TIMEOUT_MS: '1000' });
  const squatters = await Promise.all(Array.from({ length: 5 }, () => gateway.connect()));
  const crowd = await Promise.all(Array.from({ length: 200 }, () => gateway.connect()));
  for (const client of crowd) {
    await client.expect({ error: 'handshake_rejected', fatal: true });
    await client.expectClosed();
  }
  await Promise.all(squatters.map((client) => client.expect('session_timeout')));
  await waitUntil(() => gateway.target.sessions?.() === 0, 'the places are free');
  await gateway.ready();
});

test('connections that come and go leave nothing behind', { timeout: 60_000 }, async () => {
  const gateway = await stage.gateway({ MAX_SESSIONS: '50', MAX_SESSIONS_PER_IP: '50', AUTH_TOKENS: 'a:token-a' });
  for (let round = 0; round < 20; round += 1) {
    const clients = await Promise.all(Array.from({ length: 40 }, () => gateway.connect()));
    for (const [index, client] of clients.entries()) {
      if (index % 4 === 0) client.command('HANDSHAKE', { major: 1, token: 'token-a' });
      if (index % 4 === 1) client.command('HANDSHAKE', { major: 1, token: 'wrong' });
      if (index % 4 === 2) client.sendRaw('{"cmd"');
      if (index % 3 === 0) client.end();
      client.reset();
    }
    await waitUntil(() => gateway.target.sessions?.() === 0, 'all are gone');
  }
  const last = await gateway.connect({ localAddress: '127.0.0.3' });
  await last.handshake({ token: 'token-a' });
});
