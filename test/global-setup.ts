// Around every run: collects what servers said on the wire, and fails a complete run that left something unreached.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { unreached, violations } from './support/audit.ts';
import { readRecords, WIRE_DIR_VARIABLE } from './support/wire-log.ts';

export default function setup(project: TestProject): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'open-stream-wire-'));
  process.env[WIRE_DIR_VARIABLE] = folder;
  return async () => {
    const records = await readRecords(folder);
    rmSync(folder, { recursive: true, force: true });
    const faults = violations(records);
    // A run of one file or one test cannot have reached everything, and says nothing about what it left out.
    if (isComplete(project)) faults.push(...unreached(records));
    if (faults.length === 0) return;
    process.exitCode = 1;
    throw new Error(`the wire audit failed:\n  ${faults.join('\n  ')}`);
  };
}

/** True when every file of the conformance suite took part and no test was picked by its name. */
function isComplete(project: TestProject): boolean {
  if (project.config.testNamePattern !== undefined) return false;
  const ran = new Set(project.vitest.state.getTestModules().map((module) => basename(module.moduleId)));
  const all = readdirSync(join(project.config.root, 'test', 'conformance')).filter((name) => name.endsWith('.test.ts'));
  return all.length > 0 && all.every((file) => ran.has(file));
}
