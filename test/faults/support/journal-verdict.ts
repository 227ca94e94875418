// Compares the two journals: what was executed against what was told.
import { fateOf, VERDICTS } from './fates.ts';
import type { Sent } from './journal-client.ts';

export interface Figures {
  sent: number;
  executed: number;
  succeeded: number;
  reported: number;
  busy: number;
  notSent: number;
  unknown: number;
  /** Executed and answered well, and yet reported as unknown: what a timeout on a slow machine does. */
  wellButUnknown: number;
  duplicated: number;
  lost: number;
}

/** The figures of a run, and every disagreement as a sentence. */
export function compare(
  seed: number,
  sessions: readonly (readonly Sent[])[],
  executed: readonly (readonly [number, number])[],
): { figures: Figures; faults: string[] } {
  const faults: string[] = [];
  const figures: Figures = {
    sent: 0,
    executed: executed.length,
    succeeded: 0,
    reported: 0,
    busy: 0,
    notSent: 0,
    unknown: 0,
    wellButUnknown: 0,
    duplicated: 0,
    lost: 0,
  };
  const runs = sessions.map(() => new Set<number>());
  const newest = sessions.map(() => -1);
  for (const [session, n] of executed) {
    if (runs[session]?.has(n)) {
      figures.duplicated += 1;
      faults.push(`${session}/${n} was executed twice`);
    }
    if (n <= newest[session]!) faults.push(`${session}/${n} was executed after ${session}/${newest[session]}`);
    newest[session] = n;
    runs[session]?.add(n);
  }
  for (const [session, commands] of sessions.entries()) {
    for (const command of commands) {
      figures.sent += 1;
      const fault = judge(seed, session, command, runs[session]!.has(command.n), figures);
      if (fault !== undefined) faults.push(`${session}/${command.n} (${fateOf(seed, session, command.n)}): ${fault}`);
    }
  }
  return { figures, faults };
}

function judge(
  seed: number,
  session: number,
  { n, ack, told }: Sent,
  ran: boolean,
  figures: Figures,
): string | undefined {
  const fate = fateOf(seed, session, n);
  const verdict = VERDICTS[fate];
  if (told.length > 1) return `was answered ${told.length} times: ${JSON.stringify(told)}`;
  const line = told[0];
  if (line === undefined || line['type'] === 'control_ack') {
    if (!ran) figures.lost += 1;
    if (!ran) return 'was never executed and never reported';
    // On a busy machine the gateway may read an answer before it looks at the clock: then what was meant to be late is not.
    if (verdict !== 'success' && fate !== 'late') return `failed and was not reported: ${JSON.stringify(line)}`;
    if (ack !== (line !== undefined)) return `asked for ${ack ? 'an' : 'no'} acknowledgement: ${JSON.stringify(line)}`;
    figures.succeeded += 1;
    return undefined;
  }
  figures.reported += 1;
  if (line['error'] === 'control_busy') {
    figures.busy += 1;
    return ran ? 'was refused as busy and executed all the same' : undefined;
  }
  if (line['type'] !== 'control_err') return `was answered by ${JSON.stringify(line)}`;
  if (line['outcome'] === 'not_sent') {
    figures.notSent += 1;
    return ran ? 'was executed and reported as not_sent' : undefined;
  }
  if (line['outcome'] === 'unknown') {
    figures.unknown += 1;
    if (ran && verdict === 'success') figures.wellButUnknown += 1;
    return undefined;
  }
  if (!ran) return `was never executed and reported with status ${JSON.stringify(line)}`;
  return line['status'] === verdict ? undefined : `was reported with another status: ${JSON.stringify(line)}`;
}
