// An answer that leads to the next call at once, as a queue of CONTROLs does: also while the connection is failing.
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import type { BackendAnswer } from '../../src/backend/backend.ts';
import { createHttpBackend } from '../../src/backend/http-backend.ts';

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('[OS-3.4] calls made from within the answer of a refused one are answered too, each once', async () => {
  const backend = createHttpBackend({
    url: `http://127.0.0.1:${await closedPort()}`,
    timeoutMs: 5000,
    connections: 1,
    maxResultBytes: 1000,
    headers: {},
  });
  const chains = 8;
  const length = 50;
  const answers: BackendAnswer[] = [];
  const chain = (left: number): Promise<void> =>
    new Promise((resolve) => {
      const next = (remaining: number): void => {
        backend.call('control', { method: 'POST', path: '/c' }, (answer) => {
          answers.push(answer);
          if (remaining > 1) next(remaining - 1);
          else resolve();
        });
      };
      next(left);
    });
  await Promise.all(Array.from({ length: chains }, () => chain(length)));
  expect(answers).toHaveLength(chains * length);
  expect(new Set(answers.map((answer) => !answer.ok && `${answer.outcome} ${answer.fault}`))).toEqual(
    new Set(['not_sent connect']),
  );
  await backend.close();
});
