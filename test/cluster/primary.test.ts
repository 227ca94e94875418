// The primary on a clock moved by hand, with workers that are no processes: when it replaces them, how often, and what it tells meanwhile.
import cluster, { type Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Admissions } from '../../src/access/admissions.ts';
import type { Order, Report } from '../../src/cluster/messages.ts';
import { Primary } from '../../src/cluster/primary.ts';
import { createMemoryLog, type MemoryLog } from '../support/log.ts';

const PORT = 49_000;
const LONG_AGO_MS = 3_600_000;

/** A worker as its primary sees it. */
class FakeWorker extends EventEmitter {
  readonly forkedAt = performance.now();
  readonly orders: Order[] = [];
  readonly signals: string[] = [];
  readonly process: { readonly pid: number | undefined; kill(signal: string): void };

  constructor(pid: number | undefined) {
    super();
    this.process = { pid, kill: (signal) => this.signals.push(signal) };
  }

  isConnected(): boolean {
    return true;
  }

  send(order: Order): void {
    this.orders.push(order);
  }

  report(report: Report): void {
    this.emit('message', report);
  }

  listen(): void {
    this.report({ report: 'ready' });
    this.report({ report: 'listening', port: PORT });
  }

  exit(code: number | null, signal: string | null = null): void {
    this.emit('exit', code, signal);
  }
}

let forked: FakeWorker[];
/** What a fork does instead of making a worker, once for each. */
let faults: (() => FakeWorker)[];
let places: number;
let log: MemoryLog;
let primary: Primary;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  forked = [];
  faults = [];
  places = 0;
  vi.spyOn(cluster, 'fork').mockImplementation(() => {
    const worker = faults.shift()?.() ?? new FakeWorker(1000 + forked.length);
    forked.push(worker);
    return worker as unknown as Worker;
  });
  log = createMemoryLog();
  const admit: Admissions['admit'] = () => {
    places++;
    return { admitted: true, release: () => void places-- };
  };
  primary = new Primary({
    workers: 2,
    admissions: { admit } as Admissions,
    listen: undefined,
    backendUrl: undefined,
    drainTimeoutMs: 10_000,
    log,
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Two workers that have served for an hour. */
async function served(): Promise<[FakeWorker, FakeWorker]> {
  const started = primary.start();
  for (const worker of forked) worker.listen();
  expect(await started).toBe(PORT);
  await vi.advanceTimersByTimeAsync(LONG_AGO_MS);
  return [forked[0]!, forked[1]!];
}

/** Those forked since, each of which meets this end as soon as it was made. */
async function forkedWithin(ms: number, end: (worker: FakeWorker) => void = () => {}): Promise<FakeWorker[]> {
  const before = forked.length;
  let seen = before;
  for (let passed = 0; passed <= ms; passed += 100) {
    await vi.advanceTimersByTimeAsync(passed === 0 ? 0 : 100);
    for (; seen < forked.length; seen++) end(forked[seen]!);
  }
  return forked.slice(before);
}

const intervals = (workers: readonly FakeWorker[]): number[] =>
  workers.slice(1).map((worker, i) => Math.round(worker.forkedAt - workers[i]!.forkedAt));

describe('at the start', () => {
  test('one that cannot start ends all, with its code', async () => {
    const started = primary.start();
    forked[0]!.listen();
    forked[1]!.exit(2);
    await expect(started).rejects.toBe(2);
    expect(forked[0]!.signals).toEqual(['SIGKILL']);
    forked[0]!.exit(null, 'SIGKILL');
    expect(await forkedWithin(LONG_AGO_MS / 60)).toEqual([]);
  });

  test('one that is killed ends all with code 1', async () => {
    const started = primary.start();
    forked[0]!.exit(null, 'SIGKILL');
    await expect(started).rejects.toBe(1);
  });

  test('one that cannot be made ends all with the reason', async () => {
    const reason = new Error('spawn ENOMEM');
    faults = [
      () => new FakeWorker(1),
      () => {
        throw reason;
      },
    ];
    await expect(primary.start()).rejects.toBe(reason);
    expect(forked[0]!.signals).toEqual(['SIGKILL']);
  });
});

describe('a replacement that cannot start', () => {
  test('is tried again after 2, 4, 8, 16 s and then every 30 s; the others are not touched', async () => {
    const [one, other] = await served();
    one.exit(null, 'SIGKILL');
    const tried = await forkedWithin(100_000, (worker) => worker.exit(2));
    expect(intervals(tried)).toEqual([2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(other.signals).toEqual([]);
    expect(other.orders).toEqual([{ order: 'start', listen: undefined, backendUrl: undefined }]);
    expect(primary.serving).toBe(true);
    const errors = log.entries.filter(({ level }) => level === 'error');
    expect(errors.map(({ message }) => message.split(' and ')[0])).toEqual([
      'worker died',
      ...tried.map(() => 'a replacement worker could not start'),
    ]);
    expect(errors[1]).toMatchObject({
      message: expect.stringContaining('put right'),
      fields: { code: 2, replacedInMs: 2000, listening: 1 },
    });
  });

  test('after one that listened the interval is the short one again', async () => {
    const [one] = await served();
    one.exit(null, 'SIGKILL');
    await forkedWithin(20_000, (worker) => worker.exit(2));
    const [listening] = await forkedWithin(60_000, (worker) => worker.listen());
    expect(forked.at(-1)).toBe(listening);
    listening!.exit(null, 'SIGSEGV');
    const tried = await forkedWithin(7000, (worker) => worker.exit(2));
    expect(intervals(tried)).toEqual([2000, 4000]);
  });

  test.each([
    [
      'no process could be made',
      () => {
        const worker = new FakeWorker(undefined);
        queueMicrotask(() => worker.emit('error', new Error('spawn EAGAIN')));
        return worker;
      },
    ],
    [
      'making one failed at once',
      () => {
        throw new Error('spawn ENOMEM');
      },
    ],
  ])('because %s', async (_, fault) => {
    const [one, other] = await served();
    faults = [fault, fault];
    one.exit(null, 'SIGKILL');
    await forkedWithin(2000 + 4000 + 100, (worker) => worker.process.pid !== undefined && worker.listen());
    expect(faults).toEqual([]);
    expect(forked.at(-1)!.orders).toHaveLength(1);
    other.exit(null, 'SIGKILL');
    expect(primary.serving).toBe(true);
    expect(await forkedWithin(1000)).toHaveLength(1);
  });

  test('because it hangs: it is killed after a minute, one that listened is not', async () => {
    const [one, other] = await served();
    one.exit(null, 'SIGKILL');
    const [hanging] = await forkedWithin(59_900);
    expect(hanging!.signals).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    expect(hanging!.signals).toEqual(['SIGKILL']);
    hanging!.exit(null, 'SIGKILL');
    const [next] = await forkedWithin(2000, (worker) => worker.listen());
    await vi.advanceTimersByTimeAsync(LONG_AGO_MS);
    expect([next, other].map((worker) => worker!.signals)).toEqual([[], []]);
  });

  test('gives back no place twice, and a report read after the end of a worker counts nothing', async () => {
    const [one, other] = await served();
    one.report({ report: 'admit', number: 1, address: '::1' });
    one.report({ report: 'admit', number: 2, address: '::1' });
    other.report({ report: 'admit', number: 1, address: '::1' });
    expect(places).toBe(3);
    one.exit(null, 'SIGKILL');
    one.report({ report: 'admit', number: 3, address: '::1' });
    one.report({ report: 'release', number: 1 });
    expect(places).toBe(1);
    await forkedWithin(0, (worker) => {
      worker.exit(null, 'SIGKILL');
      worker.listen();
    });
    expect(places).toBe(1);
    other.exit(null, 'SIGKILL');
    expect(places).toBe(0);
    expect(primary.serving).toBe(false);
  });
});

describe('two that end at once', () => {
  test('are both replaced, and until one listens nobody serves', async () => {
    const [one, other] = await served();
    expect(primary.serving).toBe(true);
    one.exit(null, 'SIGKILL');
    other.exit(null, 'SIGKILL');
    expect(primary.serving).toBe(false);
    const [first, second] = await forkedWithin(0);
    expect(primary.serving).toBe(false);
    first!.listen();
    expect(primary.serving).toBe(true);
    second!.listen();
    expect(await forkedWithin(60_000)).toEqual([]);
  });

  test('and whose replacements cannot start are tried one at a time; all are there soon after one listened', async () => {
    const [one, other] = await served();
    one.exit(null, 'SIGKILL');
    other.exit(null, 'SIGKILL');
    const tried = await forkedWithin(40_000, (worker) => worker.exit(2));
    expect(intervals(tried)).toEqual([0, 2000, 4000, 8000, 16_000]);
    expect(primary.serving).toBe(false);
    const repaired = await forkedWithin(31_000, (worker) => worker.listen());
    expect(intervals(repaired)).toEqual([1000]);
    expect(primary.serving).toBe(true);
    expect(await forkedWithin(60_000)).toEqual([]);
  });
});

test('one that crashes again and again right after it listened is replaced once a second', async () => {
  const [one, other] = await served();
  one.exit(null, 'SIGSEGV');
  const crash = (worker: FakeWorker): void => {
    worker.listen();
    worker.exit(null, 'SIGSEGV');
  };
  const crashed = await forkedWithin(20_000, crash);
  expect(intervals(crashed)).toEqual(Array(20).fill(1000));
  other.exit(null, 'SIGSEGV');
  const both = await forkedWithin(20_000, crash);
  expect(both).toHaveLength(40);
});

describe('drain', () => {
  test('while a replacement is due: it is not made any more', async () => {
    const [one, other] = await served();
    one.exit(null, 'SIGKILL');
    await forkedWithin(1000, (worker) => worker.exit(2));
    const drained = primary.drain();
    expect(other.orders.at(-1)).toEqual({ order: 'drain' });
    expect(primary.serving).toBe(true);
    other.exit(0);
    await drained;
    expect(await forkedWithin(60_000)).toEqual([]);
  });

  test('while no worker is left: it is over at once', async () => {
    for (const worker of await served()) worker.exit(null, 'SIGKILL');
    await forkedWithin(1000, (worker) => worker.exit(2));
    await primary.drain();
    expect(await forkedWithin(60_000)).toEqual([]);
  });

  test('while a replacement starts: it is told as soon as it can be', async () => {
    const [one, other] = await served();
    one.exit(null, 'SIGKILL');
    const [starting] = await forkedWithin(0);
    const drained = primary.drain();
    other.exit(0);
    starting!.orders.length = 0;
    starting!.report({ report: 'ready' });
    expect(starting!.orders).toEqual([{ order: 'drain' }]);
    starting!.exit(0);
    await drained;
  });

  test('while a replacement has just listened: none is made for those that have drained', async () => {
    const [one, other] = await served();
    one.exit(null, 'SIGKILL');
    const [starting] = await forkedWithin(0);
    const drained = primary.drain();
    other.exit(0);
    starting!.listen();
    expect(await forkedWithin(5000)).toEqual([]);
    starting!.exit(0);
    await drained;
  });
});
