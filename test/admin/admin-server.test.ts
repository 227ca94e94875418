// The admin server alone: what it answers, what it refuses, and that nobody can make it heavy.
import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type Admin, AdminStartError, startAdmin } from '../../src/admin/admin-server.ts';
import { createPages } from '../../src/admin/pages.ts';
import type { SessionList, Sources } from '../../src/observation/snapshot.ts';
import { WAIT_MS } from '../support/client.ts';
import { ask, askJson, connections, createSources, eventually, observed } from './support.ts';

const opened: Admin[] = [];

async function open(sources: Sources = createSources(), failed?: (error: unknown) => void): Promise<Admin> {
  const admin = await startAdmin({ host: '127.0.0.1', port: 0, sources, ...(failed ? { failed } : {}) });
  opened.push(admin);
  return admin;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((admin) => admin.close()));
});

/** Turns of the event loop that pass until it is done. */
async function turnsOf(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let next = setImmediate(function turn() {
    turns++;
    next = setImmediate(turn);
  });
  await work();
  clearImmediate(next);
  return turns;
}

/** Everything the server says to these bytes until it ends the connection. */
function talk(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: '127.0.0.1', port });
    let said = '';
    socket.setTimeout(WAIT_MS, () => socket.destroy(new Error('the server kept the connection')));
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
    });
    socket.on('error', (error) => (said === '' ? reject(error) : resolve(said)));
    socket.on('close', () => resolve(said));
    socket.write(bytes);
  });
}

describe('pages', () => {
  test.each(['/', '/healthz', '/readyz', '/metrics', '/sessions', '/metrics?name=x'])('GET %s', async (path) => {
    const got = await ask((await open()).port, path);
    expect(got.status).toBe(200);
    expect(got.body.length).toBeGreaterThan(0);
    expect(got.headers).toMatchObject({ connection: 'close', 'cache-control': 'no-store' });
    expect(got.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('GET /healthz while nobody serves', async () => {
    let serving = false;
    const sources = createSources();
    const admin = await startAdmin({ host: '127.0.0.1', port: 0, sources, serving: () => serving });
    opened.push(admin);
    expect(await ask(admin.port, '/healthz')).toMatchObject({
      status: 503,
      body: 'No worker serves; the log says why.\n',
    });
    serving = true;
    expect(await ask(admin.port, '/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
  });

  test.each([
    '/nope',
    '/healthz/',
    '//',
    '/__proto__',
    '/constructor',
    '/sessions/../metrics',
    'http://127.0.0.1/metrics',
  ])('GET %s is no page', async (path) => {
    expect((await ask((await open()).port, path)).status).toBe(404);
  });

  test.each(['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])('%s is not allowed', async (method) => {
    const got = await ask((await open()).port, '/metrics', { method });
    expect([got.status, got.headers.allow]).toEqual([405, 'GET']);
  });

  test('a stranger’s name gets nothing, on any page and by any method', async () => {
    const { port } = await open();
    for (const path of ['/', '/sessions', '/nope']) {
      const got = await ask(port, path, { headers: { host: `evil.example:${port}` } });
      expect(got.status).toBe(403);
      expect(got.body).toContain('ADMIN_HOST');
    }
    expect((await ask(port, '/', { method: 'POST', headers: { host: 'evil.example' } })).status).toBe(403);
  });

  test.each([
    [{ listening: false }, ['not listening']],
    [{ draining: true }, ['draining']],
    [{ backend: { reachable: false, at: 1 } }, ['backend unreachable']],
    [{ listening: false, draining: true }, ['not listening', 'draining']],
  ])('/readyz with %j says why not', async (finding, because) => {
    const ready = { listening: true, draining: false, backend: { reachable: true, at: 1 }, ...finding };
    const sources: Sources = {
      readiness: () => ready,
      numbers: () => Promise.reject(new Error('unused')),
      sessions: () => Promise.reject(new Error('unused')),
    };
    const { port } = await open(sources);
    const got = await ask(port, '/readyz');
    expect(got.status).toBe(503);
    expect(JSON.parse(got.body)).toMatchObject({ ready: false, because });
    // Healthy all the same.
    expect((await ask(port, '/healthz')).status).toBe(200);
  });

  test('a source that fails costs one answer, is reported, and is asked again', async () => {
    let calls = 0;
    const failures: unknown[] = [];
    const sources: Sources = {
      readiness: () => ({ listening: true, draining: false, backend: { reachable: true, at: 1 } }),
      numbers: () => Promise.reject(new Error('unused')),
      sessions: async () => {
        if (++calls === 1) throw new Error('secret detail');
        return { live: 0, sessions: [], ended: [] };
      },
    };
    const { port } = await open(sources, (error) => failures.push(error));
    const got = await ask(port, '/sessions');
    expect(got.status).toBe(500);
    expect(got.body).not.toContain('secret');
    expect(failures).toHaveLength(1);
    expect((await ask(port, '/sessions')).status).toBe(200);
  });
});

describe('/sessions', () => {
  test('thousands of rows arrive whole', async () => {
    const all = connections(Array.from({ length: 5000 }, (_, id) => observed(id)));
    const { port } = await open(createSources({ connections: () => all }));
    const list = await askJson<SessionList>(port, '/sessions');
    expect(list.live).toBe(5000);
    expect(list.sessions.map(({ session }) => session)).toEqual(Array.from({ length: 5000 }, (_, id) => id));
  });

  test('they are neither described nor printed in one turn of the event loop', async () => {
    const all = connections(Array.from({ length: 5000 }, (_, id) => observed(id)));
    const sources = createSources({ connections: () => all });
    const list = await sources.sessions();
    const pages = createPages({ ...sources, sessions: () => list } as unknown as Sources);
    expect(await turnsOf(() => sources.sessions())).toBeGreaterThanOrEqual(19);
    expect(await turnsOf(async () => pages['/sessions']?.())).toBeGreaterThanOrEqual(19);
    expect(await turnsOf(async () => pages['/healthz']?.())).toBeLessThan(5);
  });

  test('hostile text stays text', async () => {
    const path = `/\u2028\u001b[2J"},{"token":"s3cr3t"}</script>${'x'.repeat(5000)}`;
    const session = observed(7, { address: '192.0.2.1', credential: '"name"\n', monitor: { path, periodMs: 2 } });
    const { port } = await open(createSources({ connections: () => connections([session]) }));
    const got = await ask(port, '/sessions');
    const [row] = (JSON.parse(got.body) as SessionList).sessions;
    expect(row).toMatchObject({ session: 7, credential: '"name"\n', state: 'READY', bytesWaiting: 30 });
    expect(row?.monitor?.path.length).toBeLessThan(400);
    expect(row?.monitor?.path).toContain('\\x1b[2J');
    expect(got.body).not.toContain('s3cr3t');
    expect(got.body).not.toMatch(/[\u2028\u001b]/);
    expect(got.headers['content-type']).toMatch(/^application\/json/);
  });

  test('who asks at the same time shares one answer', async () => {
    let calls = 0;
    const sources = createSources();
    const { port } = await open({
      readiness: () => sources.readiness(),
      numbers: () => sources.numbers(),
      sessions: async () => {
        calls++;
        await new Promise((resolve) => setTimeout(resolve, 50));
        return sources.sessions();
      },
    });
    const got = await Promise.all(Array.from({ length: 10 }, () => ask(port, '/sessions')));
    expect(got.map(({ status }) => status)).toEqual(new Array(10).fill(200));
    expect(calls).toBe(1);
  });
});

describe('whatever a client does', () => {
  test('one request a connection', async () => {
    const said = await talk((await open()).port, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3));
    expect(said.match(/HTTP\/1\.1 200/g)).toHaveLength(1);
  });

  test('HTTP/1.0 without Host is answered, HTTP/1.1 without it is not', async () => {
    const { port } = await open();
    expect(await talk(port, 'GET /healthz HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200/);
    expect(await talk(port, 'GET /healthz HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
  });

  test('headers are bounded', async () => {
    const { port } = await open();
    const said = await talk(port, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`);
    expect(said).toMatch(/^HTTP\/1\.1 431/);
    expect((await ask(port, '/healthz')).status).toBe(200);
  });

  test('what is not HTTP is answered 400 and ended', async () => {
    expect(await talk((await open()).port, '{"cmd":"HANDSHAKE"}\n\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
  });

  test('a request that never ends is ended', async () => {
    expect(await talk((await open()).port, 'GET / HTTP/1.1\r\nHost: local')).toMatch(/^(HTTP\/1\.1 408|$)/);
  });

  test('no more connections than it needs', async () => {
    const { port } = await open();
    const sockets = Array.from({ length: 60 }, () => net.connect({ host: '127.0.0.1', port }));
    let dropped = 0;
    for (const socket of sockets) {
      socket.on('error', () => {});
      socket.on('close', () => {
        dropped++;
      });
    }
    try {
      await eventually(
        () => dropped,
        (count) => count >= 60 - 32,
      );
    } finally {
      for (const socket of sockets) socket.destroy();
    }
    await eventually(
      () => ask(port, '/healthz').catch(() => undefined),
      (got) => got?.status === 200,
    );
  });
});

describe('opening and closing', () => {
  test('a port in use is a clear failure that names the setting', async () => {
    const { port } = await open();
    const failure = await startAdmin({ host: '127.0.0.1', port, sources: createSources() }).catch((error) => error);
    expect(failure).toBeInstanceOf(AdminStartError);
    expect(failure.message).toMatch(/127\.0\.0\.1 port \d+.*in use.*Set ADMIN_PORT to another port, or to 0/s);
    expect(failure.code).toBeUndefined();
  });

  test('an address of somebody else is one too', async () => {
    const failure = await startAdmin({ host: '192.0.2.1', port: 0, sources: createSources() }).catch((error) => error);
    expect(failure).toBeInstanceOf(AdminStartError);
    expect(failure.message).toContain('ADMIN_HOST');
  });

  test('close ends connections that do nothing, and may be called again', async () => {
    const admin = await open();
    const socket = net.connect({ host: '127.0.0.1', port: admin.port });
    await new Promise((resolve) => socket.once('connect', resolve));
    const ended = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    await Promise.all([admin.close(), admin.close(), ended]);
    await expect(ask(admin.port, '/healthz')).rejects.toThrow();
  });
});
