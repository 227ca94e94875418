// Every way a session ends: its reason, its last lines and their order, what becomes of CONTROLs, will, poll and timers.
import { describe, expect, test } from 'vitest';
import { CLOSE_REASONS, type CloseReason } from '../../protocol/close-reasons.ts';
import { type Talk, World, type WorldOptions } from './support/world.ts';

interface Ending {
  readonly options?: WorldOptions;
  /** The last line in short; none when nobody hears it or nothing has to be said. */
  readonly last: string | undefined;
  /** Waiting CONTROLs are told, or counted in the answer. */
  readonly discards?: true;
  readonly lost?: true;
  readonly make: (talk: Talk, world: World) => void;
}

/** What a session itself can end by; the others are ends of a connection that never became one. */
const ENDINGS: Partial<Record<CloseReason, Ending>> = {
  stop_session: { last: 'stop_ack', discards: true, make: (talk) => talk.stop('session') },
  connection_lost: { last: undefined, lost: true, make: ({ session }) => session.lost('connection_lost') },
  peer_dead: { last: undefined, lost: true, make: ({ session }) => session.lost('peer_dead') },
  armed_timeout: {
    options: { limits: { armedTimeoutMs: 500 } },
    last: 'session_timeout!',
    make: (_talk, world) => world.clock.advance(500),
  },
  stalled: {
    options: { limits: { armedTimeoutMs: 500 } },
    last: 'session_timeout!',
    make: (talk, world) => {
      talk.outlet.stalledSince = world.clock.now();
      talk.session.stalled();
      world.backend.calls.find(({ lane }) => lane === 'poll')?.reply();
      world.clock.advance(500);
    },
  },
  line_too_long: { last: 'rx_buf_overflow!', make: ({ session }) => session.overflowed(true) },
  not_ndjson: { last: 'invalid_ndjson!', make: ({ session }) => session.foreign(0x47) },
  too_many_errors: {
    options: { limits: { maxConsecutiveErrors: 1 } },
    last: 'invalid_ndjson!',
    make: (talk) => talk.line('{'),
  },
  shutdown: { last: 'closing', make: ({ session }) => session.drain() },
  internal: { last: undefined, make: ({ session }) => session.close('internal', undefined) },
};

/** Everybody is known until a token is given. */
const TOKEN: WorldOptions = {
  access: { authenticate: (token) => (token ? { admitted: false, delayMs: 0 } : { admitted: true, name: 'a' }) },
};

Object.assign(ENDINGS, {
  credentials: {
    options: TOKEN,
    last: 'handshake_rejected!',
    make: (talk) => talk.say('HANDSHAKE', { major: 1, token: 'wrong' }),
  },
  draining: {
    last: 'handshake_rejected!',
    make: (talk, world) => {
      world.draining = true;
      talk.say('HANDSHAKE', { major: 1 });
    },
  },
} satisfies Partial<Record<CloseReason, Ending>>);

/** A session with a will, a monitor whose poll is under way, one CONTROL in flight and three waiting. */
function busy(world: World): Talk {
  const talk = world.ready({ will: { url: '/will', method: 'PUT', body: { last: 1.0 } } });
  talk.monitor(1000);
  for (const path of ['/c1', '/c2', '/c3', '/c4']) talk.control(path, { id: path });
  talk.fresh();
  return talk;
}

const controls = (world: World): string[] => world.backend.sent('control');

describe.each(Object.entries(ENDINGS) as [CloseReason, Ending][])('the end %s', (reason, ending) => {
  const { options, make, last, lost, discards } = ending;
  const notSent = lost || discards ? [] : ['control_err', 'control_err', 'control_err'];

  test('the CONTROL in flight answers within its grace, then the last line, then the will', () => {
    const world = new World(options);
    const talk = busy(world);
    make(talk, world);
    expect(talk.session.closeReason).toBe(reason === 'shutdown' ? undefined : reason);
    expect(talk.fresh().filter((line) => line !== 'data')).toEqual(notSent);
    expect(talk.outlet.finished).toBe(0);
    expect(controls(world)).toEqual(['POST /c1']);
    world.backend.calls.find(({ request }) => request.path === '/c1')?.reply(500);
    expect(talk.session.closeReason).toBe(reason);
    const lines = talk.freshLines();
    expect(lines.map((line) => line['type'] ?? line['error'])).toEqual(
      [lost ? undefined : 'control_err', last?.replace('!', '')].filter((line) => line !== undefined),
    );
    expect(lines.at(-1)?.['fatal'] === true).toBe(last?.endsWith('!') ?? false);
    if (discards) expect(lines.at(-1)).toMatchObject({ discarded: 3 });
    expect(talk.outlet.finished).toBe(1);
    expect(controls(world)).toEqual(CLOSE_REASONS[reason].will ? ['POST /c1', 'PUT /will'] : ['POST /c1']);
    expect(world.willed).toHaveLength(0);
    world.backend.open.find(({ lane }) => lane === 'control')?.reply();
    expect(world.willed).toHaveLength(CLOSE_REASONS[reason].will ? 1 : 0);
  });

  test('one that does not end is aborted after the grace; the will waits for that', () => {
    const world = new World(options);
    const talk = busy(world);
    make(talk, world);
    talk.fresh();
    world.clock.advance(999);
    expect(talk.outlet.finished).toBe(0);
    expect(controls(world)).toEqual(['POST /c1']);
    world.clock.advance(1);
    const lines = talk.freshLines().filter((line) => line['type'] !== 'data');
    if (!lost) expect(lines[0]).toMatchObject({ type: 'control_err', id: '/c1', outcome: 'unknown' });
    const expected = discards ? 'stop_failed' : last?.replace('!', '');
    expect(lines.slice(lost ? 0 : 1).map((line) => line['error'] ?? line['type'])).toEqual(expected ? [expected] : []);
    expect(talk.outlet.finished).toBe(1);
    expect(controls(world).length).toBe(CLOSE_REASONS[reason].will ? 2 : 1);
  });

  test('nothing is left behind: no poll, no timer, no answer to what comes later', () => {
    const world = new World(options);
    const talk = busy(world);
    make(talk, world);
    world.backend.calls.find(({ request }) => request.path === '/c1')?.reply();
    expect(world.hub.size).toBe(0);
    for (const call of world.backend.open) call.reply();
    expect(world.clock.timers).toBe(0);
    const before = talk.outlet.lines.length;
    talk.control('/late');
    talk.line('{');
    talk.session.drain();
    talk.session.lost('connection_lost');
    talk.session.inputEnded();
    talk.session.flushed();
    talk.session.stalled();
    world.clock.advance(600_000);
    expect(talk.outlet.lines).toHaveLength(before);
    expect(talk.outlet.finished).toBe(1);
    expect(talk.session.closeReason).toBe(reason);
    expect(controls(world)).not.toContain('POST /late');
  });

  test('an idle session ends at once', () => {
    if (reason === 'armed_timeout') return;
    const world = new World(options);
    const talk = world.ready();
    make(talk, world);
    expect(talk.fresh()).toEqual(last === undefined ? [] : [last]);
    expect(talk.outlet.finished).toBe(1);
    expect(talk.session.state).toBe('CLOSING');
    expect(world.clock.timers).toBe(0);
  });
});

describe('the ends that need an idle session', () => {
  test('idle_timeout', () => {
    const world = new World();
    const talk = world.ready({ will: { url: '/will', method: 'POST' } });
    world.clock.advance(180_000);
    expect(talk.fresh()).toEqual(['session_timeout!']);
    expect(talk.session.closeReason).toBe('idle_timeout');
    expect(talk.outlet.finished).toBe(1);
    expect(controls(world)).toEqual(['POST /will']);
  });

  test('[OS-1.6] end_of_input: at once when idle, otherwise behind the last CONTROL and with the monitor', () => {
    const world = new World();
    const idle = world.ready({ will: { url: '/will', method: 'POST' } });
    idle.session.inputEnded();
    expect(idle.session.closeReason).toBe('end_of_input');
    expect(idle.fresh()).toEqual([]);
    expect(controls(world)).toEqual(['POST /will']);

    const talk = world.ready();
    talk.control('/a', { ack: true });
    talk.control('/b', { ack: true });
    talk.session.inputEnded();
    world.backend.last.reply();
    expect(talk.outlet.finished).toBe(0);
    world.backend.last.reply();
    expect(talk.fresh()).toEqual(['control_ack', 'control_ack']);
    expect(talk.session.closeReason).toBe('end_of_input');

    const watcher = world.ready();
    watcher.monitor(100);
    watcher.session.inputEnded();
    world.backend.last.reply();
    world.clock.advance(100);
    world.backend.last.reply();
    expect(watcher.fresh()).toEqual(['monitor_ack', 'data', 'data']);
    expect(watcher.session.state).toBe('READY');
  });

  test('end_of_input of a session that never shook hands', () => {
    const talk = new World().open();
    talk.session.inputEnded();
    expect(talk.session.closeReason).toBe('end_of_input');
    expect(talk.outlet.finished).toBe(1);
  });

  test('the table above and these name every reason that is the session’s own', () => {
    const elsewhere = ['idle_timeout', 'end_of_input', 'full', 'rate_limited', 'tls', 'proxy_header'];
    expect([...Object.keys(ENDINGS), ...elsewhere].sort()).toEqual(Object.keys(CLOSE_REASONS).sort());
  });
});

describe('corners of ending', () => {
  test('the first reason stays, and the connection’s loss in the middle silences the rest', () => {
    const world = new World();
    const talk = busy(world);
    talk.session.foreign(0x16);
    talk.fresh();
    talk.session.lost('connection_lost');
    world.backend.calls.find(({ request }) => request.path === '/c1')?.reply(500);
    expect(talk.session.closeReason).toBe('not_ndjson');
    expect(talk.fresh()).toEqual(['invalid_ndjson!']);
    expect(world.controlled.at(-1)).toMatchObject({ path: '/c1', reported: false });
    expect(controls(world)).toEqual(['POST /c1', 'PUT /will']);
  });

  test('credentials are refused after their delay, and the will does not wait for it', () => {
    const world = new World({
      access: { authenticate: (token) => (token ? { admitted: false, delayMs: 700 } : { admitted: true, name: 'a' }) },
    });
    const talk = world.ready({ will: { url: '/will', method: 'POST' } });
    talk.say('HANDSHAKE', { major: 1, token: 'x' });
    expect(talk.fresh()).toEqual([]);
    expect(controls(world)).toEqual(['POST /will']);
    world.clock.advance(699);
    expect(talk.outlet.finished).toBe(0);
    world.clock.advance(1);
    expect(talk.fresh()).toEqual(['handshake_rejected!']);
    expect(talk.outlet.finished).toBe(1);
  });

  test('STOP session while STOP control waits: both are answered, in order, behind the CONTROL', () => {
    const world = new World();
    const talk = busy(world);
    talk.stop('control', { id: 1 });
    talk.control('/c5');
    talk.stop('session', { id: 2 });
    world.backend.calls.find(({ request }) => request.path === '/c1')?.reply();
    expect(talk.freshLines()).toEqual([
      { type: 'stop_ack', target: 'control', discarded: 3, id: 1 },
      { type: 'stop_ack', target: 'session', discarded: 1, id: 2 },
    ]);
    expect(talk.outlet.finished).toBe(1);
    expect(controls(world)).toEqual(['POST /c1']);
  });

  test('[OS-3.8] a drain lets the session talk until its last line, and refuses what is new', () => {
    const world = new World();
    const talk = busy(world);
    world.draining = true;
    talk.session.drain();
    talk.session.drain();
    expect(talk.fresh()).toEqual(['control_err', 'control_err', 'control_err']);
    expect(talk.session.state).toBe('READY');
    talk.control('/new');
    expect(talk.freshLines()).toMatchObject([{ type: 'control_err', outcome: 'not_sent' }]);
    talk.stop('monitor');
    talk.monitor(100);
    expect(talk.fresh()).toEqual(['stop_ack', 'monitor_internal_error']);
    world.clock.advance(1000);
    expect(talk.fresh()).toEqual(['control_err', 'closing']);
    expect(talk.session.closeReason).toBe('shutdown');
    expect(controls(world)).toEqual(['POST /c1', 'PUT /will']);
  });

  test('a will that fails is traced and told to nobody', () => {
    const world = new World();
    const talk = world.ready({ will: { url: '/will', method: 'POST' } });
    talk.session.lost('connection_lost');
    world.backend.last.reply(500);
    expect(world.willed).toMatchObject([
      { path: '/will', ok: false, outcome: 'refused', status: 500, reported: false },
    ]);
    expect(talk.fresh()).toEqual([]);
  });

  test('[OS-6.4] the will is relayed as it was written', () => {
    const world = new World();
    const talk = world.open();
    talk.line(
      '{"cmd":"HANDSHAKE","payload":{"major":1,"will":{"url":"/w","method":"POST","args":{"a":1.0},"body":{"x": 1e3}}}}',
    );
    talk.session.lost('peer_dead');
    expect(world.backend.last.request).toEqual({ method: 'POST', path: '/w?a=1.0', body: '{"x": 1e3}' });
  });

  test('a session that never shook hands has no will', () => {
    const world = new World();
    const talk = world.open();
    talk.say('HANDSHAKE', { major: 2, will: { url: '/w', method: 'POST' } });
    talk.session.lost('connection_lost');
    expect(world.backend.calls).toHaveLength(0);
  });
});
