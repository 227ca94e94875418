// Several processes shown as one: nothing is counted twice, nothing is lost, and one that hangs holds up nobody.
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { DURATION_BOUNDS_MS } from '../../src/observation/histogram.ts';
import { departed, mergeNumbers, mergeReadiness, mergeSessions } from '../../src/observation/merge.ts';
import { MergedSources } from '../../src/observation/merged-sources.ts';
import { ENDED_KEPT, type EndedSession, type Numbers, type Sources } from '../../src/observation/snapshot.ts';
import { Telemetry } from '../../src/observation/telemetry.ts';
import { connections, createSources, observed } from '../admin/support.ts';

const opened: ReturnType<typeof createSources>[] = [];

function sourcesOf(telemetry: Telemetry, more: Parameters<typeof createSources>[0] = {}): Sources {
  const sources = createSources({ telemetry, ...more });
  opened.push(sources);
  return sources;
}

afterEach(() => {
  for (const sources of opened.splice(0)) sources.close();
});

function busy(times: number): Telemetry {
  const telemetry = new Telemetry();
  for (let i = 0; i < times; i++) {
    telemetry.sessionsOpened++;
    telemetry.errors.control_err++;
    telemetry.ended.bytesSent += 7;
    telemetry.pollDurationMs.observe(3);
    telemetry.ticked(5);
  }
  return telemetry;
}

describe('numbers', () => {
  test('survive JSON unchanged', async () => {
    const numbers = await sourcesOf(busy(3)).numbers();
    expect(JSON.parse(JSON.stringify(numbers))).toEqual(numbers);
  });

  test('of several processes add up, whatever their order', async () => {
    const counts = fc.array(fc.nat(20), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(counts, async (each) => {
        const parts = await Promise.all(each.map((times) => sourcesOf(busy(times)).numbers()));
        const total = each.reduce((sum, times) => sum + times, 0);
        for (const order of [parts, [...parts].reverse()]) {
          const merged = mergeNumbers(order as [Numbers, ...Numbers[]]);
          expect(merged.sessionsOpened).toBe(total);
          expect(merged.errors.control_err).toBe(total);
          expect(merged.errors.invalid_ndjson).toBe(0);
          expect(merged.bytesSent).toBe(7 * total);
          expect(merged.pollDurationMs).toMatchObject({ sum: 3 * total, count: total, bounds: DURATION_BOUNDS_MS });
          expect(merged.pollDurationMs.buckets.reduce((sum, n) => sum + n)).toBe(total);
          expect(merged.ticks).toEqual({ late: total, all: total });
          expect(merged.process.count).toBe(each.length);
        }
      }),
      { numRuns: 30, interruptAfterTimeLimit: 2000 },
    );
  });

  test('the worst delay, the newest finding about the backend, the oldest start', async () => {
    const numbers = await sourcesOf(new Telemetry()).numbers();
    const one = {
      ...numbers,
      backend: { reachable: true, at: 10 },
      eventLoopDelayMs: { p50: 1, p99: 9, max: 20 },
      process: { ...numbers.process, startedAt: 5 },
    };
    const other = {
      ...numbers,
      backend: { reachable: false, at: 11 },
      eventLoopDelayMs: { p50: 2, p99: 8, max: 30 },
      process: { ...numbers.process, startedAt: 6 },
    };
    const merged = mergeNumbers([one, other, numbers]);
    expect(merged.backend).toEqual({ reachable: false, at: 11 });
    expect(merged.eventLoopDelayMs).toEqual({ p50: 2, p99: 9, max: 30 });
    expect(merged.process.startedAt).toBe(5);
    expect(merged.process.residentBytes).toBe(3 * numbers.process.residentBytes);
  });

  test('of a process that is gone, its counters stay and its belongings go', async () => {
    const sources = sourcesOf(busy(4), { connections: () => connections([observed(1)]), pollsRunning: () => 3 });
    const left = departed(await sources.numbers());
    expect(left).toMatchObject({ sessionsOpened: 4, lines: 1, bytesWaiting: 0, pollsRunning: 0 });
    expect(left.sessions).toEqual({ CONNECTED: 0, READY: 0, CLOSING: 0 });
    expect(left.process).toMatchObject({ count: 0, residentBytes: 0 });
  });
});

test('ready as long as one process is', () => {
  const good = { listening: true, draining: false, backend: { reachable: true, at: 1 } };
  const bad = { listening: false, draining: true, backend: { reachable: false, at: 0 } };
  expect(mergeReadiness([bad, good])).toEqual(good);
  expect(mergeReadiness([bad, bad])).toEqual(bad);
});

test('ended sessions of all, the newest first, and no more than of one', () => {
  const ended = (pid: number, second: number): EndedSession => ({
    pid,
    session: second,
    address: '192.0.2.1',
    lines: 0,
    events: 0,
    skipped: 0,
    errors: 0,
    controls: 0,
    bytesReceived: 0,
    bytesSent: 0,
    since: new Date(second * 1000).toISOString(),
    durationMs: 500,
    reason: 'stop_session',
  });
  const list = (pid: number, first: number) => ({
    live: 2,
    sessions: [],
    ended: Array.from({ length: ENDED_KEPT }, (_, i) => ended(pid, first + 2 * (ENDED_KEPT - i))),
  });
  const merged = mergeSessions([list(1, 0), list(2, 1)]);
  expect(merged.live).toBe(4);
  expect(merged.ended).toHaveLength(ENDED_KEPT);
  expect(merged.ended.slice(0, 4).map(({ pid }) => pid)).toEqual([2, 1, 2, 1]);
  const ends = merged.ended.map(({ session }) => session);
  expect(ends).toEqual([...ends].sort((one, other) => other - one));
});

describe('sources of several processes', () => {
  const hanging: Sources = {
    readiness: () => new Promise(() => {}),
    numbers: () => new Promise(() => {}),
    sessions: () => new Promise(() => {}),
  };

  test('one that hangs or fails is left out', async () => {
    const merged = new MergedSources({ timeoutMs: 50 });
    merged.add(hanging);
    merged.add({
      readiness: () => Promise.reject(new Error('gone')),
      numbers: () => {
        throw new Error('gone');
      },
      sessions: () => Promise.reject(new Error('gone')),
    });
    merged.add(sourcesOf(busy(2), { connections: () => connections([observed(1)]) }));
    expect(await merged.readiness()).toMatchObject({ listening: true });
    expect((await merged.numbers()).sessionsOpened).toBe(2);
    expect((await merged.sessions()).sessions).toHaveLength(1);
  });

  test('without any there is nothing to serve with, and no numbers are made up', async () => {
    const merged = new MergedSources({ timeoutMs: 50 });
    merged.add(hanging);
    expect(await merged.readiness()).toMatchObject({ listening: false, backend: { reachable: false } });
    expect(await merged.sessions()).toEqual({ live: 0, sessions: [], ended: [] });
    await expect(merged.numbers()).rejects.toThrow('no process answered');
  });

  test('counters never fall when processes come and go', async () => {
    const merged = new MergedSources();
    const [one, other] = [sourcesOf(busy(5)), sourcesOf(busy(3))];
    merged.add(one);
    merged.add(other);
    expect(await merged.numbers()).toMatchObject({ sessionsOpened: 8, process: { count: 2 } });
    merged.remove(one);
    expect(await merged.numbers()).toMatchObject({ sessionsOpened: 8, process: { count: 1 } });
    merged.add(sourcesOf(busy(1)));
    merged.remove(other);
    expect(await merged.numbers()).toMatchObject({ sessionsOpened: 9, process: { count: 1 } });
  });
});
