// Claim: a session that only waits costs little memory, so that thousands may.
import type { BenchCase } from '../support/case.ts';
import { measureIdleMemory } from '../support/idle-memory.ts';

export const idleMemory: BenchCase = {
  name: 'idle-memory',
  claim: 'Resident memory per idle session, from 1000 to 9000 sessions.',
  columns: ['gateway', 'undici', 'naive'],
  metrics: [
    {
      key: 'per_session',
      title: 'memory per idle session',
      unit: 'KB',
      digits: 2,
      better: 'lower',
      goal: { reach: 4, reference: { undici: 2, naive: 7 } },
    },
    { key: 'heap', title: 'of it on the JavaScript heap', unit: 'KB', digits: 2, better: 'lower' },
    { key: 'resident', title: 'resident with 9000', unit: 'MB', digits: 1, better: 'lower' },
  ],
  run: async (column) => {
    if (column === 'timer') throw new Error('the bare loop takes no connections');
    const { few, many, sessions } = await measureIdleMemory(column);
    const perSession = (of: 'rss' | 'heapUsed') => (many[of] - few[of]) / sessions / 1024;
    const values = { per_session: perSession('rss'), heap: perSession('heapUsed'), resident: many.rss / 2 ** 20 };
    return { values, remarks: [] };
  },
};
