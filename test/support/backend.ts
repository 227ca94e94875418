// A REST backend whose every answer is scripted by the test, and which keeps a journal of what reached it.
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { patience, UnmetExpectation } from './client.ts';

export interface RecordedRequest {
  readonly method: string;
  /** Path and query exactly as they stood in the request line. */
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  /** 0 for the first request this backend saw. */
  readonly index: number;
  /** performance.now() of its arrival, in ms. */
  readonly at: number;
}

export type Handler = (request: RecordedRequest, reply: Reply) => void | Promise<void>;

/** What a handler can do with a request; anything it leaves undone hangs until the backend stops. */
export class Reply {
  readonly response: http.ServerResponse;
  readonly #socket: Socket;

  constructor(response: http.ServerResponse, socket: Socket) {
    this.response = response;
    this.#socket = socket;
  }

  /** JSON; a string is sent as the JSON text it is, so that number spellings survive. */
  json(body: unknown, status = 200, headers: http.OutgoingHttpHeaders = {}): void {
    this.text(typeof body === 'string' ? body : JSON.stringify(body), status, {
      'content-type': 'application/json',
      ...headers,
    });
  }

  text(body: string | Uint8Array, status = 200, headers: http.OutgoingHttpHeaders = {}): void {
    const bytes = Buffer.from(body);
    this.response.writeHead(status, { 'content-length': bytes.length, ...headers });
    this.response.end(bytes);
  }

  empty(status = 200, headers: http.OutgoingHttpHeaders = {}): void {
    this.text('', status, headers);
  }

  /** Never answers. */
  hang(): void {}

  /** RST before any byte of an answer. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** A status line and headers that promise a body, then RST. */
  async resetAfterHeaders(status = 200): Promise<void> {
    await this.raw(`HTTP/1.1 ${status} X\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n`);
    await flushed();
    this.#socket.resetAndDestroy();
  }

  /** Headers and the first part of a promised body, then a clean end. */
  async half(status = 200): Promise<void> {
    await this.raw(`HTTP/1.1 ${status} X\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"half":`);
    this.#socket.end();
  }

  /** Bytes that are no HTTP at all. */
  async garbage(): Promise<void> {
    await this.raw('\u0000\u0001 this is not HTTP\r\n\r\n');
    this.#socket.end();
  }

  /** A body of `bytes` bytes of JSON text (one string). */
  oversize(bytes: number, status = 200): void {
    this.json(`"${'x'.repeat(bytes - 2)}"`, status);
  }

  /** Exactly these bytes on the connection. */
  raw(bytes: string): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(bytes, () => resolve());
    });
  }
}

/** Something a handler can wait for until the test lets it go on; no sleeping. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function createGate(): Gate {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

export class ScriptedBackend {
  /** Every request whose body was complete, in order of arrival. */
  readonly requests: RecordedRequest[] = [];
  /** May be replaced at any time; the default answers 200 with `{"ok":true}`. */
  handler: Handler;
  /** Called with every new TCP connection, before any request on it. */
  onConnection: ((socket: Socket) => void) | undefined;
  /** TCP connections accepted so far. */
  connections = 0;
  readonly #server: http.Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiters = new Set<() => void>();
  #arrivals = 0;

  private constructor(handler: Handler) {
    this.handler = handler;
    this.#server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      void this.#serve(request, response);
    });
    this.#server.on('connection', (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
      this.onConnection?.(socket);
    });
  }

  static async start(
    handler: Handler = (_request, reply) => reply.json({ ok: true }),
    port = 0,
  ): Promise<ScriptedBackend> {
    const backend = new ScriptedBackend(handler);
    await new Promise<void>((resolve, reject) => {
      backend.#server.once('error', reject);
      backend.#server.listen(port, '127.0.0.1', resolve);
    });
    return backend;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** For BACKEND_URL. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Requests of one method, in order of arrival. */
  of(method: string): RecordedRequest[] {
    return this.requests.filter((request) => request.method === method);
  }

  /** Resolves when `condition` holds for what arrived so far; checked at every request. */
  async waitUntil(condition: (requests: readonly RecordedRequest[]) => boolean, waitMs = patience.ms): Promise<void> {
    if (condition(this.requests)) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (finish: () => void) => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        finish();
      };
      const waiter = () => {
        if (condition(this.requests)) settle(resolve);
      };
      const timer = setTimeout(() => {
        const seen = this.requests.map((r) => `${r.method} ${r.path}`).slice(-20);
        settle(() =>
          reject(new UnmetExpectation(`waited ${waitMs} ms for requests; the backend saw ${JSON.stringify(seen)}`)),
        );
      }, waitMs);
      this.#waiters.add(waiter);
    });
  }

  /** Resolves with the nth request (1 is the first). */
  async waitFor(count: number, waitMs = patience.ms): Promise<RecordedRequest> {
    await this.waitUntil((requests) => requests.length >= count, waitMs);
    return this.requests[count - 1]!;
  }

  /** Drops every open connection, as a dying backend would. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const index = this.#arrivals;
    this.#arrivals += 1;
    const at = performance.now();
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // the peer gave up before its request was complete: nothing arrived
    }
    const record: RecordedRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
      index,
      at,
    };
    this.requests.push(record);
    for (const waiter of [...this.#waiters]) waiter();
    await this.handler(record, new Reply(response, request.socket));
  }
}

/** One turn of the event loop, so that bytes written before go out as a segment of their own. */
function flushed(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
