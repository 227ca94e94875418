// Judges one peer by what the kernel tells of it: since when nothing was heard, and whether it was asked meanwhile.
import { type PeerFigures, TIMER } from './peer-tables.ts';

/** Bytes the kernel has been given so far: surely, and at the most; they differ while the process itself still holds some. */
export interface Handed {
  readonly least: number;
  readonly most: number;
}

/** Node's fixed distance between two keep-alive probes that are not answered, ms. */
export const PROBE_INTERVAL_MS = 1000;

/** One unanswered question may be a lost packet, or an answer that is still under way. */
const ENOUGH_RETRANSMITS = 2;
const ENOUGH_PROBES = 2;
/** Probes of a closed window come at growing distances: the last one may be quite young. */
const ENOUGH_WINDOW_PROBES = 3;

export class PeerSilence {
  #heardAt: number;
  /** Since when questions go unanswered; undefined while none does. */
  #askedSince: number | undefined;
  /** Bytes that had been acknowledged, at the most, when the peer was last heard; one more is a sign of life. */
  #acknowledged: number;
  #last: PeerFigures = { waiting: 0, timer: 0, timerMs: 0, retransmits: 0, probes: 0 };

  /** A peer that was heard just now. `handed` is what the kernel has been given at most. */
  constructor(now: number, handed: number) {
    this.#heardAt = now;
    this.#acknowledged = handed;
  }

  get figures(): PeerFigures {
    return this.#last;
  }

  /** Milliseconds since the peer was last heard, as far as is known. */
  silentMs(now: number): number {
    return now - this.#heardAt;
  }

  /**
   * A new row of the tables, printed about `now`. `handed.least` was taken before the row was printed, `handed.most` afterwards.
   * `keepAliveMs` is after how long a silence the kernel begins to probe; undefined when nobody cares whether an idle peer lives.
   * Answers whether the peer has acknowledged more than before.
   */
  observe(row: PeerFigures, handed: Handed, now: number, keepAliveMs: number | undefined): boolean {
    const last = this.#last;
    this.#last = row;
    // The kernel forgets unanswered probes of a window once it sends bytes instead: that is no answer.
    const forgotten = row.waiting > 0 && row.timer === TIMER.retransmit;
    const advanced = handed.least - row.waiting > this.#acknowledged;
    const answered = advanced || row.retransmits < last.retransmits || (row.probes < last.probes && !forgotten);
    // A window that stays closed without a question open: the peer does not read, but it answers.
    const full = row.timer === TIMER.closedWindow && last.timer === TIMER.closedWindow && row.probes === 0;
    const unasked = row.waiting === 0 && (keepAliveMs === undefined || row.timer !== TIMER.keepAlive);
    if (answered || full || unasked) {
      this.#heardAt = now;
      this.#acknowledged = handed.most - row.waiting;
    } else if (row.waiting === 0) {
      // The running timer tells when the peer was heard: the first probe comes `keepAliveMs` after that.
      const heardAt = now + row.timerMs - keepAliveMs! - row.probes * PROBE_INTERVAL_MS;
      this.#heardAt = Math.min(now, Math.max(this.#heardAt, heardAt));
    }
    const asked = row.probes > 0 || (row.waiting > 0 && row.retransmits > 0);
    if (!asked || answered) this.#askedSince = undefined;
    if (asked) this.#askedSince ??= now;
    return advanced;
  }

  /**
   * When the peer will have been silent for long enough to be given up, unless it is heard before; undefined while it has not
   * been asked often enough. Half of the time must have passed with open questions: a guess about when it was last heard
   * alone never ends a session.
   */
  deadline(timeoutMs: number): number | undefined {
    const { timer, retransmits, probes } = this.#last;
    const enoughProbes = timer === TIMER.closedWindow ? ENOUGH_WINDOW_PROBES : ENOUGH_PROBES;
    if (this.#askedSince === undefined || (retransmits < ENOUGH_RETRANSMITS && probes < enoughProbes)) return undefined;
    return Math.max(this.#heardAt + timeoutMs, this.#askedSince + timeoutMs / 2);
  }
}
