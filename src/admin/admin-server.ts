// The admin port: a small HTTP server that only answers questions, and never at the expense of the sessions.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Sources } from '../observation/snapshot.ts';
import { isOurHost } from './host-header.ts';
import { createPages, type Page, type Pages, text } from './pages.ts';

interface AdminOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly sources: Sources;
  /** For `/healthz`; always true when absent. */
  readonly serving?: () => boolean;
  /** Something failed that should not; the client was told 500, or the listener is in trouble. */
  readonly failed?: (error: unknown) => void;
}

export interface Admin {
  readonly port: number;
  /** Ends every connection and the listener. May be called again. */
  close(): Promise<void>;
}

/** The admin port cannot be opened; the message says which setting to change. */
export class AdminStartError extends Error {
  override readonly name = 'AdminStartError';
}

/** Nobody needs more at once: a scraper, a prober, an operator. */
const MAX_CONNECTIONS = 32;
const MAX_HEADER_BYTES = 8192;
const MAX_HEADERS = 64;
/** For a whole request to arrive, ms. */
const REQUEST_TIMEOUT_MS = 5000;
/** A connection on which nothing moves is ended after this, ms. */
const IDLE_TIMEOUT_MS = 10_000;
/** A reader that takes an answer this slowly does not get the rest, ms. */
const RESPONSE_TIMEOUT_MS = 30_000;

/** Opens the admin port. Rejects with `AdminStartError` when it cannot. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { host, port, sources, failed = () => {} } = options;
  const pages = createPages(sources, options.serving);
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => {
      answer(request, pages, host)
        .catch((error: unknown) => {
          failed(error);
          return text(500, 'This answer could not be made; the log says why.');
        })
        .then((page) => send(response, page))
        // The client went away; there is nobody to tell.
        .catch(() => response.destroy());
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.maxHeadersCount = MAX_HEADERS;
  server.timeout = IDLE_TIMEOUT_MS;
  await listen(server, host, port);
  server.on('error', failed);
  const { port: opened } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    port: opened,
    close: () => {
      closed ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closed;
    },
  };
}

async function answer(request: IncomingMessage, pages: Pages, adminHost: string): Promise<Page> {
  if (!isOurHost(request.headers.host, adminHost))
    return text(403, 'Ask by IP address or localhost; another name is accepted when ADMIN_HOST is set to it.');
  if (request.method !== 'GET') return text(405, 'Only GET is allowed.');
  const path = (request.url ?? '').split('?', 1)[0]!;
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  return page ? page() : text(404, 'There is no such page; / lists those there are.');
}

async function send(response: ServerResponse, { status, type, body }: Page): Promise<void> {
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'",
    // One request a connection: nothing idles here, and nothing stands in the way of a shutdown.
    connection: 'close',
    ...(status === 405 ? { allow: 'GET' } : {}),
    ...(body.length === 1 ? { 'content-length': Buffer.byteLength(body[0]!) } : {}),
  });
  const timer = setTimeout(() => response.destroy(), RESPONSE_TIMEOUT_MS);
  try {
    await pipeline(Readable.from(body), response);
  } finally {
    clearTimeout(timer);
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new AdminStartError(describe(error, host, port))));
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function describe(error: Error, host: string, port: number): string {
  const code = (error as { code?: unknown }).code;
  const where = `the admin port (${host} port ${port})`;
  if (code === 'EADDRINUSE')
    return `${where} is in use, perhaps by another gateway on this machine. Set ADMIN_PORT to another port, or to 0 to do without.`;
  if (code === 'EACCES') return `${where} is not permitted. Set ADMIN_PORT to 1024 or more, or to 0 to do without.`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `${where} cannot be opened: this machine has no such address. Check ADMIN_HOST.`;
  return `${where} cannot be opened: ${error.message}. Check ADMIN_PORT and ADMIN_HOST.`;
}
