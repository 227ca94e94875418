// `npm run bench`: every claim in bench/cases, ours and the baselines in turns, a table, a Markdown page and a picture.
import { parseArgs } from 'node:util';
import { CASES } from './cases/all.ts';
import type { Column } from './support/case.ts';
import { compileTools } from './support/native.ts';
import { canPin, useRealtime } from './support/processes.ts';
import { type Finished, machine, writeReport } from './support/report.ts';
import { runCase } from './support/rounds.ts';
import { prepareSubjects, TITLES } from './support/subjects.ts';
import { asText, tableOf } from './support/table.ts';

const HELP = `npm run bench -- [options]
  --quick          windows of 3 s after 1.5 s, one run each: for a first look, not for figures
  --case NAME      only this case; may be repeated: ${CASES.map(({ name }) => name).join(', ')}
  --update         what is not measured now stays on the page as it is; what is says so
  --only COLUMN    only this subject; may be repeated: ${Object.keys(TITLES).join(', ')}
  --seconds N      length of each window (10)
  --warmup N       seconds of load before each window (10)
  --runs N         runs of each case, whose medians are taken (3)
  --realtime       under SCHED_FIFO, as root: keeps busy neighbours out, and starves them in the cases that fill a core
  --entry FILE     measure this built gateway instead of building src/main.ts`;

function options() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      case: { type: 'string', multiple: true },
      update: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      seconds: { type: 'string' },
      warmup: { type: 'string' },
      runs: { type: 'string' },
      realtime: { type: 'boolean', default: false },
      entry: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const whole = (name: 'seconds' | 'warmup' | 'runs', fallback: number, max: number) => {
    const value = Number(values[name] ?? fallback);
    if (Number.isInteger(value) && value >= 1 && value <= max) return value;
    throw new Error(`--${name} '${values[name]}': a whole number from 1 to ${max}`);
  };
  const unknown = values.case?.find((name) => !CASES.some((bench) => bench.name === name));
  if (unknown) throw new Error(`--case '${unknown}': there are ${CASES.map(({ name }) => name).join(', ')}`);
  const stranger = values.only?.find((name) => !(name in TITLES));
  if (stranger) throw new Error(`--only '${stranger}': there are ${Object.keys(TITLES).join(', ')}`);
  return {
    ...values,
    seconds: whole('seconds', values.quick ? 3 : 10, 3600),
    warmupMs: values.quick && !values.warmup ? 1500 : 1000 * whole('warmup', 10, 600),
    runs: whole('runs', values.quick ? 1 : 3, 99),
  };
}

async function main(): Promise<void> {
  const chosen = options();
  if (chosen.help) {
    console.log(HELP);
    return;
  }
  const tell = (text: string) => process.stderr.write(`${text}\n`);
  const pinned = canPin();
  if (!pinned) tell('no taskset or a single core: nothing is pinned, and the figures mix the load with the gateway');
  if (chosen.realtime) useRealtime();
  compileTools();
  const needsGateway = !chosen.only || chosen.only.includes('gateway');
  prepareSubjects({ gateway: needsGateway, ...(chosen.entry ? { entry: chosen.entry } : {}) });
  // Under SCHED_FIFO a main thread that waits, spinning, for V8's helpers would never let them run: none are to be waited for.
  const nodeArgs = chosen.realtime ? ['--single-threaded-gc'] : [];
  const lab = { warmupMs: chosen.warmupMs, windowMs: chosen.seconds * 1000, quick: chosen.quick, nodeArgs };
  const finished: Finished[] = [];
  for (const bench of CASES) {
    if (chosen.case && !chosen.case.includes(bench.name)) continue;
    if (chosen.only && !bench.columns.some((column) => chosen.only?.includes(column))) continue;
    const result = await runCase(bench, lab, chosen.runs, chosen.only as Column[] | undefined, tell);
    finished.push({ bench, result });
    console.log(`\n${bench.name}: ${bench.claim}\n${asText(tableOf(bench, result))}`);
    for (const { column, remarks } of result.columns)
      for (const remark of remarks) console.log(`  ${TITLES[column]}, ${remark}`);
  }
  console.log(`\n${machine(pinned)}`);
  const how = ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
  const update = chosen.update ? CASES.map(({ name }) => name) : undefined;
  for (const file of writeReport(finished, { how, pinned, update })) console.log(`written: ${file}`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
