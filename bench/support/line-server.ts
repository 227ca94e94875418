// What the undici baselines have in common: they take the load client's lines, answer HANDSHAKE, and check nothing.
import { createServer, type Socket } from 'node:net';

export interface Command {
  cmd: string;
  payload: { url: string; method: 'POST' | 'PUT' | 'DELETE'; period_ms: number; body?: unknown; ack?: boolean };
}

/** `accept` is called for each connection and returns what carries out its commands. */
export function serveLines(accept: (socket: Socket) => (command: Command) => void): void {
  const server = createServer({ noDelay: true }, (socket) => {
    const carryOut = accept(socket);
    let rest = '';
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const command = JSON.parse(line) as Command;
        if (command.cmd === 'HANDSHAKE') socket.write('{"type":"handshake_ack","ok":true,"version":"1.0.0"}\n');
        else carryOut(command);
      }
    });
  });
  server.listen(Number(process.env['PORT']), '127.0.0.1');
  process.on('SIGTERM', () => process.exit(0));
}
