// However a PROXY header is cut or damaged: the same decision, no byte lost, nothing thrown.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProxyHeaderParser, type ProxyHeaderResult } from '../../src/transport/proxy-header.ts';
import { runs } from '../access/support/fuzz.ts';
import { block, canonical, line, SIGNATURE } from '../access/support/proxy-headers.ts';

const cuts = fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 40 });

function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return [...chunks, bytes.subarray(at)];
}

/** Pushes until an end, then joins what is left over, as a connection would. */
function run(chunks: readonly Buffer[]): { end: ProxyHeaderResult; rest: string } {
  const parser = new ProxyHeaderParser();
  let end: ProxyHeaderResult = { state: 'more' };
  const rest: Buffer[] = [];
  for (const chunk of chunks) {
    end = parser.push(chunk);
    if (end.state === 'done') rest.push(end.rest);
  }
  return { end, rest: Buffer.concat(rest).toString('latin1') };
}

describe('a PROXY header in pieces', () => {
  it('is the same however it is cut, and nothing of what follows is lost or taken', () => {
    fc.assert(
      fc.property(fc.oneof(line, block), fc.uint8Array({ maxLength: 60 }), cuts, (header, tail, lengths) => {
        const stream = Buffer.concat([header.bytes, tail]);
        const { end, rest } = run(cut(stream, lengths));
        expect(end).toMatchObject({ state: 'done', source: header.source });
        expect(rest).toBe(Buffer.from(tail).toString('latin1'));
      }),
      { numRuns: runs(3000) },
    );
  });

  it('is incomplete without its last byte', () => {
    fc.assert(
      fc.property(fc.oneof(line, block), fc.nat(), ({ bytes }, pick) => {
        expect(run([bytes.subarray(0, pick % bytes.length)]).end.state).toBe('more');
      }),
      { numRuns: runs(1000) },
    );
  });
});

describe('a PROXY header, fuzzed', () => {
  const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  const damaged = fc
    .tuple(fc.oneof(line, block), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }))
    .map(([{ bytes }, changes]) => {
      const copy = Buffer.from(bytes);
      for (const [at, byte] of changes) copy[at % copy.length] = byte;
      return copy;
    });
  const hostile = fc.oneof(
    noise,
    noise.map((bytes) => Buffer.concat([Buffer.from('PROXY '), bytes])),
    noise.map((bytes) => Buffer.concat([SIGNATURE, bytes])),
    noise.map((bytes) => Buffer.concat([SIGNATURE, Buffer.from([0x21, 0x11]), bytes])),
    damaged,
  );

  it('never throws, decides alike for every cut, and tells only addresses', () => {
    fc.assert(
      fc.property(hostile, cuts, (bytes, lengths) => {
        const whole = run([bytes]);
        const pieces = run(cut(bytes, lengths));
        expect({ ...pieces.end, rest: pieces.rest }).toEqual({ ...whole.end, rest: whole.rest });
        if (whole.end.state === 'done' && whole.end.source !== undefined) {
          expect(canonical(whole.end.source.address)).toBe(whole.end.source.address);
          expect(whole.end.source.port).toBeLessThanOrEqual(65535);
        }
      }),
      { numRuns: runs(5000) },
    );
  });

  it('is decided after 4112 bytes at the latest', () => {
    fc.assert(
      fc.property(hostile, (bytes) => {
        expect(run([bytes, Buffer.alloc(4112)]).end.state).not.toBe('more');
      }),
      { numRuns: runs(2000) },
    );
  });
});
