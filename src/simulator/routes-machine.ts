// The part of the API about everything around the robot: signals, program tasks, relays, the clock and files.
import { integerField, numberField, parseFields, stringField } from './body.ts';
import type { Controller } from './controller.ts';
import { FIRST_YEAR, LAST_YEAR } from './date-time.ts';
import { decimal } from './decimals.ts';
import { pathNames } from './file-tree.ts';
import { type IoWidth, lastSignal, valueRange } from './io-image.ts';
import { IO_BLOCKS, MAX_PROGRAM_NO, MAX_RELAY_READ, RELAY_WORDS, TASKS } from './limits.ts';
import { queryInteger, queryValue } from './query.ts';
import { badBody, badQuery, ERR_CODE, Refusal } from './refusal.ts';
import { RELAY_KINDS, type RelayKind } from './relays.ts';
import { DONE, ok, type Reply, refused } from './reply.ts';
import type { Call, Route } from './route.ts';
import { lineOf } from './tasks.ts';

const IO_TYPES: ReadonlyMap<string, IoWidth> = new Map<string, IoWidth>([
  ['', 'bit'],
  ['b', 'b'],
  ['w', 'w'],
  ['l', 'l'],
  ['f', 'f'],
]);

export const machineRoutes: readonly Route[] = [
  ['/project/control/ios/dio/do_val', { GET: (robot, call) => readSignal(robot, call, 'do'), POST: writeSignal }],
  ['/project/control/ios/dio/di_val', { GET: (robot, call) => readSignal(robot, call, 'di') }],
  ...Array.from({ length: TASKS }, (_, task) => taskRoutes(task)).flat(),
  ...RELAY_KINDS.map(
    (kind): Route => [`/project/plc/${kind}/val_s32`, { GET: (robot, call) => readRelays(robot, call, kind) }],
  ),
  ['/clock/date_time', { GET: readClock, PUT: setClock }],
  ['/file_manager/file_exist', { GET: fileExists }],
  ['/file_manager/mkdir', { POST: makeFolder }],
  ['/file_manager/files/', { DELETE: removeFile }],
];

function taskRoutes(task: number): Route[] {
  const base = `/project/context/tasks[${task}]`;
  return [
    [`${base}/cur_prog_cnt`, { POST: (robot, call) => moveCounter(robot, call, task) }],
    [`${base}/reset`, { POST: (robot, call) => resetTask(robot, call, task) }],
    [`${base}/release_wait`, { POST: releaseWait }],
  ];
}

function ioWidth(type: string, direction: 'do' | 'di'): IoWidth | undefined {
  return type.startsWith(direction) ? IO_TYPES.get(type.slice(2)) : undefined;
}

function typeRule(direction: 'do' | 'di'): string {
  return `"type" must be one of ${[...IO_TYPES.keys()].map((suffix) => direction + suffix).join(', ')}`;
}

function readSignal(robot: Controller, { query }: Call, direction: 'do' | 'di'): Reply {
  const width = ioWidth(queryValue(query, 'type') ?? '', direction);
  if (width === undefined) throw badQuery(`query parameter ${typeRule(direction)}`);
  const block = queryInteger(query, 'blk_no', 0, IO_BLOCKS - 1);
  const signal = queryInteger(query, 'sig_no', 0, lastSignal(width));
  const value = robot.io.read(width, block, signal);
  return ok(`{"_type":"JObject","val":${width === 'f' ? decimal(value) : value}}`);
}

function writeSignal(robot: Controller, { body }: Call): Reply {
  const fields = parseFields(body);
  const width = ioWidth(stringField(fields, 'type'), 'do');
  if (width === undefined) throw badBody(typeRule('do'));
  const block = integerField(fields, 'blk_no', 0, IO_BLOCKS - 1);
  const signal = integerField(fields, 'sig_no', 0, lastSignal(width));
  const [min, max] = valueRange(width);
  const field = width === 'f' ? numberField : integerField;
  robot.io.write(width, block, signal, field(fields, 'val', min, max));
  return DONE;
}

function moveCounter(robot: Controller, { body }: Call, task: number): Reply {
  const fields = parseFields(body);
  const program = integerField(fields, 'pno', -1, MAX_PROGRAM_NO);
  const step = integerField(fields, 'sno', -1, MAX_PROGRAM_NO);
  const func = integerField(fields, 'fno', -1, MAX_PROGRAM_NO);
  integerField(fields, 'ext_sel', 0, MAX_PROGRAM_NO, 0);
  const before = lineOf(robot.tasks.counter(task));
  const moved = robot.tasks.move(task, { program, step, func });
  const line = lineOf(moved);
  const text = `"sno_new":${moved.step},"fno_new":${moved.func},"ln_new":${line},"ofs_moved":${line - before}`;
  return ok(`{"_type":"JObject",${text}}`);
}

function resetTask(robot: Controller, { body }: Call, task: number): Reply {
  parseFields(body);
  robot.tasks.reset(task);
  return DONE;
}

function releaseWait(_robot: Controller, { body }: Call): Reply {
  // No simulated program ever waits for a signal, so there is nothing to release; the controller says yes to that too.
  parseFields(body);
  return DONE;
}

function readRelays(robot: Controller, { query }: Call, kind: RelayKind): Reply {
  const start = queryInteger(query, 'st', 0, RELAY_WORDS - 1, 0);
  const count = queryInteger(query, 'len', 1, Math.min(MAX_RELAY_READ, RELAY_WORDS - start), 1);
  return ok(robot.relays.read(kind, start, count));
}

function readClock(robot: Controller): Reply {
  return ok(JSON.stringify({ _type: 'JObject', ...robot.date() }));
}

function setClock(robot: Controller, { body }: Call): Reply {
  const fields = parseFields(body);
  const known = robot.setDate({
    year: integerField(fields, 'year', FIRST_YEAR, LAST_YEAR),
    mon: integerField(fields, 'mon', 1, 12),
    day: integerField(fields, 'day', 1, 31),
    hour: integerField(fields, 'hour', 0, 23),
    min: integerField(fields, 'min', 0, 59),
    sec: integerField(fields, 'sec', 0, 59),
  });
  if (!known) throw badBody('"day" is past the end of that month');
  return DONE;
}

function fileExists(robot: Controller, { query }: Call): Reply {
  const path = queryValue(query, 'pathname');
  const names = path === undefined ? undefined : pathNames(path);
  if (names === undefined) throw badQuery('query parameter "pathname" must be a path such as project/jobs/0001.job');
  return ok(String(robot.files.exists(names)));
}

function makeFolder(robot: Controller, { body }: Call): Reply {
  const names = pathNames(stringField(parseFields(body), 'path'));
  if (names === undefined) throw badBody('"path" must be a path such as project/jobs/special');
  const outcome = robot.files.makeFolder(names);
  if (outcome === 'exists') return refused(500, ERR_CODE.nameExists, 'there is a file or folder of that name already');
  if (outcome === 'not-a-folder') return refused(500, ERR_CODE.notAFolder, 'a part of the path is a file');
  return outcome === 'full' ? refused(500, ERR_CODE.treeFull, 'the file tree is full: delete something first') : DONE;
}

function removeFile(robot: Controller, { rest }: Call): Reply {
  const names = pathNames(rest);
  if (names === undefined)
    throw new Refusal(400, ERR_CODE.badRequest, 'name a file or folder below /file_manager/files/');
  robot.files.remove(names);
  return DONE;
}
