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
  // White space before the connection's first byte belongs to no line.
  while (stream !== '' && SPACE.includes(stream[0]!)) stream = stream.slice(1);
  if (stream !== '' && stream[0] !== '{') return [{ kind: 'foreign', byte: stream.charCodeAt(0) }];
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
