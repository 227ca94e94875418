// The receive buffer once more, slow and plain: it sees the whole stream at once and looks at one byte after the other.
import type { Frame, ReceiveLimits } from '../../src/framing/receive-buffer.ts';

/** A frame with its bytes as text, so that frames can be compared and kept. */
export type Seen =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'overflow'; readonly fatal: boolean }
  | { readonly kind: 'foreign'; readonly byte: number }
  | { readonly kind: 'unterminated' };

export const seen = (frame: Frame | { readonly kind: 'unterminated' }): Seen =>
  frame.kind === 'line' ? { kind: 'line', text: frame.bytes.toString('latin1') } : frame;

const SPACE = ' \t\r\n';
const isBlank = (line: string): boolean => [...line].every((byte) => SPACE.includes(byte));
const content = (line: string): number => line.length - (line.endsWith('\r') ? 1 : 0);

/** Everything that the bytes of one connection are framed into; `ended`: the client has ended its side. */
export function referenceFrames(bytes: Uint8Array, limits: ReceiveLimits, ended: boolean): Seen[] {
  let stream = Buffer.from(bytes).toString('latin1');
  const mark = '\xef\xbb\xbf';
  if (stream.startsWith(mark)) stream = stream.slice(mark.length);
  else if (stream !== '' && mark.startsWith(stream)) return ended ? [{ kind: 'foreign', byte: 0xef }] : [];
  const first = [...stream].findIndex((byte) => !SPACE.includes(byte));
  if (first < 0 || stream[first] === '{') return framesOf(stream, limits, ended);
  // White space belongs to its line also before the connection's first byte, and is framed before that byte is looked at.
  const before = framesOf(stream.slice(0, first), limits, false);
  const over = before.some((frame) => frame.kind === 'overflow' && frame.fatal);
  return over ? before : [...before, { kind: 'foreign', byte: stream.charCodeAt(first) }];
}

function framesOf(stream: string, limits: ReceiveLimits, ended: boolean): Seen[] {
  const seen: Seen[] = [];
  const lines = stream.split('\n');
  for (const [index, line] of lines.entries()) {
    const finished = index < lines.length - 1;
    if (content(line) > limits.lineBytes) {
      seen.push({ kind: 'overflow', fatal: false });
      if (content(line) - limits.lineBytes > limits.discardBytes) return [...seen, { kind: 'overflow', fatal: true }];
    } else if (finished) {
      if (!isBlank(line)) seen.push({ kind: 'line', text: line });
    } else if (ended && !isBlank(line)) seen.push({ kind: 'unterminated' });
  }
  return seen;
}
