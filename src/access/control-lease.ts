// Who holds control when CONTROL_EXCLUSIVE is on: one session at a time may move the machine.

interface ControlLeaseOptions {
  /** A holder that sends no CONTROL for this long loses control to whoever asks next, in ms; 0: it never does. */
  readonly idleMs: number;
  /** Epoch ms, told as `since`; default `Date.now`. */
  readonly epoch?: () => number;
}

interface ControlHolder {
  /** The session's own id. */
  readonly id: string | number;
  /** The address another client is told. */
  readonly address: string;
  /** Whether a CONTROL of it waits or runs; while one does it is not idle. Default: never. */
  readonly busy?: () => boolean;
}

type ControlGrant =
  | { readonly granted: true }
  | {
      readonly granted: false;
      /** The holder's address. */
      readonly heldBy: string;
      /** Since when it holds control, epoch ms. */
      readonly since: number;
    };

interface Held extends ControlHolder {
  readonly since: number;
  usedAt: number;
}

/** At most one holder. `nowMs` is always milliseconds on the same monotonic clock. */
export class ControlLease {
  readonly #idleMs: number;
  readonly #epoch: () => number;
  #held: Held | undefined;

  constructor(options: ControlLeaseOptions) {
    this.#idleMs = options.idleMs;
    this.#epoch = options.epoch ?? Date.now;
  }

  /** Asked with each CONTROL: the first one takes control, the holder's further ones keep it, everybody else's are refused. */
  acquire(holder: ControlHolder, nowMs: number): ControlGrant {
    const held = this.#current(nowMs);
    if (held === undefined) {
      this.#held = { ...holder, since: this.#epoch(), usedAt: nowMs };
      return { granted: true };
    }
    if (held.id !== holder.id) return { granted: false, heldBy: held.address, since: held.since };
    held.usedAt = nowMs;
    return { granted: true };
  }

  /** Keeps control from going idle while a CONTROL of this session waits or runs; nothing when it is not the holder. */
  touch(id: string | number, nowMs: number): void {
    if (this.#held?.id === id) this.#held.usedAt = nowMs;
  }

  /** Gives control back (STOP control, end of the session); nothing when this session does not hold it. */
  release(id: string | number): void {
    if (this.#held?.id === id) this.#held = undefined;
  }

  /** The holder, if any, for those who watch. */
  holder(
    nowMs: number,
  ): { readonly id: string | number; readonly address: string; readonly since: number } | undefined {
    const held = this.#current(nowMs);
    return held === undefined ? undefined : { id: held.id, address: held.address, since: held.since };
  }

  #current(nowMs: number): Held | undefined {
    const held = this.#held;
    if (held === undefined || this.#idleMs <= 0 || nowMs - held.usedAt < this.#idleMs) return held;
    if (held.busy?.()) {
      held.usedAt = nowMs;
      return held;
    }
    this.#held = undefined;
    return undefined;
  }
}
