// The embedded controller seen through the gateway: what CONTROL streams at 500 Hz comes back in MONITOR.
import { expect } from 'vitest';
import { acked, control, monitor, stop } from '../faults/support/commands.ts';
import { pass } from '../faults/support/wait.ts';
import { INIT, INSERT, JOINT_STATES, START } from '../simulator/support.ts';
import { check } from '../support/check.ts';

const PERIOD_MS = 2;
/** Points sent ahead of the robot, so that a machine that is busy for a moment does not make it stand still. */
const LEAD = 150;
const AMPLITUDE = 15;
const OMEGA = 2 * Math.PI * 2;
const PERIODS = 2;
const POINTS = Math.round((PERIODS * 2 * Math.PI * 1000) / OMEGA / PERIOD_MS);

const insert = (k: number, more: object) =>
  control(INSERT, {
    id: k,
    ...more,
    body: {
      interval: PERIOD_MS / 1000,
      time_from_start: -1,
      look_ahead_time: 0.04,
      point: [AMPLITUDE * Math.sin((OMEGA * (k + 1) * PERIOD_MS) / 1000), 90, 0, 0, -90, 0],
    },
  });

check(
  'embedded.sine',
  '[OS-2.4] a sine streamed by CONTROL at 500 Hz is the sine that MONITOR shows',
  async ({ gateway }) => {
    const server = await gateway();
    const streamer = await server.ready();
    const watcher = await server.ready();
    streamer.sendLines([acked(START, { body: {}, id: 'start' }), acked(INIT, { body: {}, id: 'init' })]);
    await streamer.expect({ type: 'control_ack', id: 'start' });
    await streamer.expect({ type: 'control_ack', id: 'init' });
    watcher.send(monitor(JOINT_STATES, 5));
    await watcher.expect('monitor_ack');

    const start = performance.now();
    for (let sent = 0; sent < POINTS; await pass(4)) {
      // No more at once than may wait behind the one in flight, and no more before those were taken.
      const due = Math.min(POINTS, LEAD + Math.floor((performance.now() - start) / PERIOD_MS), sent + 200);
      if (due === sent) continue;
      const batch = Array.from({ length: due - sent }, (_, i) => insert(sent + i, { ack: sent + i === due - 1 }));
      streamer.sendLines(batch);
      // Silence is success: a point that was refused would have been answered before this.
      await streamer.expect({ type: 'control_ack', id: due - 1 });
      sent = due;
    }
    const allSent = Date.now();

    const seen: { angle: number; speed: number }[] = [];
    let largest = 0;
    let rises = 0;
    for (let still = 0; still < 20; ) {
      const line = await watcher.next();
      const { position, velocity } = line['result'] as { position: number[]; velocity: number[] };
      const [angle, speed] = [position[0]!, velocity[0]!];
      const before = seen.at(-1)?.angle ?? 0;
      if (before < 0 && angle >= 0) rises += 1;
      largest = Math.max(largest, Math.abs(angle));
      still = speed === 0 && (line['ts'] as number) > allSent ? still + 1 : 0;
      seen.push({ angle, speed });
    }
    watcher.send(stop('monitor'));

    const moving = seen.filter(({ speed }) => speed !== 0);
    expect(moving.length).toBeGreaterThan(20);
    // Of a sine, angle and speed lie on one ellipse, whenever one looks; a robot that had to wait for points sets out anew.
    const onSine = moving.filter(
      ({ angle, speed }) => Math.abs((angle / AMPLITUDE) ** 2 + (speed / (AMPLITUDE * OMEGA)) ** 2 - 1) < 0.05,
    );
    expect(onSine.length).toBeGreaterThan(moving.length * 0.95);
    expect(largest).toBeGreaterThan(AMPLITUDE * 0.9);
    expect(largest).toBeLessThanOrEqual(AMPLITUDE);
    // The end of the last period may fall short of zero by a rounding.
    expect(rises).toBeGreaterThanOrEqual(PERIODS - 1);
    expect(seen.at(-1)!.angle).toBeCloseTo(0, 1);
  },
  60_000,
);
