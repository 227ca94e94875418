// What a case is: one claim about the gateway, how it is loaded, which figures come out, and what they are held to.
import type { IntervalFigures } from './histogram.ts';
import type { SubjectName } from './subjects.ts';

/** `timer` is the bare deadline loop: it has intervals and nothing else. */
export type Column = SubjectName | 'timer';

export interface Goal {
  /** The absolute figure aimed at, on a machine like the reference one. */
  reach: number;
  /** What the two baselines measured there: reach divided by these is the ratio to hold anywhere. Absent: no ratio. */
  reference?: { undici?: number; naive?: number };
}

export interface Metric {
  key: string;
  title: string;
  unit: string;
  digits: number;
  /** Which way is good; `near`: the closer to the goal the better, within its tolerance (a share of it). */
  better: 'lower' | 'higher' | 'near';
  tolerance?: number;
  goal?: Goal;
}

/** Figures by metric key; a key that does not apply to a column is absent. */
export type Values = Record<string, number>;

export interface Outcome {
  values: Values;
  /** For the picture of the interval histogram. */
  intervals?: IntervalFigures;
  /** What a reader must know to believe the figures: errors seen, lines out of order. */
  remarks: string[];
}

export interface Lab {
  /** How long the load is on before the window begins: a young process is still being compiled. */
  warmupMs: number;
  /** Length of a measuring window. */
  windowMs: number;
  quick: boolean;
  nodeArgs: string[];
}

export interface BenchCase {
  name: string;
  claim: string;
  columns: readonly Column[];
  metrics: readonly Metric[];
  /** A window at least this long, except in quick runs. */
  minWindowMs?: number;
  run(column: Column, lab: Lab): Promise<Outcome>;
}
