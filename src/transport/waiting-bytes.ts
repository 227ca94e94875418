// What a slow reader has not taken yet, in order, in memory of about its own size [OS-3.7].

/** From here on a buffer has memory of its own; a shorter one is cut from a block that it shares with others, and would keep all of it. */
const OWN_BYTES = 4096;

/** Short ones are copied behind one another, into blocks that grow with what waits, up to this many bytes. */
const MAX_BLOCK_BYTES = 16_384;

interface Block {
  /** All of it, of which `used` is filled. */
  readonly bytes: Buffer;
  used: number;
  readonly answer: boolean;
}

export class WaitingBytes {
  readonly #blocks: Block[] = [];
  /** Of the first block, what has been taken. */
  #taken = 0;
  #bytes = 0;
  #answers = 0;

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of answers among them. */
  get answers(): number {
    return this.#answers;
  }

  /** A long one is kept as it is, shared with all others that wait for it. */
  push(bytes: Buffer, answer: boolean): void {
    const { length } = bytes;
    if (length >= OWN_BYTES) this.#blocks.push({ bytes, used: length, answer });
    else this.#copy(bytes, answer);
    this.#bytes += length;
    if (answer) this.#answers += length;
  }

  /** Takes what comes first, at most `most` bytes of it. */
  take(most: number): { readonly bytes: Buffer; readonly answers: number } {
    const parts: Buffer[] = [];
    let bytes = 0;
    let answers = 0;
    let emptied = 0;
    for (const block of this.#blocks) {
      const part = block.bytes.subarray(this.#taken, Math.min(block.used, this.#taken + most - bytes));
      parts.push(part);
      bytes += part.length;
      if (block.answer) answers += part.length;
      this.#taken += part.length;
      if (this.#taken < block.used) break;
      emptied++;
      this.#taken = 0;
      if (bytes === most) break;
    }
    this.#blocks.splice(0, emptied);
    this.#bytes -= bytes;
    this.#answers -= answers;
    return { bytes: parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes), answers };
  }

  #copy(bytes: Buffer, answer: boolean): void {
    const last = this.#blocks.at(-1);
    if (last?.answer === answer && last.bytes.length - last.used >= bytes.length) {
      bytes.copy(last.bytes, last.used);
      last.used += bytes.length;
      return;
    }
    const size = Math.max(bytes.length, Math.min(this.#bytes, MAX_BLOCK_BYTES));
    const block = { bytes: Buffer.allocUnsafeSlow(size), used: bytes.length, answer };
    bytes.copy(block.bytes);
    this.#blocks.push(block);
  }
}
