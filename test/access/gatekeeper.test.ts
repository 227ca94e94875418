// What the gatekeeper's decisions cost grows with what the operator has written, and is told in units of a turn.
import { describe, expect, test } from 'vitest';
import { FailedAttempts } from '../../src/access/attempts.ts';
import { Credentials } from '../../src/access/credentials.ts';
import { Gatekeeper } from '../../src/access/gatekeeper.ts';
import { RouteRules } from '../../src/access/route-rules.ts';
import { parseRouteRules } from '../../src/access/route-rules-file.ts';

const now = () => performance.now();

function unitsOf(tokens: number, rules: number, path = '/a'): Gatekeeper['units'] {
  const listed = Array.from({ length: rules }, (_, i) => ({ path: `${path}/${i}`, allow: 'all' }));
  const gatekeeper = new Gatekeeper({
    credentials: Credentials.parse(Array.from({ length: tokens }, (_, i) => `secret-number-${i}`).join()).credentials!,
    rules: rules === 0 ? RouteRules.EVERYTHING : parseRouteRules(JSON.stringify({ rules: listed })).rules!,
    attempts: new FailedAttempts({ now }),
    lease: undefined,
    now,
    rejected: () => {},
  });
  return gatekeeper.units;
}

describe('the units of a turn that a decision costs', () => {
  test('none without tokens and rules, and with a few', () => {
    for (const few of [0, 49]) expect(unitsOf(few, few)).toEqual({ HANDSHAKE: 0, MONITOR: 0, CONTROL: 0, STOP: 0 });
  });

  test('as many as it takes to compare with all of them', () => {
    const units = unitsOf(1000, 1000);
    // A HANDSHAKE may bring a will, which needs a route, too.
    expect([units.HANDSHAKE, units.MONITOR, units.CONTROL]).toEqual([40, 20, 20]);
    expect(units.STOP).toBe(0);
  });

  test('rules with many segments cost more', () => {
    expect(unitsOf(0, 1000, '/a'.repeat(98)).CONTROL).toBe(340);
  });
});
