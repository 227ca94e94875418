// An outlet without a socket: keeps every line, and is as congested or stalled as the test says.
import type { DataEvent } from '../../../src/events/data.ts';
import type { Outlet, Sent } from '../../../src/session/ports.ts';

export type Line = Readonly<Record<string, unknown>>;

export class HandOutlet implements Outlet {
  /** Every line that was said, parsed. */
  readonly lines: Line[] = [];
  /** How answers and data fare; both are taken at once unless the test says otherwise. */
  answers: Sent = 'sent';
  dataFares: Sent = 'sent';
  answersCongested = false;
  stalledSince: number | undefined;
  finished = 0;
  reset = false;
  #read = 0;

  answer(line: string): Sent {
    this.#keep(line);
    return this.answers;
  }

  data(event: DataEvent, prefix: string): Sent {
    if (this.dataFares !== 'skipped')
      this.#keep(prefix === '' ? event.bytes.toString() : prefix + event.rest.toString());
    return this.dataFares;
  }

  isReset(): boolean {
    return this.reset;
  }

  finish(): void {
    this.finished++;
  }

  /** The lines since the last call, in short: their type or error code. */
  fresh(): string[] {
    return this.freshLines().map((line) => nameOf(line));
  }

  freshLines(): Line[] {
    const fresh = this.lines.slice(this.#read);
    this.#read = this.lines.length;
    return fresh;
  }

  #keep(text: string): void {
    if (this.finished > 0) throw new Error(`said after the end: ${text}`);
    if (!text.endsWith('\n') || text.indexOf('\n') !== text.length - 1) throw new Error(`not one line: ${text}`);
    this.lines.push(JSON.parse(text) as Line);
  }
}

/** `data`, `handshake_ack`, `invalid_url`, and `!` behind what is fatal. */
export const nameOf = (line: Line): string =>
  String(line['type'] ?? line['error']) + (line['fatal'] === true ? '!' : '');
