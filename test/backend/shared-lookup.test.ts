// Where the resolver hangs: polls wait in one look-up, and CONTROL has its own [OS-3.4].
import http from 'node:http';
import type { LookupFunction } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { BackendAnswer } from '../../src/backend/backend.ts';
import { createHttpBackend } from '../../src/backend/http-backend.ts';
import { sharedLookup } from '../../src/backend/shared-lookup.ts';
import { waitUntil } from '../faults/support/wait.ts';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const end of endings.splice(0).reverse()) await end();
});

const told = (): Promise<void> => new Promise((resolve) => queueMicrotask(resolve));

/** A resolver that answers when the test says so. */
function handResolver() {
  const asked: { hostname: string; answer: Parameters<LookupFunction>[2] }[] = [];
  const lookup: LookupFunction = (hostname, _options, answer) => asked.push({ hostname, answer });
  return { asked, lookup };
}

describe('one look-up', () => {
  test('answers all that ask meanwhile, and nobody who asks later', async () => {
    const { asked, lookup } = handResolver();
    const shared = sharedLookup(lookup);
    const got: unknown[][] = [];
    for (let i = 0; i < 3; i++) shared('robot', { all: true }, (...answer) => got.push([i, ...answer]));
    expect(asked).toHaveLength(1);
    asked[0]!.answer(null, [{ address: '192.0.2.1', family: 4 }]);
    await told();
    expect(got).toEqual([0, 1, 2].map((i) => [i, null, [{ address: '192.0.2.1', family: 4 }]]));
    shared('robot', { all: true }, (...answer) => got.push([3, ...answer]));
    expect(asked).toHaveLength(2);
    expect(got).toHaveLength(3);
  });

  test('a failure is theirs alike, and the next one asks anew', async () => {
    const { asked, lookup } = handResolver();
    const shared = sharedLookup(lookup);
    const failures: unknown[] = [];
    const again: unknown[] = [];
    const ask = (): void =>
      shared('robot', {}, (error) => {
        failures.push(error?.message);
        if (again.length === 0) shared('robot', {}, (next) => again.push(next));
      });
    ask();
    ask();
    asked[0]!.answer(new Error('no such name'), []);
    await told();
    expect(failures).toEqual(['no such name', 'no such name']);
    // Asked from within the answer: that was not under way any more.
    expect(asked).toHaveLength(2);
  });

  test('one that never answers is given up after a minute', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { asked, lookup } = handResolver();
    const shared = sharedLookup(lookup);
    const ask = (): void => shared('robot', {}, () => {});
    ask();
    vi.advanceTimersByTime(59_999);
    ask();
    expect(asked).toHaveLength(1);
    vi.advanceTimersByTime(1);
    ask();
    expect(asked).toHaveLength(2);
    // What comes of the first one after all does not end the second.
    asked[0]!.answer(null, []);
    ask();
    expect(asked).toHaveLength(2);
  });

  test('one that cannot be begun is none', () => {
    let asked = 0;
    const shared = sharedLookup(() => {
      asked++;
      throw new TypeError('bad argument');
    });
    for (let i = 0; i < 2; i++) expect(() => shared('robot', {}, () => {})).toThrow('bad argument');
    expect(asked).toBe(2);
  });

  test('other names and other families are others', () => {
    const { asked, lookup } = handResolver();
    const shared = sharedLookup(lookup);
    shared('robot', {}, () => {});
    shared('cell', {}, () => {});
    shared('robot', { family: 6 }, () => {});
    expect(asked.map(({ hostname }) => hostname)).toEqual(['robot', 'cell', 'robot']);
  });
});

describe('[OS-3.4] a backend with a name', () => {
  test('fifty polls wait for one look-up; a CONTROL is looked up beside it and sent; its end ends their waiting', async () => {
    const server = http.createServer((_request, response) => response.end('{}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    endings.push(() => server.close());
    const { port } = server.address() as { port: number };
    const { asked, lookup } = handResolver();
    const backend = createHttpBackend({
      url: `http://robot.test:${port}`,
      timeoutMs: 60_000,
      connections: 50,
      maxResultBytes: 1000,
      headers: {},
      lookup,
    });
    endings.push(() => backend.close());
    const polls: BackendAnswer[] = [];
    const controls: BackendAnswer[] = [];
    for (let i = 0; i < 50; i++) backend.call('poll', { method: 'GET', path: '/p' }, (got) => polls.push(got));
    await waitUntil(() => asked.length > 0, 'a poll asks');
    backend.call('control', { method: 'POST', path: '/c', body: '{}' }, (got) => controls.push(got));
    await waitUntil(() => asked.length > 1, 'the CONTROL asks');
    expect(asked.map(({ hostname }) => hostname)).toEqual(['robot.test', 'robot.test']);
    asked[1]!.answer(null, [{ address: '127.0.0.1', family: 4 }]);
    await waitUntil(() => controls.length > 0, 'the CONTROL is answered');
    expect(controls[0]).toMatchObject({ ok: true, status: 200 });
    expect(polls).toEqual([]);
    asked[0]!.answer(null, [{ address: '127.0.0.1', family: 4 }]);
    await waitUntil(() => polls.length === 50, 'the polls are answered');
    expect(polls.every((got) => got.ok)).toBe(true);
    expect(asked).toHaveLength(2);
  });
});
