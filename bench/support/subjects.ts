// What is measured: the gateway as it is built for use, the two baselines and the floor in C, all started alike and driven alike.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { toolPath } from './native.ts';
import { RAW, ROOT } from './paths.ts';
import { freePort, listening, type Running, SUBJECT_CORE, start } from './processes.ts';

export type SubjectName = 'gateway' | 'undici' | 'shared' | 'naive' | 'floor';

export const TITLES: Record<SubjectName | 'timer', string> = {
  gateway: 'Open Stream gateway',
  undici: 'undici loop, polls not shared',
  shared: 'undici loop, polls shared',
  naive: 'setInterval + fetch',
  floor: 'C, epoll: the floor',
  timer: 'bare deadline loop',
};

/** A copy beside the built entry, so that a build made while the benchmark runs does not change what it measures. */
const GATEWAY = join(ROOT, 'dist', 'bench-subject.js');
const BASELINES = {
  undici: 'undici-loop',
  shared: 'shared-loop',
  naive: 'naive-gateway',
  timer: 'deadline-loop',
} as const;

const scripts: Record<Exclude<SubjectName, 'floor'> | 'timer', string> = {
  gateway: GATEWAY,
  undici: join(RAW, 'undici-loop.js'),
  shared: join(RAW, 'shared-loop.js'),
  naive: join(RAW, 'naive-gateway.js'),
  timer: join(RAW, 'deadline-loop.js'),
};

function bundle(entry: string, outfile: string): void {
  buildSync({
    entryPoints: [join(ROOT, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    sourcemap: true,
    logLevel: 'error',
  });
}

/** Bundles gateway and baselines with the options of `npm run build`. `entry`: a built gateway to take instead of ours. */
export function prepareSubjects({ gateway, entry }: { gateway: boolean; entry?: string }): void {
  mkdirSync(RAW, { recursive: true });
  for (const file of Object.values(BASELINES)) bundle(`bench/baselines/${file}.ts`, join(RAW, `${file}.js`));
  if (!gateway) return;
  if (entry) copyFileSync(entry, GATEWAY);
  else bundle('src/main.ts', GATEWAY);
}

export interface Subject {
  name: SubjectName;
  port: number;
  process: Running;
}

interface SubjectOptions {
  backendUrl: string;
  /** Settings of the gateway for this case; the baselines have none. */
  env?: Record<string, string>;
  /** Arguments of Node itself, such as --cpu-prof. */
  nodeArgs?: string[];
}

/** Starts a subject on the measured core and waits until it accepts connections. */
export async function startSubject(name: SubjectName, options: SubjectOptions): Promise<Subject> {
  const port = await freePort();
  const settings = { HOST: '127.0.0.1', LOG_LEVEL: 'silent', ADMIN_PORT: '0', ...options.env };
  const env = { PORT: String(port), BACKEND_URL: options.backendUrl, ...(name === 'gateway' ? settings : {}) };
  const command: [string, ...string[]] =
    name === 'floor' ? [toolPath('floor')] : [process.execPath, ...(options.nodeArgs ?? []), scripts[name]];
  // Away from the repository's root, so that a developer's own .env has no part in the figures.
  const child = start(command[0], command.slice(1), { core: SUBJECT_CORE, env, cwd: RAW });
  try {
    await listening(child, port, 15_000);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return { name, port, process: child };
}

/** The bare deadline loop; it reports `measuring` and `result` like the load client. */
export function startTimer(periodMs: number, warmupMs: number, windowMs: number): Running {
  const args = [scripts.timer, ...[periodMs, warmupMs, windowMs].map(String)];
  return start(process.execPath, args, { core: SUBJECT_CORE, cwd: RAW });
}
