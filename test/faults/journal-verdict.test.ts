// The comparison of the two journals is tested itself: each kind of disagreement is found, and a faultless run has none.
import { expect, test } from 'vitest';
import { type Fate, fateOf } from './support/fates.ts';
import type { Sent } from './support/journal-client.ts';
import { compare } from './support/journal-verdict.ts';

const SEED = 5;

/** The first command of session 0, at or after `from`, that has this fate. */
function withFate(fate: Fate, from = 0): number {
  for (let n = from; n < 100_000; n += 1) if (fateOf(SEED, 0, n) === fate) return n;
  throw new Error(`no command has the fate ${fate}`);
}

const sent = (n: number, told: Sent['told'] = [], ack = false): Sent => ({ n, ack, told });
const report = (more: object) => ({ type: 'control_err', error: 'control_err', ...more });
const faultsOf = (commands: Sent[], executed: [number, number][]): string[] =>
  compare(SEED, [commands], executed).faults;

const ok = withFate('ok');
const ok2 = withFate('ok', ok + 1);
const bad = withFate('e500');
const lost = withFate('reset');
const cut = withFate('cut');

test('a faultless run has no faults', () => {
  const commands = [
    sent(ok),
    sent(ok2, [{ type: 'control_ack' }], true),
    sent(bad, [report({ status: 500 })]),
    sent(lost, [report({ outcome: 'unknown' })]),
    sent(cut, [report({ outcome: 'unknown' })]),
    sent(99_999, [{ error: 'control_busy' }]),
  ];
  const executed = [ok, ok2, bad, lost].sort((a, b) => a - b).map((n): [number, number] => [0, n]);
  const { figures, faults } = compare(SEED, [commands], executed);
  expect(faults).toEqual([]);
  expect(figures).toMatchObject({
    sent: 6,
    executed: 4,
    succeeded: 2,
    reported: 4,
    busy: 1,
    unknown: 2,
    duplicated: 0,
    lost: 0,
  });
});

test.each<[string, Sent[], [number, number][], RegExp]>([
  [
    'executed twice',
    [sent(ok)],
    [
      [0, ok],
      [0, ok],
    ],
    /executed twice/,
  ],
  [
    'out of order',
    [sent(ok), sent(ok2)],
    [
      [0, ok2],
      [0, ok],
    ],
    /executed after/,
  ],
  ['lost in silence', [sent(ok)], [], /never executed and never reported/],
  ['failed in silence', [sent(bad)], [[0, bad]], /failed and was not reported/],
  [
    'unanswered and called a success',
    [sent(lost, [{ type: 'control_ack' }], true)],
    [[0, lost]],
    /failed and was not reported/,
  ],
  ['reported twice', [sent(bad, [report({ status: 500 }), report({ status: 500 })])], [[0, bad]], /answered 2 times/],
  [
    'executed and called not_sent',
    [sent(lost, [report({ outcome: 'not_sent' })])],
    [[0, lost]],
    /reported as not_sent/,
  ],
  ['executed and called busy', [sent(ok, [{ error: 'control_busy' }])], [[0, ok]], /busy and executed/],
  ['another status', [sent(bad, [report({ status: 404 })])], [[0, bad]], /another status/],
  ['a status out of nothing', [sent(bad, [report({ status: 500 })])], [], /never executed and reported with status/],
  ['no acknowledgement', [sent(ok, [], true)], [[0, ok]], /asked for an acknowledgement/],
  [
    'an acknowledgement nobody asked for',
    [sent(ok, [{ type: 'control_ack' }])],
    [[0, ok]],
    /asked for no acknowledgement/,
  ],
])('found: %s', (_name, commands, executed, fault) => {
  const faults = faultsOf(commands, executed);
  expect(faults.length).toBeGreaterThan(0);
  expect(faults.join('\n')).toMatch(fault);
});
