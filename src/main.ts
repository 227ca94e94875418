// The process: command line and environment → gateway; signals → drain; exit codes 0 (done), 1 (cannot run), 2 (told wrongly).
import packageJson from '../package.json' with { type: 'json' };
import { parseCli } from './config/cli.ts';
import { checkConfig, describeFaults } from './config/report.ts';
import { loadConfigFrom } from './config.ts';
import { createLogger } from './log.ts';
import { run } from './run.ts';

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

const exitCode = await main();
if (exitCode !== undefined) process.exitCode = exitCode;
