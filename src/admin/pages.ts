// What each path of the admin port answers: a status, a type, and the body, whole or in slices.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Readiness, SessionList, Sources } from '../observation/snapshot.ts';
import { METRICS_CONTENT_TYPE, renderMetrics } from './render-metrics.ts';
import { Reused } from './reused.ts';

export interface Page {
  readonly status: number;
  readonly type: string;
  /** Slices of one body. */
  readonly body: readonly string[];
}

export type Pages = Readonly<Record<string, () => Page | Promise<Page>>>;

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';

/** Asking more often than this gives the same answer, so that no scraper can keep the gateway busy, ms. */
const METRICS_REUSED_MS = 100;
const SESSIONS_REUSED_MS = 250;
/** Sessions printed in one turn of the event loop. */
const ROWS_PER_SLICE = 256;

export const text = (status: number, line: string): Page => ({ status, type: TEXT, body: [`${line}\n`] });

const INDEX = [
  'Open Stream gateway, admin port',
  '',
  '/healthz   200 while the process runs; 503 while it has no worker left that serves',
  '/readyz    200 while it serves clients; otherwise 503 and why',
  '/metrics   for Prometheus',
  '/sessions  live sessions and those that ended last, as JSON',
].join('\n');

/** `serving` is false while a process that should serve clients cannot, and only its log may say why. */
export function createPages(sources: Sources, serving: () => boolean = () => true): Pages {
  const metrics = new Reused(async () => [await renderMetrics(await sources.numbers())], METRICS_REUSED_MS);
  const sessions = new Reused(async () => printSessions(await sources.sessions()), SESSIONS_REUSED_MS);
  return {
    '/': () => text(200, INDEX),
    '/healthz': () => (serving() ? text(200, 'ok') : text(503, 'No worker serves; the log says why.')),
    '/readyz': async () => readyPage(await sources.readiness()),
    '/metrics': async () => ({ status: 200, type: METRICS_CONTENT_TYPE, body: await metrics.get() }),
    '/sessions': async () => ({ status: 200, type: JSON_TYPE, body: await sessions.get() }),
  };
}

function readyPage({ listening, draining, backend }: Readiness): Page {
  const because = [
    ...(listening ? [] : ['not listening']),
    ...(draining ? ['draining'] : []),
    ...(backend.reachable ? [] : ['backend unreachable']),
  ];
  const ready = because.length === 0;
  const body = { ready, because, listening, draining, backend: backend.reachable ? 'reachable' : 'unreachable' };
  return { status: ready ? 200 : 503, type: JSON_TYPE, body: [`${JSON.stringify(body)}\n`] };
}

/** One row a line. Thousands of rows printed at once would hold up everybody's timers. */
async function printSessions({ live, sessions, ended }: SessionList): Promise<string[]> {
  const slices = [`{"live":${live},"sessions":[`];
  await printRows(sessions, slices);
  slices.push('],\n"ended":[');
  await printRows(ended, slices);
  slices.push(']}\n');
  return slices;
}

async function printRows(rows: readonly object[], slices: string[]): Promise<void> {
  for (let from = 0; from < rows.length; from += ROWS_PER_SLICE) {
    if (from > 0) await nextTurn();
    const slice = rows.slice(from, from + ROWS_PER_SLICE).map((row) => `\n${JSON.stringify(row)}`);
    slices.push((from > 0 ? ',' : '') + slice.join(','));
  }
}
