// Endurance: mixed sessions, churn and faults, and at the end as many descriptors, timers and sessions as at the start.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'vitest';
import { check } from '../support/check.ts';
import { TestClient } from '../support/client.ts';
import { inProcess, TEST_DEFAULTS } from '../support/gateway.ts';
import { mixed } from './support/fates.ts';
import { MIB, mib, openDescriptors } from './support/process-figures.ts';
import { ACTORS, type Dice } from './support/soak-actors.ts';
import { pass, waitUntil } from './support/wait.ts';

/** SOAK_MINUTES=60 for an hour; half a minute otherwise. */
const SECONDS = Number(process.env['SOAK_MINUTES'] ?? 0.5) * 60;
const SEED = Number(process.env['SOAK_SEED'] ?? 4711);
const ACTORS_AT_ONCE = 40;
/** What live sessions and lazy machinery may differ between two moments. A leak grows past it, the longer the sooner. */
const MEMORY_SLACK = 24 * MIB;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

function memory(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Growth in bytes per second, by least squares. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const average = mean(values);
  const over = values.reduce((sum, value, i) => sum + (i - middle) * (value - average), 0);
  return over / values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
}

check(
  'faults.soak',
  `[OS-3.1] ${SECONDS} s of mixed sessions, churn and faults end as they began: descriptors, timers, sessions, memory (seed ${SEED})`,
  async () => {
    const rejections: unknown[] = [];
    const rejected = (reason: unknown) => rejections.push(reason);
    process.on('unhandledRejection', rejected);
    const target = await inProcess({ ...TEST_DEFAULTS });
    await target.stop(); // loads every module, so that what follows is measured alike
    await pass(100);
    const atStart = { descriptors: openDescriptors('self'), timers: timers() };

    const backend = fork(fileURLToPath(new URL('./support/soak-backend.ts', import.meta.url)), {
      execArgv: ['--import', 'tsx'],
      env: { PATH: process.env['PATH'], SEED: String(SEED) },
    });
    const [{ port }] = (await once(backend, 'message')) as [{ readonly port: number }];
    const gateway = await inProcess({
      ...TEST_DEFAULTS,
      BACKEND_URL: `http://127.0.0.1:${port}`,
      BACKEND_TIMEOUT_MS: '500',
      ARMED_TIMEOUT_MS: '800',
      IDLE_TIMEOUT_MS: '3000',
      STOP_GRACE_MS: '300',
      TX_BUFFER_BYTES: '65536',
    });
    const idle = { descriptors: openDescriptors('self'), timers: timers() };
    const samples: number[] = [];
    let sessions = 0;
    const surprises: string[] = [];
    const deadline = performance.now() + SECONDS * 1000;

    const life = async (n: number): Promise<void> => {
      for (let turn = 0; performance.now() < deadline; turn += 1) {
        let rolled = 0;
        const dice: Dice = (sides) => {
          rolled += 1;
          return mixed(SEED, n, turn, rolled) % sides;
        };
        const client = await TestClient.connect({ host: gateway.host, port: gateway.port });
        sessions += 1;
        try {
          await ACTORS[dice(ACTORS.length)]!(client, dice);
        } catch (error) {
          surprises.push(String(error));
        } finally {
          client.destroy();
        }
      }
    };
    const sampling = (async () => {
      while (performance.now() < deadline) {
        await pass(1000);
        samples.push(memory());
      }
    })();
    await Promise.all([...Array.from({ length: ACTORS_AT_ONCE }, (_, n) => life(n)), sampling]);

    await waitUntil(
      () => gateway.sessions?.() === 0,
      () => `all sessions are gone, ${gateway.sessions?.()} are left`,
      15_000,
    );
    backend.kill('SIGKILL');
    await once(backend, 'exit');
    // Its connections and its pipe went with the backend.
    await waitUntil(
      () => openDescriptors('self') <= idle.descriptors && timers() <= idle.timers,
      () => `it is as idle as before: ${JSON.stringify(idle)}, now ${openDescriptors('self')} and ${timers()}`,
      20_000,
    );
    await gateway.stop();
    await waitUntil(
      () => openDescriptors('self') <= atStart.descriptors && timers() <= atStart.timers,
      () => `nothing is left: ${JSON.stringify(atStart)}, now ${openDescriptors('self')} and ${timers()}`,
      20_000,
    );

    const warm = samples.slice(Math.floor(samples.length / 3));
    const half = Math.floor(warm.length / 2);
    const growth = mean(warm.slice(half)) - mean(warm.slice(0, half));
    console.info(
      `soak, seed ${SEED}: ${sessions} sessions in ${SECONDS} s; memory ${mib(samples[0] ?? 0)} at first, ${mib(mean(warm))} on average, ` +
        `${mib(growth)} between the halves after warm-up, slope ${mib(slope(warm) * 60)} a minute; ${JSON.stringify(atStart)} at both ends`,
    );
    process.off('unhandledRejection', rejected);
    expect(rejections).toEqual([]);
    expect(surprises.slice(0, 3)).toEqual([]);
    expect(sessions).toBeGreaterThan(SECONDS * 5);
    expect(growth).toBeLessThan(MEMORY_SLACK);
  },
  SECONDS * 1000 + 120_000,
);
