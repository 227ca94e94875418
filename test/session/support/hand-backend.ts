// A backend without a network: every call is kept, and answered when and as the test says.
import type { Backend, BackendAnswer, BackendRequest, Call, FailedAnswer, Lane } from '../../../src/backend/backend.ts';
import type { Clock } from '../../../src/clock.ts';

class HandCall implements Call {
  readonly lane: Lane;
  readonly request: BackendRequest;
  readonly sentAt: number;
  aborted = false;
  readonly #clock: Clock;
  #done: ((answer: BackendAnswer) => void) | undefined;

  constructor(clock: Clock, lane: Lane, request: BackendRequest, done: (answer: BackendAnswer) => void) {
    this.#clock = clock;
    this.lane = lane;
    this.request = request;
    this.sentAt = clock.now();
    this.#done = done;
  }

  get open(): boolean {
    return this.#done !== undefined;
  }

  /** The backend's complete answer. */
  reply(status = 200, body = '{"ok":true}', more: { retryAfter?: string; oversize?: boolean } = {}): void {
    this.#settle({
      ok: true,
      status,
      body: Buffer.from(more.oversize ? '' : body),
      oversize: more.oversize ?? false,
      ...(more.retryAfter === undefined ? {} : { retryAfter: more.retryAfter }),
      durationMs: this.#clock.now() - this.sentAt,
    });
  }

  fail(fault: FailedAnswer['fault'] = 'connect', outcome: FailedAnswer['outcome'] = 'not_sent', status?: number): void {
    this.#settle({
      ok: false,
      outcome,
      ...(status === undefined ? {} : { status }),
      reason: `the test made it fail (${fault})`,
      fault,
      durationMs: this.#clock.now() - this.sentAt,
    });
  }

  /** As the real one: the answer comes from within, at once, unless there was one already. */
  abort(): void {
    if (!this.open) return;
    this.aborted = true;
    this.fail('aborted', 'unknown');
  }

  #settle(answer: BackendAnswer): void {
    const done = this.#done;
    if (done === undefined) throw new Error('this call was answered already');
    this.#done = undefined;
    done(answer);
  }
}

export class HandBackend implements Backend {
  readonly calls: HandCall[] = [];
  /** Called for each new call, in a later turn, as a real answer can only come then. */
  auto: ((call: HandCall) => void) | undefined;
  readonly #clock: Clock;
  readonly #keep: boolean;

  /** `keep: false` for runs so long that remembering every call would cost more than the run. */
  constructor(clock: Clock, keep = true) {
    this.#clock = clock;
    this.#keep = keep;
  }

  call(lane: Lane, request: BackendRequest, done: (answer: BackendAnswer) => void): HandCall {
    const call = new HandCall(this.#clock, lane, request, done);
    if (this.#keep) this.calls.push(call);
    const { auto } = this;
    if (auto)
      this.#clock.soon(() => {
        if (call.open) auto(call);
      });
    return call;
  }

  /** The calls that have not been answered. */
  get open(): HandCall[] {
    return this.calls.filter((call) => call.open);
  }

  /** `POST /path` of every call of a lane, in order. */
  sent(lane: Lane): string[] {
    return this.calls.filter((call) => call.lane === lane).map(({ request }) => `${request.method} ${request.path}`);
  }

  /** The newest call. */
  get last(): HandCall {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error('nothing was called yet');
    return call;
  }

  async close(): Promise<void> {}
}
