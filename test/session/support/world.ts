// A session and everything it needs, none of it real: lines go in as text, answers come out of the outlet, time is moved by hand.
import type { Profile } from '../../../protocol/profiles.ts';
import type { State } from '../../../protocol/states.ts';
import { parseEnvelope } from '../../../src/commands/parse-command.ts';
import type { Explain } from '../../../src/events/outcomes.ts';
import { decodeLine } from '../../../src/framing/decode-line.ts';
import type { PollObserver } from '../../../src/polling/poll.ts';
import { PollHub } from '../../../src/polling/poll-hub.ts';
import type { Access, ControlTrace, SessionLimits, SessionServices } from '../../../src/session/ports.ts';
import { Session } from '../../../src/session/session.ts';
import { HandBackend } from './hand-backend.ts';
import { HandClock } from './hand-clock.ts';
import { HandOutlet } from './hand-outlet.ts';

const LIMITS: SessionLimits = {
  idleTimeoutMs: 180_000,
  armedTimeoutMs: 5000,
  stopGraceMs: 1000,
  maxConsecutiveErrors: 32,
  controlQueueDepth: 256,
  controlQueueBytes: 1_048_576,
  controlBusyPollUs: 500,
  rxBufferBytes: 65_536,
  rxDiscardBytes: 1_048_576,
};

/** Everybody may do everything. */
const OPEN: Access = {
  units: { HANDSHAKE: 0, MONITOR: 0, CONTROL: 0, STOP: 0 },
  authenticate: () => ({ admitted: true, name: undefined }),
  route: () => ({ allowed: true, minPeriodMs: 0 }),
  acquireControl: () => ({ granted: true }),
  touchControl: () => {},
  releaseControl: () => {},
};

const UNOBSERVED: PollObserver = {
  ticked: () => {},
  voided: () => {},
  polled: () => {},
  backedOff: () => {},
  recovered: () => {},
};

export interface WorldOptions {
  readonly limits?: Partial<SessionLimits>;
  readonly profile?: Profile;
  readonly access?: Partial<Access>;
  readonly explain?: Explain;
  readonly sharing?: boolean;
  readonly maxInFlight?: number;
}

/** One gateway without sockets; `open` starts sessions in it. */
export class World {
  readonly clock = new HandClock();
  readonly backend = new HandBackend(this.clock);
  readonly hub: PollHub;
  readonly services: SessionServices;
  readonly gated: string[] = [];
  readonly failed: string[] = [];
  readonly controlled: ControlTrace[] = [];
  readonly willed: ControlTrace[] = [];
  handshaken = 0;
  draining = false;
  #ids = 0;

  constructor(options: WorldOptions = {}) {
    const { clock, backend } = this;
    this.hub = new PollHub({
      backend,
      clock,
      explain: options.explain,
      sharing: options.sharing ?? true,
      maxInFlight: options.maxInFlight ?? 1,
      connections: 64,
      observe: () => UNOBSERVED,
    });
    this.services = {
      profile: options.profile ?? 'strict',
      limits: { ...LIMITS, ...options.limits },
      clock,
      backend,
      polls: this.hub,
      explain: options.explain,
      access: { ...OPEN, ...options.access },
      observer: {
        gated: (state: State, command: string) => this.gated.push(`${state} ${command}`),
        handshaken: () => this.handshaken++,
        failed: (_session, code) => this.failed.push(code),
        controlled: (_session, what) => this.controlled.push(what),
        willed: (_session, what) => this.willed.push(what),
      },
      draining: () => this.draining,
    };
  }

  open(address = '192.0.2.1'): Talk {
    return new Talk(this, ++this.#ids, address);
  }

  /** A session that has shaken hands, whose acknowledgement is read already. */
  ready(handshake: object = {}): Talk {
    const talk = this.open();
    talk.say('HANDSHAKE', { major: 1, ...handshake });
    const lines = talk.fresh();
    if (lines.join() !== 'handshake_ack') throw new Error(`HANDSHAKE was answered by ${lines.join()}`);
    return talk;
  }
}

export class Talk {
  readonly outlet = new HandOutlet();
  readonly session: Session;
  readonly #profile: Profile;

  constructor(world: World, id: number, address: string) {
    this.#profile = world.services.profile;
    this.session = new Session(id, address, world.services, this.outlet);
  }

  say(cmd: string, payload: object = {}): void {
    this.line(JSON.stringify({ cmd, payload }));
  }

  /** As a connection hands on a framed line. */
  line(text: string): void {
    const line = decodeLine(Buffer.from(text));
    const parsed = 'fault' in line ? line : parseEnvelope(line, this.#profile);
    if ('fault' in parsed) this.session.broken(parsed.fault);
    else if ('code' in parsed) this.session.refused(parsed);
    else this.session.command(parsed);
  }

  control(path: string, more: object = {}): void {
    this.say('CONTROL', { url: path, method: 'POST', ...more });
  }

  monitor(periodMs: number, path = '/m', more: object = {}): void {
    this.say('MONITOR', { url: path, method: 'GET', period_ms: periodMs, ...more });
  }

  stop(target: 'monitor' | 'control' | 'session', more: object = {}): void {
    this.say('STOP', { target, ...more });
  }

  fresh(): string[] {
    return this.outlet.fresh();
  }

  freshLines(): Readonly<Record<string, unknown>>[] {
    return this.outlet.freshLines();
  }
}
