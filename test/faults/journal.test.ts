// CONTROL at most once, in order, never in silence: two journals of a backend that fails every way at random, compared.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { check } from '../support/check.ts';
import { JournalClient } from './support/journal-client.ts';
import { compare } from './support/journal-verdict.ts';

/** How many in all; JOURNAL_CONTROLS=1000000 for a long run. */
const CONTROLS = Number(process.env['JOURNAL_CONTROLS'] ?? 100_000);
const SEED = Number(process.env['JOURNAL_SEED'] ?? 20_260);
const SESSIONS = 64;
const BACKEND_TIMEOUT_MS = '250';

function startBackend(): ChildProcess {
  return fork(fileURLToPath(new URL('./support/journal-backend.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
    env: { PATH: process.env['PATH'], SEED: String(SEED), BACKEND_TIMEOUT_MS },
  });
}

check(
  'faults.journal',
  `[OS-3.4] each CONTROL reaches a failing backend at most once, in order, and each that did not succeed is reported once (seed ${SEED})`,
  async ({ gateway }) => {
    const backend = startBackend();
    try {
      const [{ port }] = (await once(backend, 'message')) as [{ readonly port: number }];
      const server = await gateway({
        BACKEND_URL: `http://127.0.0.1:${port}`,
        BACKEND_TIMEOUT_MS,
        MAX_RESULT_BYTES: '2000',
        CONTROL_QUEUE_DEPTH: '32',
      });
      const begun = performance.now();
      const clients = await Promise.all(
        Array.from({ length: SESSIONS }, async (_, session) => new JournalClient(await server.ready(), session, SEED)),
      );
      await Promise.all(clients.map((client) => client.run(Math.ceil(CONTROLS / SESSIONS))));
      const seconds = (performance.now() - begun) / 1000;
      backend.send('journal');
      const [journal] = (await once(backend, 'message')) as [
        { readonly executed: [number, number][]; readonly injected: Record<string, number> },
      ];
      const sent = clients.map((client) => client.sent);
      const { figures, faults } = compare(SEED, sent, journal.executed);
      console.info(
        `journal, seed ${SEED}, ${seconds.toFixed(1)} s:`,
        JSON.stringify(figures),
        JSON.stringify(journal.injected),
      );
      expect(faults.slice(0, 20)).toEqual([]);
      expect(clients.flatMap((client) => client.strays)).toEqual([]);
      expect(figures.sent).toBeGreaterThanOrEqual(CONTROLS);
      expect(figures.succeeded).toBeGreaterThan(figures.sent / 4);
      expect(figures.notSent).toBeGreaterThan(0);
      expect(figures.unknown).toBeGreaterThan(figures.sent / 50);
      // A gateway that calls everything unknown would be right, and useless.
      expect(figures.wellButUnknown).toBeLessThan(figures.sent / 10);
    } finally {
      backend.kill('SIGKILL');
    }
  },
  Math.max(120_000, CONTROLS * 2),
);
