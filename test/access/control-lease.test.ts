// Control belongs to one session at a time, and never stays with one that is gone or idle.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ControlLease } from '../../src/access/control-lease.ts';

const a = { id: 1, address: '192.0.2.1' };
const b = { id: 'two', address: '2001:db8::2' };

describe('the control lease', () => {
  it('goes to the first that asks; another one is told who holds it and since when', () => {
    const lease = new ControlLease({ idleMs: 0, epoch: () => 1_700_000_000_000 });
    expect(lease.holder(0)).toBeUndefined();
    expect(lease.acquire(a, 0)).toEqual({ granted: true });
    expect(lease.acquire(a, 5)).toEqual({ granted: true });
    expect(lease.acquire(b, 6)).toEqual({ granted: false, heldBy: '192.0.2.1', since: 1_700_000_000_000 });
    expect(lease.holder(1e12)).toEqual({ id: 1, address: '192.0.2.1', since: 1_700_000_000_000 });
  });

  it('is given back by its holder only', () => {
    const lease = new ControlLease({ idleMs: 0 });
    lease.acquire(a, 0);
    lease.release(b.id);
    expect(lease.acquire(b, 1).granted).toBe(false);
    lease.release(a.id);
    lease.release(a.id);
    expect(lease.acquire(b, 2)).toEqual({ granted: true });
    expect(lease.acquire(a, 3).granted).toBe(false);
  });

  it('is lost by being idle, and kept by each CONTROL and by touching', () => {
    const lease = new ControlLease({ idleMs: 1000 });
    lease.acquire(a, 0);
    lease.acquire(a, 900);
    expect(lease.acquire(b, 1899).granted).toBe(false);
    lease.touch(a.id, 1899);
    lease.touch(b.id, 2800);
    expect(lease.acquire(b, 2898).granted).toBe(false);
    expect(lease.acquire(b, 2899)).toEqual({ granted: true });
    lease.touch(a.id, 3898);
    expect(lease.acquire(a, 3898).granted).toBe(false);
    expect(lease.holder(3899)).toBeUndefined();
  });

  it('has one holder at most, whoever asks, leaves or waits', () => {
    const step = fc.tuple(fc.constantFrom('acquire', 'release', 'touch'), fc.nat({ max: 3 }), fc.nat({ max: 60 }));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const lease = new ControlLease({ idleMs: 100 });
        let now = 0;
        let holder: { id: number; usedAt: number } | undefined;
        for (const [what, id, pause] of steps) {
          now += pause;
          if (holder !== undefined && now - holder.usedAt >= 100 && what === 'acquire') holder = undefined;
          if (what === 'release') {
            lease.release(id);
            if (holder?.id === id) holder = undefined;
          } else if (what === 'touch') {
            lease.touch(id, now);
            if (holder?.id === id) holder.usedAt = now;
          } else {
            const { granted } = lease.acquire({ id, address: `10.0.0.${id}` }, now);
            expect(granted).toBe(holder === undefined || holder.id === id);
            if (granted) holder = { id, usedAt: now };
          }
        }
      }),
    );
  });
});
