// Where a case's CPU time goes: `node --import tsx bench/profile.ts --case fan-out [--seconds N] [--only gateway|undici|naive]`.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CASES } from './cases/all.ts';
import type { Column } from './support/case.ts';
import { compileTools } from './support/native.ts';
import { RAW, ROOT } from './support/paths.ts';
import { prepareSubjects } from './support/subjects.ts';

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number; columnNumber: number } }[];
  /** Microseconds. */
  startTime: number;
  endTime: number;
  samples: number[];
  timeDeltas: number[];
}

const maps = new Map<string, SourceMap | undefined>();

/** The TypeScript line a bundled one came from; Node's own modules and addresses without a map stay as they are. */
function origin(url: string, line: number, column: number): string {
  if (!url.startsWith('file:')) return url || 'native';
  const path = fileURLToPath(url);
  if (!maps.has(path)) {
    try {
      maps.set(path, new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8'))));
    } catch {
      maps.set(path, undefined);
    }
  }
  const entry = maps.get(path)?.findEntry(line, column);
  if (entry && 'originalSource' in entry) {
    const source = entry.originalSource.replace(/^(\.\.\/)+/, '');
    return `${source}:${entry.originalLine + 1}`;
  }
  return `${relative(ROOT, path).replace(/.*node_modules\//, '')}:${line + 1}`;
}

/**
 * Microseconds of self time by "function place", and the same by file. Of the last `windowMs` only: the process ends right
 * after the measuring window, and what starting it cost is no part of the claim.
 */
function selfTimes(
  profile: CpuProfile,
  windowMs: number,
): {
  functions: Map<string, number>;
  files: Map<string, number>;
  busy: number;
  idle: number;
} {
  const time = new Map<number, number>();
  let at = profile.startTime;
  profile.samples.forEach((id, i) => {
    at += profile.timeDeltas[i] ?? 0;
    if (at < profile.endTime - windowMs * 1000) return;
    time.set(id, (time.get(id) ?? 0) + (profile.timeDeltas[i] ?? 0));
  });
  const functions = new Map<string, number>();
  const files = new Map<string, number>();
  let busy = 0;
  let idle = 0;
  for (const { id, callFrame } of profile.nodes) {
    const us = time.get(id) ?? 0;
    if (us === 0) continue;
    if (callFrame.functionName === '(idle)') {
      idle += us;
      continue;
    }
    busy += us;
    const place = origin(callFrame.url, callFrame.lineNumber, callFrame.columnNumber);
    const name = callFrame.functionName || '(anonymous)';
    const bare = name.startsWith('(') && !callFrame.url;
    const label = bare ? name : `${name}  ${place}`;
    functions.set(label, (functions.get(label) ?? 0) + us);
    const file = bare ? name : place.replace(/:\d+$/, '');
    files.set(file, (files.get(file) ?? 0) + us);
  }
  return { functions, files, busy, idle };
}

function top(times: Map<string, number>, busy: number, count: number): string {
  const rows = [...times].sort((a, b) => b[1] - a[1]).slice(0, count);
  return rows.map(([label, us]) => `${((100 * us) / busy).toFixed(1).padStart(6)} %  ${label}`).join('\n');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      case: { type: 'string', multiple: true, default: ['monitor-alone'] },
      seconds: { type: 'string', default: '5' },
      only: { type: 'string', default: 'gateway' },
      top: { type: 'string', default: '25' },
      entry: { type: 'string' },
    },
  });
  compileTools();
  prepareSubjects({ gateway: values.only === 'gateway', ...(values.entry ? { entry: values.entry } : {}) });
  for (const name of values.case) {
    const bench = CASES.find((one) => one.name === name);
    if (!bench) throw new Error(`--case '${name}': there are ${CASES.map((one) => one.name).join(', ')}`);
    const dir = join(RAW, 'profiles', name);
    rmSync(dir, { recursive: true, force: true });
    const nodeArgs = ['--cpu-prof', '--cpu-prof-interval', '250', '--cpu-prof-dir', dir];
    const lab = { warmupMs: 1500, windowMs: Number(values.seconds) * 1000, quick: true, nodeArgs };
    const outcome = await bench.run(values.only as Column, lab);
    const file = readdirSync(dir).find((one) => one.endsWith('.cpuprofile'));
    if (!file) throw new Error(`no profile in ${dir}: the process did not end by itself`);
    const { functions, files, busy, idle } = selfTimes(
      JSON.parse(readFileSync(join(dir, file), 'utf8')) as CpuProfile,
      lab.windowMs,
    );
    const figures = Object.entries(outcome.values).map(([key, value]) => `${key} ${value.toFixed(2)}`);
    console.log(`\n== ${name}, ${values.only}: ${figures.join(', ')}`);
    console.log(`busy ${(busy / 1e6).toFixed(2)} s, idle ${(idle / 1e6).toFixed(2)} s; self time, share of busy`);
    console.log(`${top(functions, busy, Number(values.top))}\nby file\n${top(files, busy, 12)}`);
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
