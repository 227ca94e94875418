// What a session needs of the world, as interfaces: it never sees a socket, an HTTP client or the environment.
import type { CommandName } from '../../protocol/commands.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import type { Profile } from '../../protocol/profiles.ts';
import type { State } from '../../protocol/states.ts';
import type { Backend } from '../backend/backend.ts';
import type { Clock } from '../clock.ts';
import type { DataEvent } from '../events/data.ts';
import type { Explain } from '../events/outcomes.ts';
import type { PollMember } from '../polling/audience.ts';
import type { PollMembership } from '../polling/poll.ts';

/** How far a line got: taken by the socket, waiting in the outbox, or left out because of congestion. */
export type Sent = 'sent' | 'waiting' | 'skipped';

/** The session's one way out. */
export interface Outlet {
  /** Never skipped [OS-3.7]. */
  answer(line: string): Sent;
  /** Skipped while congested. `prefix` is what `dataPrefix` made, empty for the event as all others get it. */
  data(event: DataEvent, prefix: string): Sent;
  /** More than TX_BUFFER_BYTES of answers wait; no CONTROL is started until they drain. */
  readonly answersCongested: boolean;
  /** Since when the socket has taken nothing while answers wait; undefined while none wait. */
  readonly stalledSince: number | undefined;
  /** The peer has reset the connection, as far as the kernel knows at this moment; also where nobody reads, who would notice it. */
  isReset(): boolean;
  /** Everything has been said: flush, then end the connection. */
  finish(): void;
}

export interface SessionLimits {
  readonly idleTimeoutMs: number;
  readonly armedTimeoutMs: number;
  readonly stopGraceMs: number;
  readonly maxConsecutiveErrors: number;
  readonly controlQueueDepth: number;
  readonly controlQueueBytes: number;
  readonly controlBusyPollUs: number;
  readonly rxBufferBytes: number;
  readonly rxDiscardBytes: number;
}

/** Who may do what; decided elsewhere, asked here. */
export interface Access {
  /** The units of a turn that its decision on a command costs: with many tokens or rules it is the most expensive part of a line. */
  readonly units: Readonly<Record<CommandName, number>>;
  /** The credential's name when tokens are configured and one fits; a refusal waits `delayMs` before it is sent [OS-6.3]. */
  authenticate(
    token: unknown,
    address: string,
  ):
    | { readonly admitted: true; readonly name: string | undefined }
    | { readonly admitted: false; readonly delayMs: number };
  route(
    method: string,
    path: string,
    credential: string | undefined,
  ): { readonly allowed: true; readonly minPeriodMs: number } | { readonly allowed: false };
  /** Whether this session may send CONTROLs now; with CONTROL_EXCLUSIVE only one may, and keeps it while it is `busy`. */
  acquireControl(
    sessionId: number,
    address: string,
    busy: () => boolean,
  ): { readonly granted: true } | { readonly granted: false; readonly heldBy: string; readonly since: number };
  /** A CONTROL of this session has ended; while one runs its holder is not idle. */
  touchControl(sessionId: number): void;
  releaseControl(sessionId: number): void;
}

/** What happens in sessions, for whoever logs and counts it; must not throw. */
export interface SessionObserver {
  /** A command in a state: what the gate was asked. */
  gated(state: State, command: CommandName): void;
  handshaken(session: SessionView): void;
  failed(session: SessionView, code: ErrorCode, message: string): void;
  controlled(session: SessionView, what: ControlTrace): void;
  willed(session: SessionView, what: ControlTrace): void;
}

export interface ControlTrace {
  readonly method: string;
  readonly path: string;
  readonly ok: boolean;
  /** `ok`, `refused` with a status, or what is known of a call without a complete answer. */
  readonly outcome: 'ok' | 'refused' | 'not_sent' | 'unknown';
  readonly status: number | undefined;
  readonly reason: string | undefined;
  readonly durationMs: number;
  /** False when nobody could be told because the session had ended. */
  readonly reported: boolean;
}

export interface SessionCounts {
  /** Lines received, broken ones included. */
  lines: number;
  /** `data` and `monitor_internal_error` sent. */
  events: number;
  skipped: number;
  errors: number;
  controls: number;
}

/** A session as others may see it. */
export interface SessionView {
  readonly id: number;
  readonly address: string;
  readonly credential: string | undefined;
  readonly state: State;
  readonly counts: Readonly<SessionCounts>;
  readonly monitor: { readonly path: string; readonly periodMs: number } | undefined;
  readonly durationMs: number;
}

export interface SessionServices {
  readonly profile: Profile;
  readonly limits: SessionLimits;
  readonly clock: Clock;
  readonly backend: Pick<Backend, 'call'>;
  readonly polls: {
    join(
      subject: { path: string; periodMs: number; credential: string | undefined },
      monitor: PollMember,
    ): PollMembership;
  };
  readonly explain: Explain | undefined;
  readonly access: Access;
  readonly observer: SessionObserver;
  /** True once the gateway drains: no HANDSHAKE is admitted any more [OS-3.2]. */
  draining(): boolean;
}
