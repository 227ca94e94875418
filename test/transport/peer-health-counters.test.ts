// The kernel's tables are dear to read: left alone while its counters stand still, and nobody is given up later for that.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ARMED_TIMEOUT_MS, type Peer, peer, play, watch } from './peer-health-player.ts';
import { PULLED_CASES, PULLED_SILENT, type Recording } from './peer-health-recordings.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Counters whose figure is set by hand. */
function handCounters() {
  const counters = {
    figure: 7 as number | undefined,
    looks: 0,
    isClosed: false,
    async read() {
      counters.looks++;
      return counters.figure;
    },
    close() {
      counters.isClosed = true;
    },
  };
  return counters;
}

function watchCounted(peers: Peer[], armedTimeoutMs = ARMED_TIMEOUT_MS) {
  const counters = handCounters();
  return { counters, ...watch(peers, armedTimeoutMs, counters) };
}

const ASKED = '00000064:00000000 01:00000030 00000001 0';
const PROBED = '00000000:00000000 02:00000030 00000000 1';
const QUIET = '00000000:00000000 02:000000C8 00000000 0';

describe('when the tables are read', () => {
  test('not at all while the counters stand still', async () => {
    const subject = peer('armed');
    const { counters, readings, dead, health } = watchCounted([subject]);
    await vi.advanceTimersByTimeAsync(60_000);
    health.stop();
    expect(readings.length).toBe(0);
    expect(counters.looks).toBeGreaterThan(290);
    expect(counters.looks).toBeLessThanOrEqual(300);
    expect(counters.isClosed).toBe(true);
    expect(dead).toEqual([]);
  });

  test('when a counter has changed, once', async () => {
    const { counters, readings, health } = watchCounted([peer('armed')]);
    await vi.advanceTimersByTimeAsync(10_000);
    counters.figure = 8;
    await vi.advanceTimersByTimeAsync(200);
    expect(readings.length).toBe(1);
    await vi.advanceTimersByTimeAsync(10_000);
    health.stop();
    expect(readings.length).toBe(1);
  });

  test('twice a second at the most, whatever the counters do', async () => {
    const { counters, readings, health } = watchCounted([peer('armed')]);
    for (let step = 0; step < 1000; step++) {
      counters.figure = step;
      await vi.advanceTimersByTimeAsync(10);
    }
    health.stop();
    expect(readings.length).toBeGreaterThanOrEqual(18);
    expect(readings.length).toBeLessThanOrEqual(20);
  });

  test('a change between two readings is not forgotten', async () => {
    const { counters, readings, health } = watchCounted([peer('armed')]);
    await vi.advanceTimersByTimeAsync(250);
    counters.figure = 8;
    await vi.advanceTimersByTimeAsync(250);
    expect(readings.length).toBe(1);
    counters.figure = 9;
    await vi.advanceTimersByTimeAsync(5000);
    health.stop();
    expect(readings.length).toBe(2);
    expect(readings[1]!.at - readings[0]!.at).toBe(500);
  });

  test.each([
    ['a retransmission', ASKED],
    ['a probe', PROBED],
  ])('as long as a question is open, though the counters stand still: %s', async (_what, row) => {
    const subject = peer('asked');
    const { counters, readings, health } = watchCounted([subject]);
    await vi.advanceTimersByTimeAsync(1000);
    subject.row = row;
    counters.figure = 8;
    await vi.advanceTimersByTimeAsync(4000);
    expect(readings.length).toBeGreaterThanOrEqual(8);
    subject.row = QUIET;
    await vi.advanceTimersByTimeAsync(500);
    const before = readings.length;
    await vi.advanceTimersByTimeAsync(10_000);
    health.stop();
    expect(readings.length).toBe(before);
  });

  test('a row that the tables lack is no answer', async () => {
    const subject = peer('asked');
    const { counters, readings, health } = watchCounted([subject]);
    await vi.advanceTimersByTimeAsync(1000);
    subject.row = ASKED;
    counters.figure = 8;
    await vi.advanceTimersByTimeAsync(1000);
    subject.row = undefined;
    const before = readings.length;
    await vi.advanceTimersByTimeAsync(5000);
    health.stop();
    expect(readings.length).toBe(before + 10);
  });

  test('while bytes wait in this process, so that whoever takes some is known', async () => {
    const subject = peer('slow');
    const { readings, advanced, dead, health } = watchCounted([subject]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(readings.length).toBe(0);
    Object.assign(subject.socket, { bytesWritten: 200_000, writableLength: 10_000 });
    for (let second = 0; second < 7; second++) {
      subject.row = `${(90_000 - second * 12_000).toString(16).padStart(8, '0')}:00000000 01:00000030 00000000 0`;
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(readings.length).toBeGreaterThanOrEqual(13);
    expect(advanced.length).toBe(7);
    Object.assign(subject.socket, { writableLength: 0 });
    await vi.advanceTimersByTimeAsync(1000);
    const before = readings.length;
    await vi.advanceTimersByTimeAsync(5000);
    health.stop();
    expect(readings.length).toBe(before);
    expect(dead).toEqual([]);
  });

  test('always, when there are no counters', async () => {
    const { counters, readings, health } = watchCounted([peer('armed')]);
    counters.figure = undefined;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(readings.length).toBeGreaterThanOrEqual(18);
    expect(readings.length).toBeLessThanOrEqual(20);
    counters.figure = 7;
    await vi.advanceTimersByTimeAsync(1000);
    const before = readings.length;
    await vi.advanceTimersByTimeAsync(5000);
    health.stop();
    expect(readings.length).toBe(before);
  });

  test('nothing is read while nobody is owed anything', async () => {
    const subject = peer('idle');
    subject.armed = false;
    const { counters, readings, health } = watchCounted([subject]);
    await vi.advanceTimersByTimeAsync(10_000);
    health.stop();
    expect(readings).toEqual([]);
    expect(counters.looks).toBe(0);
  });
});

test('who is armed later is probed, too, without a reading', async () => {
  const [first, second] = [peer('first', 1), peer('second', 2)];
  second.armed = false;
  const { readings, health } = watchCounted([first, second]);
  await vi.advanceTimersByTimeAsync(5000);
  second.armed = true;
  await vi.advanceTimersByTimeAsync(200);
  health.stop();
  expect([first.socket.keepAlive, second.socket.keepAlive]).toEqual([2000, 2000]);
  expect(readings.length).toBe(0);
});

test('what the counters did while nobody was watched is no reason to read, what they do afterwards is', async () => {
  const subject = peer('armed later');
  subject.armed = false;
  const { counters, readings, health } = watchCounted([subject]);
  await vi.advanceTimersByTimeAsync(1000);
  counters.figure = 8;
  subject.armed = true;
  await vi.advanceTimersByTimeAsync(1000);
  expect(readings.length).toBe(0);
  counters.figure = 9;
  await vi.advanceTimersByTimeAsync(200);
  health.stop();
  expect(readings.length).toBe(1);
});

test('a peer that was asked before the first look that watches it is gone in time, too: it is asked again', async () => {
  const subject = peer('asked');
  subject.armed = false;
  const { counters, dead, health } = watchCounted([subject]);
  await vi.advanceTimersByTimeAsync(1000);
  const begun = performance.now();
  subject.armed = true;
  // As the kernel does: after 0.2 s, and after twice the time from then on.
  for (let retransmits = 1, wait = 100; retransmits < 7; retransmits++, wait *= 2) {
    subject.socket.bytesWritten = 100;
    subject.row = `00000064:00000000 01:00000030 0000000${retransmits} 0`;
    counters.figure!++;
    await vi.advanceTimersByTimeAsync(wait);
  }
  health.stop();
  expect(dead.map(({ name }) => name)).toEqual(['asked']);
  expect(dead[0]!.at).toBeGreaterThanOrEqual(begun + ARMED_TIMEOUT_MS);
  expect(dead[0]!.at).toBeLessThanOrEqual(begun + ARMED_TIMEOUT_MS + 1000);
});

describe('a peer whose cable was pulled is gone in time', () => {
  /** A kernel counts each question when it asks it. */
  const countedOf = (recording: Recording, at: number): number => {
    let asked = 0;
    let last = 0;
    for (const [time, , , row] of recording) {
      if (time > at) break;
      const [, , retransmits = '', probes = ''] = row.split(' ');
      const open = Number.parseInt(retransmits, 16) + Number(probes);
      if (open > last) asked += open - last;
      last = open;
    }
    return asked;
  };

  test.each(PULLED_CASES)('%s', async (_what, recording) => {
    const subject = peer('pulled');
    const begun = performance.now();
    const { counters, dead, readings, health } = watchCounted([subject]);
    Object.defineProperty(counters, 'figure', { get: () => countedOf(recording, performance.now() - begun) });
    const delivered = await play(recording, subject);
    health.stop();
    expect(dead.map(({ name }) => name)).toEqual(['pulled']);
    expect(dead[0]!.at).toBeGreaterThanOrEqual(delivered.after + ARMED_TIMEOUT_MS);
    expect(dead[0]!.at).toBeLessThanOrEqual(delivered.before + ARMED_TIMEOUT_MS + 1000);
    expect(readings.length).toBeLessThan(25);
  });

  test('not too early when the tables are first read while the kernel’s timer is older than the last event', async () => {
    const subject = peer('pulled');
    const { counters, dead, health } = watchCounted([subject]);
    await vi.advanceTimersByTimeAsync(10_000);
    // The kernel does not set its keep-alive timer anew for each answer: it looks when the timer fires how old the last one is.
    subject.socket.bytesWritten = 100;
    subject.row = '00000000:00000000 02:0000001E 00000000 0';
    const heardAt = performance.now();
    await vi.advanceTimersByTimeAsync(250);
    // Somebody else's question has the tables read now; the pulled one's comes with its next event, before the next reading.
    counters.figure = 8;
    await vi.advanceTimersByTimeAsync(200);
    for (let retransmits = 0; retransmits < 30; retransmits++) {
      subject.socket.bytesWritten = 200;
      subject.row = `00000064:00000000 01:00000030 ${retransmits.toString(16).padStart(8, '0')} 0`;
      counters.figure++;
      await vi.advanceTimersByTimeAsync(300);
    }
    health.stop();
    expect(dead.map(({ name }) => name)).toEqual(['pulled']);
    expect(dead[0]!.at).toBeGreaterThanOrEqual(heardAt + ARMED_TIMEOUT_MS);
    expect(dead[0]!.at).toBeLessThanOrEqual(heardAt + ARMED_TIMEOUT_MS + 1000);
  });

  test('nothing to send for long: keep-alive probes ask instead', async () => {
    const subject = peer('silent');
    const begun = performance.now();
    const { counters, dead, health } = watchCounted([subject]);
    Object.defineProperty(counters, 'figure', { get: () => countedOf(PULLED_SILENT, performance.now() - begun) });
    await play(PULLED_SILENT, subject);
    health.stop();
    const firstProbe = PULLED_SILENT.find(([, , , row]) => row.endsWith(' 1'))![0];
    expect(dead.map(({ name }) => name)).toEqual(['silent']);
    expect(dead[0]!.at).toBeGreaterThan(firstProbe - 250 - 2000 + ARMED_TIMEOUT_MS);
    expect(dead[0]!.at).toBeLessThan(firstProbe - 2000 + ARMED_TIMEOUT_MS + 1000);
  });
});
