// The three roles a process can have: the whole gateway, the primary of several workers, or one of them.
import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import { AddressList } from './access/address.ts';
import { Admissions } from './access/admissions.ts';
import { type Admin, startAdmin } from './admin/admin-server.ts';
import { Primary } from './cluster/primary.ts';
import { PrimaryLink } from './cluster/worker.ts';
import { describeFaults } from './config/report.ts';
import type { Config } from './config.ts';
import { type Gateway, type GatewayOptions, startGateway } from './gateway.ts';
import { yieldToEventLoop } from './helper-threads.ts';
import type { Logger } from './log.ts';
import { StartError } from './materials.ts';
import { startSimulator } from './simulator/simulator.ts';
import { inheritedListener } from './transport/socket-activation.ts';

/** An exit code: 1 cannot run, 2 told wrongly; undefined while it runs. */
type ExitCode = number | undefined;

/** Starts this process's role and installs its signals. */
export function run(config: Config, log: Logger): Promise<ExitCode> {
  yieldToEventLoop();
  if (cluster.isWorker) return runWorker(config, log);
  const workers = config.workers === 'auto' ? availableParallelism() : config.workers;
  return workers > 1 ? runPrimary(config, log, workers) : runAlone(config, log);
}

async function runAlone(config: Config, log: Logger): Promise<ExitCode> {
  const listen = inheritedListener(process.env, process.pid);
  const gateway = await start(config, log, listen === undefined ? {} : { listen });
  if (typeof gateway === 'number') return gateway;
  const stop = onSignals(log, () => gateway.drain());
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => gateway.reload());
  log.info(listening(config, gateway.port), 'listening');
  return undefined;
}

async function runWorker(config: Config, log: Logger): Promise<ExitCode> {
  let gateway: Gateway | undefined;
  const stop = onSignals(log, async () => gateway?.drain());
  const link = new PrimaryLink({
    drain: () => stop('SIGTERM'),
    reload: () => gateway?.reload(),
    sources: () => gateway?.sources,
  });
  // A terminal sends its signals to the workers too; they drain all the same, only once.
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => {});
  const { listen, backendUrl } = await link.assignment();
  const own = { ...config, adminPort: 0, ...(backendUrl === undefined ? {} : { backendUrl }) };
  const started = await start(own, log, { admit: link.admit, ...(listen === undefined ? {} : { listen }) });
  if (typeof started === 'number') process.exit(started);
  gateway = started;
  link.listening(gateway.port);
  return undefined;
}

async function runPrimary(config: Config, log: Logger, workers: number): Promise<ExitCode> {
  const simulator = config.backendUrl === undefined ? await startSimulator() : undefined;
  // Its faults are the workers' faults too; they name them.
  const allow = AddressList.parse(config.limitsAllow).list ?? AddressList.EMPTY;
  const primary = new Primary({
    workers,
    admissions: new Admissions(config, allow, () => performance.now()),
    listen: inheritedListener(process.env, process.pid),
    backendUrl: simulator?.url,
    drainTimeoutMs: config.drainTimeoutMs,
    log,
  });
  let admin: Admin | undefined;
  const stop = onSignals(log, async () => {
    await primary.drain();
    await admin?.close();
    await simulator?.close();
  });
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => primary.reload());
  try {
    if (config.adminPort !== 0)
      admin = await startAdmin({
        host: config.adminHost,
        port: config.adminPort,
        sources: primary.sources,
        serving: () => primary.serving,
        failed: (error) => log.error({ error }, 'the admin port failed'),
      });
    const port = await primary.start();
    log.info({ ...listening(config, port), workers }, 'listening');
    return undefined;
  } catch (error) {
    await admin?.close();
    await simulator?.close();
    if (typeof error === 'number') return error;
    process.stderr.write(`${describeStartFailure(error, config)}\n`);
    return 1;
  }
}

async function start(config: Config, log: Logger, options: GatewayOptions): Promise<Gateway | number> {
  try {
    return await startGateway(config, log, options);
  } catch (error) {
    if (error instanceof StartError) {
      process.stderr.write(describeFaults(error.faults, []));
      return 2;
    }
    process.stderr.write(`${describeStartFailure(error, config)}\n`);
    return 1;
  }
}

/** Drains once, whatever comes how often, then ends the process with exit code 0. */
function onSignals(log: Logger, drain: () => Promise<void>): (signal: NodeJS.Signals) => void {
  let stopping = false;
  return (signal) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'draining');
    void drain().then(() => {
      log.info('stopped');
      process.exit(0);
    });
  };
}

const listening = ({ host, backendUrl, profile }: Config, port: number): object => ({
  host,
  port,
  backend: backendUrl ?? 'embedded simulated controller',
  profile,
});

function describeStartFailure(error: unknown, { host, port }: Config): string {
  const code = (error as { code?: unknown }).code;
  const where = `${host} port ${port}`;
  // The second case is a riddle to whoever looks for a server: Linux gives out ports from 32768 on for connections that go out.
  if (code === 'EADDRINUSE')
    return `Cannot listen on ${where}: the port is in use, by another server or for a minute by a connection that went out from it. Set PORT to another one, or try again.`;
  if (code === 'EACCES') return `Cannot listen on ${where}: not permitted. Set PORT to 1024 or more.`;
  if (code === 'EAFNOSUPPORT') return `Cannot listen on ${where}: this machine has no IPv6. Set HOST to 0.0.0.0.`;
  if (code === 'EADDRNOTAVAIL') return `Cannot listen on ${where}: this machine has no such address. Check HOST.`;
  return `Cannot start: ${error instanceof Error ? error.message : String(error)}`;
}
