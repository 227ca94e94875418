// What is fuzzed: something that makes inputs, and something that must hold for any input whatever.
import type { Random } from './random.ts';

export interface Target {
  readonly name: string;
  /** Time that is spent on it before the next one's turn, ms; 200 unless it needs more. */
  readonly sliceMs?: number;
  /** An input worth trying; only `random` decides. */
  generate(random: Random): Uint8Array;
  /** Throws when something does not hold. The input alone decides what is done with it. */
  check(input: Uint8Array): void | Promise<void>;
  /** Gives back what the checks needed. */
  stop?(): Promise<void>;
}

export function hold(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(sentence);
}
