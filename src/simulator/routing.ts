// From method and request target to a handler, and from whatever the handler met to an answer. No sockets here, so it can be fuzzed.
import type { Controller } from './controller.ts';
import { ERR_CODE, Refusal } from './refusal.ts';
import { type Reply, refused } from './reply.ts';
import type { Handler } from './route.ts';
import { machineRoutes } from './routes-machine.ts';
import { robotRoutes } from './routes-robot.ts';

interface Entry {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly allow: string;
}

const EXACT = new Map<string, Entry>();
const FOLDERS: (readonly [string, Entry])[] = [];

for (const [path, handlers] of [...robotRoutes, ...machineRoutes]) {
  const entry: Entry = { handlers: new Map(Object.entries(handlers)), allow: Object.keys(handlers).join(', ') };
  if (path.endsWith('/')) FOLDERS.push([path, entry]);
  else EXACT.set(path, entry);
}

/** A handler with all it needs but the body. */
interface Match {
  readonly handler: Handler;
  readonly query: string;
  readonly rest: string;
}

/**
 * The controller's answer to one request. `target` is the request target as it stands in the request line; bodies longer
 * than the limit are the caller's business. Never throws.
 */
export function answer(controller: Controller, method: string, target: string, body: string): Reply {
  try {
    const match = resolve(method, target);
    if ('status' in match) return match;
    return match.handler(controller, { query: match.query, body, rest: match.rest });
  } catch (error) {
    if (error instanceof Refusal) return refused(error.status, error.code, error.message);
    return refused(500, ERR_CODE.internal, 'the simulator failed on this request: this is a defect, please report it');
  }
}

/** The answer to a request whose body is longer than `limit` bytes: 413 where a body could have been taken at all. */
export function answerTooLarge(method: string, target: string, limit: number): Reply {
  const match = resolve(method, target);
  return 'status' in match ? match : refused(413, ERR_CODE.bodyTooLarge, `the body is longer than ${limit} bytes`);
}

function resolve(method: string, target: string): Match | Reply {
  const origin = target.startsWith('/') ? target : withoutOrigin(target);
  const mark = origin.indexOf('?');
  const query = mark < 0 ? '' : origin.slice(mark + 1);
  const path = mark < 0 ? origin : origin.slice(0, mark);
  let entry = EXACT.get(path);
  let rest = '';
  if (entry === undefined) {
    const plain = decoded(path);
    if (plain === undefined) return refused(400, ERR_CODE.badRequest, 'the path is not percent-encoded UTF-8');
    [entry, rest] = find(plain);
  }
  if (entry === undefined) return refused(404, ERR_CODE.notFound, 'the controller has nothing under this path');
  const handler = entry.handlers.get(method);
  return handler === undefined ? methodNotAllowed(method, entry) : { handler, query, rest };
}

function find(path: string): [Entry | undefined, string] {
  const exact = EXACT.get(path);
  if (exact !== undefined) return [exact, ''];
  for (const [folder, entry] of FOLDERS) {
    if (path.startsWith(folder)) return [entry, path.slice(folder.length)];
  }
  return [undefined, ''];
}

/** Proxies send the absolute form of a target. */
function withoutOrigin(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '');
  return path.startsWith('/') ? path : `/${path}`;
}

function decoded(path: string): string | undefined {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

function methodNotAllowed(method: string, entry: Entry): Reply {
  const message = `${method} is not possible here: use ${entry.allow}`;
  return { ...refused(405, ERR_CODE.methodNotAllowed, message), allow: entry.allow };
}
