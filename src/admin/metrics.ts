// Every metric of /metrics: its name, its labels, and where its value comes from. docs/operating.md holds the same table, word for word.
import { STATES } from '../../protocol/states.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import type { HistogramNumbers } from '../observation/histogram.ts';
import type { Numbers } from '../observation/snapshot.ts';

export interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
}

interface MetricBase {
  readonly name: string;
  /** One sentence. */
  readonly help: string;
}

/** Label values come from tables of ours, never from a client. */
interface PlainMetric extends MetricBase {
  readonly type: 'counter' | 'gauge';
  readonly label: string | undefined;
  read(numbers: Numbers): readonly Sample[];
}

interface HistogramMetric extends MetricBase {
  readonly type: 'histogram';
  read(numbers: Numbers): HistogramNumbers;
}

export type Metric = PlainMetric | HistogramMetric;

/** Without a value (the system does not tell, nothing was measured yet) there is no sample. */
type Read = (numbers: Numbers) => number | undefined;

const plain =
  (type: PlainMetric['type']) =>
  (name: string, help: string, read: Read): PlainMetric => ({
    name,
    type,
    help,
    label: undefined,
    read: (numbers) => {
      const value = read(numbers);
      return value === undefined ? [] : [{ value, labels: {} }];
    },
  });

const labelled =
  (type: PlainMetric['type']) =>
  (
    name: string,
    label: string,
    help: string,
    read: (numbers: Numbers) => Readonly<Record<string, number>> | undefined,
  ): PlainMetric => ({
    name,
    type,
    help,
    label,
    read: (numbers) => Object.entries(read(numbers) ?? {}).map(([key, value]) => ({ value, labels: { [label]: key } })),
  });

const counter = plain('counter');
const gauge = plain('gauge');
const counters = labelled('counter');
const gauges = labelled('gauge');

const histogram = (name: string, help: string, read: (numbers: Numbers) => HistogramNumbers): HistogramMetric => ({
  name,
  type: 'histogram',
  help,
  read,
});

export const METRICS: readonly Metric[] = [
  gauges('open_stream_info', 'protocol', 'Always 1; the label is the protocol version.', () => ({
    [PROTOCOL_VERSION]: 1,
  })),

  gauges('open_stream_sessions', 'state', 'Live sessions by state.', ({ sessions }) =>
    Object.fromEntries(STATES.map((state) => [state, sessions[state]])),
  ),
  counter('open_stream_sessions_opened_total', 'Sessions that began.', (n) => n.sessionsOpened),
  counters(
    'open_stream_closes_total',
    'reason',
    'Sessions that ended, and connections that never became one, by close reason.',
    (n) => n.closes,
  ),
  counter(
    'open_stream_authentication_failures_total',
    'HANDSHAKEs with wrong or missing credentials.',
    (n) => n.authenticationFailures,
  ),

  counter('open_stream_lines_total', 'Lines received, broken ones included.', (n) => n.lines),
  counter('open_stream_events_total', 'Stream events sent: data and monitor_internal_error.', (n) => n.events),
  counter('open_stream_skipped_total', 'Results that a session was not given.', (n) => n.skipped),
  counters('open_stream_errors_total', 'code', 'Errors that clients were answered, by code.', (n) => n.errors),
  counters('open_stream_bytes_total', 'direction', 'Bytes of sessions, received (in) and written (out).', (n) => ({
    in: n.bytesReceived,
    out: n.bytesSent,
  })),
  gauge('open_stream_waiting_bytes', 'Bytes that wait for slow readers.', (n) => n.bytesWaiting),

  gauge('open_stream_polls_running', 'Polls that run; a shared one counts once.', (n) => n.pollsRunning),
  counters('open_stream_polls_total', 'result', 'Polls that were answered, ok or failed.', (n) => n.polls),
  histogram(
    'open_stream_poll_duration_seconds',
    'From sending a poll, or waiting for a free connection to the backend, to its last byte.',
    (n) => n.pollDurationMs,
  ),
  histogram(
    'open_stream_poll_lateness_seconds',
    'How long after their deadlines polls were sent or given up; up to 1 ms is the grain of timers.',
    (n) => n.latenessMs,
  ),
  counter(
    'open_stream_ticks_total',
    'Deadlines that polls were sent or given up for; a timer that fires too late has one for several.',
    (n) => n.ticks.all,
  ),
  counter('open_stream_late_ticks_total', 'Those that were more than 2 ms late.', (n) => n.ticks.late),
  gauge('open_stream_late_ticks_ratio', 'Late ticks among all since the start, 0 to 1.', ({ ticks }) =>
    ticks.all === 0 ? 0 : ticks.late / ticks.all,
  ),
  counter(
    'open_stream_deadlines_voided_total',
    'Deadlines no poll was sent for: a timer was too late, or a poll outlasted them.',
    (n) => n.deadlinesVoided,
  ),

  counters('open_stream_controls_total', 'outcome', 'CONTROLs that ended, by outcome.', (n) => n.controls),
  histogram(
    'open_stream_control_duration_seconds',
    'From relaying a CONTROL to its last byte; those that were not sent are left out.',
    (n) => n.controlDurationMs,
  ),
  counters('open_stream_wills_total', 'result', 'Wills that were relayed, ok or failed.', (n) => n.wills),

  gauge('open_stream_backend_reachable', '1 when the backend can be reached, else 0.', (n) =>
    n.backend.reachable ? 1 : 0,
  ),
  gauges('open_stream_backend_calls', 'lane', 'Calls to the backend that are under way.', (n) => n.calls),

  gauges(
    'open_stream_event_loop_delay_seconds',
    'quantile',
    'How long the event loop kept others waiting in the last whole 10 s; of the worst process.',
    ({ eventLoopDelayMs: delay }) =>
      delay && { '0.5': delay.p50 / 1000, '0.99': delay.p99 / 1000, '1': delay.max / 1000 },
  ),

  gauge('open_stream_processes', 'Processes that serve sessions.', (n) => n.process.count),
  counter('process_cpu_user_seconds_total', 'Processor time spent in the program.', (n) => n.process.cpuUserMs / 1000),
  counter(
    'process_cpu_system_seconds_total',
    'Processor time spent in the system on its behalf.',
    (n) => n.process.cpuSystemMs / 1000,
  ),
  gauge('process_start_time_seconds', 'Start of the oldest process, since 1970.', (n) => n.process.startedAt / 1000),
  gauge('process_resident_memory_bytes', 'Resident memory.', (n) => n.process.residentBytes),
  gauge('nodejs_heap_size_used_bytes', 'Used part of the JavaScript heap.', (n) => n.process.heapUsedBytes),
  gauge('process_open_fds', 'Open descriptors; Linux only.', (n) => n.process.openDescriptors),
  gauge('process_max_fds', 'Descriptors that may be open; Linux only.', (n) => n.process.maxDescriptors),
];
