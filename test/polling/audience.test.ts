// A crowd that more comes for than it can be handed: a short hold-up loses nothing, a lasting one keeps what it is given new.
import { describe, expect, test } from 'vitest';
import { dataEvent } from '../../src/events/data.ts';
import { Audience } from '../../src/polling/audience.ts';
import { Watcher } from './support.ts';

const PERIOD_MS = 10;

/** A crowd of 200 takes four turns; here the event loop gets on with `turnsEach` of them until the next result comes. */
function crowd() {
  let now = 500;
  const soon: (() => void)[] = [];
  const audience = new Audience({ now: () => now, soon: (fire) => soon.push(fire) });
  const watchers = Array.from({ length: 200 }, () => new Watcher());
  for (const watcher of watchers) audience.add(watcher);
  const turn = (): boolean => soon.splice(0).map((fire) => fire()).length > 0;
  let number = 0;
  return {
    watchers,
    results: (count: number, turnsEach: number): void => {
      for (let i = 0; i < count; i++) {
        now += PERIOD_MS;
        audience.give(dataEvent(0, 0, 200, Buffer.from(String(++number))));
        for (let turns = 0; turns < turnsEach; turns++) turn();
      }
    },
    settle: (): void => {
      while (turn());
    },
    newest: () => number,
  };
}

const missedBy = ({ given }: Watcher): number => given.reduce((sum, line) => sum + Number(line.split(' +')[1] ?? 0), 0);

describe('a crowd that results come too fast for', () => {
  test('misses none of them in a hold-up of a few periods', () => {
    const { watchers, results, settle } = crowd();
    results(1, 4);
    results(4, 0);
    settle();
    for (const watcher of watchers) expect(watcher.given).toEqual(['1', '2', '3', '4', '5']);
  });

  test('is behind by at most the newest one once that has lasted for a second', () => {
    const { watchers, results, settle, newest } = crowd();
    // Half of the turns that are needed.
    results(95, 2);
    const waitingBefore = newest() - Number(watchers[0]!.given.at(-1)!.split(' ')[0]);
    expect(waitingBefore).toBeGreaterThan(2);
    results(105, 2);
    const last = watchers[0]!.given.length;
    settle();
    expect(watchers[0]!.given.length - last).toBeLessThanOrEqual(1);
    for (const watcher of watchers) {
      expect(Number(watcher.given.at(-1)!.split(' ')[0])).toBe(newest());
      // Nothing is lost without being counted.
      expect(watcher.given.length + missedBy(watcher)).toBe(newest());
    }
  });

  test('misses none again once it has caught up', () => {
    const { watchers, results, settle, newest } = crowd();
    results(200, 2);
    settle();
    const missed = missedBy(watchers[0]!);
    expect(missed).toBeGreaterThan(0);
    const given = watchers[0]!.given.length;
    results(5, 0);
    settle();
    for (const watcher of watchers) {
      expect(watcher.given.slice(given)).toEqual([4, 3, 2, 1, 0].map((back) => String(newest() - back)));
      expect(missedBy(watcher)).toBe(missed);
    }
  });
});

describe('a turn of the event loop', () => {
  const hundred = () => {
    const soon: (() => void)[] = [];
    const audience = new Audience({ now: () => 0, soon: (fire) => soon.push(fire) });
    const watchers = Array.from({ length: 100 }, () => new Watcher());
    for (const watcher of watchers) audience.add(watcher);
    return {
      audience,
      /** How many were served in each turn. */
      turns: (): number[] => {
        const counts = [watchers.filter(({ given }) => given.length > 0).length];
        for (let fires = soon.splice(0); fires.length > 0; fires = soon.splice(0)) {
          const before = watchers.filter(({ given }) => given.length > 0).length;
          for (const fire of fires) fire();
          counts.push(watchers.filter(({ given }) => given.length > 0).length - before);
        }
        return counts;
      },
    };
  };
  const body = (bytes: number): string => JSON.stringify('x'.repeat(bytes));

  test.each([
    ['short', 100, 64],
    ['of 64 KiB', 65_536, 5],
    ['of 1 MiB', 1_048_576, 1],
  ])('serves fewer members the longer the result is: %s', (_, bytes, most) => {
    const { audience, turns } = hundred();
    audience.give(dataEvent(0, 0, 200, Buffer.from(body(bytes))));
    const served = turns();
    expect(Math.max(...served)).toBeLessThanOrEqual(most);
    expect(served.reduce((sum, count) => sum + count)).toBe(100);
  });

  test('and fewer the longer the failure is', () => {
    const { audience, turns } = hundred();
    audience.fail({ message: 'no', hint: undefined, members: [['body', body(1_048_576)]], retryAfterMs: undefined });
    const served = turns();
    expect(Math.max(...served)).toBe(1);
    expect(served.reduce((sum, count) => sum + count)).toBe(100);
  });
});
