// Motor power: on, off, and the busy moment between them, worked out from the time of asking rather than by a timer.
import { MOTOR_TRANSITION_MS } from './limits.ts';

/** As `motor_on_state` reports it: 0 on, 1 busy, 2 off. */
export type MotorState = 0 | 1 | 2;

/** The drives. Times in ms. */
export class Motors {
  #on = true;
  #settledAt = Number.NEGATIVE_INFINITY;

  state(now: number): MotorState {
    if (now < this.#settledAt) return 1;
    return this.#on ? 0 : 2;
  }

  /** Asks for power on or off; asking for what is there (or on its way) changes nothing. */
  switch(now: number, on: boolean): void {
    if (on === this.#on) return;
    this.#on = on;
    this.#settledAt = now + MOTOR_TRANSITION_MS;
  }
}
