// The conformance client: raw TCP, every line queued so that none is missed, every wait bounded, failures show the talk.
import net from 'node:net';
import { describeMatcher, type Json, type Matcher, mismatch } from './match.ts';
import { type LineObserver, observeConnection } from './wire-log.ts';

/** How long any single expectation may take before it fails; generous, because a slow machine is not a fault. */
export const WAIT_MS = 10_000;

/** What an expectation really uses: shortened only against servers that are broken on purpose, where waiting is the rule. */
export const patience = { ms: WAIT_MS };

/** An expectation that was not met; its message ends with the talk. */
export class UnmetExpectation extends Error {
  override readonly name = 'UnmetExpectation';
}

interface ReceivedLine {
  /** The line as it stood on the wire, without its newline. */
  readonly text: string;
  readonly json: Json;
  /** performance.now() of its arrival, in ms. */
  readonly at: number;
}

interface ClientOptions {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
  /** The profile of the server, for the self-audit. */
  readonly profile?: string;
  /** False for servers that are broken on purpose: their lines are neither validated nor counted. */
  readonly audit?: boolean;
}

type Ending = { readonly how: 'end' | 'reset'; readonly at: number };

export class TestClient {
  /** Everything received so far, read or not. */
  readonly lines: ReceivedLine[] = [];
  readonly socket: net.Socket;
  #read = 0;
  #rest: Buffer = Buffer.alloc(0);
  #ending: Ending | undefined;
  #waiters = new Set<() => void>();
  #transcript: string[] = [];
  #observer: LineObserver | undefined;
  #serial = 0;

  constructor(socket: net.Socket, options: ClientOptions) {
    this.socket = socket;
    if (options.audit !== false) this.#observer = observeConnection(options.profile ?? 'strict');
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => {
      this.#end('end');
      socket.end(); // as any client does that is told the end
    });
    socket.on('error', (error) => this.#note(`# ${error.message}`));
    socket.on('close', (failed) => this.#end(failed ? 'reset' : 'end'));
  }

  static connect(options: ClientOptions): Promise<TestClient> {
    return new Promise((resolve, reject) => {
      const { host, port, localAddress } = options;
      const socket = net.connect({ host, port, allowHalfOpen: true, ...(localAddress ? { localAddress } : {}) });
      socket.once('error', reject);
      // The client exists before the connection does, so that a greeting or refusal sent at once is not missed.
      const client = new TestClient(socket, options);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(client);
      });
    });
  }

  /** One line: objects are printed as JSON, strings are sent as they are; the newline is added. */
  send(line: object | string): void {
    this.sendRaw(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
  }

  /** Several lines in one write. */
  sendLines(lines: readonly (object | string)[]): void {
    this.sendRaw(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  }

  /** `{"cmd":…,"payload":…}` in one call. */
  command(cmd: string, payload: object): void {
    this.send({ cmd, payload });
  }

  /** Exactly these bytes. Resolves when they were handed to the kernel, or when the socket has failed. */
  sendRaw(bytes: string | Uint8Array): Promise<void> {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes);
    this.#note(`> ${printable(buffer)}`);
    this.#observer?.sent(buffer);
    return new Promise((resolve) => {
      this.socket.write(buffer, () => resolve());
    });
  }

  /** Each chunk in a segment of its own: a server in this process reads one before the next is written. */
  async sendChunks(chunks: Iterable<string | Uint8Array>): Promise<void> {
    for (const chunk of chunks) {
      await this.sendRaw(chunk);
      // The first one ends this turn of the event loop, the second a whole turn in which sockets are read.
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    }
  }

  /** HANDSHAKE and its acknowledgement. */
  async handshake(payload: object = {}): Promise<Json> {
    this.command('HANDSHAKE', { major: 1, ...payload });
    return this.expect('handshake_ack');
  }

  /** The next unread line. */
  async next(): Promise<Json> {
    return (await this.nextLine()).json;
  }

  async nextLine(waitMs = patience.ms, wanted = 'a line'): Promise<ReceivedLine> {
    await this.#until(() => this.#read < this.lines.length || this.#ending !== undefined, waitMs, wanted);
    const line = this.lines[this.#read];
    if (line === undefined) throw this.#failure(`expected ${wanted}, but the connection ended`);
    this.#read += 1;
    return line;
  }

  /** The next unread line, which must match. */
  async expect(matcher: Matcher, waitMs = patience.ms): Promise<Json> {
    return (await this.expectLine(matcher, waitMs)).json;
  }

  async expectLine(matcher: Matcher, waitMs = patience.ms): Promise<ReceivedLine> {
    const line = await this.nextLine(waitMs, describeMatcher(matcher));
    const wrong = mismatch(line.json, matcher);
    if (wrong !== undefined) {
      throw this.#failure(`expected ${describeMatcher(matcher)}, got ${line.text.slice(0, 500)} (${wrong})`);
    }
    return line;
  }

  /** Reads on, passing over lines that do not match (a running MONITOR's `data`, say), until one does. */
  async until(matcher: Matcher, waitMs = patience.ms): Promise<Json> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const left = Math.max(1, deadline - performance.now());
      const line = await this.nextLine(left, describeMatcher(matcher));
      if (mismatch(line.json, matcher) === undefined) return line.json;
    }
  }

  /** The server ended its side, and nothing unread stands before that end (unless `discard`). */
  async expectClosed(options: { readonly discard?: boolean; readonly waitMs?: number } = {}): Promise<void> {
    const { discard = false, waitMs = patience.ms } = options;
    const over = () => this.#ending !== undefined || (!discard && this.#read < this.lines.length);
    await this.#until(over, waitMs, 'the end of the connection');
    if (discard) this.#read = this.lines.length;
    const line = this.lines[this.#read];
    if (line !== undefined) throw this.#failure(`expected the end of the connection, got ${line.text.slice(0, 500)}`);
  }

  /** Nothing arrives, no end either, for `ms`. Prefer fence(): it proves the same without waiting. */
  async expectSilence(ms: number): Promise<void> {
    const unread = this.#read;
    await new Promise((resolve) => setTimeout(resolve, ms));
    const line = this.lines[unread];
    if (line !== undefined) throw this.#failure(`expected silence for ${ms} ms, got ${line.text.slice(0, 500)}`);
    if (this.#ending) throw this.#failure(`expected silence for ${ms} ms, but the connection ended`);
  }

  /**
   * Proves that everything sent before was answered already: the next line must answer a marker sent now.
   * The marker is an unknown command, which is answered alike in every state (and adds one to the row of malformed lines).
   */
  async fence(): Promise<void> {
    await this.expect({ error: 'invalid_cmd', id: this.sendFence() });
  }

  /** As fence(), for sessions with a running MONITOR: other lines may come first. */
  async fencePast(): Promise<void> {
    await this.until({ error: 'invalid_cmd', id: this.sendFence() });
  }

  sendFence(): string {
    this.#serial += 1;
    const id = `fence-${this.#serial}`;
    this.command('FENCE', { id });
    return id;
  }

  /** Lines received but not yet read by next() or expect(). */
  get unread(): readonly ReceivedLine[] {
    return this.lines.slice(this.#read);
  }

  get ended(): boolean {
    return this.#ending !== undefined;
  }

  /** Half-close: this side will send no more, but reads on. */
  end(): void {
    this.#note('> <end>');
    this.socket.end();
  }

  /** RST. */
  reset(): void {
    this.#note('> <reset>');
    this.socket.resetAndDestroy();
  }

  /** Stops reading, so that the server's socket fills up. */
  pause(): void {
    this.#note('# paused');
    this.socket.pause();
  }

  resume(): void {
    this.#note('# resumed');
    this.socket.resume();
  }

  /** Frees the socket; for cleaning up, not for asserting. */
  destroy(): void {
    this.socket.destroy();
  }

  transcript(): string {
    return this.#transcript.slice(-60).join('\n');
  }

  #receive(chunk: Buffer): void {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10)) {
      this.#line(bytes.subarray(0, at));
      bytes = bytes.subarray(at + 1);
    }
    this.#rest = bytes;
    this.#wake();
  }

  #line(bytes: Buffer): void {
    const text = bytes.toString('utf8');
    this.#note(`< ${printable(bytes)}`);
    let json: Json;
    try {
      json = JSON.parse(text) as Json;
    } catch {
      json = { '<not JSON>': text };
    }
    this.#observer?.received(text);
    this.lines.push({ text, json, at: performance.now() });
  }

  #end(how: Ending['how']): void {
    if (this.#ending) return;
    this.#ending = { how, at: performance.now() };
    this.#note(`< <${how}>`);
    this.#wake();
  }

  #note(entry: string): void {
    this.#transcript.push(entry);
    if (this.#transcript.length > 400) this.#transcript.splice(0, 200);
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  #until(condition: () => boolean, waitMs: number, wanted: string): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        finish();
      };
      const waiter = () => {
        if (condition()) settle(resolve);
      };
      const timer = setTimeout(
        () => settle(() => reject(this.#failure(`waited ${Math.round(waitMs)} ms for ${wanted}`))),
        waitMs,
      );
      this.#waiters.add(waiter);
    });
  }

  #failure(what: string): UnmetExpectation {
    return new UnmetExpectation(`${what}\n--- transcript ---\n${this.transcript()}`);
  }
}

function printable(bytes: Buffer): string {
  const text = bytes.subarray(0, 400).toString('utf8').replace(/\n$/, '');
  const shown = text.replace(/[\u0000-\u001f\u007f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return bytes.length > 400 ? `${shown}… (${bytes.length} bytes)` : shown;
}
