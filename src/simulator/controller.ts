// The whole controller as one state: its parts, and the few rules between them (no motion without playback, no playback without power).
import { ControllerClock, type DateTime } from './date-time.ts';
import { effort } from './effort.ts';
import { FileTree } from './file-tree.ts';
import { IoImage } from './io-image.ts';
import { JOINTS } from './limits.ts';
import { Motion, type TrajectoryPoint } from './motion.ts';
import { type MotorState, Motors } from './motors.ts';
import { ERR_CODE, type ErrCode } from './refusal.ts';
import { Relays } from './relays.ts';
import { Tasks } from './tasks.ts';

/** Clocks, ms: `now` never runs backwards and drives motion and motors; `wall` is epoch time for the date. */
interface Clocks {
  readonly now: () => number;
  readonly wall: () => number;
}

/** One simulated robot controller, motors on, playback stopped, at its rest pose. */
export class Controller {
  readonly motion = new Motion();
  /** Motor torques of the last `readJoints`, Nm. */
  readonly effort = new Float64Array(JOINTS);
  readonly motors = new Motors();
  readonly io = new IoImage();
  readonly relays = new Relays();
  readonly files = new FileTree();
  readonly tasks = new Tasks();
  readonly #date = new ControllerClock();
  readonly #clocks: Clocks;
  #playback = false;

  constructor(clocks: Clocks) {
    this.#clocks = clocks;
  }

  date(): DateTime {
    return this.#date.get(this.#clocks.wall());
  }

  /** Sets the clock; false when the calendar has no such day. */
  setDate(time: DateTime): boolean {
    return this.#date.set(this.#clocks.wall(), time);
  }

  get playback(): boolean {
    return this.#playback;
  }

  motorState(): MotorState {
    return this.motors.state(this.#clocks.now());
  }

  /** Power off ends playback and motion at once. */
  switchMotors(on: boolean): void {
    if (!on) this.stop();
    this.motors.switch(this.#clocks.now(), on);
  }

  /** Starts playback; the code of what stands in the way otherwise. */
  start(): ErrCode | undefined {
    if (this.motorState() !== 0) return ERR_CODE.motorsNotOn;
    this.#playback = true;
    return undefined;
  }

  /** Ends playback; the robot stands where it is, and the points that waited are dropped. */
  stop(): void {
    this.#playback = false;
    this.motion.clear(this.#clocks.now());
  }

  clearTrajectory(): void {
    this.motion.clear(this.#clocks.now());
  }

  freePlaces(): number {
    return this.motion.available(this.#clocks.now());
  }

  /** Appends a checked point; the code of what stands in the way otherwise. */
  insertPoint(point: TrajectoryPoint): ErrCode | undefined {
    if (!this.#playback) return ERR_CODE.noPlayback;
    const outcome = this.motion.insert(this.#clocks.now(), point);
    if (outcome === 'full') return ERR_CODE.bufferFull;
    return outcome === 'order' ? ERR_CODE.timeOrder : undefined;
  }

  /** Brings `motion.position`, `motion.velocity` and `effort` up to this moment. */
  readJoints(): void {
    this.motion.read(this.#clocks.now());
    effort(this.motion.position, this.motion.velocity, this.effort);
  }
}
