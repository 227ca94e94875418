// Who polls what: monitors that ask for the same thing share one poll, and the backend sees one request per period.
import type { Backend } from '../backend/backend.ts';
import type { Clock } from '../clock.ts';
import type { Explain } from '../events/outcomes.ts';
import { pollOutcome } from '../events/outcomes.ts';
import { Turns } from '../turns.ts';
import type { PollMember } from './audience.ts';
import { Poll, type PollMembership, type PollObserver } from './poll.ts';

/** What a monitor asks for; all of it must be equal for a poll to be shared. */
export interface PollSubject {
  /** Request target with its query. */
  readonly path: string;
  readonly periodMs: number;
  /** Name of the credential on whose behalf it is polled; different credentials never share. */
  readonly credential: string | undefined;
}

export interface PollHubOptions {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly explain: Explain | undefined;
  /** False: every monitor has a poll of its own (MONITOR_SHARING=off). */
  readonly sharing: boolean;
  readonly maxInFlight: number;
  /** Connections that polls have; a poll has more than one call under way only while there are some left. */
  readonly connections: number;
  /** An observer for the polls of one subject. */
  observe(subject: PollSubject): PollObserver;
}

export class PollHub {
  readonly #options: PollHubOptions;
  readonly #turns: Turns;
  readonly #shared = new Map<string, Poll>();
  #polls = 0;
  /** Calls of all polls that have no answer yet. */
  #underWay = 0;

  constructor(options: PollHubOptions) {
    this.#options = options;
    this.#turns = new Turns((fire) => options.clock.soon(fire));
  }

  /** Polls that run now. */
  get size(): number {
    return this.#polls;
  }

  join(subject: PollSubject, monitor: PollMember): PollMembership {
    // JSON keeps the parts apart whatever characters they contain.
    const key = JSON.stringify([subject.path, subject.periodMs, subject.credential ?? null]);
    const running = this.#options.sharing ? this.#shared.get(key) : undefined;
    if (running) return running.join(monitor);
    const poll = this.#create(subject, key);
    const membership = poll.join(monitor);
    poll.start();
    return membership;
  }

  #create(subject: PollSubject, key: string): Poll {
    const { backend, clock, explain, sharing, maxInFlight, connections } = this.#options;
    const request = { method: 'GET', path: subject.path } as const;
    const poll = new Poll({
      periodMs: subject.periodMs,
      clock,
      turns: this.#turns,
      maxInFlight,
      observer: this.#options.observe(subject),
      crowded: () => this.#underWay >= connections,
      send: (done) => {
        this.#underWay++;
        return backend.call('poll', request, (answer) => {
          this.#underWay--;
          done(answer);
        });
      },
      judge: (answer, attempt) => pollOutcome(answer, clock.epoch(), attempt, explain),
      onEnd: () => {
        this.#polls--;
        if (this.#shared.get(key) === poll) this.#shared.delete(key);
      },
    });
    this.#polls++;
    if (sharing) this.#shared.set(key, poll);
    return poll;
  }
}
