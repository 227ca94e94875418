// Runs as a child process: a backend that fails in every way there is, and writes down what it has executed.
import type net from 'node:net';
import { fateOf, mixed } from './fates.ts';
import { answer, RawBackend, type RawRequest } from './raw-backend.ts';

const seed = Number(process.env['SEED']);
const timeoutMs = Number(process.env['BACKEND_TIMEOUT_MS']);

/** [session, n] of every command whose request was complete, in order of arrival. */
const executed: [number, number][] = [];
const injected: Record<string, number> = { refused_ms: 0, reset_on_accept: 0, cut: 0 };

function handle(request: RawRequest, socket: net.Socket): void {
  const [, session, n] = /^\/j\/(\d+)\/(\d+)$/.exec(request.path)?.map(Number) ?? [];
  if (session === undefined || n === undefined) {
    socket.end(answer(400, '"unknown path"'));
    return;
  }
  executed.push([session, n]);
  const fate = fateOf(seed, session, n);
  injected[fate] = (injected[fate] ?? 0) + 1;
  const name = JSON.stringify(`${session}/${n}`);
  const then = (bytes: string, end: () => void) => void socket.write(bytes, () => setImmediate(end));
  switch (fate) {
    case 'ok':
      return void socket.write(answer(200, name));
    case 'empty':
      return void socket.write('HTTP/1.1 204 X\r\n\r\n');
    case 'oversize':
      return void socket.write(answer(200, `"${'x'.repeat(20_000)}"`));
    case 'ok_then_end':
      return void socket.end(answer(200, name));
    case 'ok_then_reset':
      return void then(answer(200, name), () => socket.resetAndDestroy());
    case 'ok_then_stray_answer':
      return void socket.write(answer(200, name) + answer(500, '"stray"'));
    case 'e500':
      return void socket.write(answer(500, `{"of":${name}}`));
    case 'e404':
      return void socket.write(answer(404));
    case 'e409_text':
      return void socket.write(answer(409, 'two\nlines', ''));
    case 'e307':
      return void socket.write(answer(307, '', 'location: /j/999/999\r\n'));
    case 'e503_retry':
      return void socket.write(answer(503, '', 'retry-after: 0\r\n'));
    case 'e500_oversize':
      return void socket.write(answer(500, `"${'x'.repeat(20_000)}"`));
    case 'reset':
    case 'cut':
      return void socket.resetAndDestroy();
    case 'end':
      return void socket.end();
    case 'headers_then_reset':
      return void then('HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\n', () => socket.resetAndDestroy());
    case 'half':
      return void socket.end('HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\n"hal');
    case 'half_error':
      return void socket.end('HTTP/1.1 500 X\r\ncontent-length: 10\r\n\r\n"hal');
    case 'garbage':
      return void socket.end('\u0000 no HTTP at all\r\n\r\n');
    case 'hang':
      return;
    case 'late':
      setTimeout(() => socket.destroyed || socket.write(answer(200, name)), timeoutMs + 30);
  }
}

const backend = await RawBackend.start(handle);
backend.onConnection = (socket, connection) => {
  if (mixed(seed, 7, connection) % 100 >= 3) return;
  injected['reset_on_accept']! += 1;
  socket.resetAndDestroy();
};
backend.onHead = (head, socket) => {
  const [, session, n] = /\/j\/(\d+)\/(\d+) /.exec(head)?.map(Number) ?? [];
  if (session === undefined || n === undefined || fateOf(seed, session, n) !== 'cut') return;
  injected['cut']! += 1;
  socket.resetAndDestroy();
};

// Now and then nobody listens for a moment.
const { port } = backend;
let refusing = false;
const outages = setInterval(async () => {
  if (refusing) return;
  refusing = true;
  backend.close();
  await new Promise((resolve) => setTimeout(resolve, 40));
  await backend.listen(port);
  injected['refused_ms']! += 40;
  refusing = false;
}, 500);

process.on('message', (message) => {
  if (message !== 'journal') return;
  clearInterval(outages);
  process.send?.({ executed, injected }, () => process.disconnect());
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port });
