// The process: command line and environment → gateway; signals → drain; exit codes 0 (done), 1 (cannot run), 2 (told wrongly).
import packageJson from '../package.json' with { type: 'json' };
import { parseCli } from './config/cli.ts';
import { checkConfig, describeFaults } from './config/report.ts';
import { type Config, loadConfigFrom } from './config.ts';
import { type Gateway, StartError, startGateway } from './gateway.ts';
import { createLogger, type Logger } from './log.ts';
import { inheritedListener } from './transport/socket-activation.ts';

const DOT_ENV = '.env';

async function main(): Promise<number | undefined> {
  const action = parseCli(process.argv.slice(2), packageJson.version);
  switch (action.kind) {
    case 'help':
    case 'version':
      process.stdout.write(action.text);
      return 0;
    case 'usage':
      process.stderr.write(action.text);
      return 2;
    case 'check-config': {
      const printed = checkConfig(process.env, DOT_ENV);
      process.stdout.write(printed.stdout);
      process.stderr.write(printed.stderr);
      return printed.exitCode;
    }
    case 'start': {
      const loaded = loadConfigFrom(process.env, DOT_ENV);
      if ('faults' in loaded) {
        process.stderr.write(describeFaults(loaded.faults, loaded.warnings));
        return 2;
      }
      const log = createLogger({ level: loaded.config.logLevel, pretty: process.stdout.isTTY === true });
      for (const warning of loaded.warnings) log.warn(warning);
      return run(loaded.config, log);
    }
  }
}

/** Starts and installs the signals; undefined while the gateway runs, otherwise the exit code. */
async function run(config: Config, log: Logger): Promise<number | undefined> {
  const listen = inheritedListener(process.env, process.pid);
  let gateway: Gateway;
  try {
    gateway = await startGateway(config, log, listen === undefined ? {} : { listen });
  } catch (error) {
    if (error instanceof StartError) {
      process.stderr.write(describeFaults(error.faults, []));
      return 2;
    }
    process.stderr.write(`${describeStartFailure(error, config)}\n`);
    return 1;
  }
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) return;
    stopping = true;
    log.info({ signal, sessions: gateway.sessions }, 'draining');
    void gateway.drain().then(() => {
      log.info('stopped');
      process.exit(0);
    });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => gateway.reload());
  log.info(
    {
      host: config.host,
      port: gateway.port,
      backend: config.backendUrl ?? 'embedded simulated controller',
      profile: config.profile,
    },
    'listening',
  );
  return undefined;
}

function describeStartFailure(error: unknown, { host, port }: Config): string {
  const code = (error as { code?: unknown }).code;
  const where = `${host} port ${port}`;
  if (code === 'EADDRINUSE') return `Cannot listen on ${where}: the port is in use. Set PORT to another one.`;
  if (code === 'EACCES') return `Cannot listen on ${where}: not permitted. Set PORT to 1024 or more.`;
  if (code === 'EADDRNOTAVAIL') return `Cannot listen on ${where}: this machine has no such address. Check HOST.`;
  return `Cannot start: ${error instanceof Error ? error.message : String(error)}`;
}

const exitCode = await main();
if (exitCode !== undefined) process.exitCode = exitCode;
