// The one place that reads the environment: what comes out is a frozen Config, or the list of all its faults.
import { readFileSync, statSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { crossCheck } from './config/cross-checks.ts';
import { nearMisses } from './config/near-miss.ts';
import type { Setting } from './config/setting.ts';
import { SETTINGS } from './config/settings.ts';
import type { Config } from './config/types.ts';
import { clip } from './log.ts';

export { SETTINGS } from './config/settings.ts';
export type { Config } from './config/types.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `'config' in result` tells success. Warnings are for the log; faults stop the start with exit code 2. */
type LoadResult =
  | { readonly config: Config; readonly warnings: readonly string[] }
  | { readonly faults: readonly string[]; readonly warnings: readonly string[] };

/**
 * Checks every setting of `env`; pure, never throws. An empty string counts as unset, variables that are not ours are
 * ignored (a near miss is a warning). Each fault names the variable, what was found (secrets blanked) and what is allowed.
 */
export function loadConfig(env: Environment): LoadResult {
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  const unread = new Set<keyof Config>();
  for (const setting of SETTINGS) {
    const text = env[setting.name] || setting.fallback;
    if (text === '') {
      if (setting.spec.empty !== undefined) values[setting.key] = setting.spec.empty;
      continue;
    }
    const read = setting.spec.read(text);
    if (read.ok) {
      values[setting.key] = read.value;
    } else {
      unread.add(setting.key);
      faults.push(describeFault(setting, text, read.why));
    }
  }
  // Where a value could not be read, no check that needs it runs.
  const config = values as unknown as Config;
  const cross = crossCheck(config, unread);
  faults.push(...cross.faults);
  const known = SETTINGS.map((setting) => setting.name);
  const warnings = [...nearMisses(Object.keys(env), known), ...cross.warnings];
  return faults.length > 0 ? { faults, warnings } : { config: deepFrozen(config), warnings };
}

function describeFault({ name, spec }: Setting, text: string, why: string): string {
  const unit = spec.unit === undefined ? '' : ` (${spec.unit})`;
  const found = spec.secret === true ? spec.mask(text) : `"${clip(spec.mask(text), 120)}"`;
  return `${name} ${why}: found ${found}; allowed: ${spec.type}${unit}, ${spec.allowed}`;
}

function deepFrozen<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) Object.freeze(inner);
  return Object.freeze(value);
}

const DOT_ENV_MAX_BYTES = 1_048_576;

/** The variables of a `.env` file; none when there is no such file; a fault when it cannot be read. */
export function readDotEnv(path: string): { readonly env: Environment } | { readonly fault: string } {
  try {
    const { size } = statSync(path);
    if (size > DOT_ENV_MAX_BYTES)
      return { fault: `${path} is ${size} bytes long: at most ${DOT_ENV_MAX_BYTES} are read` };
    return { env: parseEnv(readFileSync(path, 'utf8').replace(/^\ufeff/, '')) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return { env: {} };
    return { fault: `${path} cannot be read (${code ?? 'unknown reason'}): make it a readable file or remove it` };
  }
}

/** The real environment wins, also with an empty string: `PORT= …` takes a value of the file back to its default. */
export function mergeEnvironment(dotEnv: Environment, env: Environment): Environment {
  return { ...dotEnv, ...Object.fromEntries(Object.entries(env).filter(([, text]) => text !== undefined)) };
}

/** What main does at start: `.env` at `dotEnvPath`, under `env`, checked. */
export function loadConfigFrom(env: Environment, dotEnvPath: string): LoadResult {
  const file = readDotEnv(dotEnvPath);
  if ('fault' in file) return { faults: [file.fault], warnings: [] };
  return loadConfig(mergeEnvironment(file.env, env));
}
