// Writes the files that are generated from the table of settings; run it after a change of the table.
// npx tsx src/config/generate.ts           writes .env.example and schemas/config.schema.json (then: npx biome format --write schemas)
// npx tsx src/config/generate.ts --table   prints the table for the README instead
import { writeFileSync } from 'node:fs';
import { renderConfigSchema, renderEnvExample, renderSettingsTable } from './render.ts';

const root = new URL('../../', import.meta.url);

if (process.argv.includes('--table')) {
  process.stdout.write(renderSettingsTable());
} else {
  writeFileSync(new URL('.env.example', root), renderEnvExample());
  writeFileSync(new URL('schemas/config.schema.json', root), renderConfigSchema());
}
