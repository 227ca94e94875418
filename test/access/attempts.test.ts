// Guessing gets slow, mistyping does not, and no number of addresses makes the table grow.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FailedAttempts } from '../../src/access/attempts.ts';

function attempts(options: { maxAddresses?: number } = {}) {
  const clock = { ms: 1000 };
  const table = new FailedAttempts({ now: () => clock.ms, ...options });
  return { clock, table };
}

describe('failed attempts', () => {
  it('are answered at once twice, then ever later, up to a cap', () => {
    const { table } = attempts();
    const delays = Array.from({ length: 9 }, () => table.failed('192.0.2.1'));
    expect(delays).toEqual([0, 0, 250, 500, 1000, 2000, 4000, 5000, 5000]);
  });

  it('count for an address or a /64, whatever its spelling, and for no other', () => {
    const { table } = attempts();
    for (const ip of ['192.0.2.1', '::ffff:192.0.2.1']) table.failed(ip);
    expect(table.failed('::ffff:c000:201')).toBe(250);
    expect(table.failed('192.0.2.2')).toBe(0);
    for (const ip of ['2001:db8::1', '2001:db8::2']) table.failed(ip);
    expect(table.failed('2001:db8::ffff:3')).toBe(250);
    expect(table.failed('2001:db8:0:1::1')).toBe(0);
  });

  it('are forgiven by a right token', () => {
    const { table } = attempts();
    for (let index = 0; index < 6; index += 1) table.failed('192.0.2.1');
    table.succeeded('192.0.2.1');
    expect(table.size).toBe(0);
    expect(table.failed('192.0.2.1')).toBe(0);
  });

  it('are forgotten one a minute, and altogether within ten minutes however many there were', () => {
    const { table, clock } = attempts();
    for (let index = 0; index < 5; index += 1) table.failed('192.0.2.1');
    clock.ms += 60_000;
    expect(table.failed('192.0.2.1')).toBe(1000);
    for (let index = 0; index < 100_000; index += 1) table.failed('192.0.2.1');
    clock.ms += 600_000;
    expect(table.failed('192.0.2.1')).toBe(0);
  });

  it('of a flood of addresses are bounded; the one quiet for longest goes first', () => {
    const { table } = attempts({ maxAddresses: 100 });
    for (let index = 0; index < 5; index += 1) table.failed('192.0.2.1');
    for (let index = 0; index < 1000; index += 1) {
      table.failed(`10.0.${index >> 8}.${index & 255}`);
      if (index % 50 === 0) expect(table.failed('192.0.2.1')).toBeGreaterThanOrEqual(1000);
    }
    expect(table.size).toBe(100);
  });

  it('always wait between 0 and the cap, also when the clock stands or steps back', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.boolean())), (steps) => {
        const { table, clock } = attempts();
        for (const [step, right] of steps) {
          clock.ms += step;
          if (right) table.succeeded('::1');
          const delay = table.failed('::1');
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(right ? 0 : 5000);
        }
      }),
    );
  });
});
