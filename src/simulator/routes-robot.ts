// The part of the API about the robot itself: joints, pose, motors, playback and the streamed trajectory.

import { type Fields, numberField, parseFields } from './body.ts';
import type { Controller } from './controller.ts';
import { decimal, decimalArray, rounded } from './decimals.ts';
import { toolPose } from './kinematics.ts';
import {
  JOINTS,
  MAX_INTERVAL_S,
  MAX_JOINT_DEG,
  MAX_LOOK_AHEAD_S,
  MAX_TIME_FROM_START_S,
  MIN_INTERVAL_S,
} from './limits.ts';
import { queryInteger } from './query.ts';
import { badBody, ERR_CODE, type ErrCode } from './refusal.ts';
import { DONE, EMPTY, forbidden, ok, type Reply } from './reply.ts';
import type { Call, Route } from './route.ts';

const API_VERSION = '5';
/** `crd` of po_cur that asks for joint angles instead of a Cartesian pose. */
const CRD_JOINT = 2;

export const robotRoutes: readonly Route[] = [
  ['/api_ver', { GET: () => ok(API_VERSION) }],
  ['/project/robot/joints/joint_states', { GET: jointStates }],
  ['/project/robot/po_cur', { GET: currentPose }],
  ['/project/robot/motor_on_state', { GET: (robot) => ok(`{"_type":"JObject","val":${robot.motorState()}}`) }],
  ['/project/robot/motor_on', { POST: (robot, call) => switchMotors(robot, call, true) }],
  ['/project/robot/motor_off', { POST: (robot, call) => switchMotors(robot, call, false) }],
  ['/project/rgen', { GET: generalStatus }],
  ['/project/robot/start', { POST: start }],
  ['/project/robot/stop', { POST: stop }],
  ['/project/robot/trajectory/joint_traject_init', { POST: initTrajectory }],
  ['/project/robot/trajectory/joint_traject_insert_point', { POST: insertPoint }],
  ['/project/robot/trajectory/joint_traject_buf_avail', { GET: (robot) => ok(String(robot.freePlaces())) }],
];

function jointStates(robot: Controller, { query }: Call): Reply {
  const first = queryInteger(query, 'jno_start', 1, JOINTS, 1);
  const rest = JOINTS - first + 1;
  const count = queryInteger(query, 'jno_n', 1, rest, rest);
  robot.readJoints();
  const position = decimalArray(robot.motion.position, first - 1, count);
  const torque = decimalArray(robot.effort, first - 1, count);
  const velocity = decimalArray(robot.motion.velocity, first - 1, count);
  return ok(`{"_type":"JObject","position":${position},"effort":${torque},"velocity":${velocity}}`);
}

function currentPose(robot: Controller, { query }: Call): Reply {
  // One robot stands at the origin of its base, so every frame but the joints' is the base frame.
  const crd = queryInteger(query, 'crd', -1, 9, 0);
  queryInteger(query, 'mechinfo', -1, 255, 1);
  robot.readJoints();
  const { position } = robot.motion;
  const head = `{"_type":"Pose","crd":"${crd === CRD_JOINT ? 'joint' : 'base'}","mechinfo":1,"nsync":0`;
  let text = head;
  if (crd === CRD_JOINT) {
    for (let joint = 0; joint < JOINTS; joint++) text += `,"j${joint + 1}":${decimal(rounded(position[joint]!))}`;
  } else {
    for (const [name, value] of Object.entries(toolPose(position))) text += `,"${name}":${decimal(rounded(value))}`;
  }
  return ok(`${text}}`);
}

function switchMotors(robot: Controller, { body }: Call, on: boolean): Reply {
  parseFields(body);
  robot.switchMotors(on);
  return DONE;
}

function generalStatus(robot: Controller): Reply {
  const { program, step, func } = robot.tasks.counter(0);
  const status = {
    _type: 'JObject',
    cur_mode: 4,
    is_playback: robot.playback ? 1 : 0,
    is_remote_mode: 1,
    enable_state: robot.motorState() === 0 ? 1 : 0,
    cur_prog_no: program,
    cur_step_no: step,
    cur_func_no: func,
    mov_prog_no: program,
    mov_step_no: step,
    mov_func_no: func,
    spd_lev: 5,
    auto_spd: 100,
  };
  return ok(JSON.stringify(status));
}

function start(robot: Controller, { body }: Call): Reply {
  parseFields(body);
  return done(robot.start(), DONE);
}

function stop(robot: Controller, { body }: Call): Reply {
  parseFields(body);
  robot.stop();
  return DONE;
}

function initTrajectory(robot: Controller, { body }: Call): Reply {
  parseFields(body);
  robot.clearTrajectory();
  return DONE;
}

function insertPoint(robot: Controller, { body }: Call): Reply {
  const fields = parseFields(body);
  const interval = numberField(fields, 'interval', MIN_INTERVAL_S, MAX_INTERVAL_S);
  const timeFromStart = numberField(fields, 'time_from_start', -1, MAX_TIME_FROM_START_S);
  if (timeFromStart < 0 && timeFromStart !== -1) {
    throw badBody('"time_from_start" must be -1 (interval after the point before) or not negative');
  }
  const lookAhead = numberField(fields, 'look_ahead_time', 0, MAX_LOOK_AHEAD_S);
  const point = jointAngles(fields);
  if (!withinReach(point)) return forbidden(ERR_CODE.jointLimit);
  return done(robot.insertPoint({ interval, timeFromStart, lookAhead, point }), EMPTY);
}

function jointAngles(fields: Fields): readonly number[] {
  const point = fields['point'];
  if (Array.isArray(point) && point.length === JOINTS && point.every(Number.isFinite)) return point;
  throw badBody(`"point" must be an array of ${JOINTS} finite numbers (degrees)`);
}

function withinReach(point: readonly number[]): boolean {
  for (const angle of point) if (Math.abs(angle) > MAX_JOINT_DEG) return false;
  return true;
}

function done(obstacle: ErrCode | undefined, success: Reply): Reply {
  return obstacle === undefined ? success : forbidden(obstacle);
}
