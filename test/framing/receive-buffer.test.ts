// However a byte stream is cut, the same lines come out of it, and it never holds more than it may [OS-1.3] [OS-1.4].
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReceiveBuffer, type ReceiveLimits } from '../../src/framing/receive-buffer.ts';
import { waitUntil } from '../faults/support/wait.ts';
import { referenceFrames, type Seen, seen } from './reference.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Everything a buffer makes of these chunks. */
function frames(chunks: readonly Buffer[], limits: ReceiveLimits, ended = true): Seen[] {
  const buffer = new ReceiveBuffer(limits);
  const found: Seen[] = [];
  for (const chunk of chunks) {
    // A copy that is wiped afterwards: what is carried over must not point into a chunk that is gone.
    const own = Buffer.from(chunk);
    buffer.push(own);
    while (!buffer.drained) {
      const frame = buffer.next();
      if (frame) found.push(seen(frame));
    }
    own.fill(0x7e);
  }
  const left = ended ? buffer.end() : undefined;
  if (left) found.push(seen(left));
  return found;
}

/** Cuts at these places, wherever they fall. */
function cut(bytes: Uint8Array, places: readonly number[]): Buffer[] {
  const all = Buffer.from(bytes);
  const sorted = [0, ...places.map((place) => place % (all.length + 1)), all.length].sort((a, b) => a - b);
  return sorted.slice(1).map((to, i) => all.subarray(sorted[i], to));
}

/** Bytes that matter to the framing, and any others. */
const pieces = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('\n', '\r', '\r\n', '{', '}', ' ', '\t', 'x', '\n\n', '{}\n', '\r\r') },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 14 }).map((n) => 'y'.repeat(n)) },
  fc.constantFrom('\xef\xbb\xbf', '\xef', '\xbb', '\xbf', '\xef\xbb'),
  fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);
const stream = fc
  .tuple(
    fc.constantFrom(
      '',
      '{',
      '\n{',
      ' \r\n{',
      '            ',
      '     \r{',
      ' \n      \t  G',
      '       {}\n',
      '\xef\xbb\xbf{',
      '\xef\xbb\xbf',
    ),
    fc.array(pieces, { maxLength: 40 }),
  )
  .map(([start, rest]) => Buffer.from(start + rest.join(''), 'latin1'));
const limits = fc.record({ lineBytes: fc.integer({ min: 1, max: 12 }), discardBytes: fc.integer({ min: 0, max: 12 }) });
const cuts = fc.array(fc.nat(200), { maxLength: 30 });

/** White space in runs, longer than what is passed over at once, and lines between them. */
const blanks = fc
  .array(
    fc.oneof(
      fc
        .tuple(fc.constantFrom('\n', '\r\n', ' \n', '\t \r\n', ' ', '\r'), fc.integer({ min: 1, max: 700 }))
        .map(([blank, count]) => blank.repeat(count)),
      fc.constantFrom('{}\n', '{x', '\n', '\r', ' G'),
    ),
    { maxLength: 8 },
  )
  .map((pieces) => Buffer.from(pieces.join('')));
const blankLimits = fc.record({
  lineBytes: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 505, max: 520 }), fc.constant(5000)),
  discardBytes: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 505, max: 520 }), fc.constant(5000)),
});

describe('[OS-1.3] cuts never matter', () => {
  test('any cut of any bytes gives the frames of the plain reference', () => {
    fc.assert(
      fc.property(stream, limits, cuts, fc.boolean(), (bytes, bounds, places, ended) => {
        const expected = referenceFrames(bytes, bounds, ended);
        expect(frames(cut(bytes, places), bounds, ended)).toEqual(expected);
        expect(frames([bytes], bounds, ended)).toEqual(expected);
        expect(
          frames(
            [...bytes].map((byte) => Buffer.from([byte])),
            bounds,
            ended,
          ),
        ).toEqual(expected);
      }),
      { numRuns: 3000 },
    );
  });

  test('[OS-1.2] nor do they in long runs of white space', () => {
    fc.assert(
      fc.property(blanks, blankLimits, fc.array(fc.nat(10_000), { maxLength: 6 }), (bytes, bounds, places) => {
        const expected = referenceFrames(bytes, bounds, true);
        expect(frames(cut(bytes, places), bounds)).toEqual(expected);
        expect(frames([bytes], bounds)).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  test('lines of real sizes, around every bound that storage has', () => {
    const sizes = [1, 511, 512, 513, 1024, 2047, 2048, 2049, 5000, 65_535, 65_536, 65_537, 70_000];
    const text = sizes.map((size) => `{${'a'.repeat(size - 1)}${size % 2 ? '\n' : '\r\n'}`).join('');
    const bounds = { lineBytes: 65_536, discardBytes: 1_048_576 };
    const expected = referenceFrames(Buffer.from(text), bounds, true);
    expect(expected.filter(({ kind }) => kind === 'overflow')).toHaveLength(2);
    for (const size of [97, 512, 2048, 4096, 65_536, 1_000_000]) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < text.length; at += size) chunks.push(Buffer.from(text.slice(at, at + size)));
      expect(frames(chunks, bounds)).toEqual(expected);
    }
  });
});

describe('[OS-1.4] the limits, to the byte', () => {
  const bounds = { lineBytes: 10, discardBytes: 5 };
  const framed = (text: string): string[] =>
    frames([Buffer.from(text, 'latin1')], bounds, false).map((frame) =>
      frame.kind === 'line' ? frame.text.trim() : frame.kind === 'overflow' && frame.fatal ? 'overflow!' : frame.kind,
    );

  test.each([
    ['{123456789\n', ['{123456789']],
    ['{123456789\r\n', ['{123456789']],
    ['{1234567890\n{}\n', ['overflow', '{}']],
    ['{1234567890\r\n{}\n', ['overflow', '{}']],
    ['{123456789\r', []],
    ['{123456789\r\r', ['overflow']],
    ['{123456789\rx', ['overflow']],
    ['{12345678901234\n{}\n', ['overflow', '{}']],
    ['{12345678901234\r\n{}\n', ['overflow', '{}']],
    ['{123456789012345\n{}\n', ['overflow', 'overflow!']],
    ['{123456789012345\n{}\n{}\n', ['overflow', 'overflow!']],
    ['        {}\n{}\n', ['{}', '{}']],
    ['         {}\n{}\n', ['overflow', '{}']],
    ['           \n{}\n', ['overflow', '{}']],
    ['          G', ['foreign']],
    ['           G', ['overflow', 'foreign']],
    ['                G', ['overflow', 'overflow!']],
    ['\xef\xbb\xbf        {}\n', ['{}']],
  ])('%j', (text, expected) => {
    expect(framed(text)).toEqual(expected);
  });

  test('an overflow is told before the line is finished', () => {
    const buffer = new ReceiveBuffer(bounds);
    buffer.push(Buffer.from('{1234567890'));
    expect(buffer.next()).toEqual({ kind: 'overflow', fatal: false });
    expect(buffer.next()).toBeUndefined();
    expect(buffer.end()).toBeUndefined();
  });

  test('after the end and after a fatal frame nothing comes any more', () => {
    const buffer = new ReceiveBuffer({ lineBytes: 2, discardBytes: 0 });
    buffer.push(Buffer.from('{12345\n{}\n'));
    expect(buffer.next()?.kind).toBe('overflow');
    expect(buffer.next()).toEqual({ kind: 'overflow', fatal: true });
    expect(buffer.next()).toBeUndefined();
    buffer.push(Buffer.from('{}\n'));
    expect(buffer.next()).toBeUndefined();
    expect(buffer.drained).toBe(true);
    expect(buffer.end()).toBeUndefined();
  });

  test('a chunk before the one before was consumed is a mistake of the caller', () => {
    const buffer = new ReceiveBuffer(bounds);
    buffer.push(Buffer.from('{}\n{}\n'));
    buffer.next();
    expect(buffer.drained).toBe(false);
    expect(() => buffer.push(Buffer.from('x'))).toThrow(/before/);
  });
});

describe('[OS-3.1] work is announced before it is done', () => {
  const SIZE = 16_384;
  const bounds = { lineBytes: SIZE, discardBytes: 1e9 };
  const filled = (text: string): Buffer => Buffer.alloc(SIZE, text);

  test('nextBytes is the length of what the next call looks at', () => {
    const buffer = new ReceiveBuffer({ lineBytes: 100, discardBytes: 100 });
    buffer.push(Buffer.from('{"a":1}\n{}\n{"tail'));
    expect(buffer.nextBytes).toBe(7);
    buffer.next();
    expect(buffer.nextBytes).toBe(2);
    buffer.next();
    expect(buffer.nextBytes).toBe(6);
    buffer.next();
    buffer.push(Buffer.from('":1}\n'));
    // The whole line is handed out and decoded, and not this end of it alone.
    expect(buffer.nextBytes).toBe(10);
  });

  test('a line is never longer than announced, whatever stands before it', () => {
    const lengthy = stream.map((bytes) =>
      Buffer.from(bytes.toString('latin1').replaceAll('y', 'y'.repeat(40)), 'latin1'),
    );
    const wide = { lineBytes: 300, discardBytes: 1e9 };
    fc.assert(
      fc.property(lengthy, cuts, (bytes, places) => {
        const buffer = new ReceiveBuffer(wide);
        for (const chunk of cut(bytes, places)) {
          buffer.push(chunk);
          while (!buffer.drained) {
            const announced = buffer.nextBytes;
            const frame = buffer.next();
            if (frame?.kind === 'line') expect(frame.bytes.length).toBeLessThanOrEqual(announced);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  const BLANK = ['\n', '\r\n', ' \n', '\t \r\n', `${' '.repeat(511)}\n`, `${' '.repeat(700)}\r\n`, ' ', '\r'];
  const floods: [string, Buffer][] = [
    ...BLANK.map((text): [string, Buffer] => [
      `${text.length} × ${JSON.stringify(text.slice(-4))}`,
      Buffer.alloc(SIZE + 3000, text),
    ]),
    ['short lines', filled('{}\n')],
    ['a line without an end', Buffer.alloc(2 * SIZE, '{x')],
    [
      'blank lines before a long one',
      Buffer.concat([Buffer.alloc(700, '\n'), Buffer.from('{'), filled('a'), filled('\n')]),
    ],
    ['a long line before short ones', Buffer.concat([Buffer.from('{'), filled('a'), filled('\n{}\n')])],
    ['blank lines before what is none of ours', Buffer.concat([filled('\r\n'), Buffer.from('GET /')])],
  ];

  test.each(floods)('%s: no call looks at more bytes than announced, a few times over', (_name, bytes) => {
    for (const begun of [false, true]) {
      for (const size of [SIZE, 1000, 1]) {
        const buffer = new ReceiveBuffer(bounds);
        if (begun) {
          buffer.push(Buffer.from('{}\n'));
          buffer.next();
        }
        let all = 0;
        let beyond = 0;
        for (let at = 0; at < bytes.length; at += size) {
          const { chunk, looks } = watched(bytes.subarray(at, at + size));
          buffer.push(chunk);
          for (let seen = 0; !buffer.drained; seen = looks()) {
            const announced = buffer.nextBytes;
            buffer.next();
            beyond = Math.max(beyond, looks() - seen - 4 * announced);
          }
          all += looks();
        }
        expect(beyond).toBeLessThanOrEqual(1024);
        // Nothing is quadratic, either.
        expect(all).toBeLessThanOrEqual(6 * bytes.length + 1024);
      }
    }
  });

  test.each(floods)('%s: everything is announced, or done in steps of half a kilobyte', (_name, bytes) => {
    const buffer = new ReceiveBuffer(bounds);
    let announced = 0;
    let calls = 0;
    for (let at = 0; at < bytes.length; at += SIZE) {
      buffer.push(bytes.subarray(at, at + SIZE));
      for (; !buffer.drained; calls++) {
        announced += buffer.nextBytes;
        buffer.next();
      }
    }
    expect(announced + 512 * calls).toBeGreaterThanOrEqual(bytes.length);
  });
});

/** The same bytes, which count how often one of them is looked at. */
function watched(bytes: Buffer): { readonly chunk: Buffer; readonly looks: () => number } {
  let count = 0;
  const watch = (inner: Buffer): Buffer =>
    new Proxy(inner, {
      get(target, name) {
        if (name === 'subarray') return (from?: number, to?: number) => watch(target.subarray(from, to));
        if (name === 'indexOf') {
          return (byte: number, from = 0) => {
            const found = target.indexOf(byte, from);
            count += (found < 0 ? target.length : found + 1) - from;
            return found;
          };
        }
        if (name === 'copy') {
          return (to: Buffer, at: number, from: number, end: number) => {
            count += end - from;
            return target.copy(to, at, from, end);
          };
        }
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value === 'number' && name !== 'length') count++;
        return value;
      },
    });
  return { chunk: watch(bytes), looks: () => count };
}

describe('[OS-1.4] memory stays bounded', () => {
  /** Bytes of array buffers that this process holds; they are given back some time after the collection that finds them. */
  const held = (): number => {
    collectGarbage();
    return process.memoryUsage().arrayBuffers;
  };
  const settlesBelow = (bytes: number): Promise<number> =>
    waitUntil(() => held() < bytes, `less than ${bytes} bytes are held`);

  test('a line that never ends holds no more than its limit, whatever comes', async () => {
    const kept: ReceiveBuffer[] = [];
    const fill = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const buffer = new ReceiveBuffer({ lineBytes: 4096, discardBytes: 1e9 });
        for (let k = 0; k < 50; k++) {
          buffer.push(Buffer.allocUnsafeSlow(1000).fill(k === 0 ? '{' : 'a'));
          while (!buffer.drained) buffer.next();
        }
        kept.push(buffer);
      }
    };
    fill(1);
    const before = held();
    fill(200);
    // All of them discard: nothing of their lines, and none of their chunks, is kept.
    await settlesBelow(before + 200 * 1000);
    expect(kept).toHaveLength(201);
  });

  test('single bytes that drip in pin no chunk each', async () => {
    const before = held();
    const buffer = new ReceiveBuffer({ lineBytes: 65_536, discardBytes: 0 });
    for (let i = 0; i < 20_000; i++) {
      // Each byte stands in a buffer of 16 KiB, as it comes from a socket.
      const chunk = Buffer.allocUnsafeSlow(16_384);
      chunk[0] = 0x7b;
      buffer.push(chunk.subarray(0, 1));
      expect(buffer.next()).toBeUndefined();
    }
    await settlesBelow(before + 200 * 16_384);
    expect(buffer.end()).toEqual({ kind: 'unterminated' });
  });
});
