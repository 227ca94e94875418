// Runs the columns of a case in turns (A B C, A B C, …) and takes the median of each figure over the rounds.
import type { BenchCase, Column, Lab, Outcome, Values } from './case.ts';
import type { IntervalFigures } from './histogram.ts';

interface ColumnResult {
  column: Column;
  medians: Values;
  /** Of the last round. */
  intervals?: IntervalFigures;
  remarks: string[];
  runs: Values[];
}

export interface CaseResult {
  name: string;
  claim: string;
  windowMs: number;
  rounds: number;
  columns: ColumnResult[];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function collect(column: Column, outcomes: readonly Outcome[]): ColumnResult {
  const medians: Values = {};
  const keys = new Set(outcomes.flatMap((outcome) => Object.keys(outcome.values)));
  for (const key of keys) medians[key] = median(outcomes.map((outcome) => outcome.values[key] ?? 0));
  const remarks = outcomes.flatMap((outcome, round) =>
    outcome.remarks.map((remark) => `round ${round + 1}: ${remark}`),
  );
  const intervals = outcomes.at(-1)?.intervals;
  return {
    column,
    medians,
    remarks,
    runs: outcomes.map((outcome) => outcome.values),
    ...(intervals ? { intervals } : {}),
  };
}

/** A round that fails is a failed run of the case, never a smaller sample: the error is passed on. */
export async function runCase(
  bench: BenchCase,
  lab: Lab,
  rounds: number,
  only: readonly Column[] | undefined,
  tell: (text: string) => void,
): Promise<CaseResult> {
  const windowMs = lab.quick ? lab.windowMs : Math.max(lab.windowMs, bench.minWindowMs ?? 0);
  const columns = bench.columns.filter((column) => !only || only.includes(column));
  const outcomes = new Map<Column, Outcome[]>(columns.map((column) => [column, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const column of columns) {
      tell(`${bench.name} ${round}/${rounds} ${column}`);
      outcomes.get(column)!.push(await bench.run(column, { ...lab, windowMs }));
    }
  }
  const results = columns.map((column) => collect(column, outcomes.get(column)!));
  return { name: bench.name, claim: bench.claim, windowMs, rounds, columns: results };
}
