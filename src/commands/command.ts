// What a checked line asks for, with everything that will be relayed already in the form in which it is sent.
import type { CommandName, ControlMethod, StopTarget } from '../../protocol/commands.ts';
import type { Refusal } from './refusal.ts';

/** One REST request on behalf of a client: the method, the encoded path with its query, and the body character for character. */
export interface Relay {
  readonly method: ControlMethod;
  readonly path: string;
  readonly body?: string;
}

export interface Handshake {
  readonly name: 'HANDSHAKE';
  readonly id?: string;
  readonly major: number;
  /** Whatever the client sent; only a configured token fits [OS-6.3]. */
  readonly token: unknown;
  readonly will?: Relay;
}

export interface Monitor {
  readonly name: 'MONITOR';
  readonly id?: string;
  readonly path: string;
  /** Milliseconds, 2 to 30000; in the vendor profile already clamped [OS-4]. */
  readonly periodMs: number;
  /** True when `periodMs` is not what the client asked for. */
  readonly clamped: boolean;
}

export interface Control {
  readonly name: 'CONTROL';
  readonly id?: string;
  readonly relay: Relay;
  /** The client asked for an answer to success too [OS-6.2]. */
  readonly ack: boolean;
  /** Length of the line; what it counts for in CONTROL_QUEUE_BYTES [OS-3.4]. */
  readonly lineBytes: number;
}

export interface Stop {
  readonly name: 'STOP';
  readonly id?: string;
  readonly target: StopTarget;
}

export type Command = Handshake | Monitor | Control | Stop;

/**
 * A line whose `cmd` and `payload` are sound. Its fields are checked only when the session admits the command, because
 * `handshake_required` comes before any field error [OS-2.3].
 */
export interface Envelope {
  readonly name: CommandName;
  readonly id?: string;
  parse(): Command | Refusal;
}
