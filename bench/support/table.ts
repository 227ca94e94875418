// A case's medians as a table: absolute figures, ratios to the baselines, and whether what was aimed at is reached.
import type { BenchCase, Metric } from './case.ts';
import type { CaseResult } from './rounds.ts';
import { TITLES } from './subjects.ts';

const DASH = '–';

function number(value: number | undefined, digits: number): string {
  if (value === undefined || !Number.isFinite(value)) return DASH;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

const ratio = (a: number | undefined, b: number | undefined) =>
  a === undefined || !b ? DASH : `${number(a / b, a / b < 0.1 ? 3 : 2)} ×`;

function holds(metric: Metric, value: number, bound: number): boolean {
  if (metric.better === 'near') return Math.abs(value / bound - 1) <= (metric.tolerance ?? 0);
  return metric.better === 'higher' ? value >= bound : value <= bound;
}

/** `reached`, `by ratio` (against the undici loop, on a machine slower than the reference one), or `behind`. */
export function verdict(metric: Metric, ours: number | undefined, undici: number | undefined): string {
  const { goal } = metric;
  if (!goal || ours === undefined) return DASH;
  // As printed: a figure that reads the same as the goal is not behind it.
  const rounded = metric.better === 'near' ? ours : Number(ours.toFixed(metric.digits));
  if (holds(metric, rounded, goal.reach)) return 'reached';
  const reference = goal.reference?.undici;
  if (metric.better === 'near' || !reference || !undici) return 'behind';
  return holds(metric, ours / undici, goal.reach / reference) ? 'by ratio' : 'behind';
}

interface Table {
  head: string[];
  rows: string[][];
}

/** What the gateway stands beside, in the order of the ratios. */
const SHORT = { undici: 'undici', shared: 'shared', naive: 'setInterval', floor: 'floor', timer: 'bare loop' };

export function tableOf(bench: BenchCase, result: CaseResult): Table {
  const columns = result.columns.map(({ column }) => column);
  const of = (column: string) => result.columns.find((one) => one.column === column)?.medians;
  const [ours, undici] = [of('gateway'), of('undici')];
  const others = Object.entries(SHORT).filter(([column]) => of(column));
  const head = ['', ...columns.map((column) => TITLES[column]), ...others.map(([, short]) => `ours / ${short}`)];
  head.push('to reach', '');
  const rows = bench.metrics.map((metric) => {
    const { key, digits } = metric;
    const row = [metric.unit ? `${metric.title}, ${metric.unit}` : metric.title];
    for (const column of columns) row.push(number(of(column)?.[key], digits));
    for (const [column] of others) row.push(ratio(ours?.[key], of(column)?.[key]));
    row.push(metric.goal ? number(metric.goal.reach, digits) : DASH, verdict(metric, ours?.[key], undici?.[key]));
    return row;
  });
  return { head, rows };
}

export function asMarkdown({ head, rows }: Table): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i ? '---:' : '---'))), ...rows.map(line)].join('\n');
}

export function asText({ head, rows }: Table): string {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  const cell = (text: string, i: number) => (i ? text.padStart(widths[i]!) : text.padEnd(widths[i]!));
  return all.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}
