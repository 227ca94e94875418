// Several processes on one port: starts the workers, replaces those that crash, holds the limits meant for all of them.
import cluster, { type Worker } from 'node:cluster';
import type { Admission, Admissions, Place } from '../access/admissions.ts';
import type { Logger } from '../log.ts';
import { MergedSources } from '../observation/merged-sources.ts';
import type { Listen } from '../transport/listen.ts';
import { isReport, type Order, type Report } from './messages.ts';
import { RemoteSources } from './remote-sources.ts';

interface PrimaryOptions {
  readonly workers: number;
  readonly admissions: Admissions;
  readonly listen: Listen | undefined;
  readonly backendUrl: string | undefined;
  readonly drainTimeoutMs: number;
  readonly log: Logger;
}

/** A worker that crashes again and again is not replaced faster than this, ms. */
const RESPAWN_INTERVAL_MS = 1000;
/** What a worker may take beyond its own drain before it is killed, ms. */
const EXIT_GRACE_MS = 2000;

export class Primary {
  readonly #options: PrimaryOptions;
  /** Places that each worker's sessions hold, by the worker's own numbers; released together when it dies. */
  readonly #held = new Map<Worker, Map<number, Place>>();
  /** All workers' numbers behind one front, for the admin port. */
  readonly sources = new MergedSources();
  #stopping = false;
  #lastStart = 0;
  #listening = 0;
  #ended: ((code: number) => void) | undefined;
  #started: ((port: number) => void) | undefined;

  constructor(options: PrimaryOptions) {
    this.#options = options;
  }

  /** Resolves with the port once all workers listen, or rejects with the exit code of one that could not. */
  start(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#started = resolve;
      this.#ended = reject;
      // Each worker takes connections from the socket itself: those that none has taken stay in its queue when the workers end.
      cluster.schedulingPolicy = cluster.SCHED_NONE;
      for (let i = 0; i < this.#options.workers; i++) this.#fork();
    });
  }

  reload(): void {
    for (const worker of this.#held.keys()) tell(worker, { order: 'reload' });
  }

  /** Resolves when every worker has drained and gone. */
  async drain(): Promise<void> {
    this.#stopping = true;
    const { drainTimeoutMs } = this.#options;
    if (this.#held.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#ended = () => resolve();
      for (const worker of this.#held.keys()) tell(worker, { order: 'drain' });
      setTimeout(() => {
        for (const worker of this.#held.keys()) worker.process.kill('SIGKILL');
      }, drainTimeoutMs + EXIT_GRACE_MS).unref();
    });
  }

  #fork(): void {
    this.#lastStart = performance.now();
    const worker = cluster.fork();
    this.#held.set(worker, new Map());
    const { listen, backendUrl } = this.#options;
    let listened = false;
    const sources = new RemoteSources((number, question) => tell(worker, { order: 'tell', number, question }));
    worker.on('message', (message: unknown) => {
      if (!isReport(message)) return;
      if (message.report === 'ready') tell(worker, { order: 'start', listen, backendUrl });
      else if (message.report === 'listening') {
        listened = true;
        this.sources.add(sources);
        if (++this.#listening === this.#options.workers) this.#started?.(message.port);
      } else if (message.report === 'told') sources.answered(message.number, message.value);
      else this.#answer(worker, message);
    });
    worker.on('error', (error) => this.#options.log.error({ error, worker: worker.process.pid }, 'worker error'));
    worker.once('exit', (code, signal) => {
      this.sources.remove(sources);
      this.#exited(worker, listened, code, signal);
    });
  }

  #answer(worker: Worker, report: Extract<Report, { report: 'admit' | 'release' }>): void {
    const held = this.#held.get(worker);
    if (!held) return;
    if (report.report === 'release') {
      held.get(report.number)?.release();
      held.delete(report.number);
      return;
    }
    const admission: Admission = this.#options.admissions.admit(report.address);
    if (admission.admitted) held.set(report.number, admission);
    const refused = admission.admitted ? undefined : { reason: admission.reason, message: admission.message };
    tell(worker, { order: 'admission', number: report.number, refused });
  }

  #exited(worker: Worker, listened: boolean, code: number, signal: string): void {
    for (const place of this.#held.get(worker)?.values() ?? []) place.release();
    this.#held.delete(worker);
    const { log } = this.#options;
    if (this.#stopping) {
      if (this.#held.size === 0) this.#ended?.(0);
      return;
    }
    // One that never listened has said why; its replacement would fail the same way.
    if (!listened) {
      this.#stopping = true;
      for (const other of this.#held.keys()) other.process.kill('SIGKILL');
      this.#ended?.(code || 1);
      return;
    }
    this.#listening--;
    const wait = Math.max(0, this.#lastStart + RESPAWN_INTERVAL_MS - performance.now());
    log.error({ worker: worker.process.pid, code, signal, replacedInMs: Math.round(wait) }, 'worker died');
    setTimeout(() => {
      if (!this.#stopping) this.#fork();
    }, wait);
  }
}

const tell = (worker: Worker, order: Order): void => {
  if (worker.isConnected()) worker.send(order);
};
