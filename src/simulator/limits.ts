// Every bound of the simulated controller in one place, so that nothing in it can grow without a reason written down.

/** Where `npm run simulator` listens when nothing else is asked for; real controllers serve on the same port. */
export const DEFAULT_PORT = 8888;
export const DEFAULT_HOST = '127.0.0.1';

/** Largest request body that is read, bytes. A trajectory point needs about 150. */
export const MAX_BODY_BYTES = 64 * 1024;
/** How much of a body that is too large is read and thrown away, bytes, so that its sender can still read the 413. */
export const MAX_DISCARD_BYTES = 8 * 1024 * 1024;
/** Open connections; more are turned away by the listener. */
export const MAX_CONNECTIONS = 4096;
/** Idle keep-alive connections live this long, ms: longer than any client's pool keeps them, so that clients close first. */
export const KEEP_ALIVE_MS = 120_000;
/** Time to send a request's head, and a whole request, ms: ends a peer that drips. */
export const HEADERS_TIMEOUT_MS = 60_000;
export const REQUEST_TIMEOUT_MS = 60_000;

/** Axes of the robot. */
export const JOINTS = 6;
/** Places in the trajectory buffer. */
export const TRAJECTORY_POINTS = 2048;
/** Joint range, degrees to either side; a point outside cannot be executed. */
export const MAX_JOINT_DEG = 360;
/** Shortest and longest time one point may take, seconds: keeps every velocity a finite number. */
export const MIN_INTERVAL_S = 1e-6;
export const MAX_INTERVAL_S = 3600;
/** Latest moment of a trajectory that `time_from_start` may name, seconds. */
export const MAX_TIME_FROM_START_S = 86_400;
/** Longest look-ahead, seconds. */
export const MAX_LOOK_AHEAD_S = 60;

/** How long the motors are busy while they change state, ms. */
export const MOTOR_TRANSITION_MS = 300;

/** I/O blocks (`blk_no` 0-9) and the bytes of each (960 signals). */
export const IO_BLOCKS = 10;
export const IO_BLOCK_BYTES = 120;

/** 32-bit relays of each kind, and how many of them one request may read. */
export const RELAY_WORDS = 4096;
export const MAX_RELAY_READ = 1024;

/** Program tasks: `tasks[0]` to `tasks[7]`. */
export const TASKS = 8;
/** Largest program, step or function number. */
export const MAX_PROGRAM_NO = 9999;

/** File tree: entries over all, length of a path in UTF-16 units, nesting. */
export const MAX_FILES = 1000;
export const MAX_PATH_LENGTH = 1024;
export const MAX_PATH_DEPTH = 32;
