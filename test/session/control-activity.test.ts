// One session's CONTROLs by hand: in order, one at a time, each once; the queue's bounds; stop, grace and abort.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Control } from '../../src/commands/command.ts';
import {
  ControlActivity,
  type ControlOwner,
  type ControlServices,
  type Stopped,
} from '../../src/session/control-activity.ts';
import { HandBackend } from './support/hand-backend.ts';
import { HandClock } from './support/hand-clock.ts';
import { World } from './support/world.ts';

const command = (path: string, lineBytes = 10): Control => ({
  name: 'CONTROL',
  relay: { method: 'POST', path },
  ack: false,
  lineBytes,
});

function start({ limits, ...owner }: { limits?: Partial<ControlServices['limits']> } & Partial<ControlOwner> = {}) {
  const clock = new HandClock();
  const backend = new HandBackend(clock);
  const answered: string[] = [];
  const told: string[] = [];
  let idles = 0;
  const services: ControlServices = {
    clock,
    backend,
    limits: {
      controlQueueDepth: 3,
      controlQueueBytes: 1000,
      stopGraceMs: 100,
      controlBusyPollUs: 500,
      ...limits,
    },
  };
  const activity = new ControlActivity(services, {
    mayRelay: () => true,
    relayed: (control) => {
      answered.push(control.relay.path);
      told.push(control.relay.path);
    },
    relayedAll: () => idles++,
    ...owner,
  });
  const stop = (name = 'stop') => activity.stop((stopped: Stopped) => told.push(`${name} ${JSON.stringify(stopped)}`));
  return { clock, backend, answered, told, activity, stop, idles: () => idles };
}

describe('[OS-3.4] in order, one at a time', () => {
  test('the next goes when the one before was answered, whatever the answer', () => {
    const { activity, backend, answered, idles } = start();
    for (const path of ['/1', '/2', '/3']) expect(activity.push(command(path))).toBe(true);
    expect(backend.sent('control')).toEqual(['POST /1']);
    backend.last.reply(500);
    expect(backend.sent('control')).toEqual(['POST /1', 'POST /2']);
    backend.last.fail('timeout', 'unknown');
    expect(idles()).toBe(0);
    backend.last.reply();
    expect(answered).toEqual(['/1', '/2', '/3']);
    expect(activity.active).toBe(false);
    expect(idles()).toBe(1);
  });

  test('long queues keep their order and their places', () => {
    const { activity, backend, answered } = start({
      limits: { controlQueueDepth: 5000, controlQueueBytes: 1_000_000 },
    });
    for (let i = 0; i <= 5000; i++) expect(activity.push(command(`/${i}`))).toBe(true);
    expect(activity.push(command('/too-many'))).toBe(false);
    for (let i = 0; i < 2500; i++) backend.last.reply();
    for (let i = 5001; i <= 7500; i++) expect(activity.push(command(`/${i}`))).toBe(true);
    expect(activity.push(command('/too-many'))).toBe(false);
    while (activity.active) backend.last.reply();
    expect(answered).toEqual(Array.from({ length: 7501 }, (_, i) => `/${i}`));
  });

  test('places: the one in flight is not counted, commands and bytes are', () => {
    const { activity, backend } = start({ limits: { controlQueueDepth: 2, controlQueueBytes: 100 } });
    expect(activity.push(command('/1', 5000))).toBe(true);
    expect(activity.push(command('/2', 60))).toBe(true);
    expect(activity.push(command('/3', 41))).toBe(false);
    expect(activity.push(command('/3', 40))).toBe(true);
    expect(activity.push(command('/4', 0))).toBe(false);
    backend.last.reply();
    expect(activity.push(command('/5', 61))).toBe(false);
    expect(activity.push(command('/5', 60))).toBe(true);
  });

  test('a queue of nothing still takes the one that starts at once', () => {
    const { activity, backend } = start({ limits: { controlQueueDepth: 0, controlQueueBytes: 0 } });
    expect(activity.push(command('/1', 99))).toBe(true);
    expect(activity.push(command('/2', 0))).toBe(false);
    backend.last.reply();
    expect(activity.push(command('/3', 99))).toBe(true);
  });

  test('nothing starts while answers are congested; it counts as waiting, and goes on with resume', () => {
    let free = false;
    const { activity, backend } = start({ mayRelay: () => free, limits: { controlQueueDepth: 1 } });
    expect(activity.push(command('/1'))).toBe(true);
    expect(activity.push(command('/2'))).toBe(false);
    expect(backend.calls).toHaveLength(0);
    expect(activity.active).toBe(true);
    activity.resume();
    expect(backend.calls).toHaveLength(0);
    free = true;
    activity.resume();
    activity.resume();
    expect(backend.sent('control')).toEqual(['POST /1']);
  });

  test('whatever is pushed, answered and stopped: each at most once, in order, none lost in silence', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.constant('push' as const) },
      { weight: 4, arbitrary: fc.constant('answer' as const) },
      fc.constant('stop' as const),
      fc.constant('take' as const),
      fc.constant('wait' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { activity, backend, answered, stop, clock, told } = start({ limits: { controlQueueDepth: 4 } });
        const accepted: string[] = [];
        const taken: string[] = [];
        let discarded = 0;
        let pushed = 0;
        for (const what of steps) {
          if (what === 'push' && activity.push(command(`/${++pushed}`))) accepted.push(`/${pushed}`);
          else if (what === 'answer' && backend.open.length > 0) backend.last.reply();
          else if (what === 'stop') stop();
          else if (what === 'take') taken.push(...activity.takeWaiting().map(({ relay }) => relay.path));
          else if (what === 'wait') clock.advance(60);
          expect(backend.open.length).toBeLessThanOrEqual(1);
        }
        while (activity.active) backend.last.reply();
        for (const line of told)
          if (line.startsWith('stop')) discarded += (JSON.parse(line.slice(5)) as Stopped).discarded;
        const sent = backend.calls.map(({ request }) => request.path);
        expect(sent).toEqual(accepted.filter((path) => sent.includes(path)));
        expect(answered).toEqual(sent);
        expect(taken.filter((path) => sent.includes(path))).toEqual([]);
        expect(sent.length + taken.length + discarded).toBe(accepted.length);
        expect(told.filter((line) => line.startsWith('stop'))).toHaveLength(
          steps.filter((what) => what === 'stop').length,
        );
        expect(clock.timers).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

describe('[OS-3.5] stop', () => {
  test('nothing in flight: done at once', () => {
    const { stop, told, clock } = start();
    stop();
    expect(told).toEqual(['stop {"discarded":0,"aborted":false}']);
    expect(clock.timers).toBe(0);
  });

  test('the one in flight may finish; its answer comes first; what came meanwhile goes on behind it', () => {
    const { activity, backend, clock, stop, told } = start();
    for (const path of ['/1', '/2', '/3']) activity.push(command(path));
    stop();
    activity.push(command('/4'));
    clock.advance(99);
    expect(told).toEqual([]);
    backend.last.reply();
    expect(told).toEqual(['/1', 'stop {"discarded":2,"aborted":false}']);
    expect(backend.sent('control')).toEqual(['POST /1', 'POST /4']);
    clock.advance(1000);
    expect(backend.last.aborted).toBe(false);
  });

  test('it is aborted after the grace, once for every stop that waits', () => {
    const { activity, backend, clock, stop, told } = start();
    activity.push(command('/1'));
    stop('first');
    clock.advance(50);
    activity.push(command('/2'));
    stop('second');
    clock.advance(49);
    expect(backend.last.aborted).toBe(false);
    clock.advance(1);
    expect(backend.calls[0]!.aborted).toBe(true);
    expect(told).toEqual(['/1', 'first {"discarded":0,"aborted":true}', 'second {"discarded":1,"aborted":true}']);
    // The abort belongs to that stop alone.
    activity.push(command('/3'));
    stop('third');
    backend.last.reply();
    expect(told.at(-1)).toBe('third {"discarded":0,"aborted":false}');
    expect(clock.timers).toBe(0);
  });

  test('the grace may be cut short while it runs, never lengthened', () => {
    const { activity, backend, clock, stop } = start();
    activity.limitGrace(10);
    expect(clock.timers).toBe(0);
    activity.push(command('/1'));
    activity.limitGrace(10);
    // Nobody waits for it to stop.
    expect(clock.timers).toBe(0);
    stop();
    activity.limitGrace(1000);
    activity.limitGrace(60);
    activity.limitGrace(70);
    clock.advance(59);
    expect(backend.last.aborted).toBe(false);
    clock.advance(1);
    expect(backend.last.aborted).toBe(true);
    expect(clock.timers).toBe(0);
  });

  test('an answer whose report fills the outbox keeps the next from starting', () => {
    const world = new World();
    const talk = world.ready();
    talk.control('/1', { ack: true });
    talk.control('/2', { ack: true });
    talk.outlet.answersCongested = true;
    world.backend.last.reply();
    expect(world.backend.sent('control')).toEqual(['POST /1']);
    talk.outlet.answersCongested = false;
    talk.session.flushed();
    expect(world.backend.sent('control')).toEqual(['POST /1', 'POST /2']);
  });
});

describe('what a session tells of them', () => {
  test('success is silent unless asked for; failures carry id, status, body and outcome', () => {
    const world = new World();
    const talk = world.ready();
    talk.control('/silent');
    world.backend.last.reply();
    talk.control('/acked', { ack: true, id: 7 });
    world.backend.last.reply(201, '{"n": 1.0}');
    talk.control('/refused', { id: 'x' });
    world.backend.last.reply(409, '');
    talk.control('/gone');
    world.backend.last.fail('connection', 'unknown', 200);
    const lines = talk.freshLines();
    expect(lines).toMatchObject([
      { type: 'control_ack', id: 7, status: 201, result: { n: 1 } },
      { type: 'control_err', error: 'control_err', id: 'x', status: 409 },
      { type: 'control_err', outcome: 'unknown', status: 200 },
    ]);
    expect(lines[1]).not.toHaveProperty('body');
    expect(lines[1]).not.toHaveProperty('outcome');
    expect(world.controlled.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'refused', 'unknown']);
  });

  test('the lease is asked for before, touched behind and given back at the end', () => {
    const steps: string[] = [];
    const world = new World({
      access: {
        acquireControl: (id) => {
          steps.push(`acquire ${id}`);
          return { granted: true };
        },
        touchControl: (id) => steps.push(`touch ${id}`),
        releaseControl: (id) => steps.push(`release ${id}`),
      },
    });
    const talk = world.ready();
    talk.control('/c');
    world.backend.last.reply();
    talk.stop('session');
    expect(steps).toEqual(['acquire 1', 'touch 1', 'release 1']);
  });

  test('a lease held by another session refuses, naming who and since when', () => {
    const world = new World({
      access: { acquireControl: () => ({ granted: false, heldBy: 'session 9', since: 1_700_000_000_000 }) },
    });
    const talk = world.ready();
    talk.control('/c', { id: 1 });
    expect(talk.freshLines()).toMatchObject([
      { error: 'control_busy', id: 1, message: expect.stringMatching(/session 9 since 2023-11-14T22:13:20/) },
    ]);
    expect(world.backend.calls).toHaveLength(0);
  });

  test('CONTROL_QUEUE_BYTES counts the bytes of the line', () => {
    const line = `{"cmd":"CONTROL","payload":{"url":"/c","method":"POST","body":["${'é'.repeat(100)}"]}}`;
    const bytes = Buffer.byteLength(line);
    const fits = new World({ limits: { controlQueueBytes: bytes } }).ready();
    fits.control('/first');
    fits.line(line);
    expect(fits.fresh()).toEqual([]);
    const short = new World({ limits: { controlQueueBytes: bytes - 1 } }).ready();
    short.control('/first');
    short.line(line);
    expect(short.fresh()).toEqual(['control_busy']);
  });
});

describe('a client that waits for each answer', () => {
  /** One CONTROL after the other, each `apartMs` after the one before; answers with how often the gateway stayed awake. */
  function loop({ activity, backend, clock }: ReturnType<typeof start>, times: number, apartMs: number): number {
    const before = clock.awake.length;
    for (let i = 0; i < times; i++) {
      activity.push(command(`/${i}`));
      clock.advance(apartMs / 2);
      backend.last.reply();
      clock.advance(apartMs / 2);
    }
    return clock.awake.length - before;
  }

  test('is waited for awake once most of its commands came close behind one another, and as long as they do', () => {
    const world = start();
    // The first one follows none, six make a habit.
    expect(loop(world, 6, 0.4)).toBe(0);
    expect(loop(world, 100, 0.4)).toBe(100);
    expect(world.clock.awake.at(-1)).toBeCloseTo(world.clock.now() - 0.4 + 0.5);
    // One pause ends no habit, a slower pace does.
    world.clock.advance(50);
    expect(loop(world, 10, 0.4)).toBe(10);
    loop(world, 10, 2);
    expect(loop(world, 100, 2)).toBe(0);
    expect(loop(world, 100, 0.4)).toBeGreaterThan(90);
  });

  test('a queue that is worked off is one, too', () => {
    const { activity, backend, clock } = start({ limits: { controlQueueDepth: 100 } });
    for (let i = 0; i < 50; i++) activity.push(command(`/${i}`));
    while (activity.active) {
      clock.advance(0.3);
      backend.last.reply();
    }
    expect(clock.awake.length).toBeGreaterThan(40);
  });

  test('a pace of its own, however steady, is none', () => {
    expect(loop(start(), 1000, 0.6)).toBe(0);
  });

  test('CONTROL_BUSY_POLL_US=0: never', () => {
    expect(loop(start({ limits: { controlBusyPollUs: 0 } }), 1000, 0.1)).toBe(0);
  });
});
