// The worker's end of the line to its primary, where that has died and nobody knows it yet.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);

test('a report that the primary does not take any more ends nothing', async () => {
  // As Node does it: the fault is for the callback, and where there is none it is an error of the process.
  const script = `
    process.connected = true;
    process.send = (report, handle, options, told) => {
      const fault = new Error('write EPIPE');
      process.nextTick(() => (told ? told(fault) : process.emit('error', fault)));
    };
    const { PrimaryLink } = await import('./src/cluster/worker.ts');
    const link = new PrimaryLink({ drain: () => {}, reload: () => {}, sources: () => undefined });
    link.listening(1);
    void link.admit('192.0.2.1');
    setTimeout(() => { console.log('goes on'); process.exit(0); }, 10);`;
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script]);
  expect(stdout.trim()).toBe('goes on');
});
