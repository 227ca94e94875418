// The streamed trajectory over HTTP, as a client of the gateway meets it: playback, the buffer, and a sine at 500 Hz.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TRAJECTORY_POINTS } from '../../src/simulator/limits.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { AVAILABLE, type Bench, INIT, INSERT, JOINT_STATES, pointBody, START, STOP, startBench } from './support.ts';

interface JointStates {
  readonly position: number[];
  readonly velocity: number[];
  readonly effort: number[];
}

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.end());

const joints = async (): Promise<JointStates> => (await bench.get(JOINT_STATES)).json as JointStates;

describe('inserting points', () => {
  it('takes a point without a body in the answer', async () => {
    await bench.post(START);
    const answer = await bench.post(INSERT, pointBody([1, 90, 0, 0, -90, 0]));
    expect([answer.status, answer.text, answer.headers['content-length']]).toEqual([200, '', '0']);
  });

  it('answers 403 with nothing but a negative err_code while no playback runs', async () => {
    const answer = await bench.post(INSERT, pointBody([1, 90, 0, 0, -90, 0]));
    expect(answer.status).toBe(403);
    expect(answer.text).toBe('{"_type":"JObject","err_code":-11}');
    expect((await bench.get(AVAILABLE)).json).toBe(TRAJECTORY_POINTS);
  });

  it('answers 403 when 2048 points wait, and takes one more when one was reached', async () => {
    await bench.post(START);
    const body = pointBody([1, 90, 0, 0, -90, 0]);
    for (let k = 0; k < TRAJECTORY_POINTS; k++) expect((await bench.post(INSERT, body)).status).toBe(200);
    expect((await bench.get(AVAILABLE)).text).toBe('0');
    expect((await bench.post(INSERT, body)).text).toBe('{"_type":"JObject","err_code":-12}');
    bench.advance(2);
    expect((await bench.get(AVAILABLE)).text).toBe('1');
    expect((await bench.post(INSERT, body)).status).toBe(200);
    expect((await bench.post(INIT)).text).toBe('{"_type":"JObject"}');
    expect((await bench.get(AVAILABLE)).text).toBe('2048');
  });

  it('answers 403 to a point outside the joints’ range, and to a moment before the last point', async () => {
    await bench.post(START);
    expect((await bench.post(INSERT, pointBody([0, 90, 0, 0, -90, 360.1]))).json).toMatchObject({ err_code: -13 });
    await bench.post(INSERT, pointBody([0, 90, 0, 0, -90, 360], { time_from_start: 0.5 }));
    const late = await bench.post(INSERT, pointBody([0, 90, 0, 0, -90, 0], { time_from_start: 0.5 }));
    expect([late.status, late.json]).toEqual([403, { _type: 'JObject', err_code: -14 }]);
  });

  const valid = JSON.stringify(pointBody([1, 90, 0, 0, -90, 0]));
  it.each([
    ['not JSON', '{"interval":'],
    ['empty', ''],
    ['an array', '[]'],
    ['null', 'null'],
    ['five joints', valid.replace('[1,', '[')],
    ['seven joints', valid.replace('[1,', '[1,1,')],
    ['a joint that is text', valid.replace('[1,', '["1",')],
    ['a joint that is null', valid.replace('[1,', '[null,')],
    ['a joint too large for a number', valid.replace('[1,', '[1e999,')],
    ['no point', valid.replace('"point"', '"points"')],
    ['a negative interval', valid.replace('0.002', '-0.002')],
    ['an interval of 0', valid.replace('0.002', '0')],
    ['an interval that is text', valid.replace('0.002', '"0.002"')],
    ['an infinite interval', valid.replace('0.002', '1e999')],
    ['a time_from_start of -0.5', valid.replace(':-1', ':-0.5')],
    ['a time_from_start that is true', valid.replace(':-1', ':true')],
    ['a negative look-ahead', valid.replace('"look_ahead_time":0', '"look_ahead_time":-0.04')],
    ['no look-ahead', valid.replace('look_ahead_time', 'look_ahead')],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ])('answers 400 to a body that is wrong: %s', async (_what, body) => {
    await bench.post(START);
    const answer = await bench.send('POST', INSERT, body);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ _type: 'JObject', err_code: -5, err_msg: expect.any(String) });
    expect((await bench.get(AVAILABLE)).json).toBe(TRAJECTORY_POINTS);
  });
});

describe('stopping', () => {
  it.each([
    ['stop', STOP],
    ['motor_off', '/project/robot/motor_off'],
  ])('%s makes the robot stand where it is and ends playback', async (_name, path) => {
    await bench.post(START);
    await bench.post(INSERT, pointBody([10, 90, 0, 0, -90, 0], { interval: 0.1 }));
    bench.advance(50);
    expect((await joints()).velocity[0]).toBe(100);
    await bench.post(path);
    bench.advance(50);
    const { position, velocity } = await joints();
    expect([position[0], velocity[0]]).toEqual([5, 0]);
    expect((await bench.post(INSERT, pointBody([0, 90, 0, 0, -90, 0]))).status).toBe(403);
  });
});

describe('a sine streamed at 500 Hz', () => {
  const PERIOD_S = 0.002;
  const LOOK_AHEAD_S = 0.04;
  const AMPLITUDE = 15;
  const HERTZ = 2;
  const OMEGA = 2 * Math.PI * HERTZ;
  const sine = (seconds: number) => (seconds <= 0 ? 0 : AMPLITUDE * Math.sin(OMEGA * seconds));

  it('is seen in joint_states: amplitude, frequency, velocity, effort, no jumps', async () => {
    await bench.post(START);
    await bench.post(INIT);
    const seen: JointStates[] = [];
    const ticks = 600;
    for (let k = 0; k < ticks; k++) {
      const point = [sine((k + 1) * PERIOD_S), 90, 0, 0, -90, 0];
      const body = pointBody(point, { interval: PERIOD_S, look_ahead_time: LOOK_AHEAD_S });
      expect((await bench.post(INSERT, body)).status).toBe(200);
      seen.push(await joints());
      bench.advance(PERIOD_S * 1000);
    }
    let largest = 0;
    const crossings: number[] = [];
    for (let k = 1; k < ticks; k++) {
      const time = k * PERIOD_S - LOOK_AHEAD_S;
      const [before, now] = [seen[k - 1]!, seen[k]!];
      const angle = now.position[0]!;
      expect(angle).toBeCloseTo(sine(time), 4);
      const slope = (sine(time + PERIOD_S) - sine(time)) / PERIOD_S;
      if (time > PERIOD_S) expect(now.velocity[0]).toBeCloseTo(slope, 2);
      expect(Math.abs(angle - before.position[0]!)).toBeLessThanOrEqual(AMPLITUDE * OMEGA * PERIOD_S + 1e-5);
      if (before.position[0]! < 0 && angle >= 0) crossings.push(time);
      largest = Math.max(largest, Math.abs(angle));
      if (Math.abs(now.velocity[0]!) > 1) expect(Math.sign(now.effort[0]!)).toBe(-Math.sign(now.velocity[0]!));
    }
    expect(largest).toBeCloseTo(AMPLITUDE, 2);
    expect(crossings.map((time) => Math.round(time * HERTZ))).toEqual([1, 2]);
    expect(crossings[1]! - crossings[0]!).toBeCloseTo(1 / HERTZ, 2);
  });
});

describe('on the real clock', () => {
  it('moves without being asked to', async () => {
    const simulator = await startSimulator();
    try {
      const send = (path: string, body: unknown) =>
        fetch(simulator.url + path, { method: 'POST', body: JSON.stringify(body) });
      await send(START, {});
      await send(INSERT, pointBody([12, 90, 0, 0, -90, 0], { interval: 0.05 }));
      const angle = async () => ((await (await fetch(simulator.url + JOINT_STATES)).json()) as JointStates).position[0];
      await expect.poll(angle, { timeout: 10_000, interval: 10 }).toBe(12);
    } finally {
      await simulator.close();
    }
  });
});
