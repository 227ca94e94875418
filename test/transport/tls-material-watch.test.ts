// Certificates are renewed while sessions run: new files are taken into use, broken ones are not, nobody is dropped.
import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  loadTlsMaterial,
  type TlsMaterial,
  type TlsPaths,
  type TlsWatch,
  watchTlsMaterial,
} from '../../src/transport/tls-material.ts';
import { type Certificate, makeCertificate } from '../access/support/certificate.ts';
import { temporaryFolder } from '../access/support/temporary-folder.ts';

const folder = temporaryFolder();
const ca = makeCertificate({ subject: 'Test CA', days: 3650 });
const make = (subject: string): Certificate =>
  makeCertificate({ subject, altNames: ['localhost'], issuer: ca, days: 90 });
const [first, second, third] = [make('first'), make('second'), make('third')];

let folders = 0;

/** A folder laid out as container platforms do it: files are links through `..data`, which is swapped as a whole. */
function mount(certificate: Certificate): { paths: TlsPaths; swap(to: Certificate): void } {
  const base = join(folder.path, `mount-${folders++}`);
  mkdirSync(base);
  let version = 0;
  const swap = (to: Certificate): void => {
    version += 1;
    const data = join(base, `v${version}`);
    mkdirSync(data);
    writeFileSync(join(data, 'tls.crt'), to.cert);
    writeFileSync(join(data, 'tls.key'), to.key);
    symlinkSync(data, join(base, 'next'));
    renameSync(join(base, 'next'), join(base, '..data'));
  };
  swap(certificate);
  const paths = { cert: join(base, 'tls.crt'), key: join(base, 'tls.key') };
  symlinkSync(join(base, '..data', 'tls.crt'), paths.cert);
  symlinkSync(join(base, '..data', 'tls.key'), paths.key);
  return { paths, swap };
}

const watches: TlsWatch[] = [];
afterEach(() => {
  for (const watch of watches.splice(0)) watch.close();
});

function watched(paths: TlsPaths, options: { pollMs?: number; now?: () => number } = {}) {
  const log = { info: vi.fn(), warn: vi.fn() };
  const taken: TlsMaterial[] = [];
  const { material, faults } = loadTlsMaterial(paths);
  if (material === undefined) throw new Error(faults.join());
  const watch = watchTlsMaterial({
    paths,
    initial: material,
    onChange: (next) => taken.push(next),
    log,
    pollMs: 3_600_000,
    ...options,
  });
  watches.push(watch);
  return { watch, log, taken };
}

describe('a reload on demand', () => {
  it('takes new files into use, and tells when there are none', () => {
    const { paths, swap } = mount(first);
    const { watch, log, taken } = watched(paths);
    expect(watch.reload()).toBe(true);
    expect(taken).toEqual([]);
    swap(second);
    expect(watch.reload()).toBe(true);
    expect(taken.map(({ cert }) => cert)).toEqual([second.cert]);
    expect(log.warn).not.toHaveBeenCalled();
    expect(log.info.mock.calls.map(([, message]) => message)).toEqual([
      'the TLS files have not changed',
      'the new TLS files are in use',
    ]);
    expect(JSON.stringify(log.info.mock.calls)).not.toContain('PRIVATE');
  });

  it('refuses broken files, keeps the old ones, and recovers', () => {
    const { paths, swap } = mount(first);
    const { watch, log, taken } = watched(paths);
    for (const broken of [
      { ...second, key: third.key },
      { ...second, cert: second.cert.slice(0, 99) },
      { ...second, key: '' },
    ]) {
      swap(broken);
      expect(watch.reload()).toBe(false);
    }
    expect(taken).toEqual([]);
    expect(log.warn).toHaveBeenCalledTimes(3);
    expect(log.warn.mock.calls[0]).toEqual([
      { reason: 'SIGHUP', faults: [expect.stringContaining('TLS_KEY: is not the key')] },
      'the new TLS files are refused, the old ones stay in use',
    ]);
    swap(second);
    expect(watch.reload()).toBe(true);
    expect(taken).toHaveLength(1);
  });

  it('survives files that are gone, and a server that refuses the new material', () => {
    const { paths } = mount(first);
    const log = { info: vi.fn(), warn: vi.fn() };
    const refuse = (): void => {
      throw new Error('no');
    };
    const initial = loadTlsMaterial(paths).material!;
    const watch = watchTlsMaterial({ paths, initial: { ...initial, cert: 'older' }, onChange: refuse, log });
    watches.push(watch);
    expect(watch.reload()).toBe(false);
    rmSync(paths.cert);
    expect(watch.reload()).toBe(false);
    expect(log.warn).toHaveBeenCalledTimes(2);
  });

  it('does nothing once closed', () => {
    const { paths, swap } = mount(first);
    const { watch, log, taken } = watched(paths);
    watch.close();
    watch.close();
    swap(second);
    expect(watch.reload()).toBe(false);
    expect([taken.length, log.info.mock.calls.length, log.warn.mock.calls.length]).toEqual([0, 0, 0]);
  });
});

describe('a change of the files', () => {
  it('is noticed when links are swapped, renamed over or written in place', async () => {
    const { paths, swap } = mount(first);
    const { taken } = watched(paths, { pollMs: 10 });
    swap(second);
    await vi.waitFor(() => expect(taken.at(-1)?.cert).toBe(second.cert), 10_000);
    rmSync(paths.cert);
    writeFileSync(`${paths.key}.new`, third.key);
    renameSync(`${paths.key}.new`, paths.key);
    writeFileSync(paths.cert, third.cert);
    await vi.waitFor(() => expect(taken.at(-1)?.cert).toBe(third.cert), 10_000);
    writeFileSync(paths.key, first.key);
    writeFileSync(paths.cert, first.cert);
    await vi.waitFor(() => expect(taken.at(-1)?.cert).toBe(first.cert), 10_000);
    expect(
      taken.every(({ cert, key }) => [first, second, third].some((one) => one.cert === cert && one.key === key)),
    ).toBe(true);
  });

  it('that cannot be used is warned about once, until the files change again', async () => {
    const { paths, swap } = mount(first);
    let looks = 0;
    const now = (): number => {
      looks += 1;
      return Date.now();
    };
    const { log, taken } = watched(paths, { pollMs: 5, now });
    swap({ ...second, key: third.key });
    await vi.waitFor(() => expect(log.warn).toHaveBeenCalledTimes(1), 10_000);
    const enough = looks + 10;
    await vi.waitFor(() => expect(looks).toBeGreaterThan(enough), 10_000);
    swap(third);
    await vi.waitFor(() => expect(taken.at(-1)?.cert).toBe(third.cert), 10_000);
    expect(log.warn).toHaveBeenCalledTimes(1);
  });

  it('between loading and watching is not missed', async () => {
    const { paths, swap } = mount(first);
    const initial = loadTlsMaterial(paths).material!;
    swap(second);
    const taken: TlsMaterial[] = [];
    const log = { info: vi.fn(), warn: vi.fn() };
    watches.push(watchTlsMaterial({ paths, initial, onChange: (next) => taken.push(next), log, pollMs: 5 }));
    await vi.waitFor(() => expect(taken.at(-1)?.cert).toBe(second.cert), 10_000);
  });

  it('is not needed for a daily word about a certificate that ends', async () => {
    const { paths } = mount(first);
    const clock = { ms: Date.now() };
    const { log } = watched(paths, { pollMs: 5, now: () => clock.ms });
    clock.ms += 89.5 * 86_400_000;
    await vi.waitFor(() => expect(log.warn).toHaveBeenCalled(), 10_000);
    expect(log.warn.mock.calls[0]![1]).toMatch(/ends in 0 days/);
  });
});

describe('a server whose certificate is renewed', () => {
  it('keeps its connections and shows the new certificate to new ones', async () => {
    const { paths, swap } = mount(first);
    const server = createServer(loadTlsMaterial(paths).material!, (socket) => socket.pipe(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const opened: TLSSocket[] = [];
    const open = async (): Promise<TLSSocket> => {
      const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: ca.cert });
      opened.push(socket);
      await once(socket, 'secureConnect');
      return socket;
    };
    const echo = async (socket: TLSSocket, text: string): Promise<string> => {
      socket.write(text);
      return String((await once(socket, 'data'))[0]);
    };
    try {
      const old = await open();
      expect(old.getPeerCertificate().subject.CN).toBe('first');
      const log = { info: vi.fn(), warn: vi.fn() };
      const initial = loadTlsMaterial(paths).material!;
      const watch = watchTlsMaterial({ paths, initial, onChange: (next) => server.setSecureContext(next), log });
      watches.push(watch);
      swap(second);
      expect(watch.reload()).toBe(true);
      const fresh = await open();
      expect(fresh.getPeerCertificate().subject.CN).toBe('second');
      expect(await echo(old, 'still here')).toBe('still here');
      expect(await echo(fresh, 'new')).toBe('new');
    } finally {
      for (const socket of opened) socket.destroy();
      server.close();
    }
  });

  it('asks for a client certificate signed by TLS_CLIENT_CA, and takes no other', async () => {
    const { paths } = mount(first);
    const clientCa = folder.write('client-ca.pem', ca.cert);
    const server = createServer(loadTlsMaterial({ ...paths, clientCa }).material!, (socket) => socket.end('welcome'));
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const ask = (own?: Certificate): Promise<string> =>
      new Promise((resolve) => {
        const identity = own === undefined ? {} : { cert: own.cert, key: own.key };
        const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: ca.cert, ...identity });
        let heard = '';
        socket.on('data', (data) => {
          heard += String(data);
        });
        socket.on('error', () => {});
        socket.on('close', () => resolve(heard));
      });
    try {
      expect(await ask(makeCertificate({ subject: 'panel', issuer: ca }))).toBe('welcome');
      expect(await ask()).toBe('');
      expect(await ask(makeCertificate({ subject: 'panel', ca: false }))).toBe('');
      expect(await ask(makeCertificate({ subject: 'panel', issuer: ca, days: -1 }))).toBe('');
    } finally {
      server.close();
    }
  });
});
