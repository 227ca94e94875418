// A backend of bytes: it reads requests off the socket itself and may answer with anything, HTTP or not.
import net from 'node:net';

export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly head: string;
  readonly body: string;
  /** 0 for the first request of this backend. */
  readonly index: number;
  /** 0 for the first connection of this backend. */
  readonly connection: number;
}

export type RawHandler = (request: RawRequest, socket: net.Socket) => void;

/** An HTTP/1.1 answer with its content-length. */
export function answer(status: number, body = '', headers = 'content-type: application/json\r\n'): string {
  return `HTTP/1.1 ${status} X\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

export class RawBackend {
  /** Complete requests in order of arrival. */
  readonly requests: RawRequest[] = [];
  handler: RawHandler;
  /** Called before anything is read; may destroy the socket. */
  onConnection: ((socket: net.Socket, connection: number) => void) | undefined;
  /** Called with the head of a request whose body is still to come; may destroy the socket. */
  onHead: ((head: string, socket: net.Socket) => void) | undefined;
  connections = 0;
  /** Connections open now, and the most there ever were at once. */
  open = 0;
  mostOpen = 0;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();

  private constructor(handler: RawHandler) {
    this.handler = handler;
    this.#server = net.createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  static async start(handler: RawHandler, port = 0): Promise<RawBackend> {
    const backend = new RawBackend(handler);
    await backend.listen(port);
    return backend;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', 4096, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /** Listens no more; open connections stay. */
  close(): void {
    this.#server.close();
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: net.Socket): void {
    const connection = this.connections;
    this.connections += 1;
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.open -= 1;
      this.#sockets.delete(socket);
    });
    this.onConnection?.(socket, connection);
    if (socket.destroyed) return;
    let waiting: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      waiting = waiting.length > 0 ? Buffer.concat([waiting, chunk]) : chunk;
      waiting = this.#read(waiting, socket, connection);
    });
  }

  /** Takes every complete request off `bytes` and returns the rest. */
  #read(bytes: Buffer, socket: net.Socket, connection: number): Buffer {
    let rest = bytes;
    for (;;) {
      const end = rest.indexOf('\r\n\r\n');
      if (end < 0 || socket.destroyed) return rest;
      const head = rest.subarray(0, end).toString('latin1');
      const length = Number(/^content-length: *(\d+)$/im.exec(head)?.[1] ?? 0);
      const body = rest.subarray(end + 4, end + 4 + length);
      if (body.length < length) {
        this.onHead?.(head, socket);
        return rest;
      }
      rest = rest.subarray(end + 4 + length);
      const [method = '', path = ''] = head.split(' ', 2);
      const request = { method, path, head, body: body.toString('utf8'), index: this.requests.length, connection };
      this.requests.push(request);
      this.handler(request, socket);
    }
  }
}
