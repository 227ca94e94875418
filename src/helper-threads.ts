// Lets the event loop go first: where cores are few, threads that compile and collect for it must not hold it up.
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, constants, getPriority, setPriority } from 'node:os';

/** What newer versions of Node call the threads of V8's platform; older ones call all threads alike. */
const PLATFORM_NAME = /^(V8Worker|DelayedTaskSche)/;
/** How many of them there are unless `--v8-pool-size` says otherwise, and one more for what is due later. */
const POOL_SIZE = 4;
const POOL_SIZE_OPTION = /--v8[-_]pool[-_]size[= ](\d+)/g;
/** By how much they are nicer than the event loop. */
const NICER = constants.priority.PRIORITY_BELOW_NORMAL;

/**
 * Lowers the priority of V8's own threads: compilers and collectors. On a core of its own such a thread is as fast as ever. On the
 * event loop's core it would take turns with it as an equal, one to four milliseconds at a time: the longest delays of a 2 ms
 * MONITOR, most of them while the code is young.
 *
 * Not as low as can be (19 below), which would wait for a second and more on a loop that is busy all the time, and run it on slow code
 * meanwhile: 10 below they get a tenth of such a core each, and leave a MONITOR alone as well as at 19 (`bench/README.md`).
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
      setPriority(thread, Math.min(constants.priority.PRIORITY_LOW, getPriority(pid) + NICER));
      lowered++;
    } catch {
      // It has ended meanwhile, or a sandbox forbids it: then all is as it would be without.
    }
  }
  return lowered;
}

/** By their names; where they have none, by their age: the platform's threads are started before any other. */
function platformThreads(pid: number): readonly number[] {
  const helpers = helperThreads(pid);
  const named = helpers.filter((thread) => PLATFORM_NAME.test(nameOf(pid, thread)));
  return named.length > 0 ? named : helpers.slice(0, 1 + poolSize());
}

/** The oldest first; numbers below the process's own were given after they had run out and begun anew. */
function helperThreads(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map(Number)
      .filter((thread) => thread !== pid)
      .sort((a, b) => Number(a < pid) - Number(b < pid) || a - b);
  } catch {
    return [];
  }
}

function nameOf(pid: number, thread: number): string {
  try {
    return readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8');
  } catch {
    return '';
  }
}

/** As Node itself has it: the last option counts, and 0 means what the machine has. */
function poolSize(): number {
  const options = [process.env['NODE_OPTIONS'], ...process.execArgv].join(' ');
  const asked = [...options.matchAll(POOL_SIZE_OPTION)].at(-1)?.[1];
  return Number(asked ?? POOL_SIZE) || Math.max(1, availableParallelism() - 1);
}
