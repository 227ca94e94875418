// The gateway built once, as `npm run build` builds it: a hundred restarts from the sources would mostly measure the compiler.
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** Below the folder of the dependencies, so that they are found, and out of the sight of version control. */
const CACHE = join(ROOT, 'node_modules', '.cache', 'restarts');

export interface Bundle {
  /** The file to run. */
  readonly path: string;
  remove(): Promise<void>;
}

export async function buildGateway(): Promise<Bundle> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'build-'));
  const path = join(folder, 'main.mjs');
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/main.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    outfile: path,
    logLevel: 'error',
  });
  if ((await readFile(path)).length === 0) throw new Error(`${path} is empty`);
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
}
