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

/** From one replacement to the next at least, ms; doubled by each that has not listened yet, up to the maximum. */
const RESPAWN_INTERVAL_MS = 1000;
const MAX_RESPAWN_INTERVAL_MS = 30_000;
/** A replacement that does not listen within this is killed, ms: it would keep its place for ever. */
const START_TIMEOUT_MS = 60_000;
/** What a worker may take beyond its own drain before it is killed, ms. */
const EXIT_GRACE_MS = 2000;

const CANNOT_START =
  'a replacement worker could not start and is tried again, those that serve go on: put right what it says on standard error; after a signal, see whether memory ran out; one that does not listen within a minute is killed';

export class Primary {
  readonly #options: PrimaryOptions;
  /** The workers that live, and the places that their sessions hold, by their own numbers; released together when one dies. */
  readonly #held = new Map<Worker, Map<number, Place>>();
  /** All workers' numbers behind one front, for the admin port. */
  readonly sources = new MergedSources();
  #phase: 'starting' | 'running' | 'stopping' = 'starting';
  #lastStart = 0;
  #listening = 0;
  #respawn: NodeJS.Timeout | undefined;
  #respawnIntervalMs = RESPAWN_INTERVAL_MS;
  #started: ((port: number) => void) | undefined;
  #failed: ((reason: unknown) => void) | undefined;
  #drained: (() => void) | undefined;

  constructor(options: PrimaryOptions) {
    this.#options = options;
  }

  /** False while nobody serves clients although somebody should: all workers are gone, and none of their replacements has listened yet. */
  get serving(): boolean {
    return this.#phase !== 'running' || this.#listening > 0;
  }

  /** Resolves with the port once all workers listen, or rejects with the exit code of one that could not. */
  start(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#started = resolve;
      this.#failed = reject;
      // Each worker takes connections from the socket itself: those that none has taken stay in its queue when the workers end.
      cluster.schedulingPolicy = cluster.SCHED_NONE;
      try {
        for (let i = 0; i < this.#options.workers; i++) this.#fork();
      } catch (error) {
        this.#giveUp(error);
      }
    });
  }

  reload(): void {
    for (const worker of this.#held.keys()) tell(worker, { order: 'reload' });
  }

  /** Resolves when every worker has drained and gone. */
  async drain(): Promise<void> {
    this.#phase = 'stopping';
    clearTimeout(this.#respawn);
    const { drainTimeoutMs } = this.#options;
    if (this.#held.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
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
    // At the start whoever started it sees that it hangs.
    const hanging =
      this.#phase === 'running' ? setTimeout(() => worker.process.kill('SIGKILL'), START_TIMEOUT_MS) : undefined;
    const sources = new RemoteSources((number, question) => tell(worker, { order: 'tell', number, question }));
    worker.on('message', (message: unknown) => {
      // What a worker sent last may be read after its end was seen.
      if (!isReport(message) || !this.#held.has(worker)) return;
      // An order to drain that came before it was ready is lost.
      if (message.report === 'ready')
        tell(worker, this.#phase === 'stopping' ? { order: 'drain' } : { order: 'start', listen, backendUrl });
      else if (message.report === 'listening') {
        listened = true;
        clearTimeout(hanging);
        this.sources.add(sources);
        this.#listened(message.port);
      } else if (message.report === 'told') sources.answered(message.number, message.value);
      else this.#answer(worker, message);
    });
    const exited = (code: number | null, signal: string | null): void => {
      clearTimeout(hanging);
      this.sources.remove(sources);
      this.#exited(worker, listened, code, signal);
    };
    worker.on('error', (error) => {
      this.#options.log.error({ error, worker: worker.process.pid }, 'worker error');
      // No process could be made (no descriptors, too many processes): nothing else will tell.
      if (worker.process.pid === undefined) exited(null, null);
    });
    worker.once('exit', exited);
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

  #listened(port: number): void {
    this.#listening++;
    this.#respawnIntervalMs = RESPAWN_INTERVAL_MS;
    // What was put off by the longer interval need not wait any more. One told to drain may have listened just before.
    if (this.#phase === 'running') this.#replaceMissing();
    if (this.#phase !== 'starting' || this.#listening < this.#options.workers) return;
    this.#phase = 'running';
    this.#started?.(port);
  }

  #exited(worker: Worker, listened: boolean, code: number | null, signal: string | null): void {
    const places = this.#held.get(worker);
    if (!places) return;
    for (const place of places.values()) place.release();
    this.#held.delete(worker);
    if (listened) this.#listening--;
    if (this.#phase === 'stopping') {
      if (this.#held.size === 0) this.#drained?.();
      return;
    }
    // At the start one that never listened has said why; its replacement would fail the same way.
    if (!listened && this.#phase === 'starting') {
      this.#giveUp(code || 1);
      return;
    }
    const replacedInMs = Math.round(this.#replaceMissing());
    const fields = { worker: worker.process.pid, code, signal, replacedInMs, listening: this.#listening };
    this.#options.log.error(fields, listened ? 'worker died' : CANNOT_START);
  }

  /** Nobody is served yet: the others can go at once. */
  #giveUp(reason: unknown): void {
    this.#phase = 'stopping';
    clearTimeout(this.#respawn);
    for (const other of this.#held.keys()) other.process.kill('SIGKILL');
    this.#failed?.(reason);
  }

  /** As soon as the interval allows; returns when that is, ms from now. */
  #replaceMissing(): number {
    clearTimeout(this.#respawn);
    const wait = Math.max(0, this.#lastStart + this.#respawnIntervalMs - performance.now());
    if (this.#missing > 0) this.#respawn = setTimeout(() => this.#replace(), wait);
    return wait;
  }

  #replace(): void {
    // After one that has not listened yet the next is tried alone: what keeps it from starting would keep all of them.
    const count = this.#respawnIntervalMs === RESPAWN_INTERVAL_MS ? this.#missing : 1;
    this.#respawnIntervalMs = Math.min(2 * this.#respawnIntervalMs, MAX_RESPAWN_INTERVAL_MS);
    try {
      for (let i = 0; i < count; i++) this.#fork();
    } catch (error) {
      this.#options.log.error({ error }, CANNOT_START);
    }
    this.#replaceMissing();
  }

  get #missing(): number {
    return this.#options.workers - this.#held.size;
  }
}

const tell = (worker: Worker, order: Order): void => {
  if (worker.isConnected()) worker.send(order);
};
