// The protocol life of one connection: the only mutable protocol state, and the one place that decides what a line leads to.
import { CLOSE_REASONS, type CloseReason } from '../../protocol/close-reasons.ts';
import { ERRORS, type ErrorCode } from '../../protocol/errors.ts';
import { GATES, type State } from '../../protocol/states.ts';
import type { BackendAnswer } from '../backend/backend.ts';
import type { Command, Control, Envelope, Relay } from '../commands/command.ts';
import type { Refusal } from '../commands/refusal.ts';
import { closing, type ErrorDetails, errorLine } from '../events/encode.ts';
import { type ControlContext, controlNotSent, controlReport } from '../events/outcomes.ts';
import type { CloseOptions, LastLine, SessionContext } from './context.ts';
import { ControlActivity, type ControlOwner } from './control-activity.ts';
import { control } from './handlers/control.ts';
import { handshake } from './handlers/handshake.ts';
import { monitor } from './handlers/monitor.ts';
import { stop } from './handlers/stop.ts';
import type { MonitorActivity } from './monitor-activity.ts';
import type { Outlet, SessionCounts, SessionServices, SessionView } from './ports.ts';
import { traceOf } from './trace.ts';
import { type Expiry, Watchdog, type WatchdogOwner } from './watchdog.ts';

const STOPPING = 'the gateway is stopping';

export class Session implements SessionContext, SessionView, ControlOwner, WatchdogOwner<CloseReason> {
  readonly id: number;
  readonly address: string;
  readonly services: SessionServices;
  readonly outlet: Outlet;
  readonly counts: SessionCounts = { lines: 0, events: 0, skipped: 0, errors: 0, controls: 0 };
  readonly control: ControlActivity;
  monitor: MonitorActivity | undefined;
  monitorNotBefore = Number.NEGATIVE_INFINITY;
  credential: string | undefined;
  will: Relay | undefined;
  #state: State = 'CONNECTED';
  #reason: CloseReason | undefined;
  /** The connection is gone: nobody can be told anything any more. */
  #lost = false;
  #inputEnded = false;
  #malformed = 0;
  readonly #startedAt: number;
  #fedAt: number;
  readonly #watchdog: Watchdog<CloseReason>;

  constructor(id: number, address: string, services: SessionServices, outlet: Outlet) {
    this.id = id;
    this.address = address;
    this.services = services;
    this.outlet = outlet;
    this.#startedAt = this.#fedAt = services.clock.now();
    this.control = new ControlActivity(services, this);
    this.#watchdog = new Watchdog<CloseReason>(services.clock, this);
  }

  get state(): State {
    return this.#state;
  }

  get closeReason(): CloseReason | undefined {
    return this.#reason;
  }

  get durationMs(): number {
    return this.services.clock.now() - this.#startedAt;
  }

  get view(): SessionView {
    return this;
  }

  // What the connection reports ------------------------------------------------------------------

  /** A line with a sound `cmd` and `payload` [OS-2.3]. */
  command(envelope: Envelope): void {
    this.counts.lines++;
    this.services.observer.gated(this.#state, envelope.name);
    const gate = GATES[this.#state][envelope.name];
    if (gate === 'ignore') return;
    if (gate !== 'admit') {
      this.refuse(gate, `${envelope.name} before a successful HANDSHAKE`, { id: envelope.id });
      return;
    }
    const command = envelope.parse();
    if ('code' in command) this.#refused(command);
    else if (this.#carryOut(command)) {
      this.#malformed = 0;
      this.#fedAt = this.services.clock.now();
    }
  }

  /** A line without them. */
  refused(refusal: Refusal): void {
    this.counts.lines++;
    this.#refused(refusal);
  }

  /** A line that is no JSON object [OS-1.5]. */
  broken(fault: string): void {
    this.counts.lines++;
    this.refuse('invalid_ndjson', fault);
  }

  /** A line beyond RX_BUFFER_BYTES; fatal when it does not end within RX_DISCARD_BYTES either [OS-1.4]. */
  overflowed(fatal: boolean): void {
    const { rxBufferBytes, rxDiscardBytes } = this.services.limits;
    if (!fatal) {
      this.counts.lines++;
      this.refuse('rx_buf_overflow', `the line is longer than ${rxBufferBytes} bytes; it was thrown away`);
      return;
    }
    const message = `the line did not end within ${rxDiscardBytes} bytes after its overflow`;
    this.#fail('line_too_long', 'rx_buf_overflow', message);
  }

  /** The connection does not begin like NDJSON [OS-1.7]. */
  foreign(byte: number): void {
    const shown = byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte 0x${byte.toString(16)}`;
    const hint = 'this port speaks NDJSON, not HTTP or TLS: send one JSON object per line';
    this.#fail('not_ndjson', 'invalid_ndjson', `the connection begins with ${shown} instead of {`, hint);
  }

  /** The client ended its side; everything before it has been reported [OS-1.6]. */
  inputEnded(): void {
    this.#inputEnded = true;
    this.#endIfDone();
  }

  /** The connection is gone: nothing that still waits is executed [OS-1.6]. */
  lost(reason: 'connection_lost' | 'peer_dead'): void {
    this.#lost = true;
    this.close(reason, undefined);
  }

  /** The socket has taken some of what waited: a slow reader is no dead one. */
  progressed(): void {
    this.monitor?.progressed();
    if (!this.outlet.answersCongested) this.control.resume();
  }

  /** The socket has taken everything that waited. */
  flushed(): void {
    this.monitor?.flushed();
    if (!this.outlet.answersCongested) this.control.resume();
  }

  /** Answers began to wait. */
  stalled(): void {
    this.#watchdog.look();
  }

  /**
   * The gateway stops: what waits is reported, the CONTROL in flight gets its grace, a last line says why [OS-3.8]. Until then the
   * session lives on, so that nothing it still sends is dropped in silence. `graceMs` is at most STOP_GRACE_MS.
   */
  drain(graceMs = this.services.limits.stopGraceMs): void {
    // What is stopping already may have been given longer.
    this.control.limitGrace(graceMs);
    if (this.#state === 'CLOSING') return;
    for (const command of this.control.takeWaiting()) this.notSent(command, STOPPING);
    this.control.stop(() => this.close('shutdown', () => closing('shutdown')), graceMs);
  }

  // What handlers use ----------------------------------------------------------------------------

  refuse(code: ErrorCode, message: string, details: ErrorDetails = {}): false {
    if (this.#state === 'CLOSING') return false;
    if (!ERRORS[code].malformed) this.#malformed = 0;
    else if (++this.#malformed >= this.services.limits.maxConsecutiveErrors) {
      this.failed(code, message);
      this.close('too_many_errors', () => errorLine(code, message, { ...details, fatal: true }));
      return false;
    }
    this.failed(code, message);
    this.outlet.answer(errorLine(code, message, details));
    return false;
  }

  failed(code: ErrorCode, message: string): void {
    this.counts.errors++;
    this.services.observer.failed(this, code, message);
  }

  ready(): void {
    this.#state = 'READY';
    this.services.observer.handshaken(this);
  }

  stopMonitor(): void {
    if (this.monitor) {
      this.monitor.stop();
      this.monitorNotBefore = this.monitor.nextNotBefore;
      this.monitor = undefined;
    }
    if (this.#state === 'CLOSING') return;
    // Disarmed: the idle time begins now, however long the monitor ran without a command.
    this.#fedAt = this.services.clock.now();
    this.#watchdog.look();
    this.#endIfDone();
  }

  watch(): void {
    this.#watchdog.look();
  }

  notSent(command: Control, reason: string): void {
    this.counts.errors++;
    if (!this.#lost) this.outlet.answer(controlNotSent(contextOf(command), reason, this.services.profile));
    this.services.observer.controlled(this, {
      method: command.relay.method,
      path: command.relay.path,
      ok: false,
      outcome: 'not_sent',
      status: undefined,
      reason,
      durationMs: 0,
      reported: !this.#lost,
    });
  }

  /** Idempotent: the first reason stays. Every timer, poll and waiting command is released here. */
  close(reason: CloseReason, lastLine: LastLine | undefined, options: CloseOptions = {}): void {
    if (this.#state === 'CLOSING') return;
    this.#state = 'CLOSING';
    this.#reason = reason;
    this.#watchdog.stop();
    this.stopMonitor();
    const waiting = options.waiting === 'discard' ? [] : this.control.takeWaiting();
    for (const command of waiting) this.notSent(command, this.#lost ? 'the connection was lost' : 'the session ended');
    const { clock } = this.services;
    this.control.stop((stopped) => {
      // Not before: while one is in flight nobody else may move the machine.
      this.services.access.releaseControl(this.id);
      const end = (): void => {
        if (lastLine) this.outlet.answer(lastLine(stopped));
        this.outlet.finish();
      };
      if (options.delayMs) clock.setTimer(options.delayMs, end);
      else end();
      if (CLOSE_REASONS[reason].will) this.#relayWill();
    });
  }

  // What its CONTROLs and its watchdog ask and report ---------------------------------------------

  /** The end of a session that was reset is on its way; what waits must not overtake it [OS-1.6]. */
  mayRelay(): boolean {
    return !this.outlet.answersCongested && !this.outlet.isReset();
  }

  relayed(command: Control, answer: BackendAnswer): void {
    const { profile, clock, explain, observer, access } = this.services;
    access.touchControl(this.id);
    const { ok, line } = controlReport(contextOf(command), answer, profile, clock.epoch(), explain);
    if (!ok) this.counts.errors++;
    if (line !== undefined && !this.#lost) this.outlet.answer(line);
    observer.controlled(this, traceOf(command.relay, answer, ok, !this.#lost));
  }

  relayedAll(): void {
    this.#endIfDone();
  }

  nextExpiry(): Expiry<CloseReason | undefined> {
    const { limits } = this.services;
    const rule = this.monitor ? this.#armed(limits.armedTimeoutMs) : this.#idle(limits.idleTimeoutMs);
    const stalledSince = this.outlet.stalledSince;
    if (stalledSince === undefined) return rule;
    const at = stalledSince + limits.armedTimeoutMs;
    return at <= rule.at ? { at, reason: 'stalled' } : rule;
  }

  expired(reason: CloseReason): void {
    const { idleTimeoutMs, armedTimeoutMs } = this.services.limits;
    const message = {
      idle_timeout: `no valid command came for ${idleTimeoutMs} ms`,
      stalled: `the connection took nothing for ${armedTimeoutMs} ms while answers waited`,
    }[reason as string];
    this.#fail(reason, 'session_timeout', message ?? `no stream event could be delivered for ${armedTimeoutMs} ms`);
  }

  // Inside ---------------------------------------------------------------------------------------

  #carryOut(command: Command): boolean {
    switch (command.name) {
      case 'HANDSHAKE':
        return handshake(this, command);
      case 'MONITOR':
        return monitor(this, command);
      case 'CONTROL':
        return control(this, command);
      case 'STOP':
        return stop(this, command);
    }
  }

  #refused({ code, message, hint, id }: Refusal): void {
    this.refuse(code, message, { id, hint });
  }

  /** A fatal error: its line is the last one. */
  #fail(reason: CloseReason, code: ErrorCode, message: string, hint?: string): void {
    if (this.#state === 'CLOSING') return;
    this.failed(code, message);
    this.close(reason, () => errorLine(code, message, { hint, fatal: true }));
  }

  #relayWill(): void {
    const will = this.will;
    if (!will) return;
    this.will = undefined;
    const { backend, observer } = this.services;
    backend.call('control', will, (answer) =>
      observer.willed(this, traceOf(will, answer, answer.ok && answer.status >= 200 && answer.status <= 299, false)),
    );
  }

  /** A half-closed session ends when nothing is left to do in it [OS-1.6]. */
  #endIfDone(): void {
    if (this.#inputEnded && !this.monitor && !this.control.active) this.close('end_of_input', undefined);
  }

  #idle(timeoutMs: number): Expiry<CloseReason> {
    return { at: this.#fedAt + timeoutMs, reason: 'idle_timeout' };
  }

  #armed(timeoutMs: number): Expiry<CloseReason | undefined> {
    const due = this.monitor?.dueSince();
    // Nothing is due: the soonest that anything can expire is a whole timeout away.
    if (due === undefined) return { at: this.services.clock.now() + timeoutMs, reason: undefined };
    return { at: Math.max(due, this.#fedAt) + timeoutMs, reason: 'armed_timeout' };
  }
}

const contextOf = ({ relay, id, ack }: Control): ControlContext => ({
  method: relay.method,
  path: relay.path,
  id,
  ack,
});
