// What --check-config prints, and how faults are told on a terminal.
import { type Environment, loadConfig, mergeEnvironment, readDotEnv } from '../config.ts';
import { SETTINGS } from './settings.ts';
import type { Config } from './types.ts';

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: 0 | 2;
}

type Origin = 'default' | 'environment' | '.env';

/**
 * The effective configuration as JSON, each value with where it came from and secrets blanked, exit code 0;
 * or every fault on stderr, exit code 2.
 */
export function checkConfig(env: Environment, dotEnvPath: string): Printed {
  const file = readDotEnv(dotEnvPath);
  if ('fault' in file) return refused([file.fault], []);
  const result = loadConfig(mergeEnvironment(file.env, env));
  if ('faults' in result) return refused(result.faults, result.warnings);
  const settings = effective(result.config, (name) => origin(name, env, file.env));
  return { stdout: `${JSON.stringify({ settings, warnings: result.warnings }, null, 2)}\n`, stderr: '', exitCode: 0 };
}

function refused(faults: readonly string[], warnings: readonly string[]): Printed {
  return { stdout: '', stderr: describeFaults(faults, warnings), exitCode: 2 };
}

/** The text for stderr when the start is refused. */
export function describeFaults(faults: readonly string[], warnings: readonly string[]): string {
  const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
  return [
    `The configuration has ${count}; nothing was started.`,
    ...faults.map((fault) => `  ${fault}`),
    ...warnings.map((warning) => `  warning: ${warning}`),
    '',
  ].join('\n');
}

/** An unset setting without a default is null. */
function effective(config: Config, from: (name: string) => Origin): Record<string, { value: unknown; from: Origin }> {
  return Object.fromEntries(
    SETTINGS.map(({ name, key, spec }) => {
      const value = config[key];
      return [name, { value: value === undefined ? null : spec.print(value), from: from(name) }];
    }),
  );
}

function origin(name: string, env: Environment, dotEnv: Environment): Origin {
  if (env[name] !== undefined) return env[name] === '' ? 'default' : 'environment';
  return dotEnv[name] ? '.env' : 'default';
}
