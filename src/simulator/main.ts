// The simulated controller as a server of its own (`npm run simulator`), for use as a backend or to try its API by hand.
import { DEFAULT_HOST, DEFAULT_PORT } from './limits.ts';
import { startSimulator } from './simulator.ts';

/** Exit codes: settings that make no sense, and an address that cannot be listened on. */
const BAD_SETTINGS = 2;
const CANNOT_LISTEN = 1;

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use: end the other server or set SIMULATOR_PORT',
  EACCES: 'not permitted: choose a port above 1023 with SIMULATOR_PORT',
  EADDRNOTAVAIL: 'no such address on this machine: set SIMULATOR_HOST',
  ENOTFOUND: 'the host name is unknown: set SIMULATOR_HOST',
};

await main();

async function main(): Promise<void> {
  const host = process.env['SIMULATOR_HOST'] ?? DEFAULT_HOST;
  const portText = process.env['SIMULATOR_PORT'] ?? String(DEFAULT_PORT);
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : Number.NaN;
  const faults: string[] = [];
  if (!/^[\w.:%-]{1,253}$/.test(host)) {
    faults.push(`SIMULATOR_HOST=${JSON.stringify(host)}: must be an IP address or a host name`);
  }
  if (!(port <= 65_535)) {
    faults.push(`SIMULATOR_PORT=${JSON.stringify(portText)}: must be an integer from 0 to 65535`);
  }
  if (faults.length > 0) return fail(BAD_SETTINGS, faults.join('\n'));

  try {
    const simulator = await startSimulator({ host, port });
    process.stdout.write(`simulated robot controller listening on ${simulator.url}\n`);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void simulator.close());
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    fail(CANNOT_LISTEN, `cannot listen on ${host} port ${port}: ${REASONS[code] ?? message}`);
  }
}

function fail(exitCode: number, message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = exitCode;
}
