// State × command, and what a session may be asked in each state, without a socket.
import { describe, expect, test } from 'vitest';
import { COMMANDS, type CommandName } from '../../protocol/commands.ts';
import { PROFILES } from '../../protocol/profiles.ts';
import { STATES, type State } from '../../protocol/states.ts';
import { type Talk, World } from './support/world.ts';

const PAYLOADS: Record<CommandName, object> = {
  HANDSHAKE: { major: 1 },
  MONITOR: { url: '/m', method: 'GET', period_ms: 100 },
  CONTROL: { url: '/c', method: 'POST', ack: true },
  STOP: { target: 'monitor' },
};

/** Written down once more, apart from the table: what each command leads to at once. */
const EXPECTED: Record<State, Record<CommandName, string[]>> = {
  CONNECTED: {
    HANDSHAKE: ['handshake_ack'],
    MONITOR: ['handshake_required'],
    CONTROL: ['handshake_required'],
    STOP: ['handshake_required'],
  },
  READY: { HANDSHAKE: ['handshake_ack'], MONITOR: ['monitor_ack'], CONTROL: [], STOP: ['nothing_to_stop'] },
  CLOSING: { HANDSHAKE: [], MONITOR: [], CONTROL: [], STOP: [] },
};

function inState(world: World, state: State): Talk {
  if (state === 'CONNECTED') return world.open();
  const talk = world.ready();
  if (state === 'CLOSING') {
    // A CONTROL in flight keeps the end waiting, so that the state can be looked at.
    talk.control('/slow');
    talk.stop('session');
  }
  return talk;
}

describe('[OS-3.1] state × command', () => {
  for (const state of STATES)
    for (const command of COMMANDS)
      test(`${command} in ${state}`, () => {
        const world = new World();
        const talk = inState(world, state);
        expect(talk.session.state).toBe(state);
        const calls = world.backend.calls.length;
        talk.say(command, PAYLOADS[command]);
        expect(talk.fresh()).toEqual(EXPECTED[state][command]);
        expect(world.gated.at(-1)).toBe(`${state} ${command}`);
        const caused = world.backend.calls.length - calls;
        expect(caused).toBe(state === 'READY' && (command === 'MONITOR' || command === 'CONTROL') ? 1 : 0);
      });

  test('handshake_required comes before every field error, which in turn needs a handshake', () => {
    const world = new World();
    const talk = world.open();
    talk.say('MONITOR', { url: 5 });
    talk.say('HANDSHAKE', { major: 1 });
    talk.say('MONITOR', { url: 5 });
    expect(talk.fresh()).toEqual(['handshake_required', 'handshake_ack', 'invalid_type']);
  });

  test('a wrong HANDSHAKE leaves the session as it was, ready or not', () => {
    const world = new World();
    const talk = world.open();
    talk.say('HANDSHAKE', { major: 2 });
    talk.say('HANDSHAKE', { major: 'x' });
    expect(talk.session.state).toBe('CONNECTED');
    talk.say('HANDSHAKE', { major: 1, will: { url: '/w', method: 'POST' } });
    talk.say('HANDSHAKE', { major: 2, will: { url: '/other', method: 'POST' } });
    expect(talk.session.state).toBe('READY');
    expect(talk.session.will).toEqual({ method: 'POST', path: '/w' });
    expect(talk.fresh()).toEqual(['version_mismatch', 'invalid_type', 'handshake_ack', 'version_mismatch']);
  });

  test('HANDSHAKE again is acknowledged when idle and refused while anything is active', () => {
    const world = new World();
    const talk = world.ready();
    talk.say('HANDSHAKE', { major: 1 });
    talk.control('/c');
    talk.say('HANDSHAKE', { major: 1 });
    world.backend.last.reply();
    talk.say('HANDSHAKE', { major: 1 });
    talk.monitor(100);
    talk.say('HANDSHAKE', { major: 1 });
    // The version is looked at first [OS-2.3].
    talk.say('HANDSHAKE', { major: 3 });
    expect(talk.fresh()).toEqual([
      'handshake_ack',
      'busy_session_active',
      'handshake_ack',
      'monitor_ack',
      'busy_session_active',
      'version_mismatch',
    ]);
  });

  test('every will but the newest acknowledged one is forgotten', () => {
    const world = new World();
    const talk = world.ready({ will: { url: '/first', method: 'POST' } });
    talk.say('HANDSHAKE', { major: 1, will: { url: '/second', method: 'DELETE' } });
    expect(talk.session.will?.path).toBe('/second');
    talk.say('HANDSHAKE', { major: 1 });
    expect(talk.session.will).toBeUndefined();
  });
});

describe('[OS-1.8] malformed lines in a row', () => {
  const malformed = [
    '{',
    '[]',
    '{"cmd":"NO","payload":{}}',
    '{"cmd":"STOP","payload":{"target":"all"}}',
    '{"payload":1}',
  ];

  test('the last one that is allowed carries fatal, whatever kind each is', () => {
    const world = new World({ limits: { maxConsecutiveErrors: malformed.length } });
    const talk = world.ready();
    for (const line of malformed) talk.line(line);
    expect(talk.fresh()).toEqual([
      'invalid_ndjson',
      'invalid_ndjson',
      'invalid_cmd',
      'invalid_target',
      'missing_field!',
    ]);
    expect(talk.session.closeReason).toBe('too_many_errors');
    expect(talk.outlet.finished).toBe(1);
  });

  test('an overflow counts as well', () => {
    const talk = new World({ limits: { maxConsecutiveErrors: 2 } }).ready();
    talk.session.overflowed(false);
    talk.session.overflowed(false);
    expect(talk.fresh()).toEqual(['rx_buf_overflow', 'rx_buf_overflow!']);
  });

  test.each([
    ['a command that is carried out', { cmd: 'HANDSHAKE', payload: { major: 1 } }],
    ['version_mismatch', { cmd: 'HANDSHAKE', payload: { major: 2 } }],
    ['nothing_to_stop', { cmd: 'STOP', payload: { target: 'control' } }],
  ])('%s ends the row', (_name, ending) => {
    const talk = new World({ limits: { maxConsecutiveErrors: 3 } }).ready();
    for (let i = 0; i < 5; i++) {
      talk.line('{');
      talk.line('{');
      talk.line(JSON.stringify(ending));
    }
    expect(talk.session.state).toBe('READY');
    for (let i = 0; i < 3; i++) talk.line('{');
    expect(talk.session.closeReason).toBe('too_many_errors');
  });

  test('handshake_required ends the row too', () => {
    const talk = new World({ limits: { maxConsecutiveErrors: 2 } }).open();
    for (let i = 0; i < 5; i++) {
      talk.line('{');
      talk.stop('monitor');
    }
    expect(talk.session.state).toBe('CONNECTED');
  });
});

describe('[OS-4] what differs in the session between the profiles', () => {
  test.each(PROFILES)('a second MONITOR, nothing to stop, MONITOR with stop (%s)', (profile) => {
    const world = new World({ profile });
    const talk = world.ready();
    talk.stop('monitor');
    talk.stop('control');
    talk.monitor(100, '/one');
    talk.monitor(200, '/two');
    expect(talk.fresh()).toEqual(
      profile === 'strict'
        ? ['nothing_to_stop', 'nothing_to_stop', 'monitor_ack', 'monitor_already_active']
        : ['stop_ack', 'stop_ack', 'monitor_ack', 'monitor_ack'],
    );
    expect(talk.session.monitor?.path).toBe(profile === 'strict' ? '/one' : '/two');
    world.clock.advance(2);
    expect(world.hub.size).toBe(1);
    // Nothing of the replaced one follows.
    const replaced = world.backend.calls[0]!;
    expect(replaced.aborted).toBe(profile === 'vendor');
    world.backend.last.reply();
    expect(talk.fresh()).toEqual(['data']);
    talk.say('MONITOR', { stop: true });
    expect(talk.fresh()).toEqual([profile === 'strict' ? 'missing_field' : 'stop_ack']);
  });

  test('the effective period is told when it was clamped', () => {
    const talk = new World({ profile: 'vendor' }).ready();
    talk.monitor(1);
    expect(talk.freshLines()).toEqual([{ type: 'monitor_ack', period_ms: 2 }]);
    talk.monitor(40_000);
    expect(talk.freshLines()).toEqual([{ type: 'monitor_ack', period_ms: 30_000 }]);
    talk.monitor(30_000);
    expect(talk.freshLines()).toEqual([{ type: 'monitor_ack' }]);
  });

  test('a slowest period that the route rules allow is told too', () => {
    const world = new World({ access: { route: () => ({ allowed: true, minPeriodMs: 50 }) } });
    const talk = world.ready();
    talk.monitor(10);
    expect(talk.freshLines()).toEqual([{ type: 'monitor_ack', period_ms: 50 }]);
    expect(talk.session.monitor?.periodMs).toBe(50);
  });
});
