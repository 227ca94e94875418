// What a whole run must have reached on the wire: every event, every error code, every cell of state × command.
import { COMMANDS } from '../../protocol/commands.ts';
import { ERRORS } from '../../protocol/errors.ts';
import { EVENTS } from '../../protocol/events.ts';
import { STATES } from '../../protocol/states.ts';
import type { WireRecord } from './wire-log.ts';

/** Sentences that name what no test reached, in the order of the tables; empty when the run was complete. */
export function unreached(records: readonly WireRecord[]): string[] {
  const reached = new Set<string>();
  for (const { kind, profile, name } of records) {
    reached.add(`${kind} ${name}`);
    reached.add(`${profile} ${kind} ${name}`);
  }
  const missing: string[] = [];
  const demand = (key: string, sentence: string) => {
    if (!reached.has(key)) missing.push(sentence);
  };
  for (const event of Object.keys(EVENTS)) demand(`event ${event}`, `no server sent the event ${event}`);
  for (const [code, row] of Object.entries(ERRORS)) {
    const profile = row.profile === 'vendor' ? 'vendor' : 'strict';
    demand(`${profile} code ${code}`, `no server sent the error code ${code} in the ${profile} profile`);
    if (row.fatal !== 'never') demand(`code ${code} fatal`, `${code} was never fatal`);
    if (row.fatal !== 'always') demand(`code ${code} recoverable`, `${code} never left the session alive`);
  }
  for (const state of STATES) {
    for (const command of COMMANDS) {
      demand(`cell ${state} ${command}`, `${command} was never sent in the state ${state}`);
    }
  }
  return missing;
}

/** One sentence per line that broke its schema. */
export function violations(records: readonly WireRecord[]): string[] {
  return records.flatMap((entry) =>
    entry.kind === 'violation' ? [`a ${entry.profile} server broke a schema: ${entry.name}: ${entry.line}`] : [],
  );
}
