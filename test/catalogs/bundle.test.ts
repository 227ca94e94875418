// A bundle carries the catalogs: nothing is read from protocol/ or schemas/ at run time.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
// Inside node_modules, so that packages resolve from there as they do from dist/.
const folder = mkdtempSync(join(root, 'node_modules', '.catalog-bundle-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('recognises with built-in catalogs and checks a file of the user', async () => {
  const outfile = join(folder, 'load.js');
  await build({
    entryPoints: [join(root, 'src/catalogs/load.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    outfile,
    logLevel: 'silent',
  });
  const program = `
    import { loadCatalogs } from ${JSON.stringify(outfile)};
    const { explainer } = loadCatalogs(['multiscreen-srt']);
    const { cause } = explainer.explain(404, Buffer.from('{"success":false,"error_code":143}'));
    console.log(JSON.stringify([cause.name, loadCatalogs(['package.json']).faults.length > 3]));
  `;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: root, encoding: 'utf8' });
  expect(JSON.parse(out)).toEqual(['Stream group not found in Docker', true]);
});
