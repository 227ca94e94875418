// What a security test starts: gateways whose every log line is kept, backends, clients; all of it is stopped after the test.
import { afterEach } from 'vitest';
import { loadConfig } from '../../../src/config.ts';
import { startGateway } from '../../../src/gateway.ts';
import { createLogger, type LogLevel } from '../../../src/log.ts';
import { RawBackend, type RawHandler } from '../../faults/support/raw-backend.ts';
import { type Handler, ScriptedBackend } from '../../support/backend.ts';
import { startTestGateway, type TargetFactory, type TestGateway } from '../../support/gateway.ts';
import type { Json } from '../../support/match.ts';
import { takeViolations } from '../../support/wire-log.ts';

export interface GuardedGateway extends TestGateway {
  /** Everything logged so far, as the lines an operator would have on disk. */
  logText(): string;
  /** The same, parsed; those with this message only, if one is given. */
  logged(message?: string): Json[];
  /** As SIGHUP would. */
  reload(): void;
}

export interface Stage {
  backend(handler?: Handler): Promise<ScriptedBackend>;
  rawBackend(handler: RawHandler): Promise<RawBackend>;
  /** A gateway in this process; its log is at `LOG_LEVEL` of `env`, default info. */
  gateway(env?: Readonly<Record<string, string>>): Promise<GuardedGateway>;
  /** Stops this too, after the test. */
  keep<T extends { stop(): unknown }>(thing: T): T;
}

/** Call at the top level of a test file. */
export function useStage(): Stage {
  const started: { stop(): unknown }[] = [];
  const keep = <T extends { stop(): unknown }>(thing: T): T => {
    started.push(thing);
    return thing;
  };
  afterEach(async () => {
    await Promise.allSettled(started.splice(0).map(async (thing) => thing.stop()));
    const wrong = takeViolations();
    if (wrong.length > 0) throw new Error(`lines that break their schema:\n${wrong.join('\n')}`);
  });
  return {
    keep,
    backend: async (handler) => keep(await ScriptedBackend.start(handler)),
    rawBackend: async (handler) => keep(await RawBackend.start(handler)),
    gateway: async (env = {}) => keep(await guarded({ LOG_LEVEL: 'info', ...env })),
  };
}

async function guarded(env: Readonly<Record<string, string>>): Promise<GuardedGateway> {
  const written: string[] = [];
  let reload = (): void => {};
  const factory: TargetFactory = async (settings) => {
    const loaded = loadConfig(settings);
    if (!('config' in loaded)) throw new Error(`the test's settings are wrong: ${loaded.faults.join('; ')}`);
    const log = createLogger({
      level: settings['LOG_LEVEL'] as LogLevel,
      pretty: false,
      destination: { write: (line: string) => void written.push(line) },
    });
    const gateway = await startGateway(loaded.config, log);
    reload = () => gateway.reload();
    return {
      host: settings['HOST'] ?? '127.0.0.1',
      port: gateway.port,
      drain: () => gateway.drain(),
      stop: () => gateway.close(),
      sessions: () => gateway.sessions,
    };
  };
  const gateway = await startTestGateway(env, factory);
  return {
    ...gateway,
    logText: () => written.join(''),
    logged: (message) =>
      written
        .map((line) => JSON.parse(line) as Json)
        .filter((line) => message === undefined || line['msg'] === message),
    reload: () => reload(),
  };
}
