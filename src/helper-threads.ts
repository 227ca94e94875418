// Lets the event loop go first: where cores are few, threads that compile and collect for it must not hold it up.
import { readdirSync, readFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/** What newer versions of Node call the threads of V8's platform; older ones call all threads alike. */
const PLATFORM_NAME = /^(V8Worker|DelayedTaskSche)/;
/** How many of them there are unless `--v8-pool-size` says otherwise, and one more for what is due later. */
const POOL_SIZE = 4;
const POOL_SIZE_OPTION = /--v8[-_]pool[-_]size[= ](\d+)/;

/**
 * Lowers the priority of V8's own threads: compilers and collectors. On a core of its own such a thread is as fast as ever. On the
 * event loop's core it would take turns with it as an equal, one to four milliseconds at a time: the longest delays of a 2 ms
 * MONITOR, most of them while the code is young.
 *
 * Not the lowest one (19), which would wait for a second and more on a loop that is busy all the time, and run it on slow code meanwhile:
 * at 10 they get a tenth of such a core each, and leave a MONITOR alone as well as at 19 (`bench/README.md`).
 *
 * The pool that reads files and resolves names keeps the full priority, as all others do: somebody waits for its answer, and on
 * a machine with nothing to spare it would wait for seconds.
 *
 * Only Linux gives threads priorities of their own; elsewhere this does nothing. Answers how many threads were lowered.
 */
export function yieldToEventLoop(pid = process.pid): number {
  let lowered = 0;
  for (const thread of platformThreads(pid)) {
    try {
      setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL);
      lowered++;
    } catch {
      // It has ended meanwhile, or a sandbox forbids it: then all is as it would be without.
    }
  }
  return lowered;
}

/** By their names; where they have none, by their age: the platform's threads are started before any other. */
function platformThreads(pid: number): readonly number[] {
  try {
    const helpers = readdirSync(`/proc/${pid}/task`)
      .map(Number)
      .filter((thread) => thread !== pid)
      .sort((a, b) => a - b);
    const named = helpers.filter((thread) =>
      PLATFORM_NAME.test(readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8')),
    );
    return named.length > 0 ? named : helpers.slice(0, 1 + poolSize());
  } catch {
    return [];
  }
}

function poolSize(): number {
  const options = [process.env['NODE_OPTIONS'], ...process.execArgv].join(' ');
  return Number(POOL_SIZE_OPTION.exec(options)?.[1] ?? POOL_SIZE);
}
