// The watchdog's rules on a clock moved by hand: idle, armed, due, back-off not due, stalled; and the one timer behind them.
import { describe, expect, test } from 'vitest';
import { type Expiry, Watchdog } from '../../src/session/watchdog.ts';
import { HandClock } from './support/hand-clock.ts';
import { World } from './support/world.ts';

describe('the timer', () => {
  const start = (at: number, reason: string | undefined) => {
    const clock = new HandClock(0);
    const state = { at, reason: reason as string | undefined };
    const expired: [string, number][] = [];
    const dog = new Watchdog<string>(clock, {
      nextExpiry: (): Expiry<string | undefined> => state,
      expired: (why) => expired.push([why, clock.now()]),
    });
    return { clock, state, expired, dog };
  };

  test('expires at its time, once, and leaves no timer', () => {
    const { clock, expired, dog } = start(100, 'end');
    clock.advance(99);
    expect(expired).toEqual([]);
    clock.advance(1);
    expect(expired).toEqual([['end', 100]]);
    dog.look();
    clock.advance(1000);
    expect(expired).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });

  test('putting it off needs no call and costs no timer', () => {
    const { clock, state, expired } = start(100, 'end');
    for (let fed = 0; fed < 50; fed++) {
      clock.advance(50);
      state.at = clock.now() + 100;
      expect(clock.timers).toBe(1);
    }
    expect(expired).toEqual([]);
    clock.advance(100);
    expect(expired).toHaveLength(1);
  });

  test('bringing it forward takes a look', () => {
    const { clock, state, expired, dog } = start(1000, 'end');
    state.at = 10;
    dog.look();
    expect(clock.timers).toBe(1);
    clock.advance(10);
    expect(expired).toEqual([['end', 10]]);
  });

  test('a time without a reason is only a time to look again', () => {
    const { clock, state, expired } = start(10, undefined);
    clock.advance(10);
    expect(expired).toEqual([]);
    expect(clock.timers).toBe(1);
    state.at = 12;
    state.reason = 'late';
    clock.advance(5);
    expect(expired).toEqual([['late', expect.any(Number)]]);
  });

  test('stopped, it stays silent', () => {
    const { clock, expired, dog } = start(10, 'end');
    dog.stop();
    dog.look();
    clock.advance(100);
    expect(expired).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});

describe('[OS-3.6] disarmed', () => {
  test('a valid command feeds it; blank, broken, refused and early ones do not', () => {
    const world = new World({ limits: { idleTimeoutMs: 1000, maxConsecutiveErrors: 1000 } });
    const talk = world.ready();
    for (let i = 0; i < 5; i++) {
      world.clock.advance(900);
      talk.control('/c');
      world.backend.last.reply();
    }
    const unfed = [
      () => talk.line('{'),
      () => talk.say('NO'),
      () => talk.stop('monitor'),
      () => talk.say('HANDSHAKE', { major: 9 }),
      () => talk.monitor(1),
      () => talk.session.overflowed(false),
    ];
    for (const send of unfed) {
      world.clock.advance(150);
      send();
    }
    expect(talk.session.state).toBe('READY');
    world.clock.advance(100);
    expect(talk.session.closeReason).toBe('idle_timeout');
  });

  test('a command that is refused as busy does not feed it', () => {
    const world = new World({ limits: { idleTimeoutMs: 1000, controlQueueDepth: 0 } });
    const talk = world.ready();
    talk.control('/c');
    world.clock.advance(999);
    talk.control('/busy');
    expect(talk.fresh()).toEqual(['control_busy']);
    world.clock.advance(1);
    expect(talk.session.closeReason).toBe('idle_timeout');
  });

  test('before HANDSHAKE it runs as well', () => {
    const world = new World({ limits: { idleTimeoutMs: 300 } });
    const talk = world.open();
    world.clock.advance(200);
    talk.stop('session');
    world.clock.advance(100);
    expect(talk.session.closeReason).toBe('idle_timeout');
    expect(talk.fresh()).toEqual(['handshake_required', 'session_timeout!']);
  });

  test('the idle time begins when the monitor ends, however long it ran', () => {
    const world = new World({ limits: { idleTimeoutMs: 1000 } });
    world.backend.auto = (call) => call.reply();
    const talk = world.ready();
    talk.monitor(100);
    world.clock.advance(60_000);
    talk.stop('monitor');
    world.clock.advance(999);
    expect(talk.session.state).toBe('READY');
    world.clock.advance(1);
    expect(talk.session.closeReason).toBe('idle_timeout');
  });
});

describe('[OS-3.6] armed', () => {
  test('a stream that is delivered needs no command ever', () => {
    const world = new World();
    world.backend.auto = (call) => call.reply();
    const talk = world.ready();
    talk.monitor(1000);
    world.clock.advance(3_600_000);
    expect(talk.session.state).toBe('READY');
    expect(talk.fresh().filter((line) => line === 'data')).toHaveLength(3601);
  });

  test('a period longer than the timeout is not cut short', () => {
    const world = new World();
    world.backend.auto = (call) => call.reply();
    const talk = world.ready();
    talk.monitor(30_000);
    world.clock.advance(300_001);
    expect(talk.fresh()).toEqual(['monitor_ack', ...Array<string>(11).fill('data')]);
  });

  test('a poll without an answer ends the session this long after its deadline', () => {
    const world = new World();
    const talk = world.ready();
    talk.monitor(1000);
    world.backend.last.reply();
    world.clock.advance(1000 + 4999);
    expect(talk.session.state).toBe('READY');
    world.clock.advance(1);
    expect(talk.session.closeReason).toBe('armed_timeout');
    expect(talk.fresh()).toEqual(['monitor_ack', 'data', 'session_timeout!']);
  });

  test('a valid command feeds it too', () => {
    const world = new World();
    const talk = world.ready();
    talk.monitor(1000);
    for (let i = 0; i < 4; i++) {
      world.clock.advance(4000);
      talk.control('/c');
    }
    expect(talk.session.state).toBe('READY');
    world.clock.advance(5000);
    expect(talk.session.closeReason).toBe('armed_timeout');
  });

  test('back-off and Retry-After make nothing due', () => {
    const world = new World();
    const talk = world.ready();
    talk.monitor(100);
    world.backend.last.reply(503, '', { retryAfter: '3600' });
    world.clock.advance(3_599_000);
    expect(talk.session.state).toBe('READY');
    world.clock.advance(1100);
    // Now it is asked again, and from here on something is due.
    expect(world.backend.calls).toHaveLength(2);
    world.clock.advance(5000);
    expect(talk.session.closeReason).toBe('armed_timeout');
  });

  test('failures are stream events too', () => {
    const world = new World();
    world.backend.auto = (call) => call.fail();
    const talk = world.ready();
    talk.monitor(100);
    world.clock.advance(60_000);
    expect(talk.session.state).toBe('READY');
  });

  test('a client that stops reading: due since the first event that it did not get', () => {
    const world = new World();
    world.backend.auto = (call) => call.reply();
    const talk = world.ready();
    talk.monitor(100);
    world.clock.advance(1000);
    talk.outlet.dataFares = 'waiting';
    world.clock.advance(1000);
    talk.outlet.dataFares = 'skipped';
    const since = world.clock.now() - 900;
    world.clock.runUntil(since + 4999);
    expect(talk.session.state).toBe('READY');
    world.clock.advance(2);
    expect(talk.session.closeReason).toBe('armed_timeout');
  });

  test('a reader that is slow but goes on reading is not ended', () => {
    const world = new World();
    world.backend.auto = (call) => call.reply();
    const talk = world.ready();
    talk.monitor(100);
    talk.outlet.dataFares = 'waiting';
    for (let i = 0; i < 20; i++) {
      world.clock.advance(4000);
      talk.session.progressed();
    }
    expect(talk.session.state).toBe('READY');
    world.clock.advance(5000);
    expect(talk.session.closeReason).toBe('armed_timeout');
  });

  // TLS takes nothing at once.
  test.each(['sent', 'waiting'] as const)(
    'a poll that hangs while younger ones deliver is no dead stream: %s',
    (fares) => {
      const world = new World({ maxInFlight: 2 });
      const talk = world.ready();
      talk.outlet.dataFares = fares;
      talk.monitor(1000);
      // The first one never ends; each later one is answered.
      for (let i = 0; i < 20; i++) {
        world.clock.advance(1000);
        world.backend.open[1]?.reply();
        if (fares === 'waiting') talk.session.flushed();
      }
      expect(talk.fresh().filter((line) => line === 'data')).toHaveLength(20);
      expect(talk.session.state).toBe('READY');
      world.clock.advance(5000);
      expect(talk.session.closeReason).toBe('armed_timeout');
    },
  );

  test('one that read everything in time begins anew', () => {
    const world = new World();
    world.backend.auto = (call) => call.reply();
    const talk = world.ready();
    talk.monitor(100);
    for (let i = 0; i < 10; i++) {
      talk.outlet.dataFares = 'waiting';
      world.clock.advance(4500);
      talk.session.flushed();
      talk.outlet.dataFares = 'sent';
      world.clock.advance(500);
    }
    expect(talk.session.state).toBe('READY');
  });
});

describe('[OS-3.6] stalled, in either state', () => {
  test.each([false, true])('answers that nobody takes end it, monitor: %s', (armed) => {
    const world = new World();
    world.backend.auto = (call) => call.reply();
    const talk = world.ready();
    if (armed) talk.monitor(100);
    world.clock.advance(1000);
    talk.outlet.stalledSince = world.clock.now();
    talk.session.stalled();
    world.clock.advance(4999);
    // Commands do not help: a socket that takes nothing cannot be talked to.
    talk.control('/c');
    expect(talk.session.state).toBe('READY');
    world.clock.advance(1);
    expect(talk.session.closeReason).toBe('stalled');
  });

  test('progress begins a new time', () => {
    const world = new World();
    const talk = world.ready();
    for (let i = 0; i < 20; i++) {
      talk.outlet.stalledSince = world.clock.now();
      talk.session.stalled();
      world.clock.advance(4000);
    }
    talk.outlet.stalledSince = undefined;
    world.clock.advance(6000);
    expect(talk.session.state).toBe('READY');
  });
});
