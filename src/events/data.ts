// The `data` event as bytes, made once per poll and written to every session that shares it [OS-2.4].
import { bodyJson } from './body.ts';
import { milliseconds } from './encode.ts';

const TYPE = '{"type":"data",';

/** A line of its own is kept for the next session only up to this size, so that no poll holds a large result twice. */
const KEPT_BYTES = 65_536;

export class DataEvent {
  /** The whole line with its newline, for sessions that add nothing to it. */
  readonly bytes: Buffer;
  #prefix = '';
  #prefixed: Buffer | undefined;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** The line behind its `type`, for sessions that put members of their own there. */
  get rest(): Buffer {
    return this.bytes.subarray(TYPE.length);
  }

  /** The line with `prefix` for a beginning, as `dataPrefix` made it; empty for the line as it is. */
  lineWith(prefix: string): Buffer {
    if (prefix === '') return this.bytes;
    // Under overload a thousand sessions have missed the same: one copy does for all of them.
    if (this.#prefixed !== undefined && this.#prefix === prefix) return this.#prefixed;
    const line = Buffer.concat([Buffer.from(prefix), this.rest]);
    if (line.length <= KEPT_BYTES) {
      this.#prefix = prefix;
      this.#prefixed = line;
    }
    return line;
  }
}

/** `epochMs`: when the answer was complete; `durationMs`: how long the REST call took. */
export function dataEvent(epochMs: number, durationMs: number, status: number, body: Buffer): DataEvent {
  const head = `${TYPE}"ts":${epochMs},"svc_dur_ms":${milliseconds(durationMs)},`;
  if (body.length === 0) return new DataEvent(Buffer.from(`${head}"status":${status}}\n`, 'latin1'));
  const result = bodyJson(body);
  const start = `${head}"result":`;
  const bytes = Buffer.allocUnsafe(start.length + result.length + 2);
  bytes.write(start, 0, 'latin1');
  result.copy(bytes, start.length);
  bytes[bytes.length - 2] = 0x7d;
  bytes[bytes.length - 1] = 0x0a;
  return new DataEvent(bytes);
}

/** The line's beginning for a session that adds its `id` or tells what it missed [OS-3.7, OS-6.1]; empty when it adds nothing. */
export function dataPrefix(id: string | undefined, skipped: number): string {
  if (id === undefined && skipped === 0) return '';
  return TYPE + (id === undefined ? '' : `"id":${id},`) + (skipped === 0 ? '' : `"skipped":${skipped},`);
}
