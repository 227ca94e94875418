// The long search: `npm run test:fuzz` looks for FUZZ_SECONDS (60; 0 is until stopped), or runs FUZZ_SEED=<target>:<number> again.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../../', import.meta.url)),
    include: ['test/fuzz/**/*.fuzz.ts'],
    pool: 'forks',
    testTimeout: 0,
    hookTimeout: 30_000,
  },
});
