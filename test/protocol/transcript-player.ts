// Replays a transcript over TCP against a gateway, with a backend that answers as its header says.

import type { AddressInfo } from 'node:net';
import net from 'node:net';
import type { Profile } from '../../protocol/profiles.ts';
import { createGate, type Handler, type RecordedRequest, type ScriptedBackend } from '../support/backend.ts';
import type { CheckContext } from '../support/check.ts';
import { type TestClient, WAIT_MS } from '../support/client.ts';
import type { TestGateway } from '../support/gateway.ts';
import type { ScriptedAnswer, Step, Transcript } from './transcript.ts';
import { difference } from './wire-match.ts';

/** Plays the whole conversation; the first step that does not come true fails with its line number. */
export async function play(transcript: Transcript, profile: Profile, context: CheckContext): Promise<void> {
  const stage = new Stage(transcript.answers);
  const backend = transcript.backend === 'scripted' ? await context.backend(stage.handler) : undefined;
  const url = transcript.backend === 'none' ? `http://127.0.0.1:${await closedPort()}` : backend?.url;
  const gateway = await context.gateway({
    ...(url === undefined ? {} : { BACKEND_URL: url }),
    PROTOCOL_PROFILE: profile,
    ...transcript.settings,
  });
  if (transcript.company) await acquaint(await gateway.connect());
  const player = new Player(await gateway.connect(), gateway, backend, stage);
  for (const step of transcript.steps) {
    try {
      await player.take(step);
    } catch (error) {
      throw new Error(`line ${step.line} (${profile}): ${(error as Error).message}`);
    }
  }
}

/** Once it is answered, the gateway has counted this connection. */
async function acquaint(client: TestClient): Promise<void> {
  await client.handshake();
}

/** The backend's side: answers in the order of the header, and requests that are held back. */
class Stage {
  readonly #answers: readonly ScriptedAnswer[];
  readonly #given = new Map<string, number>();
  #gate = createGate();

  constructor(answers: readonly ScriptedAnswer[]) {
    this.#answers = answers;
  }

  readonly handler: Handler = async (request, reply) => {
    const key = `${request.method} ${request.path}`;
    const listed = this.#answers.filter(({ method, path }) => `${method} ${path}` === key);
    const turn = this.#given.get(key) ?? 0;
    this.#given.set(key, turn + 1);
    const answer = listed[Math.min(turn, listed.length - 1)];
    if (answer === undefined) return reply.empty(404);
    if (answer.how === 'reset') return reply.reset();
    if (answer.how === 'hold') {
      await this.#gate.opened;
      return reply.json('{}');
    }
    return answer.body === '' ? reply.empty(answer.status) : reply.text(answer.body, answer.status);
  };

  release(): void {
    this.#gate.open();
    this.#gate = createGate();
  }
}

class Player {
  readonly #client: TestClient;
  readonly #gateway: TestGateway;
  readonly #backend: ScriptedBackend | undefined;
  readonly #stage: Stage;
  #streaming = false;
  /** Requests but GETs that the transcript has named. */
  #named = 0;

  constructor(client: TestClient, gateway: TestGateway, backend: ScriptedBackend | undefined, stage: Stage) {
    this.#client = client;
    this.#gateway = gateway;
    this.#backend = backend;
    this.#stage = stage;
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'send':
        await this.#client.sendRaw(step.bytes);
        return;
      case 'receive':
        return this.#receive(step.text);
      case 'silence':
        return this.#client.expectSilence(step.ms);
      case 'received':
        return this.#received(step.request);
      case 'nothing-else':
        return this.#nothingElse();
      case 'release':
        return this.#stage.release();
      case 'end':
        return this.#client.end();
      case 'reset':
        return this.#client.reset();
      case 'closed':
        return this.#client.expectClosed();
      case 'drain':
        // Not waited for: what the gateway does meanwhile is what the transcript goes on to tell.
        void this.#gateway.drain();
    }
  }

  async #receive(expected: string): Promise<void> {
    const wantsData = expected.includes('"type":"data"');
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      const { text, json } = await this.#client.nextLine(Math.max(1, deadline - performance.now()), expected);
      if (this.#streaming && !wantsData && json['type'] === 'data') continue;
      const wrong = difference(expected, text);
      if (wrong !== undefined) throw new Error(`${wrong}\n${this.#client.transcript()}`);
      if (wantsData) this.#streaming = true;
      if (json['type'] === 'stop_ack' && json['target'] !== 'control') this.#streaming = false;
      return;
    }
  }

  async #received(request: string): Promise<void> {
    const backend = this.#backend!;
    if (request.startsWith('GET ')) return backend.waitUntil((all) => all.some((one) => shown(one) === request));
    const at = this.#named;
    this.#named += 1;
    await backend.waitUntil((all) => commands(all).length > at);
    const found = shown(commands(backend.requests)[at]!);
    if (found !== request) throw new Error(`the backend received ${found}`);
  }

  /** What was sent before is answered first, so a request that should not be there would have arrived by now. */
  #nothingElse(): void {
    const more = commands(this.#backend!.requests).slice(this.#named);
    if (more.length > 0) throw new Error(`the backend received ${more.map(shown).join(', ')}`);
  }
}

const commands = (all: readonly RecordedRequest[]): RecordedRequest[] => all.filter(({ method }) => method !== 'GET');
const shown = ({ method, path, body }: RecordedRequest): string => `${method} ${path}${body === '' ? '' : ` ${body}`}`;

/** A port where nothing listens: the kernel just gave it away and got it back. */
async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
