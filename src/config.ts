// The one place that reads the environment: either a frozen Config or every fault of it at once.
import type { Config } from './config/types.ts';

export type { Config } from './config/types.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `'config' in result` tells success. Warnings are for the log; faults stop the start with exit code 2. */
export type LoadResult =
  | { readonly config: Config; readonly warnings: readonly string[] }
  | { readonly faults: readonly string[]; readonly warnings: readonly string[] };

/** Checks every setting of `env`; pure, never throws. An empty string counts as unset. */
export function loadConfig(_env: Environment): LoadResult {
  return { faults: ['settings are not read yet'], warnings: [] };
}
