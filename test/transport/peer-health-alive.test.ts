// Peers that are slow, congested, silent or away for a moment, but alive: none of them may be given up.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ARMED_TIMEOUT_MS, peer, play, watch } from './peer-health-player.ts';
import { NOT_READING, SHORT_OUTAGE } from './peer-health-recordings.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('who lives is left alone', () => {
  test.each([
    ['a client that acknowledges but does not read', NOT_READING],
    ['an outage that is over soon', SHORT_OUTAGE],
  ])('%s', async (_what, recording) => {
    const subject = peer('alive');
    const { dead, readings, health } = watch([subject]);
    await play(recording, subject);
    health.stop();
    expect(readings.length).toBeGreaterThan(8);
    expect(dead).toEqual([]);
  });

  test('a client that answers every probe of its closed window, however far apart they are', async () => {
    const subject = peer('full');
    subject.socket.bytesWritten = 100_000;
    const { dead, health } = watch([subject]);
    for (let minute = 0; minute < 10; minute++) {
      subject.row = '0000C350:00000000 04:00001770 00000000 0';
      await vi.advanceTimersByTimeAsync(58_000);
      // The first probe of two got lost.
      subject.row = '0000C350:00000000 04:00000040 00000000 1';
      await vi.advanceTimersByTimeAsync(20_000);
      subject.row = '0000C350:00000000 04:00000040 00000000 2';
      await vi.advanceTimersByTimeAsync(1000);
    }
    health.stop();
    expect(dead).toEqual([]);
  });

  test('a client with a closed window that is away for less than ARMED_TIMEOUT_MS', async () => {
    const subject = peer('full');
    subject.socket.bytesWritten = 100_000;
    const { dead, health } = watch([subject]);
    for (const [probes, ms] of [
      [0, 60_000],
      [1, 500],
      [2, 1000],
      [3, 2500],
      [0, 60_000],
    ] as const) {
      subject.row = `0000C350:00000000 04:00000040 00000000 ${probes}`;
      await vi.advanceTimersByTimeAsync(ms);
    }
    health.stop();
    expect(dead).toEqual([]);
  });

  test('a client whose answers to probes fall between two readings', async () => {
    const subject = peer('full');
    subject.socket.bytesWritten = 100_000;
    const { dead, health } = watch([subject]);
    for (let round = 0; round < 20; round++) {
      subject.row = `0000C350:00000000 04:00000040 00000000 ${round % 2 === 0 ? 4 : 3}`;
      await vi.advanceTimersByTimeAsync(2000);
    }
    health.stop();
    expect(dead).toEqual([]);
  });

  test('a congested client, of which one cannot tell what it took, that is asked and answers in time', async () => {
    const subject = peer('congested');
    Object.assign(subject.socket, { bytesWritten: 100_000, writableLength: 65_536 });
    const { dead, health } = watch([subject]);
    for (const [retransmits, ms] of [
      [0, 8000],
      [1, 500],
      [2, 1500],
      [0, 8000],
    ] as const) {
      subject.row = `00008000:00000000 01:00000030 0000000${retransmits} 0`;
      await vi.advanceTimersByTimeAsync(ms);
    }
    health.stop();
    expect(dead).toEqual([]);
  });

  test('a lossy link on which some bytes come through', async () => {
    const subject = peer('lossy');
    const { dead, health } = watch([subject]);
    for (let round = 0; round < 30; round++) {
      subject.socket.bytesWritten += 1000;
      for (const retransmits of [1, 2, 3]) {
        subject.row = `00001000:00000000 01:00000030 0000000${retransmits} 0`;
        await vi.advanceTimersByTimeAsync(1400);
      }
    }
    health.stop();
    expect(dead).toEqual([]);
  });

  test('writes that happen while the tables are read are no sign of life', async () => {
    const subject = peer('pulled');
    subject.socket.bytesWritten = 1000;
    const { dead, health } = watch([subject]);
    await vi.advanceTimersByTimeAsync(1000);
    // Some bytes are written before the kernel is asked, others before its answer is judged, each time a different number.
    let written = 1000;
    Object.defineProperty(subject.socket, 'bytesWritten', { get: () => written });
    Object.defineProperty(subject, 'row', {
      get: () => {
        written += Math.floor(50 * Math.abs(Math.sin(written)));
        const waiting = (written - 1000).toString(16).padStart(8, '0');
        written += Math.floor(50 * Math.abs(Math.cos(written)));
        return `${waiting}:00000000 01:00000030 00000003 0`;
      },
    });
    await vi.advanceTimersByTimeAsync(9000);
    health.stop();
    expect(dead.length).toBe(1);
    expect(dead[0]!.at).toBeLessThan(1000 + ARMED_TIMEOUT_MS + 1000);
  });

  test('a connection the tables do not show', async () => {
    const subject = peer('elsewhere');
    subject.row = undefined;
    const { dead, health } = watch([subject]);
    await vi.advanceTimersByTimeAsync(30_000);
    health.stop();
    expect(dead).toEqual([]);
  });
});
