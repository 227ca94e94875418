// One session's CONTROLs: executed in order, one at a time, each at most once, none lost in silence [OS-3.4].
import type { BackendAnswer, Call } from '../backend/backend.ts';
import type { Timer } from '../clock.ts';
import type { Control } from '../commands/command.ts';
import { ClosedLoop } from './closed-loop.ts';
import type { SessionServices } from './ports.ts';

/** Of everything a session may use, what its CONTROLs need. */
export type ControlServices = Pick<SessionServices, 'clock' | 'backend'> & {
  readonly limits: Pick<
    SessionServices['limits'],
    'controlQueueDepth' | 'controlQueueBytes' | 'stopGraceMs' | 'controlBusyPollUs'
  >;
};

export interface ControlOwner {
  /** False while so many answers wait that no more should be caused, and once the connection was reset. */
  mayRelay(): boolean;
  relayed(control: Control, answer: BackendAnswer): void;
  /** The last one ended. */
  relayedAll(): void;
}

/** How stopping ended: what was thrown away, and whether the one in flight had to be aborted. */
export interface Stopped {
  readonly discarded: number;
  readonly aborted: boolean;
}

interface PendingStop {
  readonly discarded: number;
  readonly done: (stopped: Stopped) => void;
}

export class ControlActivity {
  readonly #services: ControlServices;
  readonly #owner: ControlOwner;
  #waiting: Control[] = [];
  /** Index of the first that still waits: shifting a long array for each command would cost its length. */
  #head = 0;
  #waitingBytes = 0;
  #call: Call | undefined;
  /** Absent until the first CONTROL. */
  #loop: ClosedLoop | undefined;
  #stops: PendingStop[] = [];
  #grace: { readonly timer: Timer; readonly endsAt: number } | undefined;
  #aborted = false;

  constructor(services: ControlServices, owner: ControlOwner) {
    this.#services = services;
    this.#owner = owner;
  }

  /** A command is in flight or waits. */
  get active(): boolean {
    return this.#call !== undefined || this.#waitingCount > 0;
  }

  get #waitingCount(): number {
    return this.#waiting.length - this.#head;
  }

  /** Takes a command; false when no more may wait. */
  push(control: Control): boolean {
    const { controlQueueDepth, controlQueueBytes } = this.#services.limits;
    const startsNow = this.#call === undefined && this.#waitingCount === 0 && this.#owner.mayRelay();
    const isFull =
      this.#waitingCount >= controlQueueDepth || this.#waitingBytes + control.lineBytes > controlQueueBytes;
    if (isFull && !startsNow) return false;
    this.#waiting.push(control);
    this.#waitingBytes += control.lineBytes;
    this.#startNext();
    return true;
  }

  /** Goes on after `mayRelay` became true again. */
  resume(): void {
    this.#startNext();
  }

  /** Takes back everything that waits, in order; the one in flight stays. */
  takeWaiting(): Control[] {
    const taken = this.#waiting.slice(this.#head);
    this.#waiting = [];
    this.#head = 0;
    this.#waitingBytes = 0;
    return taken;
  }

  /**
   * Discards what waits and lets the one in flight finish for the grace, then aborts it. Calls `done` behind its answer, at once when
   * nothing is in flight. Commands pushed meanwhile wait behind it.
   */
  stop(done: (stopped: Stopped) => void, graceMs = this.#services.limits.stopGraceMs): void {
    const discarded = this.takeWaiting().length;
    if (this.#call === undefined && this.#stops.length === 0) {
      done({ discarded, aborted: false });
      return;
    }
    this.#stops.push({ discarded, done });
    // From within the answer of an earlier one: it takes its place behind those that were told before it.
    this.limitGrace(graceMs);
  }

  /** Who waits for the one in flight to stop waits no longer than this, ms; an earlier end stays. Nothing happens when nobody does. */
  limitGrace(graceMs: number): void {
    if (this.#call === undefined || this.#stops.length === 0) return;
    const { clock } = this.#services;
    const endsAt = clock.now() + graceMs;
    if (this.#grace && this.#grace.endsAt <= endsAt) return;
    clock.clearTimer(this.#grace?.timer);
    const abort = (): void => {
      this.#aborted = true;
      this.#call?.abort();
    };
    this.#grace = { timer: clock.setTimer(graceMs, abort), endsAt };
  }

  #startNext(): void {
    if (this.#call !== undefined || this.#waitingCount === 0 || !this.#owner.mayRelay()) return;
    const control = this.#waiting[this.#head++]!;
    this.#waitingBytes -= control.lineBytes;
    if (this.#head === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#head = 0;
    } else if (this.#head >= 1024) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    this.#stayAwake();
    this.#call = this.#services.backend.call('control', control.relay, (answer) => this.#answered(control, answer));
  }

  /** For the answer, and for the command that this client sends behind it. */
  #stayAwake(): void {
    const { clock, limits } = this.#services;
    const busyPollMs = limits.controlBusyPollUs / 1000;
    if (busyPollMs === 0) return;
    this.#loop ??= new ClosedLoop();
    const now = clock.now();
    if (this.#loop.next(now, busyPollMs)) clock.stayAwake(now + busyPollMs);
  }

  #answered(control: Control, answer: BackendAnswer): void {
    this.#call = undefined;
    try {
      this.#owner.relayed(control, answer);
    } finally {
      // Whatever comes of one answer, the commands behind it go on.
      if (this.#stops.length > 0) this.#endStops();
      this.#startNext();
      if (!this.active) this.#owner.relayedAll();
    }
  }

  #endStops(): void {
    this.#services.clock.clearTimer(this.#grace?.timer);
    this.#grace = undefined;
    const aborted = this.#aborted;
    this.#aborted = false;
    for (let stop = this.#stops.shift(); stop; stop = this.#stops.shift())
      stop.done({ discarded: stop.discarded, aborted });
  }
}
