// Sessions are counted exactly: whatever order they come and go in, limits hold and nothing stays behind.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressList } from '../../src/access/address.ts';
import { SessionCount, type SessionSlot } from '../../src/access/session-count.ts';

const allow = AddressList.parse(['10.0.0.0/8']).list!;

function taken(count: SessionCount, ip: string): SessionSlot {
  const slot = count.acquire(ip);
  if ('refused' in slot) throw new Error(slot.refused);
  return slot;
}

describe('the number of sessions [OS-3.2]', () => {
  it('is limited in all, and a released one makes room once', () => {
    const count = new SessionCount({ max: 2, maxPerAddress: 0 });
    const first = taken(count, '::1');
    taken(count, '::1');
    expect(count.acquire('192.0.2.1')).toEqual({ refused: 'MAX_SESSIONS' });
    first.release();
    first.release();
    taken(count, '192.0.2.1');
    expect(count.acquire('192.0.2.1')).toEqual({ refused: 'MAX_SESSIONS' });
    expect(count.total).toBe(2);
  });

  it('is limited per IPv4 address and per IPv6 /64', () => {
    const count = new SessionCount({ max: 100, maxPerAddress: 1 });
    const slot = taken(count, '192.0.2.1');
    expect(count.acquire('::ffff:192.0.2.1')).toEqual({ refused: 'MAX_SESSIONS_PER_IP' });
    taken(count, '2001:db8::1');
    expect(count.acquire('2001:db8::2')).toEqual({ refused: 'MAX_SESSIONS_PER_IP' });
    taken(count, '2001:db8:0:1::1');
    slot.release();
    taken(count, '192.0.2.1');
  });

  it('is not limited with 0', () => {
    const count = new SessionCount({ max: 0, maxPerAddress: 0 });
    for (let index = 0; index < 10_000; index += 1) taken(count, '::1');
    expect(count.total).toBe(10_000);
    expect(count.addresses).toBe(0);
  });

  it('is not limited per address on the allow list, which keeps a reserve of its own', () => {
    const count = new SessionCount({ max: 3, maxPerAddress: 1, allow, reserve: 1 });
    taken(count, '10.0.0.1');
    taken(count, '10.0.0.1');
    taken(count, '192.0.2.1');
    expect(count.acquire('192.0.2.2')).toEqual({ refused: 'MAX_SESSIONS' });
    taken(count, '10.0.0.1');
    expect(count.acquire('10.0.0.1')).toEqual({ refused: 'MAX_SESSIONS' });
  });

  it('agrees with plain counting over any history, and ends empty', () => {
    const ips = ['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2', '10.0.0.1', 'nonsense'];
    const owner = [0, 0, 1, 2, 2, 3, 4];
    const step = fc.tuple(fc.nat({ max: ips.length - 1 }), fc.boolean(), fc.nat());
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200 }),
        fc.nat({ max: 6 }),
        fc.nat({ max: 3 }),
        (steps, max, maxPerAddress) => {
          const count = new SessionCount({ max, maxPerAddress, allow });
          let live: { slot: SessionSlot; owner: number }[] = [];
          for (const [which, leave, pick] of steps) {
            if (leave && live.length > 0) {
              const [gone] = live.splice(pick % live.length, 1);
              gone!.slot.release();
            } else {
              const own = live.filter((one) => one.owner === owner[which]).length;
              const full = max > 0 && live.length >= max;
              const crowded = owner[which] !== 3 && maxPerAddress > 0 && own >= maxPerAddress;
              const slot = count.acquire(ips[which]!);
              expect('refused' in slot ? slot.refused : 'admitted').toBe(
                full ? 'MAX_SESSIONS' : crowded ? 'MAX_SESSIONS_PER_IP' : 'admitted',
              );
              if (!('refused' in slot)) live = [...live, { slot, owner: owner[which]! }];
            }
            expect(count.total).toBe(live.length);
          }
          for (const { slot } of live) slot.release();
          expect([count.total, count.addresses]).toEqual([0, 0]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
