// The REST side over HTTP: the only owner of undici. Sends each request once and tells whether it was sent.
import type { LookupFunction } from 'node:net';
import { type Dispatcher, Pool } from 'undici';
import type { Backend, BackendAnswer, BackendRequest, Call, FailedAnswer, Lane } from './backend.ts';
import { CallTimeouts, TimedCall } from './call-timeouts.ts';
import { describeFault } from './describe-fault.ts';
import { LaneConnections, type Passenger } from './lane-connections.ts';
import { sharedLookup } from './shared-lookup.ts';

export interface HttpBackendOptions {
  /** Origin and optional base path, without a `/` at its end. */
  readonly url: string;
  /** Bound on a whole call, connecting and waiting for a free connection included, in ms. */
  readonly timeoutMs: number;
  /** Connections at most, for each lane. */
  readonly connections: number;
  /** Bodies beyond this many bytes are not kept. */
  readonly maxResultBytes: number;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** PEM of the authorities that may sign the backend's certificate, instead of the system's. */
  readonly ca?: string;
  /** How names are looked up; default `dns.lookup`, as the system does. */
  readonly lookup?: LookupFunction;
  /** An exception in a `done`: a fault of the gateway itself. */
  readonly crashed?: (error: unknown) => void;
}

/** Idle connections are kept this long, so that the slowest monitor (30 s) still reuses its own. */
const KEEP_ALIVE_MS = 35_000;

export function createHttpBackend(options: HttpBackendOptions): Backend {
  const { origin, pathname } = new URL(options.url);
  const shared: Shared = {
    origin,
    base: pathname === '/' ? '' : pathname,
    timeoutMs: options.timeoutMs,
    timeouts: new CallTimeouts(),
    maxBytes: options.maxResultBytes,
    crashed: options.crashed ?? (() => {}),
    headers: Object.entries(options.headers).flat(),
    jsonHeaders: ['content-type', 'application/json', ...withoutContentType(options.headers)],
  };
  const lane = (): OpenLane => ({
    connections: new LaneConnections(options.connections),
    pool: new Pool(origin, {
      connections: options.connections,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      // The call's own timer bounds all of it, to the millisecond; undici's are coarse and would fire beside it.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: {
        timeout: options.timeoutMs,
        lookup: sharedLookup(options.lookup),
        ...(options.ca === undefined ? {} : { ca: options.ca }),
      },
    }),
  });
  const lanes: Record<Lane, OpenLane> = { control: lane(), poll: lane() };
  const close = async ({ pool, connections }: OpenLane): Promise<void> => {
    const closed = pool.destroy();
    connections.close();
    await closed;
  };
  return {
    call: (lane, request, done) => new Exchange(shared, lanes[lane], request, done),
    close: async () => {
      await Promise.all([close(lanes.control), close(lanes.poll)]);
    },
  };
}

const withoutContentType = (headers: Readonly<Record<string, string>>): string[] =>
  Object.entries(headers)
    .filter(([name]) => name.toLowerCase() !== 'content-type')
    .flat();

interface OpenLane {
  readonly pool: Pool;
  readonly connections: LaneConnections;
}

interface Shared {
  readonly origin: string;
  readonly base: string;
  readonly timeoutMs: number;
  readonly timeouts: CallTimeouts;
  readonly maxBytes: number;
  readonly headers: string[];
  readonly jsonHeaders: string[];
  readonly crashed: (error: unknown) => void;
}

const NO_BODY = Buffer.alloc(0);

/** Complete with their headers, whatever length these announce (RFC 9112, 6.3); undici takes the announcement at its word. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 304]);

/**
 * One request and its answer. It is undici's handler itself (the form with `onConnect`, which the client calls without a
 * wrapper and two allocations a request), and the handle to abort it.
 */
class Exchange extends TimedCall implements Dispatcher.DispatchHandler, Call, Passenger {
  readonly #shared: Shared;
  readonly #lane: OpenLane;
  readonly #request: BackendRequest;
  readonly #startedAt = performance.now();
  readonly expiresAt: number;
  aboard = false;
  /** How long it waited for a connection, ms. */
  #waitedMs = 0;
  /** undici reports some faults from within `dispatch`; the caller must not be answered before it has its handle. */
  #called = false;
  /** Nobody waits for its answer, which is only awaited for the connection's sake. */
  #isLeft = false;
  /** It was left while its connection was being made, and has not had anybody's patience yet. */
  #isSpared = false;
  #done: ((answer: BackendAnswer) => void) | undefined;
  /** Set when the request is being written: from here on the backend may have it. */
  #abort: ((error?: Error) => void) | undefined;
  #status = 0;
  #retryAfter: string | undefined;
  #chunk: Buffer | undefined;
  #chunks: Buffer[] | undefined;
  #bytes = 0;

  constructor(shared: Shared, lane: OpenLane, request: BackendRequest, done: (answer: BackendAnswer) => void) {
    super();
    this.#shared = shared;
    this.#lane = lane;
    this.#request = request;
    this.#done = done;
    this.expiresAt = this.#startedAt + shared.timeoutMs;
    shared.timeouts.add(this);
    lane.connections.enter(this);
    this.#called = true;
  }

  start(): void {
    // It may get one at the very moment that its time is over.
    if (this.#called) this.#waitedMs = Math.min(performance.now() - this.#startedAt, this.#shared.timeoutMs);
    const { origin, base, headers, jsonHeaders } = this.#shared;
    const { method, path, body } = this.#request;
    this.#lane.pool.dispatch(
      {
        origin,
        path: base + path,
        method,
        headers: body === undefined ? headers : jsonHeaders,
        body: body ?? null,
      },
      this,
    );
  }

  /** A poll that is under way goes on without its caller: cutting it off would cost the next one its connection. */
  abort(): void {
    if (this.#done === undefined) return;
    this.#isLeft = this.#request.method === 'GET' && this.#lane.connections.leave(this);
    this.#fail('aborted', 'the call was aborted');
  }

  /** False while its connection is being made, and just after: there is nothing to give back, and giving up would waste what it took so far. */
  cut(): boolean {
    if (this.#abort === undefined) return false;
    if (this.#isSpared) {
      this.#isSpared = false;
      return false;
    }
    this.#isLeft = false;
    this.#abort(new Error('nobody waits for the answer'));
    return true;
  }

  /** undici is done with it, which it always says in the end: a connection that it cannot make it gives up itself. */
  #released(): void {
    this.#shared.timeouts.remove(this);
    this.#lane.connections.release(this);
  }

  expired(): void {
    if (this.#isLeft) {
      this.#isSpared = false;
      this.cut();
      return;
    }
    const within = `within ${this.#shared.timeoutMs} ms`;
    if (!this.aboard) {
      this.#fail('full', `no connection was free ${within}: other calls had all of them`);
      return;
    }
    const late = this.#waitedMs > 0 ? `, ${Math.ceil(this.#waitedMs)} ms of which it waited for a free connection` : '';
    this.#fail('timeout', `no ${this.#abort ? 'complete answer came' : 'connection was made'} ${within}${late}`);
  }

  onConnect(abort: (error?: Error) => void): void {
    // Given up while it waited for a connection: it must not be sent any more.
    const isWanted = this.#done !== undefined || (this.#isLeft && performance.now() < this.expiresAt);
    this.#isSpared = this.#isLeft;
    if (isWanted) this.#abort = abort;
    else abort(new Error('aborted before it was sent'));
  }

  onHeaders(status: number, headers: Buffer[]): boolean {
    // 1xx are not the answer.
    if (status < 200) return true;
    this.#status = status;
    if (status === 429 || status === 503) this.#retryAfter = headerOf(headers, 'retry-after');
    return true;
  }

  onData(chunk: Buffer): boolean {
    // Read on and dropped, for the connection's sake.
    if (this.#isLeft) return true;
    if (this.#done === undefined) return false;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#shared.maxBytes) {
      this.#finish(true);
      this.#abort?.(new Error('the body is too long'));
      return false;
    }
    if (this.#chunk === undefined) this.#chunk = chunk;
    else (this.#chunks ??= [this.#chunk]).push(chunk);
    return true;
  }

  onComplete(): void {
    this.#released();
    if (this.#status === 0) this.#fail('connection', 'the backend sent no final status');
    else this.#finish(false);
  }

  onUpgrade(): void {
    this.#released();
    this.#fail('connection', 'the backend changed to another protocol');
  }

  /** Told a little later: undici is still taking its queue apart, and a request that an answer leads to must not get into that. */
  onError(error: Error): void {
    const fault = this.#abort ? 'connection' : 'connect';
    queueMicrotask(() => {
      this.#released();
      if (WITHOUT_BODY.has(this.#status)) this.#finish(false);
      else this.#fail(fault, describeFault(error));
    });
  }

  #finish(oversize: boolean): void {
    const body = oversize
      ? NO_BODY
      : this.#chunks
        ? Buffer.concat(this.#chunks, this.#bytes)
        : (this.#chunk ?? NO_BODY);
    this.#settle({
      ok: true,
      status: this.#status,
      body,
      oversize,
      ...(this.#retryAfter === undefined ? {} : { retryAfter: this.#retryAfter }),
      durationMs: performance.now() - this.#startedAt,
    });
  }

  #fail(fault: FailedAnswer['fault'], reason: string): void {
    if (this.#done === undefined) return;
    this.#settle({
      ok: false,
      outcome: this.#abort || this.#isLeft ? 'unknown' : 'not_sent',
      ...(this.#status === 0 ? {} : { status: this.#status }),
      reason,
      fault,
      durationMs: performance.now() - this.#startedAt,
    });
    if (this.#isLeft) return;
    if (this.aboard) this.#abort?.(new Error(reason));
    else this.#lane.connections.release(this);
  }

  #settle(answer: BackendAnswer): void {
    const done = this.#done;
    if (done === undefined) return;
    this.#done = undefined;
    if (!this.#isLeft) this.#shared.timeouts.remove(this);
    if (this.#called) this.#tell(done, answer);
    else queueMicrotask(() => this.#tell(done, answer));
  }

  /** An exception of whoever is told must not unwind into undici, which would take it for a fault of the connection and swallow it. */
  #tell(done: (answer: BackendAnswer) => void, answer: BackendAnswer): void {
    try {
      done(answer);
    } catch (error) {
      this.#shared.crashed(error);
    }
  }
}

function headerOf(headers: Buffer[], name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2)
    if (headers[i]!.length === name.length && headers[i]!.toString('latin1').toLowerCase() === name)
      return headers[i + 1]!.toString('latin1');
  return undefined;
}
