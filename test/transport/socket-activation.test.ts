// A listening socket that a service manager hands over is used, and only when it is meant for this process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { inheritedListener } from '../../src/transport/socket-activation.ts';
import { TestClient } from '../support/client.ts';
import { TEST_DEFAULTS } from '../support/gateway.ts';

describe('inheritedListener', () => {
  test.each([
    [{ LISTEN_PID: '42', LISTEN_FDS: '1' }, { fd: 3 }],
    [{ LISTEN_PID: '42', LISTEN_FDS: '2' }, { fd: 3 }],
    [{ LISTEN_PID: '42', LISTEN_FDS: '0' }, undefined],
    [{ LISTEN_PID: '42', LISTEN_FDS: 'x' }, undefined],
    [{ LISTEN_PID: '42' }, undefined],
    [{ LISTEN_PID: '43', LISTEN_FDS: '1' }, undefined],
    [{ LISTEN_PID: '', LISTEN_FDS: '1' }, undefined],
    [{ LISTEN_FDS: '1' }, undefined],
    [{}, undefined],
  ])('%j', (env, listener) => {
    expect(inheritedListener(env, 42)).toEqual(listener);
  });
});

test('a process that is handed a socket serves it, whatever PORT says', async () => {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const child = spawn('/bin/sh', ['-c', 'LISTEN_PID=$$ exec "$0" --import tsx src/main.ts', process.execPath], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...TEST_DEFAULTS, PORT: '1', LISTEN_FDS: '1', LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'pipe', fd],
  });
  const exited = once(child, 'exit');
  let output = '';
  try {
    const listening = new Promise<void>((resolve, reject) => {
      const read = (chunk: Buffer): void => {
        output += chunk.toString();
        if (output.includes('"listening"')) resolve();
      };
      child.stdout?.on('data', read);
      child.stderr?.on('data', read);
      void exited.then(() => reject(new Error(`it ended:\n${output}`)));
    });
    await listening;
    expect(output).toContain(`"port":${port}`);
    // From now on only the child takes connections from it.
    server.close();
    const client = await TestClient.connect({ host: '127.0.0.1', port });
    await client.handshake();
    child.kill('SIGTERM');
    await client.expect({ type: 'closing', reason: 'shutdown' });
    expect(await exited).toEqual([0, null]);
  } finally {
    server.close();
    child.kill('SIGKILL');
    await exited;
  }
});
