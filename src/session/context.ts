// What a command's handler may use of its session.
import type { CloseReason } from '../../protocol/close-reasons.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import type { Control, Relay } from '../commands/command.ts';
import type { ErrorDetails } from '../events/encode.ts';
import type { ControlActivity } from './control-activity.ts';
import type { MonitorActivity } from './monitor-activity.ts';
import type { Outlet, SessionCounts, SessionServices, SessionView } from './ports.ts';

export interface SessionContext {
  readonly id: number;
  readonly address: string;
  readonly services: SessionServices;
  readonly outlet: Outlet;
  readonly counts: SessionCounts;
  readonly control: ControlActivity;
  monitor: MonitorActivity | undefined;
  /** When the first poll of the next monitor may be sent, ms on the clock. */
  readonly monitorNotBefore: number;
  credential: string | undefined;
  will: Relay | undefined;
  readonly view: SessionView;
  /** Counts and reports an error that is answered by a line of its own. */
  failed(code: ErrorCode, message: string): void;
  /** Answers by an error; the session goes on. Always false: the command was not carried out, so it feeds no watchdog. */
  refuse(code: ErrorCode, message: string, details?: ErrorDetails): false;
  /** HANDSHAKE succeeded: CONNECTED → READY. */
  ready(): void;
  stopMonitor(): void;
  /** Reports a CONTROL that will never be sent. */
  notSent(command: Control, reason: string): void;
  /** Starts an expiry check, after something became due that was not before. */
  watch(): void;
  /**
   * Ends the session: waiting CONTROLs are reported, the one in flight gets its grace, then `lastLine` is the last line.
   * `waiting: 'discard'` for STOP session, whose own answer counts them.
   */
  close(reason: CloseReason, lastLine: LastLine | undefined, options?: CloseOptions): void;
}

export type LastLine = (stopped: { readonly discarded: number; readonly aborted: boolean }) => string;

export interface CloseOptions {
  readonly waiting?: 'report' | 'discard';
  /** The last line is held back this long, ms. */
  readonly delayMs?: number;
}
