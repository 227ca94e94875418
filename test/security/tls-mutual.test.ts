// Mutual TLS: a client that shows no certificate, or one of somebody else's authority, never becomes a session.
import type { TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { makeCertificate } from '../access/support/certificate.ts';
import { temporaryFolder } from '../access/support/temporary-folder.ts';
import { useStage } from './support/stage.ts';
import { connectTls, makeIdentity, tlsFailure } from './support/tls-client.ts';

const stage = useStage();
const folder = temporaryFolder();
const { authority, server } = makeIdentity();
const clientAuthority = makeCertificate({ subject: 'client authority' });
const right = makeCertificate({ subject: 'panel', issuer: clientAuthority });
const ca = authority.cert;
const env = {
  TLS_CERT: folder.write('server.pem', server.cert),
  TLS_KEY: folder.write('server.key', server.key),
  TLS_CLIENT_CA: folder.write('clients.pem', clientAuthority.cert),
};
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

test('a client with a certificate of the right authority is served', async () => {
  const gateway = await stage.gateway(env);
  for (const maxVersion of VERSIONS) {
    const client = await connectTls(gateway, { ca, maxVersion, cert: right.cert, key: right.key });
    expect((client.socket as TLSSocket).getProtocol()).toBe(maxVersion);
    await client.handshake();
    client.destroy();
  }
});

const stranger = makeCertificate({ subject: 'stranger authority' });
const impostor = makeCertificate({ subject: 'client authority' });

/** Who must stay outside, and why. */
const OTHERS: Readonly<Record<string, { readonly cert?: string; readonly key?: string }>> = {
  'no certificate': {},
  'one of another authority': makeCertificate({ subject: 'panel', issuer: stranger }),
  'one of an authority that only has the same name': makeCertificate({ subject: 'panel', issuer: impostor }),
  'one signed by itself': makeCertificate({ subject: 'panel' }),
  'one that has ended': makeCertificate({ subject: 'panel', issuer: clientAuthority, days: -1 }),
  'one that has not begun': makeCertificate({ subject: 'panel', issuer: clientAuthority, startsInDays: 1 }),
  'the certificate of the gateway itself': server,
};

for (const [name, { cert, key }] of Object.entries(OTHERS)) {
  test(`a client with ${name} is refused and nothing it sends is executed`, async () => {
    const backend = await stage.backend();
    const gateway = await stage.gateway({ ...env, BACKEND_URL: backend.url });
    for (const maxVersion of VERSIONS) {
      const own = cert === undefined || key === undefined ? {} : { cert, key };
      expect(await tlsFailure(gateway, { ca, maxVersion, ...own })).toMatch(/^ERR_SSL|^ECONNRESET|^EPIPE|closed|ended/);
    }
    expect(backend.requests).toEqual([]);
    expect(gateway.logged('session began')).toEqual([]);
    expect(gateway.logged('connection refused')[0]).toMatchObject({ reason: 'tls' });
  });
}

test('a session without a client certificate cannot be resumed into one that needs none', async () => {
  const open = await stage.gateway({ TLS_CERT: env.TLS_CERT, TLS_KEY: env.TLS_KEY });
  const first = await connectTls(open, { ca, maxVersion: 'TLSv1.2' });
  await first.handshake();
  const session = (first.socket as TLSSocket).getSession();
  expect(session).toBeDefined();
  first.destroy();
  const gateway = await stage.gateway(env);
  expect(await tlsFailure(gateway, { ca, maxVersion: 'TLSv1.2', session: session! })).not.toBe('');
  expect(gateway.logged('session began')).toEqual([]);
});
