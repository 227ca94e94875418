// The small instruments: the ring of ended sessions, the guard of the log, the event-loop monitor, calls under way.
import { describe, expect, test } from 'vitest';
import type { BackendAnswer } from '../../src/backend/backend.ts';
import { EndedSessions } from '../../src/observation/ended-sessions.ts';
import { EventLoopMonitor } from '../../src/observation/event-loop.ts';
import { guarded } from '../../src/observation/guard.ts';
import { Histogram } from '../../src/observation/histogram.ts';
import { ObservedBackend } from '../../src/observation/observed-backend.ts';
import { pollObserver } from '../../src/observation/observers.ts';
import { Telemetry } from '../../src/observation/telemetry.ts';
import { eventually } from '../admin/support.ts';
import { createMemoryLog } from '../support/log.ts';

test('the ring keeps the newest and lists them first', () => {
  const ring = new EndedSessions<number>(3);
  const sessions = () => ring.list();
  expect(sessions()).toEqual([]);
  for (let session = 1; session <= 8; session++) {
    ring.add(session);
    expect(sessions()).toEqual([session, session - 1, session - 2].filter((number) => number > 0));
  }
});

test('a histogram’s numbers do not change afterwards', () => {
  const histogram = new Histogram([1, 2]);
  histogram.observe(1);
  histogram.observe(99);
  const numbers = histogram.numbers();
  histogram.observe(2);
  expect(numbers).toEqual({ bounds: [1, 2], buckets: [1, 0], sum: 100, count: 2 });
});

describe('the guard', () => {
  function create() {
    const clock = { now: 0 };
    const log = createMemoryLog();
    return { clock, log, guard: guarded(log, { now: () => clock.now }) };
  }

  test('one fault from a thousand addresses: a handful of lines, and the count of what was left out', () => {
    const { clock, log, guard } = create();
    for (let n = 0; n < 100_000; n++) guard('warn', `credentials 10.0.${n >> 8}.${n & 255}`, { n }, 'wrong');
    expect(log.entries.length).toBeLessThanOrEqual(17);
    const before = log.entries.length;
    clock.now = 10_000;
    for (let n = 0; n < 100_000; n++) guard('warn', `credentials 10.9.${n >> 8}.${n & 255}`, { n }, 'wrong');
    expect(log.entries.length - before).toBeLessThanOrEqual(17);
    const told = log.entries.reduce((sum, { fields }) => sum + Number(fields['repeated'] ?? 0), 0);
    // Whatever was left out of the first ten seconds stands in the next ten.
    expect(told).toBeGreaterThanOrEqual(100_000 - 17);
  });

  test('a flood of one kind does not hide another kind', () => {
    const { log, guard } = create();
    for (let n = 0; n < 1000; n++) guard('warn', `poll /${n}`, {}, 'poll failed');
    guard('error', 'crash', {}, 'a fault');
    guard('warn', 'credentials 10.0.0.1', {}, 'wrong');
    expect(log.entries.slice(-2).map(({ message }) => message)).toEqual(['a fault', 'wrong']);
  });
});

describe('the event loop', () => {
  test('a blocked one shows, a period at a time', async () => {
    const monitor = new EventLoopMonitor({ periodMs: 200 });
    expect(monitor.delay).toBeUndefined();
    monitor.start();
    monitor.start();
    try {
      await eventually(
        () => {
          const until = performance.now() + 80;
          while (performance.now() < until);
          return monitor.delay;
        },
        (delay) => delay !== undefined && delay.max > 40,
      );
      expect(monitor.delay?.max).toBeGreaterThanOrEqual(monitor.delay?.p50 ?? Number.NaN);
    } finally {
      monitor.stop();
    }
    expect(monitor.delay).toBeUndefined();
  });
});

test('calls under way are counted by lane until their answer came', () => {
  const done: ((answer: BackendAnswer) => void)[] = [];
  const seen: BackendAnswer[] = [];
  const backend = new ObservedBackend(
    {
      call: (_lane, _request, answer) => {
        done.push(answer);
        return { abort: () => {} };
      },
      close: async () => {},
    },
    (answer) => seen.push(answer),
  );
  const answers: BackendAnswer[] = [];
  const request = { method: 'GET', path: '/' } as const;
  backend.call('poll', request, (answer) => answers.push(answer));
  backend.call('control', request, (answer) => answers.push(answer));
  backend.call('control', request, (answer) => answers.push(answer));
  expect(backend.underWay).toEqual({ control: 2, poll: 1 });
  const answer: BackendAnswer = { ok: true, status: 200, body: Buffer.alloc(0), oversize: false, durationMs: 1 };
  for (const settle of done) settle(answer);
  expect(backend.underWay).toEqual({ control: 0, poll: 0 });
  expect([seen.length, answers.length]).toEqual([3, 3]);
});

test('[OS-3.3] each step of a pause that a backend asks for is in the log, and the recovery behind it', () => {
  const log = createMemoryLog();
  const observer = pollObserver(guarded(log), new Telemetry(), { path: '/m', periodMs: 100, credential: undefined });
  for (const [index, seconds] of [2, 4, 8, 16, 32, 60, 60].entries())
    observer.backedOff(seconds * 1000, index + 1, 'the backend answered with status 429');
  observer.recovered(7);
  expect(log.entries.map(({ fields }) => fields['nextTryMs'])).toEqual([
    2000,
    4000,
    8000,
    16_000,
    32_000,
    60_000,
    undefined,
  ]);
  expect(log.entries.at(-1)).toMatchObject({ fields: { path: '/m', failures: 7 } });
});
