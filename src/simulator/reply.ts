// What every handler returns: a finished answer as text, because the controller's numbers have a spelling of their own.
import type { ErrCode } from './refusal.ts';

/** An HTTP answer. `body` is JSON text, or empty; `allow` is set on 405 only; `close` ends the connection after it. */
export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly allow?: string;
  readonly close?: boolean;
}

/** 200 without a body: a trajectory point was taken. */
export const EMPTY: Reply = { status: 200, body: '' };
/** 200 with the object that says nothing more than "done". */
export const DONE: Reply = { status: 200, body: '{"_type":"JObject"}' };

/** 200 with `body`, which is JSON text already. */
export function ok(body: string): Reply {
  return { status: 200, body };
}

/** 403 in the controller's own short form: the request is well formed, but cannot be executed now. */
export function forbidden(code: ErrCode): Reply {
  return { status: 403, body: `{"_type":"JObject","err_code":${code}}` };
}

/** Any other refusal: number and a sentence for the reader. */
export function refused(status: number, code: ErrCode, message: string): Reply {
  return { status, body: `{"_type":"JObject","err_code":${code},"err_msg":${JSON.stringify(message)}}` };
}
