// Makes a good server break one rule: a proxy before it changes what clients see and say, another what its backend sees and says.
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { inProcess, type Target, type TargetFactory } from './gateway.ts';

/** One rule broken. Every function gets fresh state per connection by being a factory. */
export interface Mutation {
  /** Changes the settings the server is started with. */
  readonly settings?: (env: Readonly<Record<string, string>>) => Record<string, string>;
  /** Rewrites what the client sends, segment by segment. */
  readonly fromClient?: () => (segment: Buffer) => Buffer;
  /** Rewrites what the server sends: lines without their newline; what is returned is sent as it is. */
  readonly fromServer?: (everyone: Everyone) => (line: string) => string;
  /** What the server sees when the client ends its side. Default: the same. */
  readonly clientEnd?: 'newline' | 'destroy';
  /** What the server sees when the client resets. Default: the same. */
  readonly clientReset?: 'end';
  /** What the client sees when the server ends its side. Default: the same. */
  readonly serverEnd?: 'nothing';
  /** Adds headers to every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Rewrites the path and the body of a request on its way to the backend. */
  readonly toBackend?: (part: string) => string;
  /** Rewrites the body of an answer. */
  readonly fromBackend?: (body: string) => string;
  /** How often each request is sent; the last answer counts. */
  readonly times?: number;
}

/** All clients of one broken server. */
export interface Everyone {
  send(text: string): void;
}

export function broken(mutation: Mutation): TargetFactory {
  return async (env) => {
    const backend = env['BACKEND_URL'] === undefined ? undefined : await httpProxy(env['BACKEND_URL'], mutation);
    const settings = { ...env, ...(backend ? { BACKEND_URL: backend.url } : {}) };
    const inner = await inProcess(mutation.settings?.(settings) ?? settings);
    const front = await tcpProxy(inner, mutation, env['HOST']);
    return {
      host: inner.host,
      port: front.port,
      audit: false,
      ...(inner.log ? { log: inner.log } : {}),
      ...(inner.sessions ? { sessions: inner.sessions } : {}),
      drain: () => inner.drain(),
      async stop() {
        await backend?.stop();
        await inner.stop();
        await front.stop();
      },
    };
  };
}

interface Proxy {
  readonly port: number;
  readonly url: string;
  stop(): Promise<void>;
}

async function tcpProxy(target: Target, mutation: Mutation, host: string | undefined): Promise<Proxy> {
  const sockets = new Set<net.Socket>();
  const clients = new Set<net.Socket>();
  const everyone: Everyone = {
    send: (text) => {
      for (const client of clients) client.write(text);
    },
  };
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = net.connect({
      host: target.host,
      port: target.port,
      allowHalfOpen: true,
      noDelay: true,
      localAddress: addressOf(client),
    });
    clients.add(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('close', () => {
        sockets.delete(socket);
        clients.delete(socket);
      });
    }
    const fromClient = mutation.fromClient?.() ?? ((segment: Buffer) => segment);
    client.on('data', (segment) => {
      const bytes = fromClient(segment);
      if (bytes.length > 0) upstream.write(bytes);
    });
    client.on('end', () => {
      if (mutation.clientEnd === 'destroy') client.destroy();
      upstream.end(mutation.clientEnd === 'newline' ? '\n' : '');
    });
    client.on('error', () => {
      if (mutation.clientReset === 'end') upstream.end();
      else upstream.resetAndDestroy();
    });
    const fromServer = mutation.fromServer?.(everyone) ?? ((line: string) => `${line}\n`);
    let rest = '';
    upstream.setEncoding('utf8');
    upstream.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      if (!client.destroyed) client.write(lines.map(fromServer).join(''));
    });
    upstream.on('end', () => {
      if (mutation.serverEnd !== 'nothing') client.end();
    });
    upstream.on('error', () => client.destroy());
  });
  return listening(server, sockets, host);
}

/** The server is to see the client's own loopback address. */
function addressOf(client: net.Socket): string {
  const address = client.remoteAddress?.replace(/^::ffff:/, '') ?? '';
  return net.isIPv4(address) ? address : '127.0.0.1';
}

async function httpProxy(target: string, mutation: Mutation): Promise<Proxy> {
  const sockets = new Set<net.Socket>();
  const rewrite = mutation.toBackend ?? ((part: string) => part);
  const server = http.createServer((request, response) => {
    void (async () => {
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
      const { host: _host, 'content-length': _length, ...headers } = request.headers;
      const path = rewrite(request.url ?? '/');
      for (let time = 1; time <= (mutation.times ?? 1); time += 1) {
        const sent = rewrite(body);
        const answer = await forward(target, path, request.method ?? 'GET', { ...headers, ...mutation.headers }, sent);
        if (time < (mutation.times ?? 1)) continue;
        const text = (mutation.fromBackend ?? ((part: string) => part))(answer.body);
        response.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(text) });
        response.end(text);
      }
    })().catch(() => request.socket.resetAndDestroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  return listening(server, sockets);
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

function forward(
  target: string,
  path: string,
  method: string,
  headers: http.IncomingHttpHeaders,
  body: string,
): Promise<Answer> {
  const { hostname, port } = new URL(target);
  return new Promise((resolve, reject) => {
    const length = body === '' ? {} : { 'content-length': Buffer.byteLength(body) };
    const request = http.request({ hostname, port, path, method, headers: { ...headers, ...length }, agent: false });
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        const {
          'content-length': _length,
          'transfer-encoding': _encoding,
          connection: _connection,
          ...kept
        } = response.headers;
        resolve({ status: response.statusCode ?? 500, headers: kept, body: text });
      });
    });
    request.end(body);
  });
}

async function listening(server: net.Server, sockets: ReadonlySet<net.Socket>, host = '127.0.0.1'): Promise<Proxy> {
  await new Promise<void>((resolve) => {
    server.listen(0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async stop() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
