// One session's MONITOR by hand: what it missed is counted, its failures are reported at the right times, stopping is final.
import { describe, expect, test } from 'vitest';
import { dataEvent } from '../../src/events/data.ts';
import type { PollFailure } from '../../src/events/outcomes.ts';
import { MonitorActivity } from '../../src/session/monitor-activity.ts';
import { HandClock } from './support/hand-clock.ts';
import { HandOutlet } from './support/hand-outlet.ts';
import { World } from './support/world.ts';

const FAILURE: PollFailure = {
  message: 'it broke',
  hint: undefined,
  members: [['status', '500']],
  retryAfterMs: undefined,
};

function start(id?: string, restMs = 0) {
  const clock = new HandClock();
  const outlet = new HandOutlet();
  const counts = { lines: 0, events: 0, skipped: 0, errors: 0, controls: 0 };
  const failed: string[] = [];
  const activity = new MonitorActivity({
    path: '/m',
    periodMs: 10,
    notBefore: clock.now() + restMs,
    id,
    outlet,
    clock,
    counts,
    failed: (message) => failed.push(message),
  });
  let number = 0;
  const data = (missed = 0): void =>
    activity.onData(dataEvent(clock.epoch(), 1, 200, Buffer.from(`${++number}`)), missed);
  return { clock, outlet, counts, failed, activity, data };
}

describe('[OS-3.3] a monitor that follows another one', () => {
  test('is acknowledged at once and polls 2 ms after the first poll of the one before, on a grid that begins then', () => {
    const world = new World();
    const talk = world.ready();
    const begun = world.clock.now();
    const sentAt = () => world.backend.calls.map((call) => call.sentAt - begun);
    world.backend.auto = (call) => call.reply();
    talk.monitor(100);
    talk.stop('monitor');
    talk.monitor(5);
    expect(talk.fresh()).toEqual(['monitor_ack', 'stop_ack', 'monitor_ack']);
    world.clock.advance(17);
    expect(sentAt()).toEqual([0, 2, 7, 12, 17]);
    // Long after: at once, as the first one.
    talk.stop('monitor');
    talk.monitor(100);
    expect(sentAt().slice(5)).toEqual([17]);
  });

  test('another session does not wait for it', () => {
    const world = new World();
    const [one, two] = [world.ready(), world.ready()];
    one.monitor(100, '/one');
    two.monitor(100, '/two');
    expect(world.backend.calls).toHaveLength(2);
  });

  test('one that never polled leaves the rest of the one before to the next', () => {
    const world = new World();
    const talk = world.ready();
    for (let i = 0; i < 5; i++) {
      talk.monitor(100);
      talk.stop('monitor');
    }
    world.clock.advance(1);
    talk.monitor(100);
    expect(world.backend.calls).toHaveLength(1);
    world.clock.advance(1);
    expect(world.backend.calls).toHaveLength(2);
  });
});

describe('[OS-3.7] skipped', () => {
  test('counts every result that was not given, and is told once, by the next that is', () => {
    const { outlet, data, counts } = start('7');
    data();
    outlet.dataFares = 'skipped';
    data();
    data(3);
    outlet.dataFares = 'waiting';
    data(2);
    outlet.dataFares = 'sent';
    data();
    expect(outlet.lines).toMatchObject([
      { id: 7, result: 1 },
      { id: 7, result: 4, skipped: 7 },
      { id: 7, result: 5 },
    ]);
    expect(outlet.lines[0]).not.toHaveProperty('skipped');
    expect(outlet.lines[2]).not.toHaveProperty('skipped');
    expect(counts).toMatchObject({ events: 3, skipped: 7 });
  });

  test('a result that does not get through counts as undelivered from when it was tried [OS-3.6]', () => {
    const { clock, outlet, activity, data } = start();
    outlet.dataFares = 'waiting';
    data();
    clock.advance(900);
    data();
    expect(activity.dueSince()).toBe(clock.now() - 900);
    activity.flushed();
    expect(activity.dueSince()).toBeUndefined();
  });

  test('over a long run, results given and skipped add up to all of them', () => {
    const { outlet, data, counts } = start();
    let seed = 1;
    for (let i = 0; i < 20_000; i++) {
      seed = (seed * 48_271) % 2_147_483_647;
      outlet.dataFares = seed % 3 === 0 ? 'skipped' : seed % 2 === 0 ? 'sent' : 'waiting';
      data();
    }
    outlet.dataFares = 'sent';
    data();
    const told = outlet.lines.reduce((sum, line) => sum + Number(line['skipped'] ?? 0), 0);
    expect(told + outlet.lines.length).toBe(20_001);
    expect(counts.skipped).toBe(told);
    let last = 0;
    for (const line of outlet.lines) {
      expect(Number(line['result'])).toBe(last + 1 + Number(line['skipped'] ?? 0));
      last = Number(line['result']);
    }
  });
});

describe('[OS-3.3] failure reports', () => {
  test('the first without delay, further ones a second apart, each counting since the one before', () => {
    const { outlet, activity, clock, failed } = start();
    for (let i = 0; i < 35; i++) {
      activity.onFailure(FAILURE, 1);
      clock.advance(100);
    }
    expect(outlet.lines.map((line) => line['failures'])).toEqual([1, 10, 10, 10]);
    expect(outlet.lines[0]).toMatchObject({ error: 'monitor_internal_error', status: 500 });
    expect(failed).toHaveLength(4);
  });

  test('over all, also when it flaps', () => {
    const { outlet, activity, clock, data } = start();
    for (let i = 0; i < 30; i++) {
      activity.onFailure(FAILURE, 1);
      data();
      clock.advance(100);
    }
    const reports = outlet.lines.filter((line) => line['error']);
    expect(reports.map((line) => line['failures'])).toEqual([1, 10, 10]);
    expect(outlet.lines.length - reports.length).toBe(30);
  });

  test('999.9 ms are not a second', () => {
    const { outlet, activity, clock } = start();
    activity.onFailure(FAILURE, 1);
    clock.advance(999.9);
    activity.onFailure(FAILURE, 1);
    clock.advance(0.1);
    activity.onFailure(FAILURE, 1);
    expect(outlet.lines.map((line) => line['failures'])).toEqual([1, 2]);
  });

  test('a report is never skipped by congestion, and says what can be said', () => {
    const { outlet, activity } = start('"a"');
    outlet.dataFares = 'skipped';
    outlet.answers = 'waiting';
    const members = [['status', '502'] as const, ['body', '{"x":1.0}'] as const];
    activity.onFailure({ ...FAILURE, hint: 'do this', members }, 1);
    expect(outlet.lines).toEqual([
      {
        error: 'monitor_internal_error',
        message: 'GET /m: it broke',
        hint: 'do this',
        id: 'a',
        status: 502,
        body: { x: 1 },
        failures: 1,
      },
    ]);
  });
});

describe('[OS-3.7] failure reports to a reader that does not keep up with them', () => {
  test('while too many answers wait none is added; the next one counts what failed meanwhile', () => {
    const { activity, clock, outlet } = start();
    activity.onFailure(FAILURE, 1);
    outlet.answersCongested = true;
    for (let second = 0; second < 5; second++) {
      clock.advance(1000);
      activity.onFailure(FAILURE, 2);
    }
    expect(outlet.lines).toHaveLength(1);
    expect(activity.dueSince()).toBe(clock.now() - 4000);
    outlet.answersCongested = false;
    clock.advance(1000);
    activity.onFailure(FAILURE, 1);
    expect(outlet.lines.map((line) => line['failures'])).toEqual([1, 11]);
    expect(activity.dueSince()).toBeUndefined();
  });
});

describe('[OS-3.6] since when something is due', () => {
  test('the older of a pending poll and an event that was not taken', () => {
    const { activity, outlet, clock, data } = start();
    let pending: number | undefined;
    activity.start(() => ({ pendingSince: () => pending, leave: () => {} }));
    expect(activity.dueSince()).toBeUndefined();
    pending = 50;
    expect(activity.dueSince()).toBe(50);
    pending = undefined;
    outlet.dataFares = 'waiting';
    data();
    const first = clock.now();
    clock.advance(10);
    data();
    expect(activity.dueSince()).toBe(first);
    pending = clock.now();
    expect(activity.dueSince()).toBe(first);
    activity.flushed();
    expect(activity.dueSince()).toBe(pending);
    pending = undefined;
    outlet.dataFares = 'skipped';
    data();
    outlet.dataFares = 'sent';
    data();
    expect(activity.dueSince()).toBeUndefined();
  });
});

describe('stopping', () => {
  test('[OS-3.5] nothing follows the stop_ack, also of a poll that was on its way', () => {
    const world = new World();
    const talk = world.ready();
    talk.monitor(100);
    world.backend.last.reply();
    world.clock.advance(100);
    const underWay = world.backend.last;
    talk.stop('monitor');
    expect(underWay.aborted).toBe(true);
    world.clock.advance(10_000);
    expect(talk.fresh()).toEqual(['monitor_ack', 'data', 'stop_ack']);
    expect(world.hub.size).toBe(0);
  });

  test('an event that comes after it, from a poll that others share, is not given', () => {
    const { activity, outlet, data } = start();
    let left = 0;
    activity.start(() => ({ pendingSince: () => undefined, leave: () => left++ }));
    activity.stop();
    data();
    activity.onFailure(FAILURE, 1);
    expect(outlet.lines).toEqual([]);
    expect(left).toBe(1);
  });

  test('before its first poll was sent: nothing is left of it', () => {
    const { activity, clock } = start(undefined, 2);
    let joined = 0;
    activity.start(() => {
      joined++;
      return { pendingSince: () => undefined, leave: () => {} };
    });
    activity.stop();
    expect(clock.timers).toBe(0);
    clock.advance(10);
    expect(joined).toBe(0);
  });

  test('a session that ends from within its first result leaves its poll as well', () => {
    const world = new World();
    const first = world.ready();
    first.monitor(100);
    world.backend.last.reply();
    const second = world.ready();
    // The newest result is handed to the newcomer while it joins; its socket fails at that very moment.
    second.outlet.data = () => {
      second.session.lost('connection_lost');
      return 'skipped';
    };
    second.monitor(100);
    first.stop('session');
    expect(world.hub.size).toBe(0);
    expect(world.clock.timers).toBe(0);
  });
});
