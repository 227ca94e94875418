// Lets the event loop go first: where cores are few, threads that compile and collect for it must not hold it up.
import { readdirSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/**
 * Lowers the priority of every thread of this process that exists now but the one of the event loop: V8's compilers and collectors,
 * and the pool that reads files. On a core of its own such a thread is as fast as ever. On the event loop's core it would take turns
 * with it as an equal, one to four milliseconds at a time: the longest delays of a 2 ms MONITOR, most of them while the code is young.
 *
 * Only Linux gives threads priorities of their own; elsewhere this does nothing. Threads started later have the full one.
 * Answers how many threads were lowered.
 */
export function yieldToEventLoop(pid = process.pid): number {
  let lowered = 0;
  for (const thread of threads(pid)) {
    if (thread === pid) continue;
    try {
      setPriority(thread, constants.priority.PRIORITY_LOW);
      lowered++;
    } catch {
      // It has ended meanwhile, or a sandbox forbids it: then all is as it would be without.
    }
  }
  return lowered;
}

function threads(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}
