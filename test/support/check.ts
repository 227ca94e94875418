// Conformance checks: named tests that own their servers, and that can also be aimed at a server broken on purpose.
import { test } from 'vitest';
import { type Handler, ScriptedBackend } from './backend.ts';
import { startTestGateway, type TargetFactory, type TestGateway } from './gateway.ts';
import { takeViolations } from './wire-log.ts';

/** What a check works with; everything it starts is stopped when it ends. */
export interface CheckContext {
  /** A scripted backend; without a handler it answers `{"ok":true}`. */
  backend(handler?: Handler): Promise<ScriptedBackend>;
  /** A server under test with these settings. */
  gateway(env?: Readonly<Record<string, string>>): Promise<TestGateway>;
  /** A server in front of a scripted backend. */
  pair(
    handler?: Handler,
    env?: Readonly<Record<string, string>>,
  ): Promise<{ readonly backend: ScriptedBackend; readonly gateway: TestGateway }>;
}

export interface Check {
  /** Short and stable, `room.sentence-in-few-words`: the negative test pins it. */
  readonly id: string;
  /** A sentence of the contract, beginning with its clause tag. */
  readonly title: string;
  readonly run: (context: CheckContext) => Promise<void>;
}

let collected: Check[] | undefined;

/**
 * Declares a check: a vitest test named `<title> (<id>)`, which runs against the default target.
 * While checks are being collected (see collectChecks) it is kept instead of registered.
 */
export function check(id: string, title: string, run: Check['run'], timeoutMs?: number): void {
  if (collected) {
    collected.push({ id, title, run });
    return;
  }
  test(`${title} (${id})`, () => runCheck({ id, title, run }), timeoutMs);
}

/** Loads modules that call check() and gives the checks back without registering a test. */
export async function collectChecks(load: () => Promise<unknown>): Promise<Check[]> {
  collected = [];
  try {
    await load();
    return collected;
  } finally {
    collected = undefined;
  }
}

/** Runs one check against the default target, or against the servers of `factory`. */
export async function runCheck({ run }: Check, factory?: TargetFactory): Promise<void> {
  const started: { stop(): Promise<void> }[] = [];
  const keep = <T extends { stop(): Promise<void> }>(thing: T): T => {
    started.push(thing);
    return thing;
  };
  const context: CheckContext = {
    backend: async (handler) => keep(await ScriptedBackend.start(handler)),
    gateway: async (env) => keep(await startTestGateway(env, factory)),
    async pair(handler, env = {}) {
      const backend = await context.backend(handler);
      return { backend, gateway: await context.gateway({ BACKEND_URL: backend.url, ...env }) };
    },
  };
  try {
    await run(context);
  } finally {
    // Backends first: a gateway that waits for one of them on its way down need not wait for long.
    await Promise.allSettled(started.map((thing) => thing.stop()));
  }
  const wrong = factory ? [] : takeViolations();
  if (wrong.length > 0) throw new Error(`lines that break their schema:\n${wrong.join('\n')}`);
}
