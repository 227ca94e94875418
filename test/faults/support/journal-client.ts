// One session of the journal test: sends CONTROLs without end, and writes down what it was told about each.
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestClient } from '../../support/client.ts';
import type { Json } from '../../support/match.ts';
import { fateOf, mixed } from './fates.ts';

export interface Sent {
  readonly n: number;
  readonly ack: boolean;
  /** Every line that carried its id. */
  readonly told: Json[];
}

const METHODS = ['POST', 'PUT', 'DELETE'] as const;

export class JournalClient {
  readonly sent: Sent[] = [];
  /** Lines that answer nothing that was asked. */
  readonly strays: string[] = [];
  readonly #client: TestClient;
  readonly #session: number;
  readonly #seed: number;
  #read = 0;

  constructor(client: TestClient, session: number, seed: number) {
    this.#client = client;
    this.#session = session;
    this.#seed = seed;
    this.#read = client.lines.length;
  }

  /** Sends `count` commands in bursts; resolves when the last of them has been answered. */
  async run(count: number): Promise<void> {
    while (this.sent.length < count) {
      const burst = Math.min(
        count - this.sent.length,
        4 + (mixed(this.#seed, this.#session, this.sent.length, 1) % 34),
      );
      const lines = Array.from({ length: burst }, () => this.#line(this.sent.length % 3 === 0));
      await this.#client.sendRaw(lines.join(''));
      await this.#barrier();
    }
  }

  /** One command that is answered whatever happens to it stands at the end: what was sent before it is over then. */
  async #barrier(): Promise<void> {
    for (;;) {
      const line = this.#line(true);
      const last = this.sent.at(-1)!;
      await this.#client.sendRaw(line);
      while (last.told.length === 0) await this.#readOne();
      if (last.told[0]!['error'] !== 'control_busy') return;
      await sleep(5);
    }
  }

  async #readOne(): Promise<void> {
    const { text, json } = await this.#client.nextLine(30_000, 'an answer to a CONTROL');
    this.#read += 1;
    const id = json['id'];
    const command = typeof id === 'number' ? this.sent[id] : undefined;
    if (command) command.told.push(json);
    else this.strays.push(text);
  }

  #line(ack: boolean): string {
    const n = this.sent.length;
    this.sent.push({ n, ack, told: [] });
    const big = fateOf(this.#seed, this.#session, n) === 'cut';
    const body = big ? { pad: 'x'.repeat(45_000) } : { n };
    const payload = {
      url: `/j/${this.#session}/${n}`,
      method: METHODS[n % 3],
      ...(big || n % 4 !== 0 ? { body } : {}),
      id: n,
      ...(ack ? { ack } : {}),
    };
    return `${JSON.stringify({ cmd: 'CONTROL', payload })}\n`;
  }
}
