// While a connection is being made, which over TLS takes a while, and when it fails: what is given up meanwhile costs nobody anything.
import net from 'node:net';
import tls from 'node:tls';
import { Pool } from 'undici';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { BackendAnswer, Call } from '../../src/backend/backend.ts';
import { createHttpBackend } from '../../src/backend/http-backend.ts';
import { makeCertificate } from '../access/support/certificate.ts';
import { answer } from '../faults/support/raw-backend.ts';
import { waitUntil } from '../faults/support/wait.ts';

const { cert, key } = makeCertificate({ subject: 'localhost', altNames: ['localhost'] });
const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const portOf = async (server: net.Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endings.push(() => server.close());
  return (server.address() as net.AddressInfo).port;
};

/** A backend over TLS behind a door: `atTheDoor` says what becomes of a connection before its handshake begins. */
async function coldBackend(
  connections: number,
  timeoutMs: number,
  atTheDoor: (open: () => void, socket: net.Socket) => void,
) {
  const seen: string[] = [];
  const inner = tls.createServer({ cert, key }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (text) => {
      for (const [, path] of text.toString().matchAll(/^[A-Z]+ (\S+) HTTP/gm)) {
        seen.push(path!);
        socket.write(answer(200));
      }
    });
  });
  inner.on('tlsClientError', () => {});
  const innerPort = await portOf(inner);
  const door = net.createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => {});
    endings.push(() => socket.destroy());
    atTheDoor(() => {
      const through = net.connect(innerPort, '127.0.0.1');
      through.on('error', () => socket.destroy()).on('close', () => socket.destroy());
      socket.on('close', () => through.destroy());
      socket.pipe(through).pipe(socket);
    }, socket);
  });
  const url = `https://localhost:${await portOf(door)}`;
  const backend = createHttpBackend({ url, timeoutMs, connections, maxResultBytes: 1000, headers: {}, ca: cert });
  endings.push(() => backend.close());
  const make = (method: 'GET' | 'POST', path: string): { call: Call; answers: BackendAnswer[] } => {
    const answers: BackendAnswer[] = [];
    return { answers, call: backend.call('poll', { method, path }, (got) => answers.push(got)) };
  };
  return { make, seen, backend };
}

describe('a connection that takes long to be made', () => {
  /** What the backend saw, and how many connections were made, until a call got its answer behind one that had been given up. */
  async function behindOneGivenUp(method: 'GET' | 'POST'): Promise<{ seen: string[]; made: number }> {
    const doors: (() => void)[] = [];
    const { make, seen } = await coldBackend(1, 5000, (open) => {
      doors.push(open);
      if (doors.length > 1) open();
    });
    make(method, '/first').call.abort();
    await waitUntil(() => doors.length === 1, 'it is being made');
    const patient = make('GET', '/patient');
    // Longer than anybody's patience with an answer that nobody waits for.
    for (let i = 0; i < 10; i++) {
      make(method, '/given-up').call.abort();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(doors).toHaveLength(1);
    doors[0]!();
    await waitUntil(() => patient.answers.length === 1, 'the patient one is answered');
    expect(patient.answers[0]).toMatchObject({ ok: true });
    return { seen, made: doors.length };
  }

  test('GETs that are given up meanwhile leave nothing behind', async () => {
    // A machine that takes longer over one answer than anybody's patience lasts shows nothing: it is tried again.
    let shown = await behindOneGivenUp('GET');
    for (let tries = 1; shown.made > 1 && tries < 20; tries++) shown = await behindOneGivenUp('GET');
    expect(shown).toEqual({ seen: ['/first', '/patient'], made: 1 });
  });

  test('POSTs that are given up meanwhile are not sent, and the first takes its connection with it', async () => {
    expect(await behindOneGivenUp('POST')).toEqual({ seen: ['/patient'], made: 2 });
  });

  test('closing meanwhile answers all that wait, however many', async () => {
    const { make, backend } = await coldBackend(1, 5000, () => {});
    const all = Array.from({ length: 5000 }, () => make('POST', '/'));
    await backend.close();
    await waitUntil(() => all.every(({ answers }) => answers.length === 1), 'all are answered');
    expect(all.every(({ answers }) => !answers[0]!.ok)).toBe(true);
  });
});

describe('connections that fail in the making', () => {
  test('what waits is sent behind undici’s handling of the fault, not from within: it is still taking its queue apart', async () => {
    const { make } = await coldBackend(1, 5000, (_open, socket) => socket.resetAndDestroy());
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 50;
    const from: string[] = [];
    const { dispatch } = Pool.prototype;
    const spy = vi.spyOn(Pool.prototype, 'dispatch').mockImplementation(function (this: Pool, options, handler) {
      from.push(new Error('sent').stack ?? '');
      return dispatch.call(this, options, handler);
    });
    try {
      const all = Array.from({ length: 10 }, () => make('POST', '/'));
      await waitUntil(() => all.every(({ answers }) => answers.length === 1), 'all are answered');
    } finally {
      spy.mockRestore();
      Error.stackTraceLimit = limit;
    }
    expect(from).toHaveLength(10);
    expect(from.filter((stack) => /\bonError\b|errorRequest/.test(stack))).toEqual([]);
  });

  test.each([11, 222, 3333])('each call is answered once, and the lane recovers: %i', async (start) => {
    let seed = start;
    const random = (): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    let isCalm = false;
    const { make } = await coldBackend(1 + (start % 3), 200, (open, socket) => {
      if (isCalm) open();
      else if (random() < 0.3) setTimeout(() => socket.resetAndDestroy(), random() * 20);
      else setTimeout(open, random() * 15);
    });
    const all: BackendAnswer[][] = [];
    for (let i = 0; i < 200; i++) {
      const { call, answers } = make(random() < 0.5 ? 'GET' : 'POST', `/${i}`);
      all.push(answers);
      if (random() < 0.4) setTimeout(() => call.abort(), random() * 30);
      if (random() < 0.6) await new Promise((resolve) => setTimeout(resolve, random() * 10));
    }
    await waitUntil(() => all.every((answers) => answers.length > 0), 'all are answered');
    isCalm = true;
    const recovers = async (): Promise<boolean> => {
      const { answers } = make('GET', '/calm');
      await waitUntil(() => answers.length > 0, 'it is answered');
      return answers[0]!.ok;
    };
    let tries = 1;
    while (!(await recovers())) expect(++tries).toBeLessThan(50);
    expect(all.every((answers) => answers.length === 1)).toBe(true);
  });
});
