// No address gets more than its rate over any stretch of time, none starves, and the table stays bounded.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressList } from '../../src/access/address.ts';
import { RateLimit } from '../../src/access/rate-limit.ts';

function limit(options: { perSecond: number; burst?: number; allow?: string[]; maxAddresses?: number }) {
  const clock = { ms: 0 };
  const { allow, ...rest } = options;
  const list = AddressList.parse(allow ?? []).list!;
  const rate = new RateLimit({ ...rest, allow: list, now: () => clock.ms });
  const take = (ip: string): number => rate.take(rate.keyOf(ip));
  return { clock, rate, take };
}

describe('a rate limit', () => {
  it('admits a burst, then tells how long to wait, and then admits again', () => {
    const { clock, take } = limit({ perSecond: 4, burst: 2 });
    expect([take('192.0.2.1'), take('192.0.2.1')]).toEqual([0, 0]);
    expect(take('192.0.2.1')).toBe(250);
    clock.ms += 249;
    expect(take('192.0.2.1')).toBe(1);
    clock.ms += 1;
    expect(take('192.0.2.1')).toBe(0);
    expect(take('192.0.2.1')).toBe(250);
  });

  it('counts an address or a /64, each for itself', () => {
    const { take } = limit({ perSecond: 1 });
    expect(take('192.0.2.1')).toBe(0);
    expect(take('::ffff:192.0.2.1')).toBe(1000);
    expect(take('192.0.2.2')).toBe(0);
    expect(take('2001:db8::1')).toBe(0);
    expect(take('2001:db8::2')).toBe(1000);
  });

  it('off, or for an address on the allow list, limits and remembers nothing', () => {
    const off = limit({ perSecond: 0 });
    const allowed = limit({ perSecond: 1, allow: ['192.0.2.0/24'] });
    for (let index = 0; index < 1000; index += 1) {
      expect(off.take('192.0.2.1')).toBe(0);
      expect(allowed.take('::ffff:192.0.2.1')).toBe(0);
    }
    expect(off.rate.size + allowed.rate.size).toBe(0);
    expect([allowed.take('192.0.3.1'), allowed.take('192.0.3.1')]).toEqual([0, 1000]);
  });

  it('remembers a bounded number of addresses', () => {
    const { rate, take } = limit({ perSecond: 1, maxAddresses: 50 });
    for (let index = 0; index < 5000; index += 1) take(`10.0.${index >> 8}.${index & 255}`);
    expect(rate.size).toBe(50);
  });

  it('admits at most burst + rate × time in every window, and whoever waits as told is admitted', () => {
    const rates = fc.record({ perSecond: fc.integer({ min: 1, max: 2000 }), burst: fc.integer({ min: 1, max: 50 }) });
    const steps = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(rates, steps, (options, pauses) => {
        const { clock, take } = limit(options);
        const admitted: number[] = [];
        for (const pause of pauses) {
          clock.ms += pause;
          const wait = take('192.0.2.1');
          if (wait === 0) admitted.push(clock.ms);
          else {
            clock.ms += wait;
            expect(take('192.0.2.1')).toBe(0);
            admitted.push(clock.ms);
          }
        }
        for (const [first, from] of admitted.entries()) {
          for (let last = first; last < admitted.length; last += 1) {
            const most = options.burst + ((admitted[last]! - from) * options.perSecond) / 1000;
            expect(last - first + 1).toBeLessThanOrEqual(most + 1e-6);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('survives a clock that steps back', () => {
    const { clock, take } = limit({ perSecond: 10, burst: 1 });
    take('::1');
    clock.ms -= 1e9;
    expect(take('::1')).toBe(100);
    clock.ms += 100;
    expect(take('::1')).toBe(0);
  });
});
