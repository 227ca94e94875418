// New TLS files while the gateway runs: taken into use without ending a session, or refused without ending the old ones.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../access/support/temporary-folder.ts';
import { waitUntil } from '../faults/support/wait.ts';
import type { TestClient } from '../support/client.ts';
import { spawnGateway } from '../support/gateway.ts';
import { useStage } from './support/stage.ts';
import { connectTls, type Identity, makeIdentity } from './support/tls-client.ts';

const stage = useStage();
const folder = temporaryFolder();
const before = makeIdentity('before');
const after = makeIdentity('after');
const ca = [before.authority.cert, after.authority.cert];

function files(name: string, { server }: Identity): { readonly TLS_CERT: string; readonly TLS_KEY: string } {
  return { TLS_CERT: folder.write(`${name}.pem`, server.cert), TLS_KEY: folder.write(`${name}.key`, server.key) };
}

async function shown(target: { readonly host: string; readonly port: number }): Promise<string> {
  const client = await connectTls(target, { ca });
  const name = String((client.socket as TLSSocket).getPeerCertificate().subject.CN);
  client.destroy();
  return name;
}

async function streams(client: TestClient): Promise<void> {
  const from = client.lines.length;
  await client.until(() => client.lines.length > from + 3);
}

const MONITOR = { url: '/api_ver', method: 'GET', period_ms: 20 };

test('SIGHUP takes new files into use, refuses broken ones, and no session notices', { timeout: 60_000 }, async () => {
  const env = files('signal', before);
  const gateway = stage.keep(await spawnGateway(env));
  const client = await connectTls(gateway, { ca });
  await client.handshake();
  client.command('MONITOR', MONITOR);
  await client.expect('monitor_ack');
  expect(await shown(gateway)).toBe('before');

  writeFileSync(env.TLS_CERT, 'not a certificate');
  gateway.kill('SIGHUP');
  await waitUntil(() => gateway.output().includes('the new TLS files are refused'), 'the broken file is refused');
  expect(await shown(gateway)).toBe('before');

  // A certificate whose key has not arrived yet is refused too.
  writeFileSync(env.TLS_CERT, after.server.cert);
  gateway.kill('SIGHUP');
  await waitUntil(() => gateway.output().includes('is not the key of'), 'the odd pair is refused');
  expect(await shown(gateway)).toBe('before');

  writeFileSync(env.TLS_KEY, after.server.key);
  gateway.kill('SIGHUP');
  await waitUntil(() => gateway.output().includes('the new TLS files are in use'), 'the new files are in use');
  expect(await shown(gateway)).toBe('after');
  await streams(client);
  client.command('CONTROL', { url: '/project/robot/motor_on', method: 'POST', body: {}, ack: true });
  await client.until('control_ack');
  expect(gateway.output()).not.toContain(readFileSync(env.TLS_KEY, 'utf8').split('\n')[1]);
  client.destroy();
});

test('files that are replaced are followed without a signal', { timeout: 60_000 }, async () => {
  const env = files('watched', before);
  const gateway = await stage.gateway(env);
  const client = await connectTls(gateway, { ca });
  await client.handshake();
  client.command('MONITOR', MONITOR);
  await client.expect('monitor_ack');
  // By renaming, as deployment tools do.
  const replace = (path: string, content: string): void => {
    const draft = join(folder.path, 'draft');
    writeFileSync(draft, content);
    renameSync(draft, path);
  };
  replace(env.TLS_CERT, 'broken');
  await waitUntil(() => gateway.logText().includes('are refused'), 'the broken file is noticed', 30_000);
  expect(await shown(gateway)).toBe('before');
  replace(env.TLS_KEY, after.server.key);
  replace(env.TLS_CERT, after.server.cert);
  await waitUntil(() => gateway.logText().includes('are in use'), 'the new files are noticed', 30_000);
  expect(await shown(gateway)).toBe('after');
  await streams(client);
  client.destroy();
});

test('a client authority that is replaced holds for new connections, not for sessions that exist', async () => {
  const env = { ...files('authority', before), TLS_CLIENT_CA: folder.write('authority.ca', before.authority.cert) };
  const gateway = await stage.gateway(env);
  const own = { ca, cert: before.server.cert, key: before.server.key };
  const client = await connectTls(gateway, own);
  await client.handshake();
  writeFileSync(env.TLS_CLIENT_CA, after.authority.cert);
  gateway.reload();
  const { tlsFailure } = await import('./support/tls-client.ts');
  expect(await tlsFailure(gateway, own)).not.toBe('');
  const other = await connectTls(gateway, { ca, cert: after.server.cert, key: after.server.key });
  await other.handshake();
  client.command('STOP', { target: 'session' });
  await client.expect('stop_ack');
});

test('a start with broken TLS files names every fault, starts nothing and shows nothing of the key', async () => {
  const env = files('start', before);
  writeFileSync(env.TLS_CERT, after.server.cert);
  await expect(stage.gateway(env)).rejects.toThrow(/TLS_KEY: is not the key/);
  writeFileSync(env.TLS_CERT, '');
  writeFileSync(env.TLS_KEY, `${before.server.key.slice(0, 90)}\n-----END PRIVATE KEY-----\n`);
  const failure = await stage.gateway(env).catch((error: unknown) => String(error));
  expect(failure).toContain('TLS_CERT');
  expect(failure).toContain('TLS_KEY');
  expect(failure).not.toContain(before.server.key.split('\n')[1]!.slice(0, 20));
});
