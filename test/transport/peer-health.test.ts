// Dead peers by recordings of a real kernel: who is given up and when, and what watching costs.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PeerHealth } from '../../src/transport/peer-health.ts';
import type { PeerSocket } from '../../src/transport/watch-list.ts';
import { createMemoryLog } from '../support/log.ts';
import { ARMED_TIMEOUT_MS, type Peer, peer, play, watch } from './peer-health-player.ts';
import { PULLED, PULLED_CASES, PULLED_SILENT } from './peer-health-recordings.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a peer whose cable was pulled is gone within ARMED_TIMEOUT_MS + 1 s of the last delivered byte', () => {
  test.each(PULLED_CASES)('%s', async (_what, recording) => {
    const subject = peer('pulled');
    const { dead, health } = watch([subject]);
    const delivered = await play(recording, subject);
    health.stop();
    expect(dead.map(({ name }) => name)).toEqual(['pulled']);
    expect(dead[0]!.at).toBeGreaterThanOrEqual(delivered.after + ARMED_TIMEOUT_MS);
    expect(dead[0]!.at).toBeLessThanOrEqual(delivered.after + ARMED_TIMEOUT_MS + 1000);
  });

  test('nothing to send for long: keep-alive probes ask instead', async () => {
    const subject = peer('silent');
    const { dead, health } = watch([subject]);
    await play(PULLED_SILENT, subject);
    health.stop();
    expect(subject.socket.keepAlive).toBe(2000);
    // The first unanswered probe left 2 s after the peer was last heard.
    const firstProbe = PULLED_SILENT.find(([, , , row]) => row.endsWith(' 1'))![0];
    expect(dead.map(({ name }) => name)).toEqual(['silent']);
    expect(dead[0]!.at).toBeGreaterThan(firstProbe - 250 - 2000 + ARMED_TIMEOUT_MS);
    expect(dead[0]!.at).toBeLessThan(firstProbe - 2000 + ARMED_TIMEOUT_MS + 1000);
  });

  test('with a session that is not armed, unacknowledged answers count, silence does not', async () => {
    const owed = peer('owed', 1);
    const silent = peer('silent', 2);
    owed.armed = silent.armed = false;
    owed.socket.bytesWritten = silent.socket.bytesWritten = 100;
    const { dead, health } = watch([owed, silent]);
    await vi.advanceTimersByTimeAsync(1000);
    owed.socket.bytesWritten = 200;
    for (let second = 1; second <= 10; second++) {
      owed.row = `00000064:00000000 01:00000030 ${String(second).padStart(8, '0')} 0`;
      silent.row = `00000000:00000000 02:00000030 00000000 ${second}`;
      await vi.advanceTimersByTimeAsync(1000);
    }
    health.stop();
    expect(dead.map(({ name }) => name)).toEqual(['owed']);
    expect(dead[0]!.at).toBeGreaterThan(1000 + ARMED_TIMEOUT_MS - 1);
    expect(dead[0]!.at).toBeLessThan(1000 + ARMED_TIMEOUT_MS + 1001);
    expect(silent.socket.keepAlive).toBeUndefined();
  });

  test('is called dead once, and the log says what showed it', async () => {
    const subject = peer('pulled');
    const { log, dead, health } = watch([subject]);
    await play(PULLED, subject);
    health.stop();
    expect(dead.length).toBe(1);
    expect(log.entries.map(({ level, fields }) => [level, fields])).toEqual([
      [
        'debug',
        {
          address: '127.0.0.2',
          silentMs: expect.any(Number),
          waiting: expect.any(Number),
          retransmits: expect.any(Number),
          probes: 0,
        },
      ],
    ]);
  });
});

describe('what it costs', () => {
  test('two readings a second while somebody is owed something, none otherwise', async () => {
    const peers = [peer('armed', 1), peer('idle', 2)];
    peers[1]!.armed = false;
    const { readings, health } = watch(peers);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(readings.length).toBeGreaterThanOrEqual(18);
    expect(readings.length).toBeLessThanOrEqual(20);
    expect(readings.every(({ names }) => names.join() === 'tcp')).toBe(true);
    peers[0]!.armed = false;
    await vi.advanceTimersByTimeAsync(1000);
    const before = readings.length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(readings.slice(before).every(({ names }) => names.length === 0)).toBe(true);
    health.stop();
    await vi.advanceTimersByTimeAsync(10_000);
    const stopped = readings.length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(readings.length).toBe(stopped);
  });

  test('slow readings come less often', async () => {
    const subject = peer('armed');
    let readings = 0;
    const health = new PeerHealth<Peer, PeerSocket>({
      armedTimeoutMs: ARMED_TIMEOUT_MS,
      connections: () => [[subject, subject.socket]],
      armed: () => true,
      dead: () => {},
      log: createMemoryLog(),
      tables: {
        read: () => {
          readings++;
          return new Promise((resolve) => setTimeout(resolve, 1000));
        },
        close() {},
      },
    });
    health.start();
    await vi.advanceTimersByTimeAsync(50_000);
    health.stop();
    expect(readings).toBe(10);
  });

  test('tables that cannot be read are told once, and tried again', async () => {
    const log = createMemoryLog();
    const subject = peer('armed');
    let readings = 0;
    const health = new PeerHealth<Peer, PeerSocket>({
      armedTimeoutMs: ARMED_TIMEOUT_MS,
      connections: () => [[subject, subject.socket]],
      armed: () => true,
      dead: () => {},
      log,
      tables: {
        read: () => {
          readings++;
          return Promise.reject(new Error('no such file'));
        },
        close() {},
      },
    });
    health.start();
    await vi.advanceTimersByTimeAsync(5000);
    health.stop();
    expect(readings).toBeGreaterThan(5);
    expect(log.entries.map(({ level }) => level)).toEqual(['warn']);
  });

  test('elsewhere than on Linux nothing is done, and that is said once', async () => {
    const log = createMemoryLog();
    const health = new PeerHealth<Peer, PeerSocket>({
      armedTimeoutMs: ARMED_TIMEOUT_MS,
      connections: () => {
        throw new Error('asked for connections');
      },
      armed: () => true,
      dead: () => {},
      log,
    });
    health.start('darwin');
    await vi.advanceTimersByTimeAsync(60_000);
    health.stop();
    expect(log.entries.map(({ level, fields }) => [level, fields])).toEqual([['debug', { platform: 'darwin' }]]);
  });
});
