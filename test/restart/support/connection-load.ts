// Clients that come and go all the time, each of which must be served or told why not.
import net from 'node:net';

/** How a connection can end, as its client sees it. */
export interface Tally {
  /** HANDSHAKE, CONTROL and STOP session, all answered. */
  served: number;
  /** Ended earlier by a last line that says why. */
  told: number;
  /** Ended without such a line: which, and after what. */
  readonly untold: string[];
  refused: number;
  /** Reset, or failed otherwise. */
  readonly failed: string[];
  /** Not over within the time that any connection may take. */
  readonly stuck: string[];
  /** Longest time from the beginning of a connection to its first line, ms. */
  longestMs: number;
}

const STUCK_MS = 30_000;
const PAUSE_MS = 20;

const HANDSHAKE = '{"cmd":"HANDSHAKE","payload":{"major":1}}\n';
const CONTROL = '{"cmd":"CONTROL","payload":{"url":"/do","method":"POST","id":1,"ack":true}}\n';
const MONITOR = '{"cmd":"MONITOR","payload":{"url":"/see","method":"GET","period_ms":50}}\n';
const STOP = '{"cmd":"STOP","payload":{"target":"session"}}\n';

interface Line {
  readonly type?: string;
  readonly error?: string;
}

export class ConnectionLoad {
  readonly tally: Tally = { served: 0, told: 0, untold: [], refused: 0, failed: [], stuck: [], longestMs: 0 };
  readonly #port: number;
  /** Connections that have not been sent a line yet. */
  unanswered = 0;
  #stopping = false;
  #loops: Promise<void>[] = [];

  /** Short connections one after the other in each of `short` loops, and long ones, that end only when they are told to, in `long`. */
  constructor(port: number, { short, long }: { readonly short: number; readonly long: number }) {
    this.#port = port;
    for (let i = 0; i < short + long; i++) this.#loops.push(this.#loop(i >= short));
  }

  get connections(): number {
    const { served, told, untold, refused, failed, stuck } = this.tally;
    return served + told + untold.length + refused + failed.length + stuck.length;
  }

  /** No new connections; resolves when those that exist are over: long ones when the gateway ends them. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#loops);
  }

  async #loop(long: boolean): Promise<void> {
    while (!this.#stopping) {
      await this.#connection(long);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  #connection(long: boolean): Promise<void> {
    return new Promise((resolve) => {
      const { tally } = this;
      const begun = performance.now();
      const lines: string[] = [];
      let rest = '';
      this.unanswered++;
      let failure: NodeJS.ErrnoException | undefined;
      const socket = net.connect({ host: '127.0.0.1', port: this.#port, allowHalfOpen: true });
      const timer = setTimeout(() => {
        failure = new Error('stuck');
        socket.destroy();
      }, STUCK_MS);
      socket.setNoDelay(true);
      socket.write(HANDSHAKE);
      socket.on('data', (chunk) => {
        const parts = (rest + chunk.toString('utf8')).split('\n');
        rest = parts.pop()!;
        for (const text of parts) {
          if (lines.push(text) === 1) {
            this.unanswered--;
            tally.longestMs = Math.max(tally.longestMs, performance.now() - begun);
          }
          const line = JSON.parse(text) as Line;
          if (line.type === 'handshake_ack') socket.write(long ? MONITOR : CONTROL);
          // Long ones ask for nothing more; short ones have been told what became of their CONTROL.
          if (line.type === 'control_ack' || line.type === 'control_err') socket.write(STOP);
        }
      });
      socket.on('end', () => socket.end());
      socket.on('error', (error) => {
        failure = error;
      });
      socket.on('close', () => {
        clearTimeout(timer);
        if (lines.length === 0) this.unanswered--;
        this.#count(lines, rest, failure);
        resolve();
      });
    });
  }

  #count(lines: readonly string[], rest: string, failure: NodeJS.ErrnoException | undefined): void {
    const { tally } = this;
    const what = `${failure?.message ?? 'ended'} after ${JSON.stringify([...lines.slice(-3), rest])}`;
    const last = JSON.parse(lines.at(-1) ?? '{}') as Line;
    if (failure?.code === 'ECONNREFUSED') tally.refused++;
    else if (failure?.message === 'stuck') tally.stuck.push(what);
    else if (failure) tally.failed.push(what);
    else if (last.type === 'stop_ack') tally.served++;
    else if (last.type === 'closing' || last.error === 'handshake_rejected') tally.told++;
    else tally.untold.push(what);
  }
}
