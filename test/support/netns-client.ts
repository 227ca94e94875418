// Clients on another machine of a test's network: this file runs as a process of its own and tells what it sees, a line of JSON each.
import net from 'node:net';
import { createInterface } from 'node:readline';

/** What the process is told, as JSON, in its only argument; connections are opened one after the other. */
export interface ClientPlan {
  readonly port: number;
  readonly connections: readonly {
    readonly name: string;
    readonly host: string;
    /** Sent once the HANDSHAKE is acknowledged. */
    readonly lines: readonly object[];
    /** Ends its own side after these lines. */
    readonly halfClose?: boolean;
    /** Stops reading then. */
    readonly deaf?: boolean;
  }[];
}

/** What it prints: `ready` once a connection has been sent its lines; the others answer the line `report` on its standard input. */
export interface ClientReport {
  readonly name: string;
  readonly ready?: true;
  /** `Date.now()` of the last byte that arrived. */
  readonly lastByteAt: number;
  readonly bytes: number;
  /** How the connection ended, as far as this side knows. */
  readonly ended?: string;
}

const plan = JSON.parse(process.argv[2]!) as ClientPlan;
const reports = new Map<string, { lastByteAt: number; bytes: number; ended?: string }>();

const print = (report: ClientReport): void => {
  process.stdout.write(`${JSON.stringify(report)}\n`);
};

createInterface({ input: process.stdin }).on('line', () => {
  for (const [name, report] of reports) print({ name, ...report });
});

for (const { name, host, lines, halfClose, deaf } of plan.connections) {
  const report: { lastByteAt: number; bytes: number; ended?: string } = { lastByteAt: 0, bytes: 0 };
  reports.set(name, report);
  await new Promise<void>((resolve) => {
    const socket = net.connect({ host, port: plan.port, allowHalfOpen: true });
    socket.write('{"cmd":"HANDSHAKE","payload":{"major":1}}\n');
    socket.on('data', (chunk) => {
      const greeted = report.bytes > 0;
      report.bytes += chunk.length;
      report.lastByteAt = Date.now();
      if (greeted) return;
      socket.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''), () => {
        if (halfClose) socket.end();
        if (deaf) socket.pause();
        print({ name, ready: true, ...report });
        resolve();
      });
    });
    socket.on('end', () => {
      report.ended ??= 'end';
    });
    socket.on('error', (error) => {
      report.ended ??= error.message;
      resolve();
    });
    socket.on('close', () => {
      report.ended ??= 'close';
      resolve();
    });
  });
}
