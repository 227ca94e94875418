// Whether the backend can be reached: what the latest call to it showed and, when there was none for a while, one quick look.
import type { BackendAnswer, FailedAnswer } from '../backend/backend.ts';
import type { BackendState } from './snapshot.ts';

/** A look at the backend without asking it for anything; must not take longer than `timeoutMs`. */
type Probe = (timeoutMs: number) => Promise<boolean>;

interface BackendHealthOptions {
  readonly probe: Probe;
  /** The answer changed; not called for a backend that is there from the start. */
  readonly changed: (reachable: boolean) => void;
  /** Milliseconds on any monotonic clock. */
  readonly now?: () => number;
  readonly epoch?: () => number;
}

/** What a call showed holds for this long, ms. */
const CALL_HOLDS_MS = 5000;
/** What a probe showed holds for this long, ms; there is never more than one under way. */
const PROBE_HOLDS_MS = 2000;
const PROBE_TIMEOUT_MS = 1000;

export class BackendHealth {
  readonly #options: BackendHealthOptions;
  readonly #now: () => number;
  readonly #epoch: () => number;
  #reachable: boolean | undefined;
  /** When it was found out, and until when that holds, on the monotonic clock. */
  #at = 0;
  #until = Number.NEGATIVE_INFINITY;
  /** When a call last showed that the backend is there. */
  #answeredAt = Number.NEGATIVE_INFINITY;
  #probing: Promise<void> | undefined;

  constructor(options: BackendHealthOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#epoch = options.epoch ?? Date.now;
  }

  /**
   * Any HTTP answer shows that the backend is there, also an error or one that broke off. A call that was aborted, or never got one of
   * our connections, shows nothing.
   */
  answered(answer: BackendAnswer): void {
    if (answer.ok || answer.status !== undefined) {
      this.#answeredAt = this.#now();
      this.#found(true, CALL_HOLDS_MS);
    } else if (answer.fault !== 'aborted' && answer.fault !== 'full' && !this.#hasShownItself(answer))
      this.#found(false, CALL_HOLDS_MS);
  }

  /**
   * The time of a call was over, but meanwhile the backend has answered another one: it is slow, or the call got its connection late.
   * That it accepts connections, which is all that a probe shows, is no answer.
   */
  #hasShownItself({ fault, durationMs }: FailedAnswer): boolean {
    return fault === 'timeout' && this.#answeredAt > this.#now() - durationMs;
  }

  async state(): Promise<BackendState> {
    if (this.#now() >= this.#until) await (this.#probing ??= this.#probe());
    return { reachable: this.#reachable === true, at: this.#epoch() - (this.#now() - this.#at) };
  }

  async #probe(): Promise<void> {
    const startedAt = this.#now();
    const reachable = await this.#options.probe(PROBE_TIMEOUT_MS).catch(() => false);
    this.#probing = undefined;
    // A call that ended meanwhile knows better.
    if (this.#at < startedAt || this.#reachable === undefined) this.#found(reachable, PROBE_HOLDS_MS);
  }

  #found(reachable: boolean, holdsMs: number): void {
    const changed = reachable !== (this.#reachable ?? true);
    this.#reachable = reachable;
    this.#at = this.#now();
    this.#until = this.#at + holdsMs;
    if (changed) this.#options.changed(reachable);
  }
}
