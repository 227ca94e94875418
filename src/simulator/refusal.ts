// Why the controller did not do what it was asked: one table of err_code numbers, and the exception that carries a row of it.

/** `err_code` values of the simulator; always negative, one meaning each. */
export const ERR_CODE = {
  notFound: -1,
  methodNotAllowed: -2,
  bodyTooLarge: -3,
  badQuery: -4,
  badBody: -5,
  badRequest: -6,
  internal: -7,
  noPlayback: -11,
  bufferFull: -12,
  jointLimit: -13,
  timeOrder: -14,
  motorsNotOn: -15,
  nameExists: -21,
  notAFolder: -22,
  treeFull: -23,
} as const;

/** One of the numbers in {@link ERR_CODE}. */
export type ErrCode = (typeof ERR_CODE)[keyof typeof ERR_CODE];

/** Thrown by readers of queries and bodies; the router turns it into the answer. `message` is meant for the client. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: ErrCode;

  constructor(status: number, code: ErrCode, message: string) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.code = code;
  }
}

/** A query value the controller cannot work with: status 400. */
export function badQuery(message: string): Refusal {
  return new Refusal(400, ERR_CODE.badQuery, message);
}

/** A body the controller cannot work with: status 400. */
export function badBody(message: string): Refusal {
  return new Refusal(400, ERR_CODE.badBody, message);
}
