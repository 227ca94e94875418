// Starting and ending: close() leaves nothing open, and the stand-alone server behaves like one.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A connection that has been served once and stays open. */
async function idleConnection(port: number): Promise<Socket> {
  const socket = createConnection(port, '127.0.0.1');
  cleanups.push(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.write('GET /api_ver HTTP/1.1\r\nhost: x\r\n\r\n');
  await once(socket, 'data');
  return socket;
}

describe('startSimulator', () => {
  it('listens on a free loopback port by default and says where', async () => {
    const simulator = await startSimulator();
    cleanups.push(simulator.close);
    expect(simulator.url).toBe(`http://127.0.0.1:${simulator.port}`);
    expect(await (await fetch(`${simulator.url}/api_ver`)).json()).toBe(5);
  });

  it('names an address one can connect to when it listens on all', async () => {
    const simulator = await startSimulator({ host: '0.0.0.0' });
    cleanups.push(simulator.close);
    expect(simulator.url).toBe(`http://127.0.0.1:${simulator.port}`);
  });

  it('keeps idle connections open for more than a minute', async () => {
    const simulator = await startSimulator();
    cleanups.push(simulator.close);
    const reply = await fetch(`${simulator.url}/api_ver`);
    const seconds = Number(/timeout=(\d+)/.exec(reply.headers.get('keep-alive') ?? '')?.[1]);
    expect(seconds).toBeGreaterThanOrEqual(65);
    await reply.text();
  });

  it('has a state of its own each time', async () => {
    const [one, two] = [await startSimulator(), await startSimulator()];
    cleanups.push(one.close, two.close);
    await fetch(`${one.url}/project/robot/start`, { method: 'POST', body: '{}' });
    const playback = async (url: string) =>
      ((await (await fetch(`${url}/project/rgen`)).json()) as never)['is_playback'];
    expect([await playback(one.url), await playback(two.url)]).toEqual([1, 0]);
  });

  it('close() ends idle connections and half-sent requests, and may be called again', async () => {
    const simulator = await startSimulator();
    const idle = await idleConnection(simulator.port);
    const busy = await idleConnection(simulator.port);
    busy.write('POST /project/robot/start HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n{');
    expect(String((await once(busy, 'data'))[0])).toContain('100 Continue');
    const closed = [idle, busy].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    await Promise.all([simulator.close(), simulator.close()]);
    await Promise.all(closed);
    await expect(fetch(`${simulator.url}/api_ver`)).rejects.toThrow();
  });

  it('rejects when the port is taken', async () => {
    const simulator = await startSimulator();
    cleanups.push(simulator.close);
    await expect(startSimulator({ port: simulator.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

describe('npm run simulator', () => {
  /** The stand-alone server with these settings; its output so far is in `out` and `err`. */
  function run(settings: Record<string, string>): { child: ChildProcess; out: () => string; err: () => string } {
    const { SIMULATOR_HOST: _h, SIMULATOR_PORT: _p, ...env } = process.env;
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/simulator/main.ts'], {
      env: { ...env, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    cleanups.push(() => child.kill('SIGKILL'));
    const text = { out: '', err: '' };
    child.stdout?.on('data', (chunk) => (text.out += chunk));
    child.stderr?.on('data', (chunk) => (text.err += chunk));
    return { child, out: () => text.out, err: () => text.err };
  }

  it.each(['SIGTERM', 'SIGINT'] as const)('says where it listens, and exits with 0 on %s', async (signal) => {
    const { child, out, err } = run({ SIMULATOR_PORT: '0' });
    await expect.poll(out, { timeout: 20_000 }).toMatch(/listening on http:\/\/127\.0\.0\.1:\d+\n$/);
    await idleConnection(Number(/(\d+)\n$/.exec(out())?.[1]));
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(err()).toBe('');
  });

  it.each([
    [{ SIMULATOR_PORT: '65536' }, /^SIMULATOR_PORT="65536": .*65535\n$/],
    [{ SIMULATOR_PORT: 'x', SIMULATOR_HOST: 'a b' }, /^SIMULATOR_HOST="a b": .*\nSIMULATOR_PORT="x": .*\n$/],
  ])('exits with 2 and names every wrong setting: %j', async (settings, message) => {
    const { child, out, err } = run(settings as Record<string, string>);
    expect(await once(child, 'close')).toEqual([2, null]);
    expect([out(), err()]).toEqual(['', expect.stringMatching(message)]);
  });

  it('exits with 1 and one line when the port is taken', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    cleanups.push(() => blocker.close());
    await once(blocker, 'listening');
    const { port } = blocker.address() as { port: number };
    const { child, err } = run({ SIMULATOR_PORT: String(port) });
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(err()).toMatch(/^cannot listen on 127\.0\.0\.1 port \d+: the port is in use.*\n$/);
  });
});
