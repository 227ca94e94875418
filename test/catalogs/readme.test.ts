// The README's example of a catalog of one's own is a file that works, and its figures are true.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES } from '../../src/catalogs/answer.ts';
import { BUILT_IN } from '../../src/catalogs/built-in.ts';
import { MAX_TEMPLATES } from '../../src/catalogs/check.ts';
import { loadCatalogs, MAX_FILE_BYTES } from '../../src/catalogs/load.ts';
import { MAX_NODES, MAX_VALUES } from '../../src/catalogs/pointer.ts';
import { MAX_ARG_CHARS } from '../../src/catalogs/template.ts';

const readme = readFileSync(new URL('../../protocol/catalogs/README.md', import.meta.url), 'utf8');
const example = /```json\n(.*?)```/s.exec(readme)?.[1] ?? '';
const folder = mkdtempSync(join(tmpdir(), 'readme-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('README of the catalogs', () => {
  it('has an example of ten lines that explains the robot controller', () => {
    const path = join(folder, 'my-robot.json');
    writeFileSync(path, example);
    const { explainer, faults } = loadCatalogs([path]);
    expect(faults).toEqual([]);
    expect(example.trim().split('\n')).toHaveLength(10);
    const explanation = explainer?.explain(403, Buffer.from('{"_type":"JObject","err_code":-12}'));
    // The line shown below the example is the line that is sent.
    expect(readme).toContain(JSON.stringify(explanation).slice(1, -1));
    expect(explainer?.explain(403, Buffer.from('{"_type":"JObject","err_code":-99}'))).toBeUndefined();
    expect(explainer?.explain(403, Buffer.from('{"err_code":-12}'))).toBeUndefined();
    expect(explainer?.explain(200, Buffer.from('{"_type":"JObject","err_code":-12}'))).toBeUndefined();
  });

  it('counts the entries of every catalog', () => {
    for (const [id, { entries }] of BUILT_IN) {
      expect(readme, id).toMatch(new RegExp(`\\[\`${id}\`\\]\\(${id}\\.md\\) .*\\| ${entries.length} \\|`));
    }
  });

  it('names the limits that are in force', () => {
    for (const limit of [
      `over ${MAX_BODY_BYTES / 1024} KiB`,
      `looks at ${MAX_VALUES} items`,
      `first ${MAX_NODES} values`,
      `up to ${MAX_ARG_CHARS} characters`,
      `at most ${MAX_FILE_BYTES / 1_048_576} MiB`,
      `${MAX_TEMPLATES} templates`,
    ]) {
      expect(readme).toContain(limit);
    }
  });
});
