// Writes bench/results/latest.md, the interval picture and the samples behind them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { BenchCase } from './case.ts';
import { RAW, RESULTS } from './paths.ts';
import type { CaseResult } from './rounds.ts';
import { TITLES } from './subjects.ts';
import { intervalPicture, type Panel } from './svg.ts';
import { asMarkdown, tableOf } from './table.ts';

export interface Finished {
  bench: BenchCase;
  result: CaseResult;
}

/** What the figures were taken on, in one paragraph. */
export function machine(pinned: boolean): string {
  const model = cpus()[0]?.model.replace(/\s+/g, ' ') ?? 'unknown CPU';
  const memory = Math.round(totalmem() / 2 ** 30);
  const load = loadavg().map((one) => one.toFixed(2));
  const pinning = pinned
    ? 'the measured process pinned to one core, load client and backend to another'
    : '**not pinned: no `taskset`, or one core only; shares of a core and ratios mix the load with the gateway**';
  return `${cpus().length} × ${model}, ${memory} GB, Linux ${release()}, Node ${process.version}; ${pinning}; load average at the end ${load.join(' ')}.`;
}

function section({ bench, result }: Finished): string {
  const remarks = result.columns.flatMap(({ column, remarks }) =>
    remarks.map((remark) => `- ${TITLES[column]}, ${remark}`),
  );
  const runs = `${result.rounds} run${result.rounds > 1 ? 's' : ''} of ${result.windowMs / 1000} s each, in turns; medians.`;
  const parts = [`## ${bench.name}`, `${bench.claim} ${runs}`, asMarkdown(tableOf(bench, result))];
  if (remarks.length > 0) parts.push(remarks.join('\n'));
  return parts.join('\n\n');
}

function panels(finished: readonly Finished[]): { caption: string; panels: Panel[] } | undefined {
  const chosen =
    finished.find(({ bench }) => bench.name === 'monitor-alone') ??
    finished.find(({ bench }) => bench.name.startsWith('interval'));
  if (!chosen) return undefined;
  const drawn = chosen.result.columns.flatMap(({ column, intervals }) =>
    intervals ? [{ title: TITLES[column], intervals }] : [],
  );
  return { caption: chosen.bench.claim, panels: drawn };
}

/** Returns the files written. Cases that were not run this time are not in the page. */
export function writeReport(finished: readonly Finished[], how: string, pinned: boolean): string[] {
  mkdirSync(RAW, { recursive: true });
  const picture = panels(finished);
  const page = [
    '# Benchmark results',
    `Written by \`${how}\`. How to read this: \`bench/README.md\`. Figures of one machine in one hour; only the ratios travel.`,
    machine(pinned),
    ...(picture ? ['![interval histogram](intervals.svg)'] : []),
    ...finished.map(section),
  ];
  const written = [join(RESULTS, 'latest.md'), join(RAW, 'latest.json')];
  writeFileSync(written[0]!, `${page.join('\n\n')}\n`);
  writeFileSync(written[1]!, JSON.stringify(finished.map(({ result }) => result)));
  if (picture) {
    written.push(join(RESULTS, 'intervals.svg'));
    writeFileSync(written[2]!, intervalPicture(picture.caption, picture.panels));
  }
  return written;
}
