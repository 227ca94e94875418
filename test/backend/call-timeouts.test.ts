// One timer bounds all calls: each expires in its time and once, whoever ends before costs nothing, and none is forgotten.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CallTimeouts, TimedCall } from '../../src/backend/call-timeouts.ts';

const TIMEOUT_MS = 100;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

class Call extends TimedCall {
  readonly expiresAt = performance.now() + TIMEOUT_MS;
  readonly #then: () => void;
  expiredAfter: number[] = [];

  constructor(then: () => void = () => {}) {
    super();
    this.#then = then;
  }

  expired(): void {
    this.expiredAfter.push(performance.now() - this.expiresAt + TIMEOUT_MS);
    this.#then();
  }
}

/** `count` calls, one each `everyMs`. */
async function added(timeouts: CallTimeouts, count: number, everyMs: number): Promise<Call[]> {
  const calls: Call[] = [];
  for (let i = 0; i < count; i++) {
    calls.push(new Call());
    timeouts.add(calls[i]!);
    await vi.advanceTimersByTimeAsync(everyMs);
  }
  return calls;
}

test('each expires when its own time is up, once', async () => {
  const calls = await added(new CallTimeouts(), 50, 7);
  await vi.advanceTimersByTimeAsync(10 * TIMEOUT_MS);
  for (const { expiredAfter } of calls) {
    expect(expiredAfter).toHaveLength(1);
    expect(expiredAfter[0]).toBeGreaterThanOrEqual(TIMEOUT_MS);
    expect(expiredAfter[0]).toBeLessThanOrEqual(TIMEOUT_MS + 1);
  }
});

test.each([
  ['the first', [0]],
  ['the last', [9]],
  ['one between', [4]],
  ['every second', [1, 3, 5, 7, 9]],
  ['all but one', [0, 1, 2, 3, 4, 6, 7, 8, 9]],
  ['all', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
])('who ended does not expire, the others do: %s', async (_who, ended) => {
  const timeouts = new CallTimeouts();
  const calls = await added(timeouts, 10, 1);
  for (const at of ended) timeouts.remove(calls[at]!);
  for (const at of ended) timeouts.remove(calls[at]!);
  await vi.advanceTimersByTimeAsync(10 * TIMEOUT_MS);
  expect(calls.map(({ expiredAfter }) => expiredAfter.length)).toEqual(
    calls.map((_, at) => (ended.includes(at) ? 0 : 1)),
  );
});

test('a thousand calls that end in time need one timer, and none is left behind', async () => {
  const timeouts = new CallTimeouts();
  const set = vi.spyOn(globalThis, 'setTimeout');
  for (let i = 0; i < 1000; i++) {
    const call = new Call();
    timeouts.add(call);
    timeouts.remove(call);
  }
  expect(set).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS);
  expect(vi.getTimerCount()).toBe(0);
});

test('an expiry may add calls and take others out', async () => {
  const timeouts = new CallTimeouts();
  const later = new Call();
  const again = [new Call()];
  const first = new Call(() => {
    timeouts.remove(first);
    timeouts.remove(later);
    again[0] = new Call();
    timeouts.add(again[0]);
  });
  const last = new Call();
  for (const call of [first, later, last]) timeouts.add(call);
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS);
  expect([first, later, last, again[0]!].map(({ expiredAfter }) => expiredAfter.length)).toEqual([1, 0, 1, 0]);
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS);
  expect(again[0]!.expiredAfter.length).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('a call that an expiry adds does not put off those that were there before it', async () => {
  const timeouts = new CallTimeouts();
  const again = (): void => {
    calls.push(new Call(again));
    timeouts.add(calls.at(-1)!);
  };
  const calls = [new Call(again)];
  timeouts.add(calls[0]!);
  await vi.advanceTimersByTimeAsync(10);
  const second = new Call();
  timeouts.add(second);
  await vi.advanceTimersByTimeAsync(10 * TIMEOUT_MS);
  expect(second.expiredAfter).toHaveLength(1);
  expect(second.expiredAfter[0]).toBeLessThanOrEqual(TIMEOUT_MS + 1);
  expect(calls.length).toBeGreaterThan(9);
});

test('an exception costs nobody else the bound', async () => {
  const timeouts = new CallTimeouts();
  const first = new Call(() => {
    throw new Error('from within an expiry');
  });
  const second = new Call();
  for (const call of [first, second]) timeouts.add(call);
  expect(() => vi.advanceTimersByTime(TIMEOUT_MS)).toThrow('from within an expiry');
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS);
  expect([first, second].map(({ expiredAfter }) => expiredAfter.length)).toEqual([1, 1]);
});
