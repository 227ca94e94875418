// Where the benchmark and the repository around it are, from any working directory.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BENCH = join(dirname(fileURLToPath(import.meta.url)), '..');
export const ROOT = join(BENCH, '..');
export const RESULTS = join(BENCH, 'results');
/** Git-ignored: bundled baselines, CPU profiles, the samples behind the tables. */
export const RAW = join(RESULTS, 'raw');
