// Servers that are wrong about MONITOR, CONTROL, STOP or their watchdogs, and the checks that have to notice.
import type { Json } from './match.ts';
import { commands, lines, type Mutant, plusOne, reprint, set } from './mutant-tools.ts';

export const ACTIVITY_MUTANTS: readonly Mutant[] = [
  {
    name: 'sends data before it acknowledges the monitor',
    caught: ['monitor.ack-first', 'extensions.id-spelling-data'],
    fromServer: () => {
      let ack = '';
      return (text) => {
        const { type } = JSON.parse(text) as Json;
        if (type === 'monitor_ack') {
          ack = `${text}\n`;
          return '';
        }
        const both = `${text}\n${ack}`;
        ack = '';
        return both;
      };
    },
  },
  {
    name: 'sends data after it has stopped',
    caught: ['stop.monitor', 'profiles.stop-true-vendor'],
    fromServer: () => {
      let data = '';
      return (text) => {
        const { type } = JSON.parse(text) as Json;
        if (type === 'data') data = `${text}\n`;
        return type === 'stop_ack' ? `${text}\n${data}` : `${text}\n`;
      };
    },
  },
  {
    name: 'tells the time in seconds',
    caught: ['monitor.data-shape'],
    fromServer: lines((line) =>
      line['type'] === 'data' ? reprint(line, { ts: Math.floor(Number(line['ts']) / 1000) }) : undefined,
    ),
  },
  {
    name: 'adds to data what is not documented',
    caught: ['monitor.data-shape'],
    fromServer: lines((line) => (line['type'] === 'data' ? reprint(line, { fresh: true }) : undefined)),
  },
  {
    name: 'makes an empty body a null',
    caught: ['monitor.result-empty'],
    fromServer: lines((line) =>
      line['type'] === 'data' && line['result'] === undefined
        ? reprint(line, { result: null, status: undefined })
        : undefined,
    ),
  },
  {
    name: 'polls at twice the period',
    caught: ['monitor.keeps-period'],
    fromClient: commands((line) =>
      line.replace(/"period_ms":(\d+)/, (_all, ms: string) => `"period_ms":${Number(ms) * 2}`),
    ),
  },
  {
    name: 'polls for each session alone',
    caught: ['monitor-sharing.one-request'],
    settings: set('MONITOR_SHARING', () => 'off'),
  },
  {
    name: 'does not count failed polls',
    caught: ['monitor-failure.kind-0', 'monitor-failure.reports'],
    fromServer: lines((line) => (line['failures'] === undefined ? undefined : reprint(line, { failures: undefined }))),
  },
  {
    name: 'relays bodies as plain text',
    caught: ['control.relayed'],
    headers: { 'content-type': 'text/plain' },
  },
  {
    name: 'tries a failed CONTROL again',
    caught: ['control-failure.answered-0'],
    times: 2,
  },
  {
    name: 'executes CONTROLs of one segment backwards',
    caught: ['control.order', 'framing.half-close-executes'],
    fromClient: () => (segment) => {
      const parts = segment.toString('latin1').split('\n');
      const rest = parts.pop() ?? '';
      const controls = parts.filter((line) => line.includes('CONTROL')).reverse();
      const swapped = parts.map((line) => (line.includes('CONTROL') ? (controls.shift() ?? line) : line));
      return Buffer.from([...swapped, rest].join('\n'), 'latin1');
    },
  },
  {
    name: 'does not tell what is known of a failed CONTROL',
    caught: ['stop.control-aborts', 'control-queue.fatal-error'],
    fromServer: lines((line) => (line['outcome'] === undefined ? undefined : reprint(line, { outcome: undefined }))),
  },
  {
    name: 'calls unknown what was never sent',
    caught: ['control-queue.fatal-error', 'control-queue.watchdog'],
    fromServer: lines((line) => (line['outcome'] === 'not_sent' ? reprint(line, { outcome: 'unknown' }) : undefined)),
  },
  {
    name: 'drops waiting CONTROLs in silence',
    caught: ['control-queue.fatal-error', 'control-queue.watchdog'],
    fromServer: lines((line) => (line['outcome'] === 'not_sent' ? '' : undefined)),
  },
  {
    name: 'leaves the type out of control_err',
    caught: ['profiles.control-err-strict', 'profiles.control-err-vendor', 'extensions.ack-failure'],
    fromServer: lines((line) => (line['type'] === 'control_err' ? reprint(line, { type: undefined }) : undefined)),
  },
  {
    name: 'lets one CONTROL more wait',
    caught: ['control-queue.depth', 'codes.control_busy'],
    settings: set('CONTROL_QUEUE_DEPTH', plusOne('256')),
  },
  {
    name: 'does not say how many it discarded',
    caught: ['stop.control-discards', 'stop.failed-counts-discarded'],
    fromServer: lines((line) =>
      line['discarded'] === undefined ? undefined : reprint(line, { discarded: undefined }),
    ),
  },
  {
    name: 'reports an aborted CONTROL as stopped',
    caught: ['stop.control-aborts', 'codes.stop_failed'],
    fromServer: lines((line) =>
      line['error'] === 'stop_failed' ? '{"type":"stop_ack","target":"control"}\n' : undefined,
    ),
  },
  {
    name: 'gives the CONTROL in flight no grace',
    caught: ['stop.control-meanwhile'],
    settings: set('STOP_GRACE_MS', () => '0'),
  },
  {
    name: 'waits for idle sessions for ever',
    caught: ['watchdog.idle', 'codes.session_timeout'],
    settings: set('IDLE_TIMEOUT_MS', () => '86400000'),
  },
  {
    name: 'leaves the connection open',
    caught: ['stop-session.idle', 'handshake.cells-closing', 'connect.first-byte', 'framing.half-close-idle'],
    serverEnd: 'nothing',
  },
  {
    name: 'says nothing when it shuts down',
    caught: ['shutdown.running-control', 'handshake.draining'],
    fromServer: lines((line) => (line['type'] === 'closing' ? '' : undefined)),
  },
  {
    name: 'writes a space as +',
    caught: ['args.control'],
    toBackend: (part) => part.replaceAll('%20', '+'),
  },
];
