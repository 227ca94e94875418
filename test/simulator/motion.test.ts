// Motion on a hand-driven clock: when points are reached, what is in between, and what happens when a stream falters.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TRAJECTORY_POINTS } from '../../src/simulator/limits.ts';
import { type Insertion, Motion, REST_POSE } from '../../src/simulator/motion.ts';

const at = (angle: number): number[] => [angle, 90, 0, 0, -90, 0];

function insert(motion: Motion, now: number, angle: number, more: Partial<Record<string, number>> = {}): Insertion {
  return motion.insert(now, { interval: 0.002, timeFromStart: -1, lookAhead: 0, point: at(angle), ...more });
}

/** Angle and velocity of the first joint. */
function joint(motion: Motion, now: number): [number, number] {
  motion.read(now);
  return [motion.position[0]!, motion.velocity[0]!];
}

describe('motion along inserted points', () => {
  it('stands at the rest pose with velocity 0 until something is inserted', () => {
    const motion = new Motion();
    motion.read(1e6);
    expect([...motion.position]).toEqual(REST_POSE);
    expect([...motion.velocity]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('reaches a point after its interval, on a straight line, with the line’s slope as velocity', () => {
    const motion = new Motion();
    insert(motion, 1000, 10, { interval: 0.1 });
    expect(joint(motion, 1000)).toEqual([0, 100]);
    expect(joint(motion, 1025)).toEqual([2.5, 100]);
    expect(joint(motion, 1100)).toEqual([10, 0]);
    expect(joint(motion, 9999)).toEqual([10, 0]);
  });

  it('buffers 20 points of 2 ms before a motion with a look-ahead of 0.04 s starts', () => {
    const motion = new Motion();
    for (let k = 0; k < 20; k++) {
      expect(joint(motion, k * 2)).toEqual([0, 0]);
      insert(motion, k * 2, k + 1, { lookAhead: 0.04 });
    }
    expect(motion.available(39.999)).toBe(TRAJECTORY_POINTS - 20);
    expect(joint(motion, 39.999)).toEqual([0, 0]);
    expect(joint(motion, 41)[0]).toBeCloseTo(0.5, 9);
    expect(joint(motion, 42)[0]).toBeCloseTo(1, 9);
    expect(motion.available(42)).toBe(TRAJECTORY_POINTS - 19);
    expect(joint(motion, 80)[0]).toBeCloseTo(20, 9);
    expect(motion.available(80)).toBe(TRAJECTORY_POINTS);
  });

  it('does not show the jitter of arrivals that stays within the look-ahead', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 39, noNaN: true }), { minLength: 50, maxLength: 200 }),
        (delays) => {
          const motion = new Motion();
          let arrival = 0;
          delays.forEach((delay, k) => {
            arrival = Math.max(arrival, k === 0 ? 0 : k * 2 + delay);
            insert(motion, arrival, k + 1, { lookAhead: 0.04 });
          });
          for (let now = arrival; now < 40 + delays.length * 2; now += 0.7) {
            expect(joint(motion, now)[0]).toBeCloseTo((now - 40) / 2, 6);
          }
        },
      ),
      { interruptAfterTimeLimit: 1500 },
    );
  });

  it('holds the last point with velocity 0 when the stream dries up, and starts anew with the look-ahead', () => {
    const motion = new Motion();
    insert(motion, 0, 1, { lookAhead: 0.01 });
    expect(joint(motion, 500)).toEqual([1, 0]);
    insert(motion, 500, 2, { lookAhead: 0.01 });
    expect(joint(motion, 509)).toEqual([1, 0]);
    expect(joint(motion, 511)[0]).toBeCloseTo(1.5, 9);
    expect(joint(motion, 512)).toEqual([2, 0]);
  });

  it('joins a point that arrives the moment the one before is reached', () => {
    const motion = new Motion();
    for (let k = 0; k < 10; k++) {
      expect(joint(motion, k * 2)[0]).toBeCloseTo(k, 9);
      insert(motion, k * 2, k + 1);
      expect(joint(motion, k * 2 + 1)[0]).toBeCloseTo(k + 0.5, 9);
    }
  });

  it('clears: stands where it is, and goes on from there', () => {
    const motion = new Motion();
    insert(motion, 0, 10, { interval: 0.1 });
    motion.clear(50);
    expect(joint(motion, 90)).toEqual([5, 0]);
    expect(motion.available(90)).toBe(TRAJECTORY_POINTS);
    insert(motion, 100, 10, { interval: 0.1 });
    expect(joint(motion, 150)).toEqual([7.5, 50]);
  });

  it('takes 2048 points and no more until one is reached', () => {
    const motion = new Motion();
    for (let k = 0; k < TRAJECTORY_POINTS; k++) expect(insert(motion, 0, k % 7)).toBe('taken');
    expect(insert(motion, 0, 1)).toBe('full');
    expect(insert(motion, 1.99, 1)).toBe('full');
    expect(insert(motion, 2, 1)).toBe('taken');
    expect(motion.available(2 * (TRAJECTORY_POINTS + 1))).toBe(TRAJECTORY_POINTS);
  });
});

describe('time_from_start', () => {
  it('names the moment a point is reached, counted from the motion’s start', () => {
    const motion = new Motion();
    insert(motion, 0, 1, { timeFromStart: 0.1, lookAhead: 0.05 });
    insert(motion, 0, 3, { timeFromStart: 0.2 });
    expect(joint(motion, 100)[0]).toBeCloseTo(0.5, 9);
    expect(joint(motion, 150)[0]).toBeCloseTo(1, 9);
    expect(joint(motion, 200)[0]).toBeCloseTo(2, 9);
    expect(joint(motion, 250)).toEqual([3, 0]);
  });

  it('gives a first point at 0 its interval, and keeps the distances to it', () => {
    const motion = new Motion();
    insert(motion, 0, 1, { timeFromStart: 0, interval: 0.01 });
    insert(motion, 0, 2, { timeFromStart: 0.01, interval: 0.01 });
    expect(joint(motion, 10)[0]).toBeCloseTo(1, 9);
    expect(joint(motion, 20)).toEqual([2, 0]);
  });

  it('mixes with points that follow the one before', () => {
    const motion = new Motion();
    insert(motion, 0, 1, { interval: 0.01 });
    insert(motion, 0, 2, { timeFromStart: 0.05 });
    insert(motion, 0, 3, { interval: 0.01 });
    expect(joint(motion, 30)[0]).toBeCloseTo(1.5, 9);
    expect(joint(motion, 60)).toEqual([3, 0]);
  });

  it('refuses a moment that is not after the one before', () => {
    const motion = new Motion();
    insert(motion, 0, 1, { timeFromStart: 0.1 });
    expect(insert(motion, 0, 2, { timeFromStart: 0.1 })).toBe('order');
    expect(insert(motion, 0, 2, { timeFromStart: 0.05 })).toBe('order');
    expect(motion.available(0)).toBe(TRAJECTORY_POINTS - 1);
  });

  it('goes there without a jump when the moment has passed already, and counts on from there', () => {
    const motion = new Motion();
    insert(motion, 0, 1, { timeFromStart: 0.01 });
    expect(insert(motion, 500, 2, { timeFromStart: 0.02, interval: 0.01 })).toBe('taken');
    expect(joint(motion, 505)[0]).toBeCloseTo(1.5, 9);
    insert(motion, 505, 3, { timeFromStart: 0.03, interval: 0.01 });
    expect(joint(motion, 515)[0]).toBeCloseTo(2.5, 9);
  });

  it('is put off when it is nearer than the point’s interval', () => {
    const motion = new Motion();
    insert(motion, 0, 1, { timeFromStart: 0.01 });
    insert(motion, 19, 2, { timeFromStart: 0.02, interval: 0.01, lookAhead: 0.005 });
    expect(joint(motion, 24)[0]).toBeCloseTo(1, 9);
    expect(joint(motion, 29)[0]).toBeCloseTo(1.5, 9);
    expect(joint(motion, 34)).toEqual([2, 0]);
  });

  it('is kept when the robot stands but the moment is still to come', () => {
    const motion = new Motion();
    insert(motion, 0, 1, { timeFromStart: 0.01 });
    insert(motion, 50, 2, { timeFromStart: 0.1 });
    expect(joint(motion, 75)[0]).toBeCloseTo(1.5, 9);
    expect(joint(motion, 100)).toEqual([2, 0]);
  });
});

describe('whatever is inserted whenever', () => {
  const step = fc.record({
    wait: fc.double({ min: 0, max: 20, noNaN: true }),
    interval: fc.double({ min: 0.001, max: 0.02, noNaN: true }),
    timeFromStart: fc.oneof(fc.constant(-1), fc.double({ min: 0, max: 0.2, noNaN: true })),
    lookAhead: fc.constantFrom(0, 0.004, 0.04),
    angle: fc.double({ min: -5, max: 5, noNaN: true }),
    clear: fc.boolean(),
  });

  it('never jumps: 10 degrees in 1 ms is the fastest these points ask for', () => {
    const STEP_MS = 0.05;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const motion = new Motion();
        let now = 0;
        let before = joint(motion, now)[0];
        for (const { wait, interval, lookAhead, angle, clear } of steps) {
          for (const end = now + wait; now < end; now += STEP_MS) {
            const [position, velocity] = joint(motion, now);
            expect(Math.abs(position - before)).toBeLessThanOrEqual(10 * STEP_MS + 1e-9);
            expect(Math.abs(velocity)).toBeLessThanOrEqual(10_000 + 1e-6);
            before = position;
          }
          if (clear && wait > 15) motion.clear(now);
          else insert(motion, now, angle, { interval, lookAhead });
        }
        expect(motion.available(now + 1e6)).toBe(TRAJECTORY_POINTS);
        expect(joint(motion, now + 1e6)[1]).toBe(0);
      }),
      { interruptAfterTimeLimit: 1500 },
    );
  });

  it('an insertion or a clear never moves the robot in that moment, and velocities stay finite', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const motion = new Motion();
        let now = 0;
        for (const { wait, angle, clear, ...times } of steps) {
          now += wait;
          const before = joint(motion, now)[0];
          if (clear && wait > 15) motion.clear(now);
          else motion.insert(now, { ...times, point: at(angle) });
          const [after, velocity] = joint(motion, now);
          expect(after).toBe(before);
          expect(Number.isFinite(velocity)).toBe(true);
        }
      }),
      { interruptAfterTimeLimit: 1500 },
    );
  });
});
