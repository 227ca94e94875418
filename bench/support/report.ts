// Writes bench/results/latest.md, the interval picture and the samples behind them.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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

/** `again`: what the case was measured by when not together with the rest of the page. */
function section({ bench, result }: Finished, again?: string): string {
  const remarks = result.columns.flatMap(({ column, remarks }) =>
    remarks.map((remark) => `- ${TITLES[column]}, ${remark}`),
  );
  const runs = `${result.rounds} run${result.rounds > 1 ? 's' : ''} of ${result.windowMs / 1000} s each, in turns; medians.`;
  const parts = [`## ${bench.name}`, `${bench.claim} ${runs}`, asMarkdown(tableOf(bench, result))];
  if (again) parts.splice(2, 0, again);
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

/** The last page with the cases that were run now in the place of what it had of them; `order`: all cases by name. */
function updated(last: string, finished: readonly Finished[], how: string, order: readonly string[]): string[] {
  const [head, ...old] = last.trimEnd().split('\n\n## ');
  const sections = new Map(old.map((text) => [text.slice(0, text.indexOf('\n')), `## ${text}`]));
  const again = `Measured apart from the rest of the page, by \`${how}\`, ${new Date().toISOString().slice(0, 16)} UTC.`;
  for (const one of finished) sections.set(one.bench.name, section(one, again));
  return [head!, ...order.flatMap((name) => sections.get(name) ?? [])];
}

interface ReportOptions {
  /** The command line that was run. */
  how: string;
  pinned: boolean;
  /** All cases by name: those that were not run now stay on the page as they are. Absent: they are not on it. */
  update?: readonly string[] | undefined;
}

/** Returns the files written. */
export function writeReport(finished: readonly Finished[], { how, pinned, update }: ReportOptions): string[] {
  mkdirSync(RAW, { recursive: true });
  const written = [join(RESULTS, 'latest.md'), join(RAW, 'latest.json')];
  const picture = panels(finished);
  const page =
    update && existsSync(written[0]!)
      ? updated(readFileSync(written[0]!, 'utf8'), finished, how, update)
      : [
          '# Benchmark results',
          `Written by \`${how}\`. How to read this: \`bench/README.md\`. Figures of one machine in one hour; only the ratios travel.`,
          machine(pinned),
          ...(picture ? ['![interval histogram](intervals.svg)'] : []),
          ...finished.map((one) => section(one)),
        ];
  writeFileSync(written[0]!, `${page.join('\n\n')}\n`);
  writeFileSync(written[1]!, JSON.stringify(finished.map(({ result }) => result)));
  if (picture) {
    written.push(join(RESULTS, 'intervals.svg'));
    writeFileSync(written[2]!, intervalPicture(picture.caption, picture.panels));
  }
  return written;
}
