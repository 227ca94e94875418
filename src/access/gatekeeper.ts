// The session's questions about rights, answered from the tokens, the route rules and the control lease.
import type { Access } from '../session/ports.ts';
import type { FailedAttempts } from './attempts.ts';
import type { ControlLease } from './control-lease.ts';
import type { Credentials } from './credentials.ts';
import type { RouteRules } from './route-rules.ts';

interface GatekeeperOptions {
  readonly credentials: Credentials;
  readonly attempts: FailedAttempts;
  readonly rules: RouteRules;
  /** Undefined: CONTROL_EXCLUSIVE is off. */
  readonly lease: ControlLease | undefined;
  readonly now: () => number;
  /** A refused attempt, for the log; the token itself is never told. */
  readonly rejected: (address: string, delayMs: number) => void;
}

/** So many tokens or rules are compared with in about one unit of a turn, 5 µs. */
const COMPARISONS_PER_UNIT = 50;

export class Gatekeeper implements Access {
  readonly units: Access['units'];
  readonly #options: GatekeeperOptions;

  constructor(options: GatekeeperOptions) {
    this.#options = options;
    const tokens = Math.floor(options.credentials.names.length / COMPARISONS_PER_UNIT);
    const rules = Math.floor(options.rules.weight / COMPARISONS_PER_UNIT);
    // A HANDSHAKE may bring a will, which needs a route, too.
    this.units = { HANDSHAKE: tokens + rules, MONITOR: rules, CONTROL: rules, STOP: 0 };
  }

  authenticate(token: unknown, address: string): ReturnType<Access['authenticate']> {
    const { credentials, attempts, rejected } = this.#options;
    if (!credentials.required) return { admitted: true, name: undefined };
    const name = credentials.verify(token);
    if (name !== undefined) {
      attempts.succeeded(address);
      return { admitted: true, name };
    }
    const delayMs = attempts.failed(address);
    rejected(address, delayMs);
    return { admitted: false, delayMs };
  }

  route(method: string, path: string, credential: string | undefined): ReturnType<Access['route']> {
    const query = path.indexOf('?');
    return this.#options.rules.decide({ method, path: query < 0 ? path : path.slice(0, query), credential });
  }

  acquireControl(id: number, address: string, busy: () => boolean): ReturnType<Access['acquireControl']> {
    return this.#options.lease?.acquire({ id, address, busy }, this.#options.now()) ?? GRANTED;
  }

  touchControl(id: number): void {
    this.#options.lease?.touch(id, this.#options.now());
  }

  releaseControl(id: number): void {
    this.#options.lease?.release(id);
  }
}

const GRANTED = { granted: true } as const;
