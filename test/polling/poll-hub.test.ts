// Who shares a poll with whom, and what a newcomer is given [OS-3.3].
import { describe, expect, test } from 'vitest';
import { PollHub } from '../../src/polling/poll-hub.ts';
import { HandBackend } from '../session/support/hand-backend.ts';
import { HandClock } from '../session/support/hand-clock.ts';
import { Tally, Watcher } from './support.ts';

function start(options: { sharing?: boolean } = {}) {
  const clock = new HandClock();
  const backend = new HandBackend(clock);
  const hub = new PollHub({
    backend,
    clock,
    explain: undefined,
    sharing: options.sharing ?? true,
    maxInFlight: 1,
    connections: 64,
    observe: () => new Tally(),
  });
  const join = (path = '/m', periodMs = 100, credential?: string): Watcher => {
    const watcher = new Watcher();
    watcher.membership = hub.join({ path, periodMs, credential }, watcher);
    return watcher;
  };
  return { clock, backend, hub, join };
}

describe('sharing', () => {
  test('the same path, period and credential: one poll, one request per period', () => {
    const { hub, join, backend, clock } = start();
    const watchers = [join(), join(), join()];
    expect(hub.size).toBe(1);
    backend.auto = (call) => call.reply(200, '1');
    backend.last.reply(200, '1');
    clock.advance(1000);
    expect(backend.calls).toHaveLength(11);
    for (const { given } of watchers) expect(given).toHaveLength(11);
  });

  test.each([
    ['another path', ['/n', 100, undefined]],
    ['another query', ['/m?a=1', 100, undefined]],
    ['another period', ['/m', 101, undefined]],
    ['another credential', ['/m', 100, 'alice']],
    ['parts that look alike when joined', ['/m",100,"alice', 100, undefined]],
  ] as const)('%s is never shared', (_name, [path, period, credential]) => {
    const { hub, join, backend } = start();
    join('/m', 100, 'bob');
    const other = join(path, period, credential);
    const none = join('/m', 100);
    expect(hub.size).toBe(path === '/m' && period === 100 && credential === undefined ? 2 : 3);
    backend.calls[0]!.reply(200, '"for bob only"');
    expect(other.given).toEqual([]);
    expect(none.given).toEqual([]);
  });

  test('a credential named null is somebody else than nobody', () => {
    const { hub, join } = start();
    join('/m', 100, 'null');
    join('/m', 100);
    expect(hub.size).toBe(2);
  });

  test('switched off, everybody has a poll of their own', () => {
    const { hub, join, backend } = start({ sharing: false });
    const first = join();
    const second = join();
    expect(hub.size).toBe(2);
    backend.calls[0]!.reply(200, '1');
    expect(first.given).toEqual(['1']);
    expect(second.given).toEqual([]);
    first.leave();
    second.leave();
    expect(hub.size).toBe(0);
  });
});

describe('a newcomer', () => {
  test('gets the newest result at once when it is younger than a period, and never an older one', () => {
    const { join, backend, clock } = start();
    const first = join();
    backend.last.reply(200, '1');
    clock.advance(99.9);
    expect(join().given).toEqual(['1']);
    clock.advance(0.1);
    // The deadline has come, its poll is under way, and the result is a period old.
    expect(join().given).toEqual([]);
    backend.last.reply(200, '2');
    expect(first.given).toEqual(['1', '2']);
  });

  test('has missed nothing of what came before it', () => {
    const { join, backend, clock } = start();
    join();
    for (let i = 1; i <= 5; i++) {
      backend.last.reply(200, String(i));
      clock.advance(100);
    }
    const late = join();
    backend.last.reply(200, '6');
    expect(late.given).toEqual(['6']);
  });

  test('learns at once of a failure that lasts, but not of one that is over', () => {
    const { join, backend, clock } = start();
    join();
    backend.last.fail();
    expect(join().given).toEqual(['!1']);
    clock.advance(100);
    backend.last.reply(200, '1');
    expect(join().given).toEqual(['1']);
    clock.advance(100);
    expect(join().given).toEqual([]);
  });

  test('disturbs nobody: neither coming nor leaving moves a deadline', () => {
    const { join, backend, clock, hub } = start();
    const origin = clock.now();
    backend.auto = (call) => call.reply(200, '1');
    const first = join();
    for (let i = 0; i < 50; i++) {
      clock.advance(37);
      const other = join();
      clock.advance(11);
      other.leave();
    }
    expect(backend.calls.map(({ sentAt }) => sentAt - origin)).toEqual(Array.from({ length: 25 }, (_, k) => k * 100));
    expect(first.given).toHaveLength(25);
    expect(hub.size).toBe(1);
    first.leave();
    expect(hub.size).toBe(0);
    expect(clock.timers).toBe(0);
  });

  test('after the last one left begins a poll of its own, with a grid of its own', () => {
    const { join, backend, clock, hub } = start();
    join().leave();
    clock.advance(33);
    const again = join();
    expect(hub.size).toBe(1);
    backend.last.reply(200, '1');
    clock.advance(100);
    backend.last.reply(200, '2');
    expect(again.given).toEqual(['1', '2']);
    expect(backend.last.sentAt - backend.calls[1]!.sentAt).toBe(100);
  });
});
