// `npm run explain -- 143`: what a code means, for somebody who has a number and no manual.
import { parseArgs } from 'node:util';
import { BUILT_IN } from './built-in.ts';
import { lookupJson, lookupText } from './explain-text.ts';
import { readCatalogs } from './load.ts';
import { lookUp } from './lookup.ts';

const USAGE = `Usage: npm run explain -- [options] <code or name>

  <code or name>   a number (143), an Open Stream code (control_busy), a name
                   (SRT_REJX_OVERLOAD), or a whole message as the backend wrote it

  --catalog <c>    look only there: ${[...BUILT_IN.keys()].join(', ')},
                   or the path of a catalog file; may be repeated or comma-separated
  --json           print JSON
  --help           print this

Exit code: 0 when a catalog lists it, 1 when none does, 2 when the question is not understood.`;

interface Question {
  readonly query: string;
  readonly names: readonly string[];
  readonly json: boolean;
}

const EXIT = { known: 0, unknown: 1, usage: 2 } as const;

function readQuestion(args: readonly string[]): Question | 'help' {
  // A negative code looks like an option to parseArgs, and is none.
  const negative = (arg: string) => /^-[0-9]+$/.test(arg);
  const { values, positionals } = parseArgs({
    args: args.filter((arg) => !negative(arg)),
    allowPositionals: true,
    options: {
      catalog: { type: 'string', multiple: true },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return 'help';
  const query = [...args.filter(negative), ...positionals].join(' ').trim();
  if (query === '') throw new Error('say which code or name to explain');
  const names = values.catalog?.flatMap((list) => list.split(',')) ?? [...BUILT_IN.keys()];
  if (names.every((name) => name.trim() === '')) throw new Error('--catalog names no catalog');
  return { query, names, json: values.json === true };
}

function run(args: readonly string[]): number {
  let question: Question | 'help';
  try {
    question = readQuestion(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return EXIT.usage;
  }
  if (question === 'help') {
    console.log(USAGE);
    return EXIT.known;
  }
  const { query, names, json } = question;
  const { catalogs, faults } = readCatalogs(names);
  if (faults.length > 0) {
    console.error(faults.join('\n'));
    return EXIT.usage;
  }
  const found = lookUp(catalogs, query);
  console.log(json ? JSON.stringify(lookupJson(query, found), null, 2) : lookupText(query, found));
  return found.meanings.length > 0 ? EXIT.known : EXIT.unknown;
}

// exitCode instead of exit(): what was printed into a pipe is written before the process ends.
process.exitCode = run(process.argv.slice(2));
