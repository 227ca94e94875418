// How long the event loop kept others waiting: what every late tick and slow answer of this process has in common.
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { EventLoopDelay } from './snapshot.ts';

/** 50 wake-ups a second are not felt; shorter ones would be. */
const RESOLUTION_MS = 20;
const PERIOD_MS = 10_000;

interface EventLoopOptions {
  /** What each report is about, ms; default 10000. */
  readonly periodMs?: number;
}

/** Measures nothing until `start`. */
export class EventLoopMonitor {
  readonly #periodMs: number;
  #histogram: IntervalHistogram | undefined;
  #timer: NodeJS.Timeout | undefined;
  #last: EventLoopDelay | undefined;

  constructor(options: EventLoopOptions = {}) {
    this.#periodMs = options.periodMs ?? PERIOD_MS;
  }

  /** The last whole period; undefined before the first has passed. */
  get delay(): EventLoopDelay | undefined {
    return this.#last;
  }

  /** May be called again. */
  start(): void {
    if (this.#histogram) return;
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#histogram = histogram;
    histogram.enable();
    this.#timer = setInterval(() => {
      this.#last = {
        p50: beyond(histogram.percentile(50)),
        p99: beyond(histogram.percentile(99)),
        max: beyond(histogram.max),
      };
      histogram.reset();
    }, this.#periodMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#histogram?.disable();
    this.#histogram = undefined;
    this.#last = undefined;
  }
}

/** The histogram holds whole intervals in ns; what goes beyond the wanted one is the delay. */
const beyond = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS);
