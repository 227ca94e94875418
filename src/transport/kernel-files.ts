// Files of the kernel that are read again and again (/proc/net/…): the only place that opens and closes them.
import { closeSync, openSync, read } from 'node:fs';

/** The kernel never gives more than a page at once of a long table, whatever the size of the buffer. */
const CHUNK_BYTES = 16_384;

/**
 * Files of this process's network namespace. Their descriptors stay open, so that a flood that uses up all descriptors cannot
 * blind the gateway; each reading starts at the beginning again. One reading at a time.
 */
export class KernelFiles<Name extends string> {
  readonly #descriptors = new Map<Name, number>();
  readonly #buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  #reading = false;
  #closed = false;

  constructor(names: readonly Name[]) {
    for (const name of names) {
      try {
        this.#open(name);
      } catch {
        // Without IPv6 there is no table of it, say; whoever needs it is told when reading it.
      }
    }
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Gives the file's bytes one chunk after the other, each only until `take` returns; rejects when it cannot be read. */
  async read(name: Name, take: (bytes: Buffer) => void): Promise<void> {
    if (this.#closed) return;
    const descriptor = this.#open(name);
    this.#reading = true;
    try {
      await this.#readAll(descriptor, take);
    } finally {
      this.#reading = false;
      if (this.#closed) this.#closeAll();
    }
  }

  /** A reading that is under way ends early. */
  close(): void {
    this.#closed = true;
    // A descriptor that is being read must not be given to somebody else meanwhile.
    if (!this.#reading) this.#closeAll();
  }

  #open(name: Name): number {
    const known = this.#descriptors.get(name);
    if (known !== undefined) return known;
    const opened = openSync(`/proc/net/${name}`, 'r');
    this.#descriptors.set(name, opened);
    return opened;
  }

  #readAll(descriptor: number, take: (bytes: Buffer) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      let position = 0;
      // Callbacks rather than promises: a table of 4096 sessions takes two hundred readings.
      const next = (): void =>
        read(descriptor, this.#buffer, 0, CHUNK_BYTES, position, (error, length) => {
          if (error) reject(error);
          else if (length === 0 || this.#closed) resolve();
          else {
            position += length;
            try {
              take(this.#buffer.subarray(0, length));
              next();
            } catch (fault) {
              reject(fault as Error);
            }
          }
        });
      next();
    });
  }

  #closeAll(): void {
    for (const descriptor of this.#descriptors.values()) closeSync(descriptor);
    this.#descriptors.clear();
  }
}
