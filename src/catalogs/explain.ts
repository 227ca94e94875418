// `npm run explain -- 143`: what a code means, for somebody who has a number and no manual.
import { explainCommand } from './explain-command.ts';

const { exitCode, out, err } = explainCommand(process.argv.slice(2));
if (out !== '') console.log(out);
if (err !== '') console.error(err);
// exitCode instead of exit(): what was printed into a pipe is written before the process ends.
process.exitCode = exitCode;
