// The command behind `npm run explain`: a question in, what to print and the exit code out. Nothing is printed here.
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

/** What to print where, and the exit code. */
export interface Outcome {
  readonly exitCode: 0 | 1 | 2;
  readonly out: string;
  readonly err: string;
}

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

/** Answers a command line. Exit code 0: a catalog lists it; 1: none does; 2: the question or a catalog file is wrong. */
export function explainCommand(args: readonly string[]): Outcome {
  let question: Question | 'help';
  try {
    question = readQuestion(args);
  } catch (error) {
    return { exitCode: EXIT.usage, out: '', err: `${(error as Error).message}\n\n${USAGE}` };
  }
  if (question === 'help') return { exitCode: EXIT.known, out: USAGE, err: '' };
  const { query, names, json } = question;
  const { catalogs, faults } = readCatalogs(names);
  if (faults.length > 0) return { exitCode: EXIT.usage, out: '', err: faults.join('\n') };
  const found = lookUp(catalogs, query);
  const out = json ? JSON.stringify(lookupJson(query, found), null, 2) : lookupText(query, found);
  return { exitCode: found.meanings.length > 0 ? EXIT.known : EXIT.unknown, out, err: '' };
}
