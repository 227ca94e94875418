// Path patterns of the route rules: compared segment by segment, in time linear in the path, without regular expressions.
import { decodeEscapes, type PathReading, readSegments, segmentsOf } from './wire-path.ts';

/** `undefined` stands for any one segment. */
type Segment = string | undefined;

export interface RoutePattern {
  readonly exact: readonly Segment[];
  readonly folded: readonly Segment[];
  /** Whether any further segments may follow. */
  readonly open: boolean;
}

/**
 * Reads a pattern: segments between slashes; `*` is any one segment, `**`, at the end only, any number of them (none
 * included), everything else a name. Names are written plainly or percent-encoded, which means the same. A slash at the
 * end does not count. Answers what is wrong with it otherwise.
 */
export function parsePattern(text: string): RoutePattern | string {
  if (!text.startsWith('/')) return 'must begin with /';
  const written = segmentsOf(text);
  const open = written.at(-1) === '**';
  if (open) written.pop();
  const exact: Segment[] = [];
  const folded: Segment[] = [];
  for (const [index, segment] of written.entries()) {
    if (segment === '*') {
      exact.push(undefined);
      folded.push(undefined);
      continue;
    }
    if (segment === '') return 'has an empty segment, which no allowed path has';
    if (segment === '**')
      return 'has ** before the end; it stands for all that follows, so it must be the last segment';
    if (segment.includes('*'))
      return `has a * inside segment ${index + 1}; * stands for a whole segment (write %2A for a star in a name)`;
    const reading = readName(segment);
    if (reading === undefined) return `has a segment ${index + 1} that matches no path which may be sent at all`;
    exact.push(reading.exact[0]);
    folded.push(reading.folded[0]);
  }
  return { exact, folded, open };
}

/** Whether the pattern covers the path in this reading. */
export function matches(pattern: RoutePattern, path: PathReading, reading: keyof PathReading): boolean {
  const segments = path[reading];
  const wanted = pattern[reading];
  if (pattern.open ? segments.length < wanted.length : segments.length !== wanted.length) return false;
  for (let index = 0; index < wanted.length; index += 1) {
    if (wanted[index] !== undefined && wanted[index] !== segments[index]) return false;
  }
  return true;
}

function readName(segment: string): PathReading | undefined {
  const decoded = segment.includes('%') ? decodeEscapes(segment) : segment;
  return decoded === undefined ? undefined : readSegments([decoded]);
}
