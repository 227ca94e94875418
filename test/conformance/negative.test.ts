// The conformance checks are tested: servers that are wrong in one way each must fail the checks pinned to them.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Check, collectChecks, runCheck } from '../support/check.ts';
import { patience, UnmetExpectation, WAIT_MS } from '../support/client.ts';
import { broken } from '../support/mutant-proxies.ts';
import { ACTIVITY_MUTANTS } from '../support/mutants-activities.ts';
import { RULE_MUTANTS } from '../support/mutants-rules.ts';
import { TALKING_MUTANTS } from '../support/mutants-talking.ts';

const MUTANTS = [...TALKING_MUTANTS, ...RULE_MUTANTS, ...ACTIVITY_MUTANTS];

/** Waiting in vain is the rule here. */
const SHORT_MS = 1500;

const checks = new Map<string, Check>();

beforeAll(async () => {
  const found = await collectChecks(async () => {
    await import('./connect.test.ts');
    await import('./framing.test.ts');
    await import('./framing-buffer.test.ts');
    await import('./framing-ends.test.ts');
    await import('./framing-cuts.test.ts');
    await import('./handshake.test.ts');
    await import('./order-of-checks.test.ts');
    await import('./order-of-checks-codes.test.ts');
    await import('./order-of-checks-url.test.ts');
    await import('./profiles.test.ts');
    await import('./extensions.test.ts');
    await import('./extensions-token.test.ts');
    await import('./monitor.test.ts');
    await import('./monitor-results.test.ts');
    await import('./monitor-sharing.test.ts');
    await import('./monitor-failures.test.ts');
    await import('./control.test.ts');
    await import('./control-failures.test.ts');
    await import('./control-queue.test.ts');
    await import('./args.test.ts');
    await import('./stop.test.ts');
    await import('./stop-session.test.ts');
    await import('./watchdog.test.ts');
    await import('./shutdown.test.ts');
  });
  for (const entry of found) checks.set(entry.id, entry);
  expect(checks.size, 'ids of checks are unique').toBe(found.length);
});

function named(id: string): Check {
  const found = checks.get(id);
  if (!found) throw new Error(`no check has the id ${id}: the pin is out of date`);
  return found;
}

const PINNED = [...new Set(MUTANTS.flatMap((mutant) => mutant.caught))];

describe('behind a proxy that changes nothing the pinned checks pass', () => {
  test.concurrent.each(PINNED)('%s', async (id) => {
    await runCheck(named(id), broken({}));
  });
});

describe('a server that', () => {
  beforeAll(() => {
    patience.ms = SHORT_MS;
  });
  afterAll(() => {
    patience.ms = WAIT_MS;
  });

  for (const mutant of MUTANTS) {
    test.concurrent.each(mutant.caught)(`${mutant.name} fails %s`, async (id) => {
      const failure = await runCheck(named(id), broken(mutant)).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(failure, 'the check passed').toBeDefined();
      expect(byExpectation(failure), `failed by an accident of the test itself: ${String(failure)}`).toBe(true);
    });
  }
});

/** Properties wrap the failure they found. */
function byExpectation(failure: unknown): boolean {
  if (failure instanceof UnmetExpectation) return true;
  if (!(failure instanceof Error)) return false;
  return failure.name === 'AssertionError' || byExpectation(failure.cause);
}
