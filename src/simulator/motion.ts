// Joint motion as a pure function of time: inserted points lie on a time line, every reading finds its place on it. No ticks.
import { JOINTS, MIN_INTERVAL_S, TRAJECTORY_POINTS } from './limits.ts';

/** Joint angles of a robot that has not moved yet, degrees. */
export const REST_POSE: readonly number[] = [0, 90, 0, 0, -90, 0];

/** A target. Times in seconds; `timeFromStart` -1: `interval` after the point before; `point` in degrees. */
export interface TrajectoryPoint {
  readonly interval: number;
  readonly timeFromStart: number;
  readonly lookAhead: number;
  readonly point: ArrayLike<number>;
}

/** What became of an inserted point: taken, no place left, or its moment is not after the one before. */
export type Insertion = 'taken' | 'full' | 'order';

const MIN_SEGMENT_MS = MIN_INTERVAL_S * 1000;

/**
 * The joints and their trajectory buffer. All times given are ms on one clock.
 *
 * A point that finds the robot standing starts a motion: it begins one look-ahead later and takes `interval` to the point,
 * so that a stream of points has its look-ahead's worth of them buffered before anything moves. Every further point is
 * reached on a straight line from the one before. When the stream dries up, the robot stands at the last point with velocity
 * 0, and the next point starts a motion anew, look-ahead included. A point keeps its buffer place until it is reached.
 */
export class Motion {
  /** Joint angles of the last `read`, degrees. Valid until the next call. */
  readonly position = Float64Array.from(REST_POSE);
  /** Their derivative, degrees per second. */
  readonly velocity = new Float64Array(JOINTS);

  readonly #from = Float64Array.from(REST_POSE);
  readonly #points = new Float64Array(TRAJECTORY_POINTS * JOINTS);
  readonly #starts = new Float64Array(TRAJECTORY_POINTS);
  readonly #ends = new Float64Array(TRAJECTORY_POINTS);
  #head = 0;
  #count = 0;
  /** The moment that `time_from_start` 0 stands for; undefined until a trajectory has begun. */
  #origin: number | undefined;
  #lastEnd = 0;

  /** Appends a point that arrived at `now`. The caller has checked its fields. */
  insert(now: number, target: TrajectoryPoint): Insertion {
    this.#consume(now);
    if (this.#count === TRAJECTORY_POINTS) return 'full';
    const interval = target.interval * 1000;
    const fromStart = target.timeFromStart * 1000;
    const absolute = fromStart >= 0;
    let start = this.#lastEnd;
    let end = absolute && this.#origin !== undefined ? this.#origin + fromStart : start + interval;
    if (this.#count === 0) {
      const onTime = absolute && this.#origin !== undefined && end - now >= interval;
      if (onTime) {
        start = now;
      } else {
        start = now + target.lookAhead * 1000;
        end = start + (absolute && this.#origin === undefined ? Math.max(fromStart, interval) : interval);
        this.#origin = absolute ? end - fromStart : start;
      }
    } else if (end - start < MIN_SEGMENT_MS) {
      return 'order';
    }
    this.#append(start, end, target.point);
    return 'taken';
  }

  /** Sets `position` and `velocity` to what they are at `now`. */
  read(now: number): void {
    this.#consume(now);
    const { position, velocity } = this;
    const start = this.#starts[this.#head]!;
    if (this.#count === 0 || now < start) {
      position.set(this.#from);
      velocity.fill(0);
      return;
    }
    const duration = this.#ends[this.#head]! - start;
    const share = (now - start) / duration;
    for (let joint = 0; joint < JOINTS; joint++) {
      const from = this.#from[joint]!;
      const way = this.#points[this.#head * JOINTS + joint]! - from;
      position[joint] = from + way * share;
      velocity[joint] = (way / duration) * 1000;
    }
  }

  /** Stands still where the robot is at `now` and forgets all points: joint_traject_init, stop, motors off. */
  clear(now: number): void {
    this.read(now);
    this.#from.set(this.position);
    this.velocity.fill(0);
    this.#count = 0;
    this.#origin = undefined;
  }

  /** Free buffer places at `now`. */
  available(now: number): number {
    this.#consume(now);
    return TRAJECTORY_POINTS - this.#count;
  }

  #append(start: number, end: number, point: ArrayLike<number>): void {
    const slot = (this.#head + this.#count) % TRAJECTORY_POINTS;
    this.#starts[slot] = start;
    this.#ends[slot] = end;
    this.#points.set(point, slot * JOINTS);
    this.#count++;
    this.#lastEnd = end;
  }

  #consume(now: number): void {
    while (this.#count > 0 && this.#ends[this.#head]! <= now) {
      const slot = this.#head * JOINTS;
      for (let joint = 0; joint < JOINTS; joint++) this.#from[joint] = this.#points[slot + joint]!;
      this.#head = (this.#head + 1) % TRAJECTORY_POINTS;
      this.#count--;
    }
  }
}
