// The one way out, against a socket that takes what it wants when it wants: nothing lost, doubled or out of order, bounds kept [OS-3.7].
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dataEvent, dataPrefix } from '../../src/events/data.ts';
import { Outbox, type OutboxOwner } from '../../src/transport/outbox.ts';
import { HandSocket, turn } from './support/hand-socket.ts';

const SLICE = 65_536;

function start(txBufferBytes: number, carrier?: HandSocket) {
  const socket = new HandSocket();
  let now = 0;
  const told: string[] = [];
  const owner: OutboxOwner = {
    progressed: () => told.push('progressed'),
    flushed: () => told.push('flushed'),
    stalled: () => told.push('stalled'),
    finishing: () => told.push('finishing'),
    finished: () => told.push('finished'),
  };
  const outbox = new Outbox({ socket, carrier, txBufferBytes, now: () => now }, owner);
  let number = 0;
  const body = (bytes: number): Buffer => Buffer.from(`"${++number}:${'d'.repeat(bytes)}"`);
  return {
    socket,
    outbox,
    told,
    fresh: () => told.splice(0),
    pass: (ms: number) => {
      now += ms;
    },
    answer: (bytes: number) => {
      const line = `{"n":${++number},"a":"${'a'.repeat(bytes)}"}\n`;
      return { line, sent: outbox.answer(line) };
    },
    data: (bytes: number, skipped = 0) => {
      const event = dataEvent(1, 1, 200, body(bytes));
      const prefix = dataPrefix(undefined, skipped);
      const line = prefix === '' ? event.bytes.toString() : prefix + event.rest.toString();
      return { line, sent: outbox.data(event, prefix) };
    },
  };
}

describe('a socket that keeps up', () => {
  test('everything is sent at once, nothing waits', () => {
    const { outbox, socket, answer, data, told } = start(1000);
    const lines = [answer(10), data(10), answer(200_000), data(10, 3)];
    expect(lines.map(({ sent }) => sent)).toEqual(['sent', 'sent', 'sent', 'sent']);
    expect(socket.text).toBe(lines.map(({ line }) => line).join(''));
    expect(outbox.waitingBytes).toBe(0);
    expect(outbox.stalledSince).toBeUndefined();
    outbox.finish();
    outbox.finish();
    expect(told).toEqual(['finished']);
    expect(answer(1).sent).toBe('skipped');
    expect(data(1).sent).toBe('skipped');
  });

  test('what is said while corked goes out as one, in order, in bounded pieces', () => {
    const { outbox, socket, answer, data } = start(1_000_000);
    outbox.cork();
    const first = [answer(10), answer(10)];
    expect(socket.taken).toHaveLength(0);
    const event = data(10);
    expect(socket.taken).toHaveLength(2);
    const rest = Array.from({ length: 300 }, () => answer(1000));
    outbox.uncork();
    outbox.uncork();
    expect(socket.text).toBe([...first, event, ...rest].map(({ line }) => line).join(''));
    for (const chunk of socket.taken) expect(chunk.length).toBeLessThanOrEqual(SLICE);
    expect(socket.taken.length).toBeLessThan(12);
  });
});

describe('texts of every kind', () => {
  const TEXTS = [
    '{"a":1}\n',
    '{"a":"ü"}\n',
    '{"a":"€ and 😀"}\n',
    `{"a":"${'x'.repeat(5000)}"}\n`,
    '{"a":"\\u00fc"}\n',
  ];

  test('arrive as UTF-8, and are counted in bytes', async () => {
    const { outbox, socket } = start(1_000_000);
    for (const text of TEXTS) outbox.answer(text);
    const whole = Buffer.from(TEXTS.join(''));
    expect(Buffer.concat(socket.taken)).toEqual(whole);
    expect(outbox.writtenBytes).toBe(whole.length);
  });

  test('are counted in bytes also while they wait', async () => {
    for (const first of TEXTS) {
      const { outbox, socket } = start(1_000_000);
      socket.fast = false;
      expect(outbox.answer(first)).toBe('waiting');
      expect(outbox.waitingBytes).toBe(Buffer.byteLength(first));
      for (const text of TEXTS) outbox.answer(text);
      expect(outbox.waitingBytes).toBe(Buffer.byteLength(first + TEXTS.join('')));
      await socket.takeAll();
      expect(socket.text).toBe(first + TEXTS.join(''));
      expect(outbox.waitingBytes).toBe(0);
    }
  });
});

describe('a socket that is closed', () => {
  test('what still waited was not written, nothing can be said any more, and nobody is told of it', async () => {
    const { outbox, socket, answer, data, fresh } = start(1000);
    socket.fast = false;
    const first = data(100).line;
    answer(100);
    data(100);
    fresh();
    socket.destroy();
    outbox.discard();
    expect(outbox.writtenBytes).toBe(first.length);
    expect([answer(1).sent, data(1).sent]).toEqual(['skipped', 'skipped']);
    outbox.finish();
    await socket.takeAll();
    expect(fresh()).toEqual([]);
  });
});

describe('a socket that was reset', () => {
  test('although it says, as TLS does, that it has taken what it held: what waits is not given to it', async () => {
    const { outbox, socket, data, fresh } = start(1000, new HandSocket());
    socket.fast = false;
    const first = data(100).line;
    data(100);
    fresh();
    socket.destroy();
    await socket.takeOne();
    expect(outbox.writtenBytes).toBe(first.length);
    expect(fresh()).toEqual([]);
  });
});

describe('a socket that does not', () => {
  test('[OS-3.7] data is left out once enough waits, answers never are', async () => {
    const { outbox, socket, answer, data } = start(1000);
    socket.fast = false;
    const lines: string[] = [];
    const keep = ({ line, sent }: { line: string; sent: string }): string => {
      if (sent !== 'skipped') lines.push(line);
      return sent;
    };
    expect(keep(data(100))).toBe('waiting');
    while (outbox.waitingBytes < 1000) expect(keep(data(100))).toBe('waiting');
    expect(keep(data(0))).toBe('skipped');
    for (let i = 0; i < 50; i++) expect(keep(answer(100))).toBe('waiting');
    await socket.takeAll();
    expect(socket.text).toBe(lines.join(''));
    expect(outbox.waitingBytes).toBe(0);
    socket.fast = true;
    expect(keep(data(0))).toBe('sent');
  });

  test('answers are congested above the bound, and data alone never congests them', async () => {
    const { outbox, socket, answer, data } = start(1000);
    socket.fast = false;
    data(5000);
    expect(outbox.answersCongested).toBe(false);
    expect(outbox.stalledSince).toBeUndefined();
    const { line } = answer(1000 - 20);
    expect(line.length).toBeLessThanOrEqual(1000);
    expect(outbox.answersCongested).toBe(false);
    answer(50);
    expect(outbox.answersCongested).toBe(true);
    await socket.takeAll();
    expect(outbox.answersCongested).toBe(false);
  });

  test('[OS-3.6] stalled since answers began to wait, anew with each progress, not while none wait', async () => {
    const { outbox, socket, answer, data, fresh, pass } = start(1_000_000);
    socket.fast = false;
    data(10);
    pass(5);
    expect(fresh()).toEqual([]);
    answer(SLICE * 2);
    expect(outbox.stalledSince).toBe(5);
    expect(fresh()).toEqual(['stalled']);
    pass(5);
    answer(10);
    expect(outbox.stalledSince).toBe(5);
    await socket.takeOne();
    expect(outbox.stalledSince).toBe(10);
    expect(outbox.progressAt).toBe(10);
    expect(fresh()).toEqual(['progressed']);
    pass(7);
    await socket.takeOne();
    expect(outbox.stalledSince).toBe(17);
    await socket.takeAll();
    expect(outbox.stalledSince).toBeUndefined();
    expect(fresh().at(-1)).toBe('flushed');
  });

  test('the end comes behind what waits', async () => {
    const { outbox, socket, answer, fresh } = start(1000);
    socket.fast = false;
    const lines = [answer(10), answer(100_000)];
    outbox.finish();
    expect(answer(1).sent).toBe('skipped');
    expect(fresh()).toEqual(['stalled', 'finishing']);
    await socket.takeAll();
    expect(fresh().filter((what) => what !== 'progressed')).toEqual(['flushed', 'finished']);
    expect(socket.text).toBe(lines.map(({ line }) => line).join(''));
  });

  test('a socket that fails is asked nothing more and told nobody', async () => {
    const { outbox, socket, answer, fresh } = start(1000);
    socket.on('error', () => {});
    socket.fast = false;
    answer(10);
    fresh();
    socket.destroy(new Error('gone'));
    await turn();
    expect(answer(10).sent).toBe('waiting');
    outbox.finish();
    await turn();
    expect(fresh()).toEqual(['finishing']);
  });
});

describe('whatever is said and taken', () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('answer' as const), bytes: fc.integer({ min: 0, max: 3000 }) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('data' as const), bytes: fc.integer({ min: 0, max: 3000 }) }) },
    fc.record({
      do: fc.constantFrom('answer' as const, 'data' as const),
      bytes: fc.integer({ min: 60_000, max: 200_000 }),
    }),
    { weight: 3, arbitrary: fc.record({ do: fc.constant('take' as const), bytes: fc.constant(0) }) },
    fc.record({
      do: fc.constantFrom('cork' as const, 'uncork' as const, 'fast' as const, 'slow' as const),
      bytes: fc.constant(0),
    }),
  );

  test('order kept, nothing lost or doubled, answers never left out, waiting bytes exact and bounded', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 8000 }), async (steps, tx) => {
        const { outbox, socket, answer, data, told } = start(tx);
        const said: { line: string; answer: boolean }[] = [];
        let corked = false;
        const takenBytes = (): number => socket.taken.reduce((sum, { length }) => sum + length, 0);
        for (const { do: what, bytes } of steps) {
          if (what === 'answer') {
            const { line } = answer(bytes);
            said.push({ line, answer: true });
          } else if (what === 'data') {
            const before = outbox.waitingBytes;
            const { line, sent } = data(bytes);
            // Answers of this turn go first, and may be what congests it.
            if (before >= tx) expect(sent).toBe('skipped');
            else if (!corked) expect(sent).not.toBe('skipped');
            if (sent !== 'skipped') said.push({ line, answer: false });
          } else if (what === 'take') await socket.takeOne();
          else if (what === 'cork') {
            outbox.cork();
            corked = true;
          } else if (what === 'uncork') {
            outbox.uncork();
            corked = false;
          } else socket.fast = what === 'fast';
          if (corked) continue;
          const all = said.map(({ line }) => line).join('').length;
          expect(outbox.waitingBytes).toBe(all - takenBytes());
          expect(outbox.writtenBytes).toBe(takenBytes() + socket.heldBytes);
          expect(outbox.answersCongested).toBe(answersBehind(said, takenBytes()) > tx);
          expect(outbox.stalledSince === undefined).toBe(answersBehind(said, takenBytes()) === 0);
        }
        outbox.finish();
        socket.fast = true;
        await socket.takeAll();
        await turn();
        expect(socket.text).toBe(said.map(({ line }) => line).join(''));
        expect(told.filter((what) => what === 'finished')).toHaveLength(1);
        for (const chunk of socket.taken) expect(chunk.length).toBeLessThanOrEqual(SLICE);
      }),
      { numRuns: 150 },
    );
  });

  /** Bytes of answers that stand behind this many bytes of everything said. */
  function answersBehind(said: readonly { line: string; answer: boolean }[], taken: number): number {
    let at = 0;
    let behind = 0;
    for (const { line, answer } of said) {
      if (answer) behind += Math.max(0, at + line.length - Math.max(at, taken));
      at += line.length;
    }
    return behind;
  }

  test('data alone never makes more wait than the bound and one event', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 50_000 }), fc.boolean()), { maxLength: 60 }),
        fc.integer({ min: 1, max: 60_000 }),
        async (steps, tx) => {
          const { outbox, socket, data } = start(tx);
          socket.fast = false;
          let largest = 0;
          for (const [bytes, takes] of steps) {
            largest = Math.max(largest, data(bytes).line.length);
            expect(outbox.waitingBytes).toBeLessThan(tx + largest);
            if (takes) await socket.takeOne();
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
