// Compiles the C tools when they are missing or older than their sources, and says clearly when it cannot.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BENCH } from './paths.ts';

const TOOLS = {
  backend: ['backend.c', 'common.c'],
  floor: ['floor.c', 'common.c'],
  client: ['client.c', 'client_options.c', 'common.c'],
} as const;
const HEADERS = ['common.h', 'client.h'];

type Tool = keyof typeof TOOLS;

const source = (file: string) => join(BENCH, 'native', file);

export const toolPath = (tool: Tool): string => join(BENCH, 'native', 'bin', tool);

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Builds what is out of date. Throws with the remedy when there is no C compiler, or with its own words when it refuses. */
export function compileTools(): void {
  const compiler = process.env['CC'] ?? 'cc';
  if (spawnSync(compiler, ['--version']).error) {
    throw new Error(
      `no C compiler: '${compiler}' cannot be started. The load client and the backend are C; install one (Debian: apt-get install gcc libc6-dev), or name one in CC.`,
    );
  }
  mkdirSync(join(BENCH, 'native', 'bin'), { recursive: true });
  for (const tool of Object.keys(TOOLS) as Tool[]) {
    const sources = TOOLS[tool].map(source);
    const newest = Math.max(...[...sources, ...HEADERS.map(source)].map(modified));
    if (modified(toolPath(tool)) > newest) continue;
    execFileSync(compiler, ['-O2', '-Wall', '-Wextra', '-o', toolPath(tool), ...sources, '-lm'], { stdio: 'inherit' });
  }
}
