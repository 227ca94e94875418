// Program counters of the tasks: which program, step and function comes next.
import { TASKS } from './limits.ts';

/** A place in a program. -1 in a request means: as it is. */
interface ProgramCounter {
  readonly program: number;
  readonly step: number;
  readonly func: number;
}

/** The line of a counter in the program's listing: every step and every function has one. */
export function lineOf(counter: ProgramCounter): number {
  return counter.step + counter.func;
}

/** The counters of all tasks; task numbers must be below {@link TASKS}. */
export class Tasks {
  readonly #counters: ProgramCounter[] = Array.from({ length: TASKS }, () => ({ program: 1, step: 0, func: 2 }));

  counter(task: number): ProgramCounter {
    return this.#counters[task]!;
  }

  /** Moves a counter and returns it. */
  move(task: number, to: ProgramCounter): ProgramCounter {
    const old = this.counter(task);
    const moved: ProgramCounter = {
      program: to.program < 0 ? old.program : to.program,
      step: to.step < 0 ? old.step : to.step,
      func: to.func < 0 ? old.func : to.func,
    };
    this.#counters[task] = moved;
    return moved;
  }

  /** Back to the program's first line. */
  reset(task: number): void {
    this.move(task, { program: -1, step: 0, func: 0 });
  }
}
