// The controller's own clock: the host's time plus whatever a client has set it off by. UTC, so that no hour is missing.

/** A calendar moment in the controller's field names. `mon` 1-12. */
export interface DateTime {
  readonly year: number;
  readonly mon: number;
  readonly day: number;
  readonly hour: number;
  readonly min: number;
  readonly sec: number;
}

/** Years a client may set. */
export const FIRST_YEAR = 1970;
export const LAST_YEAR = 2099;

/** A clock that runs on the host's and keeps its own offset. Times in epoch ms. */
export class ControllerClock {
  #offset = 0;

  /** The controller's time at host time `now`. */
  get(now: number): DateTime {
    const date = new Date(now + this.#offset);
    return {
      year: date.getUTCFullYear(),
      mon: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      hour: date.getUTCHours(),
      min: date.getUTCMinutes(),
      sec: date.getUTCSeconds(),
    };
  }

  /** Sets the clock; false when the calendar has no such day. */
  set(now: number, time: DateTime): boolean {
    const moment = Date.UTC(time.year, time.mon - 1, time.day, time.hour, time.min, time.sec);
    if (new Date(moment).getUTCDate() !== time.day) return false;
    this.#offset = moment - now;
    return true;
  }
}
