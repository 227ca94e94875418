// The fieldbus image: bits, bytes, words, dwords and floats are views of the same memory, and all integers are signed.
import { IO_BLOCK_BYTES, IO_BLOCKS } from './limits.ts';

/** Width of a view: the letter after `do` or `di`. */
export type IoWidth = 'bit' | 'b' | 'w' | 'l' | 'f';

const BYTES: Readonly<Record<IoWidth, number>> = { bit: 1 / 8, b: 1, w: 2, l: 4, f: 4 };

/** Largest `sig_no` of a view, counted from 0 in units of the view's own width. */
export function lastSignal(width: IoWidth): number {
  return IO_BLOCK_BYTES / BYTES[width] - 1;
}

/** Range a value may have when written: signed, or the same bits read as unsigned (`200` is the byte `-56`). */
export function valueRange(width: IoWidth): readonly [number, number] {
  if (width === 'f') return [-3.4028234663852886e38, 3.4028234663852886e38];
  if (width === 'bit') return [0, 1];
  const span = 2 ** (BYTES[width] * 8);
  return [-span / 2, span - 1];
}

/**
 * Ten blocks of 960 signals, little-endian. A loop-back plug ties each input to the output of the same number, so what is
 * written to an output can be read as an input. Blocks and signals must be in range: the caller checks.
 */
export class IoImage {
  readonly #memory = new DataView(new ArrayBuffer(IO_BLOCKS * IO_BLOCK_BYTES));

  constructor() {
    // Something to see at first sight: one byte with its sign bit set.
    this.write('b', 2, 3, -56);
  }

  read(width: IoWidth, block: number, signal: number): number {
    const at = this.#offset(width, block, signal);
    if (width === 'bit') return (this.#memory.getUint8(at) >> (signal & 7)) & 1;
    if (width === 'b') return this.#memory.getInt8(at);
    if (width === 'w') return this.#memory.getInt16(at, true);
    return width === 'l' ? this.#memory.getInt32(at, true) : this.#memory.getFloat32(at, true);
  }

  write(width: IoWidth, block: number, signal: number, value: number): void {
    const at = this.#offset(width, block, signal);
    if (width === 'bit') {
      const mask = 1 << (signal & 7);
      const byte = this.#memory.getUint8(at);
      this.#memory.setUint8(at, value === 0 ? byte & ~mask : byte | mask);
    } else if (width === 'b') this.#memory.setInt8(at, value);
    else if (width === 'w') this.#memory.setInt16(at, value, true);
    else if (width === 'l') this.#memory.setInt32(at, value, true);
    else this.#memory.setFloat32(at, value, true);
  }

  #offset(width: IoWidth, block: number, signal: number): number {
    return block * IO_BLOCK_BYTES + Math.floor(signal * BYTES[width]);
  }
}
