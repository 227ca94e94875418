// What the rest of the gateway knows of a REST backend: one call, one answer, and what is certain when there is none.

export interface BackendRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Request target, encoded, with its query; the backend's base path is put before it. */
  readonly path: string;
  /** JSON text, sent character for character. */
  readonly body?: string;
}

/** The backend answered; whole, or a success whose body was too large to keep. */
export interface CompleteAnswer {
  readonly ok: true;
  readonly status: number;
  /** The body's bytes; empty when there was none or `oversize` is set. */
  readonly body: Buffer;
  /** The body is longer than the limit and was not read to its end. */
  readonly oversize: boolean;
  /** The `Retry-After` header as sent, of 429 and 503 only. */
  readonly retryAfter?: string;
  /** From the call to the last byte, in ms with fractions; waiting for a free connection is part of it. */
  readonly durationMs: number;
}

/** No complete answer came. */
export interface FailedAnswer {
  readonly ok: false;
  /** `not_sent`: no byte of the request reached the backend. `unknown`: it was sent, and may have been executed. */
  readonly outcome: 'not_sent' | 'unknown';
  /** There when a status line arrived before the rest broke off. */
  readonly status?: number;
  /** What went wrong, as a clause: "the connection was refused". */
  readonly reason: string;
  /** `full`: others had all connections until its time was over. */
  readonly fault: 'connect' | 'full' | 'timeout' | 'connection' | 'aborted';
  readonly durationMs: number;
}

export type BackendAnswer = CompleteAnswer | FailedAnswer;

/** CONTROL and MONITOR have connections of their own, so that a command never waits behind a poll. */
export type Lane = 'control' | 'poll';

/** A call that is under way. */
export interface Call {
  /** Ends it now, with an answer that says truly whether the request had been sent. Nothing happens when it has ended already. */
  abort(): void;
}

export interface Backend {
  /** Sends the request once, never again; `done` is called exactly once, never from within `call` itself. */
  call(lane: Lane, request: BackendRequest, done: (answer: BackendAnswer) => void): Call;
  /** Ends every connection; calls under way are answered as aborted. */
  close(): Promise<void>;
}
