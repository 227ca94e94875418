// Floods of connections: thousands that drip, hundreds that never read, storms of reconnecting. Memory stays bounded.
import { once } from 'node:events';
import net from 'node:net';
import { expect } from 'vitest';
import { check } from '../support/check.ts';
import { acked, handshake, monitor } from './support/commands.ts';
import { openCrowd } from './support/crowd.ts';
import { flooded } from './support/flooded.ts';
import { descriptorLimit, MIB, mib, openDescriptors, residentBytes } from './support/process-figures.ts';
import { pass, waitUntil } from './support/wait.ts';

/** Connections that drip, as far as the machine allows so many; LORIS_CONNECTIONS to change. */
const LORIS = Math.min(Number(process.env['LORIS_CONNECTIONS'] ?? 5000), descriptorLimit() - 500);
/** Clients that never read. */
const DEAF = Number(process.env['DEAF_CLIENTS'] ?? 1000);
/** Those of them that ask for more than the kernel keeps: a few MB each, which are the kernel's and not the gateway's to bound. */
const STUCK = Number(process.env['STUCK_CLIENTS'] ?? 200);
/** Reconnections of the storm. */
const STORM = Number(process.env['STORM_CONNECTIONS'] ?? 4000);

const line = (command: object): string => `${JSON.stringify(command)}\n`;

check(
  'faults.slow-loris',
  `[OS-1.4] ${LORIS} connections that drip a byte at a time cost a bounded memory, and the healthy are served`,
  async () => {
    let perConnection = 0;
    await flooded(
      `slow loris, ${LORIS} connections`,
      { MAX_SESSIONS: String(LORIS + 100), IDLE_TIMEOUT_MS: '600000' },
      // 48 KiB for each, socket objects of the runtime included.
      64 * MIB + LORIS * 48 * 1024,
      async ({ gateway, pid, before }) => {
        const crowd = await openCrowd(gateway.host, gateway.port, LORIS);
        try {
          const text = '{"cmd":"HANDSHAKE","payload":{"major":1}}';
          for (let i = 0; i < 12; i += 1) {
            for (const socket of crowd.sockets) socket.write(text[i]!);
            await pass(150);
          }
          perConnection = (residentBytes(pid) - before) / LORIS;
          expect(crowd.ended()).toBe(0);
          await waitUntil(() => openDescriptors(pid) > LORIS, 'all are accepted', 30_000);
          // Each is still what it was: a client in the middle of its first line.
          for (const socket of crowd.sockets) socket.write(`${text.slice(12)}\n`);
          await waitUntil(
            () => crowd.bytesRead() >= LORIS * 50,
            () => `all are answered, ${crowd.bytesRead()} bytes came`,
            30_000,
          );
        } finally {
          crowd.destroy();
        }
        await waitUntil(() => openDescriptors(pid) < 200, 'the descriptors are given back', 30_000);
      },
    );
    console.info(`slow loris: ${(perConnection / 1024).toFixed(1)} KiB each`);
  },
  180_000,
);

check(
  'faults.full',
  '[OS-3.2] connections beyond MAX_SESSIONS are answered handshake_rejected at once and cost nothing that stays',
  async () => {
    await flooded('2000 connections beyond the limit', { MAX_SESSIONS: '50' }, 128 * MIB, async ({ gateway, pid }) => {
      const within = await openCrowd(gateway.host, gateway.port, 49);
      const beyond = await openCrowd(gateway.host, gateway.port, 2000);
      await waitUntil(
        () => beyond.ended() === 2000,
        () => `all are turned away, ${beyond.ended()} were`,
        30_000,
      );
      expect(beyond.bytesRead()).toBeGreaterThan(
        2000 * '{"error":"handshake_rejected","message":"x","fatal":true}'.length,
      );
      expect(within.ended()).toBe(0);
      within.destroy();
      await waitUntil(() => openDescriptors(pid) < 100, 'the descriptors are given back', 30_000);
    });
  },
  120_000,
);

check(
  'faults.deaf-clients',
  `[OS-3.7] ${DEAF} clients that never read cost bounded memory; the stuck are ended in time`,
  async () => {
    const event = 65_536;
    const tx = 65_536;
    const stuck = Math.min(DEAF, STUCK);
    await flooded(
      `${DEAF} clients that never read, ${stuck} of them stuck`,
      {
        TX_BUFFER_BYTES: String(tx),
        ARMED_TIMEOUT_MS: '2000',
        MAX_SESSIONS: String(DEAF + 10),
        BACKEND_CONNECTIONS: '8',
      },
      // What waits for each, its share of the runtime, and the runtime's own slack under load.
      128 * MIB + stuck * (tx + event) + DEAF * 49_152,
      async ({ gateway, pid }) => {
        const crowd = await openCrowd(gateway.host, gateway.port, DEAF);
        // Before anything is said: on a busy machine the first are stuck and gone before the last are accepted.
        await waitUntil(() => openDescriptors(pid) > DEAF, 'all are accepted', 30_000);
        for (const [i, socket] of crowd.sockets.entries()) {
          socket.pause();
          socket.write(line(handshake()));
          if (i >= stuck) socket.write(line(monitor('/small', 100)));
          else if (i % 2 === 0) socket.write(line(monitor('/big', 20)));
          else socket.write(line(acked('/big')).repeat(120));
        }
        // Connections to the backend come and go, two lanes of 8; the rest are clients.
        const left = DEAF - stuck + 50;
        await waitUntil(
          () => openDescriptors(pid) <= left,
          () => `the stuck ones are ended: ${openDescriptors(pid)} descriptors, not ${left}`,
          60_000,
        );
        // Those who are merely deaf, and whose kernel still takes what there is, live on.
        expect(openDescriptors(pid)).toBeGreaterThan(DEAF - stuck);
        crowd.destroy();
        await waitUntil(() => openDescriptors(pid) < 200, 'the descriptors are given back', 60_000);
      },
      (request, reply) => reply.json(request.path === '/big' ? `"${'x'.repeat(event)}"` : '1'),
    );
  },
  240_000,
);

check(
  'faults.reconnect-storm',
  `[OS-3.1] a storm of ${STORM} reconnections, half of them reset in the middle of a command, leaves nothing behind`,
  async () => {
    await flooded(`reconnect storm, ${STORM}`, {}, 160 * MIB, async ({ gateway, pid, backend }) => {
      const descriptors = openDescriptors(pid);
      let greeted = 0;
      const one = async (i: number): Promise<void> => {
        const socket = net.connect({ host: gateway.host, port: gateway.port });
        socket.on('error', () => {});
        await once(socket, 'connect');
        socket.write(line(handshake()) + (i % 3 === 0 ? line(monitor('/watched', 20)) : ''));
        socket.write('{"cmd":"CON');
        if (i % 2 === 0) {
          const [answer] = (await once(socket, 'data')) as [Buffer];
          if (answer.includes('handshake_ack')) greeted += 1;
        }
        if (i % 4 < 2) socket.resetAndDestroy();
        else socket.destroy();
      };
      for (let i = 0; i < STORM; i += 100) await Promise.all(Array.from({ length: 100 }, (_, k) => one(i + k)));
      expect(greeted).toBe(STORM / 2);
      await waitUntil(() => openDescriptors(pid) <= descriptors + 20, 'the descriptors are given back', 30_000);
      // Nobody polls for those who are gone.
      await waitUntil(async () => {
        const polled = backend.of('GET').length;
        await pass(300);
        return backend.of('GET').length === polled;
      }, 'the polls end');
      console.info(`reconnect storm: ${mib(residentBytes(pid))} after it`);
    });
  },
  120_000,
);
