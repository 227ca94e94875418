// Claim: connecting is cheap: a fleet that comes back after a power cut is let in quickly.
import type { BenchCase } from '../support/case.ts';
import { cpuShare, outcome, perCpu, rate, workPerCpu } from '../support/figures.ts';
import { measure } from '../support/measure.ts';

export const handshakes: BenchCase = {
  name: 'handshakes',
  claim: '16 clients: connect, HANDSHAKE, read the answer, close, again.',
  columns: ['gateway', 'undici', 'naive', 'floor'],
  metrics: [
    rate('handshakes', 'HANDSHAKEs', { reach: 9_000, reference: { undici: 6_400, naive: 5_300 } }),
    cpuShare(),
    perCpu('HANDSHAKEs'),
  ],
  run: async (column, lab) => {
    if (column === 'timer') throw new Error('the bare loop takes no connections');
    const client = ['--mode', 'handshake', '--sessions', '16'];
    const sample = await measure(column, { client, ...lab });
    const handshakes = sample.client.handshakes / sample.client.window_s;
    return outcome(sample, { handshakes, ...workPerCpu(handshakes, sample) });
  },
};
