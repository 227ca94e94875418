// When the backend counts as reachable: by calls, by a probe when there were none, never by two probes at once.
import { describe, expect, test } from 'vitest';
import type { BackendAnswer, FailedAnswer } from '../../src/backend/backend.ts';
import { BackendHealth } from '../../src/observation/backend-health.ts';

const answered = (status: number): BackendAnswer => ({
  ok: true,
  status,
  body: Buffer.alloc(0),
  oversize: false,
  durationMs: 1,
});

const failed = (fault: FailedAnswer['fault'], status?: number): BackendAnswer => ({
  ok: false,
  outcome: 'unknown',
  reason: 'it failed',
  fault,
  durationMs: 1,
  ...(status === undefined ? {} : { status }),
});

function create() {
  const clock = { now: 1000 };
  const changes: boolean[] = [];
  const probes: ((reachable: boolean) => void)[] = [];
  const health = new BackendHealth({
    probe: () => new Promise((resolve) => probes.push(resolve)),
    changed: (reachable) => changes.push(reachable),
    now: () => clock.now,
    epoch: () => 1_700_000_000_000 + clock.now,
  });
  return { clock, changes, probes, health };
}

describe('calls', () => {
  test.each([
    ['200', answered(200), true],
    ['500', answered(500), true],
    ['an answer that broke off after its status', failed('connection', 200), true],
    ['no connection', failed('connect'), false],
    ['no answer in time', failed('timeout'), false],
    ['a reset', failed('connection'), false],
  ])('%s tells at once and needs no probe', async (_, answer, reachable) => {
    const { health, probes } = create();
    health.answered(answer);
    expect(await health.state()).toEqual({ reachable, at: 1_700_000_001_000 });
    expect(probes).toHaveLength(0);
  });

  test('one whose time is over tells nothing while others are answered, and everything once none is', async () => {
    const { health, clock, changes } = create();
    health.answered(answered(200));
    const timedOut = { ...failed('timeout'), durationMs: 1000 };
    clock.now += 999;
    health.answered(timedOut);
    expect(changes).toEqual([]);
    clock.now += 1;
    health.answered(timedOut);
    expect(changes).toEqual([false]);
    health.answered(timedOut);
    health.answered(answered(200));
    expect(changes).toEqual([false, true]);
  });

  test('one whose time is over outweighs a probe that only shows that connections are accepted', async () => {
    const { health, clock, probes, changes } = create();
    const state = health.state();
    probes[0]!(true);
    expect(await state).toMatchObject({ reachable: true });
    clock.now += 500;
    health.answered({ ...failed('timeout'), durationMs: 1000 });
    expect(changes).toEqual([false]);
  });

  test.each(['aborted', 'full'] as const)('one that never got to it tells nothing: %s', async (fault) => {
    const { health, changes } = create();
    health.answered(answered(200));
    health.answered(failed(fault));
    expect(await health.state()).toMatchObject({ reachable: true });
    expect(changes).toEqual([]);
  });

  test('only changes are told, and a backend that is there from the start is none', () => {
    const { health, changes } = create();
    for (const status of [200, 404]) health.answered(answered(status));
    for (let i = 0; i < 3; i++) health.answered(failed('connect'));
    for (const status of [503, 200]) health.answered(answered(status));
    expect(changes).toEqual([false, true]);
  });
});

describe('probes', () => {
  test('before the first call one looks, for all who ask meanwhile, and holds for 2 s', async () => {
    const { health, probes, clock } = create();
    const asked = [health.state(), health.state(), health.state()];
    expect(probes).toHaveLength(1);
    probes[0]?.(true);
    expect((await Promise.all(asked)).map(({ reachable }) => reachable)).toEqual([true, true, true]);
    clock.now += 1999;
    expect((await health.state()).reachable).toBe(true);
    expect(probes).toHaveLength(1);
    clock.now += 1;
    const again = health.state();
    probes[1]?.(false);
    expect((await again).reachable).toBe(false);
  });

  test('a call holds for 5 s', async () => {
    const { health, probes, clock } = create();
    health.answered(answered(200));
    clock.now += 4999;
    await health.state();
    expect(probes).toHaveLength(0);
    clock.now += 1;
    const asked = health.state();
    expect(probes).toHaveLength(1);
    probes[0]?.(false);
    expect(await asked).toMatchObject({ reachable: false });
  });

  test('a call that ends meanwhile knows better', async () => {
    const { health, probes, clock, changes } = create();
    const asked = health.state();
    clock.now += 10;
    health.answered(failed('connect'));
    probes[0]?.(true);
    expect((await asked).reachable).toBe(false);
    expect(changes).toEqual([false]);
  });

  test('one that rejects counts as unreachable and does not block the next', async () => {
    let calls = 0;
    const clock = { now: 0 };
    const health = new BackendHealth({
      probe: async () => {
        if (++calls === 1) throw new Error('broken probe');
        return true;
      },
      changed: () => {},
      now: () => clock.now,
    });
    expect((await health.state()).reachable).toBe(false);
    clock.now += 2000;
    expect((await health.state()).reachable).toBe(true);
  });
});
