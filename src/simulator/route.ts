// The shape of a row in the routing table, apart from the table so that rows and table need not import one another.
import type { Controller } from './controller.ts';
import type { Reply } from './reply.ts';

/** What a handler gets: the query after `?` as it came, the body as text, and the path below a folder route. */
export interface Call {
  readonly query: string;
  readonly body: string;
  readonly rest: string;
}

/** Answers one request; may throw a Refusal. */
export type Handler = (controller: Controller, call: Call) => Reply;

/** A path and its handlers by method. A path that ends in `/` stands for everything below it. */
export type Route = readonly [path: string, handlers: Readonly<Record<string, Handler>>];
