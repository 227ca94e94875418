// An https backend: BACKEND_CA decides whose certificate is believed, and a wrong one is never talked to.
import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { makeCertificate } from '../access/support/certificate.ts';
import { temporaryFolder } from '../access/support/temporary-folder.ts';
import { useStage } from './support/stage.ts';
import { makeIdentity } from './support/tls-client.ts';

const stage = useStage();
const folder = temporaryFolder();
const { authority, server } = makeIdentity('backend');
const good = folder.write('backend-ca.pem', authority.cert);

interface SecureBackend {
  readonly url: string;
  readonly seen: string[];
}

async function secureBackend(identity: { readonly cert: string; readonly key: string }): Promise<SecureBackend> {
  const seen: string[] = [];
  const backend = https.createServer({ cert: identity.cert, key: identity.key }, (request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['authorization'] ?? ''}`);
    request.resume();
    response.end('{"secure":true}');
  });
  backend.listen(0, '127.0.0.1');
  await once(backend, 'listening');
  stage.keep({
    stop: () => {
      backend.closeAllConnections();
      backend.close();
    },
  });
  return { url: `https://127.0.0.1:${(backend.address() as AddressInfo).port}/base`, seen };
}

const SECRET = 'Bearer backend-secret-of-tls';

async function talk(url: string, env: Readonly<Record<string, string>>) {
  const gateway = await stage.gateway({
    BACKEND_URL: url,
    BACKEND_HEADERS: JSON.stringify({ authorization: SECRET }),
    LOG_LEVEL: 'trace',
    ...env,
  });
  const client = await gateway.ready();
  client.command('CONTROL', { url: '/go', method: 'POST', body: {}, ack: true, id: 1 });
  const control = await client.expect({ id: 1 });
  client.command('MONITOR', { url: '/state', method: 'GET', period_ms: 1000 });
  await client.expect('monitor_ack');
  const poll = await client.next();
  expect(gateway.logText()).not.toContain('backend-secret');
  return { control, poll };
}

test('a backend whose certificate BACKEND_CA vouches for is used', async () => {
  const backend = await secureBackend(server);
  const { control, poll } = await talk(backend.url, { BACKEND_CA: good });
  expect(control).toMatchObject({ type: 'control_ack', result: { secure: true } });
  expect(poll).toMatchObject({ type: 'data', result: { secure: true } });
  expect(backend.seen).toEqual([`POST /base/go ${SECRET}`, `GET /base/state ${SECRET}`]);
});

const stranger = makeIdentity('stranger');

const WRONG: Readonly<Record<string, { readonly cert: string; readonly key: string }>> = {
  'is of another authority': stranger.server,
  'is signed by itself': makeCertificate({ subject: 'backend', altNames: ['127.0.0.1'] }),
  'is for another host': makeCertificate({
    subject: 'backend',
    altNames: ['192.0.2.1', 'backend.test'],
    issuer: authority,
  }),
  'has ended': makeCertificate({ subject: 'backend', altNames: ['127.0.0.1'], issuer: authority, days: -1 }),
};

for (const [name, identity] of Object.entries(WRONG)) {
  test(`a backend whose certificate ${name} gets no request: not_sent`, async () => {
    const backend = await secureBackend(identity);
    const { control, poll } = await talk(backend.url, { BACKEND_CA: good });
    expect(control).toMatchObject({ type: 'control_err', outcome: 'not_sent' });
    expect(poll).toMatchObject({ error: 'monitor_internal_error' });
    expect(backend.seen).toEqual([]);
  });
}

test('without BACKEND_CA a certificate of one’s own making is not believed', async () => {
  const backend = await secureBackend(server);
  const { control } = await talk(backend.url, {});
  expect(control).toMatchObject({ type: 'control_err', outcome: 'not_sent' });
  expect(backend.seen).toEqual([]);
});

test('a BACKEND_CA that cannot be read stops the start', async () => {
  await expect(
    stage.gateway({ BACKEND_URL: 'https://127.0.0.1:1', BACKEND_CA: folder.write('bad.pem', 'x') }),
  ).rejects.toThrow(/BACKEND_CA: .*has no certificate/);
});
