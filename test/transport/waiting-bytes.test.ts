// What waits for a slow reader: in order, counted to the byte, and in no more memory than it is long.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dataEvent } from '../../src/events/data.ts';
import { WaitingBytes } from '../../src/transport/waiting-bytes.ts';
import { waitUntil } from '../faults/support/wait.ts';

const KIB = 1024;

describe('whatever is put in and taken', () => {
  const put = fc.record({ length: fc.oneof(fc.nat(200), fc.nat(20_000)), answer: fc.boolean() });
  const take = fc.record({ most: fc.integer({ min: 1, max: 70_000 }) });

  test('comes out in order, in pieces as long as asked for, with the answers among it counted', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(put, take), { maxLength: 60 }), (steps) => {
        const waiting = new WaitingBytes();
        // Each byte of an answer is a 1, so that they can be counted in what comes out.
        let model = Buffer.alloc(0);
        const given: [Buffer, string][] = [];
        let seed = 2;
        for (const step of steps) {
          if ('most' in step) {
            if (waiting.bytes === 0) continue;
            const { bytes, answers } = waiting.take(step.most);
            const expected = model.subarray(0, Math.min(step.most, model.length));
            expect(bytes.equals(expected)).toBe(true);
            expect(answers).toBe(expected.filter((byte) => byte === 1).length);
            given.push([bytes, bytes.toString('latin1')]);
            model = model.subarray(bytes.length);
          } else {
            seed = 2 + ((seed + 1) % 250);
            const bytes = Buffer.alloc(step.length, step.answer ? 1 : seed);
            waiting.push(bytes, step.answer);
            model = Buffer.concat([model, bytes]);
          }
          expect(waiting.bytes).toBe(model.length);
          expect(waiting.answers).toBe(model.filter((byte) => byte === 1).length);
        }
        // A socket may still hold what it was given: nothing is written into that any more.
        for (const [bytes, text] of given) expect(bytes.toString('latin1')).toBe(text);
      }),
      { numRuns: 300 },
    );
  });
});

describe('[OS-3.7] memory', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const held = (): number => {
    collect();
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    return arrayBuffers + heapUsed;
  };

  test('of short lines with others made in between is that of the lines', async () => {
    const before = held();
    const waiting = new WaitingBytes();
    const line = (): Buffer => dataEvent(1, 1, 200, Buffer.from(`"${'d'.repeat(80)}"`)).bytes;
    while (waiting.bytes < 256 * KIB) {
      waiting.push(line(), false);
      // Other sessions': they share the blocks that Node cuts short buffers from, and are gone at once.
      for (let i = 0; i < 40; i++) line();
    }
    // V8 gives buffers back from a thread of its own: a little later where the machine is busy.
    await waitUntil(
      () => held() - before < 2 * waiting.bytes + 512 * KIB,
      () => `${held() - before} bytes are held`,
    );
    expect(waiting.bytes).toBeGreaterThanOrEqual(256 * KIB);
  });

  test('of long ones is shared by all that wait for them', async () => {
    const { bytes } = dataEvent(1, 1, 200, Buffer.from(`"${'d'.repeat(200 * KIB)}"`));
    const before = held();
    const all = Array.from({ length: 100 }, () => new WaitingBytes());
    for (const waiting of all) waiting.push(bytes, false);
    await waitUntil(
      () => held() - before < 1024 * KIB,
      () => `${held() - before} bytes are held`,
    );
    expect(all.every((waiting) => waiting.bytes === bytes.length)).toBe(true);
  });
});
