// Turns of the event loop are shared: one client's flood holds nobody up, and whoever waits comes in order.
import { describe, expect, test } from 'vitest';
import { type Runnable, Turns } from '../src/turns.ts';

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Work of so many pieces, each of so many units; remembers in which turn each was done. */
class Worker implements Runnable {
  left: number;
  readonly doneIn: number[] = [];
  readonly #turns: Turns;
  readonly #units: number;
  readonly #now: () => number;

  constructor(turns: Turns, left: number, units: number, now: () => number) {
    this.#turns = turns;
    this.left = left;
    this.#units = units;
    this.#now = now;
  }

  run(): void {
    while (this.left > 0) {
      if (!this.#turns.take(this.#units)) {
        this.#turns.later(this);
        return;
      }
      this.left--;
      this.doneIn.push(this.#now());
    }
  }
}

/** Runs turns of the event loop, counting them, until all work is done. */
async function runAll(workers: readonly Worker[], count: { turn: number }): Promise<void> {
  for (const worker of workers) worker.run();
  while (workers.some(({ left }) => left > 0)) {
    expect(count.turn).toBeLessThan(100_000);
    count.turn++;
    await immediate();
  }
}

describe('turns', () => {
  test('a turn does a hundred short pieces, or fewer long ones', async () => {
    for (const [units, pieces] of [
      [1, 100],
      [2, 50],
      [3, 34],
      [101, 1],
    ] as const) {
      const turns = new Turns();
      let taken = 0;
      while (turns.take(units)) taken++;
      expect(taken).toBe(pieces);
      await immediate();
      expect(turns.take(units)).toBe(true);
    }
  });

  test('a piece larger than a whole turn is done all the same, one to a turn', async () => {
    const count = { turn: 0 };
    const worker = new Worker(new Turns(), 5, 20_000, () => count.turn);
    await runAll([worker], count);
    expect(new Set(worker.doneIn).size).toBe(5);
  });

  test('a flood among others: everybody gets on, the small ones first of all', async () => {
    const count = { turn: 0 };
    const turns = new Turns();
    const flood = new Worker(turns, 20_000, 1, () => count.turn);
    const small = Array.from({ length: 50 }, () => new Worker(turns, 1, 1, () => count.turn));
    await runAll([flood, ...small], count);
    // Each of the fifty waits for at most one turn of the flood.
    for (const { doneIn } of small) expect(doneIn[0]).toBeLessThanOrEqual(3);
    expect(flood.doneIn.at(-1)).toBeGreaterThan(100);
  });

  test('one line is not behind sixty floods, wherever they stand', () => {
    let due: (() => void)[] = [];
    let turn = 0;
    const turns = new Turns((fire) => due.push(fire));
    const next = (): void => {
      turn++;
      const fires = due;
      due = [];
      for (const fire of fires) fire();
    };
    const floods = Array.from({ length: 60 }, () => new Worker(turns, 100_000, 22, () => turn));
    for (const flood of floods) flood.run();
    for (let i = 0; i < 1000; i++) next();
    for (let i = 0; i < 20; i++) {
      const one = new Worker(turns, 1, 1, () => turn);
      const came = turn;
      one.run();
      while (one.left > 0) next();
      expect(turn - came).toBeLessThanOrEqual(1);
    }
    // Nor are the floods kept from theirs, and none is ahead of the others by more than two turns.
    const done = floods.map(({ doneIn }) => doneIn.length);
    expect(Math.max(...done) - Math.min(...done)).toBeLessThanOrEqual(10);
    expect(Math.min(...done)).toBeGreaterThan(65);
  });

  test('lines that come without end leave half of each turn to those who have waited for longer', () => {
    let due: (() => void)[] = [];
    const turns = new Turns((fire) => due.push(fire));
    const next = (): void => {
      const fires = due;
      due = [];
      for (const fire of fires) fire();
    };
    const flood = new Worker(turns, 100_000, 1, () => 0);
    const other = new Worker(turns, 100_000, 1, () => 0);
    flood.run();
    other.run();
    for (let i = 0; i < 5; i++) next();
    const before = flood.left + other.left;
    for (let i = 0; i < 50; i++) {
      for (let n = 0; n < 200; n++) turns.later(new Worker(turns, 1, 1, () => 0));
      next();
    }
    expect(before - flood.left - other.left).toBe(50 * 50);
  });

  test('several floods share: none is ahead of another by more than its one turn', async () => {
    const count = { turn: 0 };
    const turns = new Turns();
    const floods = Array.from({ length: 7 }, () => new Worker(turns, 5000, 1, () => count.turn));
    for (const flood of floods) flood.run();
    while (floods.some(({ left }) => left > 0)) {
      count.turn++;
      await immediate();
      const left = floods.map((flood) => flood.left);
      if (Math.min(...left) > 0) expect(Math.max(...left) - Math.min(...left)).toBeLessThanOrEqual(200);
    }
  });

  test('forgotten work is never run, and nothing runs twice', async () => {
    const turns = new Turns();
    let runs = 0;
    const once: Runnable = { run: () => runs++ };
    const never: Runnable = {
      run: () => {
        throw new Error('it was forgotten');
      },
    };
    turns.later(once);
    turns.later(once);
    turns.later(never);
    turns.forget(never);
    await immediate();
    await immediate();
    expect(runs).toBe(1);
  });

  test('one that throws does not cost the others their turn', () => {
    let due: (() => void)[] = [];
    const turns = new Turns((fire) => due.push(fire));
    const ran: number[] = [];
    turns.later({
      run: () => {
        throw new Error('a fault');
      },
    });
    turns.later({ run: () => ran.push(1) });
    const turn = (): void => {
      const fires = due;
      due = [];
      for (const fire of fires) fire();
    };
    expect(turn).toThrow('a fault');
    turn();
    expect(ran).toEqual([1]);
  });
});
