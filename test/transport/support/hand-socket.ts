// A socket moved by hand: it takes what it is given at once, or only when the test lets it, and keeps every byte in order.
import { Duplex } from 'node:stream';

export class HandSocket extends Duplex {
  /** Everything taken so far. */
  readonly taken: Buffer[] = [];
  /** False: like a socket whose kernel buffer is full, it holds on to what it is given. */
  fast = true;
  /** How often it was reset. */
  resets = 0;
  #held: { readonly chunk: Buffer; readonly done: (error?: Error | null) => void } | undefined;

  constructor() {
    // Like a socket of the system, which is given texts as they are.
    super({ allowHalfOpen: true, decodeStrings: false });
  }

  /** Bytes that it holds and has not taken. */
  get heldBytes(): number {
    return this.#held?.chunk.length ?? 0;
  }

  get text(): string {
    return Buffer.concat(this.taken).toString();
  }

  /** Takes what it holds; false when that is nothing. The callbacks come in a later turn, as those of a socket. */
  async takeOne(): Promise<boolean> {
    const held = this.#held;
    if (!held) return false;
    this.#held = undefined;
    this.taken.push(held.chunk);
    held.done();
    await turn();
    return true;
  }

  /** Takes everything there is. */
  async takeAll(): Promise<void> {
    while (await this.takeOne());
  }

  /** The peer sends. */
  async receives(bytes: string | Buffer): Promise<void> {
    this.push(Buffer.from(bytes));
    await turn();
  }

  /** The peer ends its side. */
  async ends(): Promise<void> {
    this.push(null);
    await turn();
  }

  /** As a socket of the system does, without a last word. */
  resetAndDestroy(): this {
    this.resets++;
    return this.destroy();
  }

  override _read(): void {}

  override _write(given: Buffer | string, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const chunk = typeof given === 'string' ? Buffer.from(given, encoding) : given;
    // No byte at all needs no room, and always passes; it waits its turn behind what is held.
    if (chunk.length === 0) done();
    else if (this.fast) {
      this.taken.push(chunk);
      done();
    } else this.#held = { chunk, done };
  }
}

/** Everything that is due now, and what comes of it, has happened. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
