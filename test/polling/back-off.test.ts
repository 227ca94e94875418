// A failing poll slows down on its own grid, keeps what the backend asks for, and is back with the first success [OS-3.3].
import { describe, expect, test } from 'vitest';
import { startPoll, Watcher } from './support.ts';

/** When polls are sent while each fails at once, in ms since the start. */
function failing(periodMs: number, untilMs: number): number[] {
  const { start, backend, clock, sentAt } = startPoll(periodMs);
  backend.auto = (call) => call.fail();
  start();
  clock.advance(untilMs);
  return sentAt();
}

describe('[OS-3.3] the schedule', () => {
  test.each([
    [2, [0, 2, 6, 14, 30, 62, 126, 254, 510, 1022, 2022, 3022]],
    [100, [0, 100, 300, 700, 1500, 2500, 3500]],
    [300, [0, 300, 900, 1800, 2700, 3600]],
    [501, [0, 501, 1002, 1503, 2004, 2505, 3006, 3507]],
    [1000, [0, 1000, 2000, 3000]],
    [3000, [0, 3000]],
  ])('period %d ms: tries further apart up to a second, never faster than the period', (period, times) => {
    expect(failing(period, 3600)).toEqual(times);
  });

  test('a month of failing stays at one try a second', () => {
    const { start, backend, clock, origin, watcher } = startPoll(100, { keep: false });
    let tries = 0;
    backend.auto = (call) => {
      tries++;
      if (watcher.given.length > 100) watcher.given.length = 0;
      call.fail();
    };
    start();
    clock.runUntil(origin + 100_000_500);
    expect(tries).toBe(4 + 100_000);
  });

  test.each([true, false])(
    'Retry-After holds for a deadline that waits for its turn, too (paused first: %s)',
    (pausedFirst) => {
      const { start, backend, clock, sentAt } = startPoll(100, { maxInFlight: 2 });
      start();
      clock.advance(100);
      const open = [...backend.open];
      const [paused, other] = pausedFirst ? open : open.reverse();
      clock.rush(100);
      paused!.reply(503, '', { retryAfter: '60' });
      other!.reply();
      clock.settle();
      clock.advance(59_000);
      expect(sentAt()).toEqual([0, 100]);
      backend.auto = (call) => call.reply();
      clock.advance(2000);
      expect(sentAt().length).toBeGreaterThan(8);
    },
  );

  test('failures that take long: the first deadline that is not over yet', () => {
    const { start, backend, clock, sentAt } = startPoll(100);
    backend.auto = (call) => {
      clock.setTimer(3050, () => call.fail('timeout', 'unknown'));
    };
    start();
    clock.advance(10_000);
    expect(sentAt()).toEqual([0, 3100, 6200, 9300]);
  });

  test('the first success brings the period back, on the old grid', () => {
    const { start, backend, clock, sentAt, tally, watcher } = startPoll(100);
    let polls = 0;
    backend.auto = (call) => {
      polls++;
      if (polls > 3 && polls < 7) call.fail();
      else call.reply(200, String(polls));
    };
    start();
    clock.advance(1200);
    expect(sentAt()).toEqual([0, 100, 200, 300, 400, 600, 1000, 1100, 1200]);
    expect(watcher.given).toEqual(['1', '2', '3', '!1', '!1', '!1', '7', '8', '9']);
    expect(tally.recoveries).toEqual([3]);
    expect(tally.waits).toEqual([100, 200, 400]);
    expect(tally.voids).toBe(0);
  });

  test('flapping: each first failure begins the schedule anew', () => {
    const { start, backend, clock, sentAt } = startPoll(100);
    let polls = 0;
    backend.auto = (call) => (polls++ % 2 === 0 ? call.reply() : call.fail());
    start();
    clock.advance(600);
    expect(sentAt()).toEqual([0, 100, 200, 300, 400, 500, 600]);
  });
});

describe('[OS-3.3] Retry-After', () => {
  test.each([
    ['seconds', '7', 7000],
    ['seconds with space around', ' 7 ', 7000],
    ['nothing to wait', '0', 100],
    ['words', 'soon', 100],
    ['a day at most', '999999999', 86_400_000],
  ])('%s', (_name, retryAfter, wait) => {
    const { start, backend, clock, sentAt } = startPoll(100);
    start();
    backend.last.reply(503, '', { retryAfter });
    clock.advance(wait - 1);
    expect(sentAt()).toEqual([0]);
    clock.advance(1);
    expect(sentAt()).toEqual([0, wait]);
  });

  test('a date', () => {
    const { start, backend, clock, sentAt } = startPoll(100);
    start();
    const date = new Date(clock.epoch() + 60_000);
    backend.last.reply(429, '', { retryAfter: date.toUTCString() });
    clock.advance(61_000);
    const second = sentAt()[1]!;
    // Dates have whole seconds; the deadline is the first one not before it.
    expect(second).toBeGreaterThanOrEqual(date.setMilliseconds(0) - clock.epoch() + 61_000 - 1);
    expect(second).toBeLessThanOrEqual(60_100);
    expect(second % 100).toBe(0);
  });

  test('a date that is over asks for nothing', () => {
    const { start, backend, clock, sentAt } = startPoll(100);
    start();
    backend.last.reply(503, '', { retryAfter: 'Thu, 01 Jan 1970 00:00:00 GMT' });
    clock.advance(100);
    expect(sentAt()).toEqual([0, 100]);
  });

  test('is measured from the answer, to the first deadline not before it', () => {
    const { start, backend, clock, sentAt } = startPoll(300);
    start();
    clock.advance(250);
    backend.last.reply(503, '', { retryAfter: '1' });
    clock.advance(5000);
    expect(sentAt()[1]).toBe(1500);
  });

  test('does not outlast the schedule: the later of both counts', () => {
    const { start, backend, clock, sentAt } = startPoll(100);
    start();
    for (let i = 0; i < 4; i++) {
      backend.last.fail();
      clock.advance(2 ** i * 100);
    }
    expect(sentAt()).toEqual([0, 100, 300, 700, 1500]);
    backend.last.reply(503, '', { retryAfter: '0' });
    clock.advance(2000);
    expect(sentAt().at(-1)).toBe(2500);
  });

  test('of one poll of a burst is not undone by another that fails without it', () => {
    const { start, backend, clock, sentAt } = startPoll(100, { maxInFlight: 2 });
    start();
    clock.advance(100);
    const [first, second] = backend.open;
    first!.reply(503, '', { retryAfter: '60' });
    second!.fail();
    clock.advance(59_000);
    expect(sentAt()).toEqual([0, 100]);
    clock.advance(2000);
    expect(sentAt()).toHaveLength(3);
  });

  test('tells whoever joins meanwhile why nothing comes, also when another poll of the burst has succeeded since', () => {
    const { start, poll, backend, clock } = startPoll(100, { maxInFlight: 3 });
    const join = () => new Watcher().joins(poll);
    start();
    clock.advance(200);
    const [first, second, third] = backend.open;
    first!.reply(503, '', { retryAfter: '60' });
    second!.fail();
    expect(join().fresh()).toEqual(['!1']);
    third!.reply(200, '3');
    // The result is young, and is not the last word either.
    expect(join().fresh()).toEqual(['!1', '3']);
    clock.advance(30_000);
    const late = join();
    expect(late.fresh()).toEqual(['!1']);
    expect(late.reason).toContain('503');
    clock.advance(31_000);
    backend.last.reply(200, '4');
    expect(late.fresh()).toEqual(['4']);
    clock.advance(99);
    expect(join().fresh()).toEqual(['4']);
  });

  test.each([
    ['a success', ['reply']],
    ['a success and a failure', ['reply', 'fail']],
  ] as const)('of one poll of a burst is not undone by %s of those under way', (_, others) => {
    const { start, backend, clock, sentAt } = startPoll(100, { maxInFlight: 3 });
    start();
    clock.advance(200);
    const [first, ...burst] = backend.open;
    first!.reply(503, '', { retryAfter: '60' });
    others.forEach((how, i) => void burst[i]![how]());
    clock.advance(59_000);
    expect(sentAt()).toEqual([0, 100, 200]);
    clock.advance(2000);
    expect(sentAt()[3]).toBe(60_200);
  });
});
