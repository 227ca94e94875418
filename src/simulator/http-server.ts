// The HTTP side: bodies read within bounds, answers written in one piece. Knows nothing of robots.
import { isUtf8 } from 'node:buffer';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import {
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_MS,
  MAX_BODY_BYTES,
  MAX_CONNECTIONS,
  MAX_DISCARD_BYTES,
  REQUEST_TIMEOUT_MS,
} from './limits.ts';
import { ERR_CODE } from './refusal.ts';
import { type Reply, refused } from './reply.ts';

/** What stands behind the server: an answer for a complete request, and one for a request whose body is over the limit. */
interface Responder {
  answer(method: string, target: string, body: string): Reply;
  answerTooLarge(method: string, target: string): Reply;
}

/** A server that is not listening yet. */
export function createHttpServer(responder: Responder): Server {
  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      noDelay: true,
    },
    (request, response) => {
      // A body in a GET means nothing; Node throws it away once the answer is out.
      if (request.method === 'GET') respond(response, responder.answer('GET', request.url ?? '/', ''));
      else receive(request, response, responder);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', refuseGarbage);
  return server;
}

function receive(request: IncomingMessage, response: ServerResponse, responder: Responder): void {
  const method = request.method ?? '';
  const target = request.url ?? '/';
  let chunks: Buffer[] = [];
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= MAX_BODY_BYTES) chunks.push(chunk);
    else chunks = [];
    if (length > MAX_DISCARD_BYTES && !response.headersSent) {
      respond(response, { ...responder.answerTooLarge(method, target), close: true });
    }
  });
  request.on('end', () => {
    if (response.headersSent) return;
    if (length > MAX_BODY_BYTES) {
      respond(response, responder.answerTooLarge(method, target));
      return;
    }
    const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    if (isUtf8(bytes)) respond(response, responder.answer(method, target, bytes.toString('utf8')));
    else respond(response, refused(400, ERR_CODE.badBody, 'the body is not UTF-8'));
  });
}

function respond(response: ServerResponse, reply: Reply): void {
  const headers: (string | number)[] = ['content-length', Buffer.byteLength(reply.body)];
  if (reply.body !== '') headers.push('content-type', 'application/json');
  if (reply.allow !== undefined) headers.push('allow', reply.allow);
  if (reply.close === true) headers.push('connection', 'close');
  response.sendDate = false;
  response.writeHead(reply.status, headers);
  response.end(reply.body);
}

/** Bytes that are not HTTP, heads that are too large or too slow: one short answer, then the end of that connection. */
function refuseGarbage(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'the request head is too large']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'the request took too long to arrive']
        : ['400 Bad Request', 'this is not an HTTP/1.1 request'];
  const { body } = refused(400, ERR_CODE.badRequest, message);
  const head = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`;
  socket.end(`HTTP/1.1 ${status}\r\n${head}\r\n\r\n${body}`, () => socket.destroy());
}
