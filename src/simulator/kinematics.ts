// Where the tool is, from the joint angles: the forward kinematics of a six-axis arm of ordinary proportions.

/** Link lengths, mm: at the rest pose the tool hangs at x 1782, z 1775, pointing down. */
const BASE_HEIGHT = 780;
const SHOULDER_OFFSET = 350;
const UPPER_ARM = 1150;
const ELBOW_OFFSET = 80;
const FOREARM = 1432;
const WRIST = 235;

const RAD = Math.PI / 180;

/** Position in mm; orientation in degrees about the fixed axes x, then y, then z. */
interface ToolPose {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly rx: number;
  readonly ry: number;
  readonly rz: number;
}

/** Three axes of a frame, one after the other, as columns. */
type Rotation = readonly [number, number, number, number, number, number, number, number, number];

/** The tool pose in the base frame for six joint angles in degrees. */
export function toolPose(joints: ArrayLike<number>): ToolPose {
  const angle = (joint: number) => (joints[joint] ?? 0) * RAD;
  const [turn, shoulder] = [angle(0), angle(1)];
  // The forearm's pitch counts from the upper arm standing upright, so that the rest pose holds it level.
  const forearm = shoulder - Math.PI / 2 + angle(2);
  const column = turned(turn);
  const arm = multiply(column, pitched(forearm));
  const hand = multiply(multiply(arm, rolled(angle(3))), multiply(pitched(angle(4)), rolled(angle(5))));

  const reach = SHOULDER_OFFSET + UPPER_ARM * Math.cos(shoulder);
  const x = column[0] * reach + arm[0] * FOREARM + arm[6] * ELBOW_OFFSET + hand[0] * WRIST;
  const y = column[1] * reach + arm[1] * FOREARM + arm[7] * ELBOW_OFFSET + hand[1] * WRIST;
  const lift = BASE_HEIGHT + UPPER_ARM * Math.sin(shoulder);
  const z = lift + arm[2] * FOREARM + arm[8] * ELBOW_OFFSET + hand[2] * WRIST;
  return { x, y, z, ...orientation(hand) };
}

/** Fixed-axis angles of the tool frame, whose z axis leaves the flange (the hand's x axis). */
function orientation(hand: Rotation): { rx: number; ry: number; rz: number } {
  const tool: Rotation = [-hand[6], -hand[7], -hand[8], hand[3], hand[4], hand[5], hand[0], hand[1], hand[2]];
  const level = Math.hypot(tool[0], tool[1]);
  const ry = Math.atan2(-tool[2], level);
  // With the x axis upright only the sum of rx and rz is defined; all of it is given to rz.
  const upright = level < 1e-9;
  const rx = upright ? 0 : Math.atan2(tool[5], tool[8]);
  const rz = upright ? Math.atan2(-tool[3], tool[4]) : Math.atan2(tool[1], tool[0]);
  return { rx: degrees(rx), ry: degrees(ry), rz: degrees(rz) };
}

/** Degrees in (-180, 180], so that rounding noise does not make -180 of 180. */
function degrees(radians: number): number {
  const value = radians / RAD;
  return value < -180 + 1e-7 ? value + 360 : value;
}

function turned(a: number): Rotation {
  const [c, s] = [Math.cos(a), Math.sin(a)];
  return [c, s, 0, -s, c, 0, 0, 0, 1];
}

function rolled(a: number): Rotation {
  const [c, s] = [Math.cos(a), Math.sin(a)];
  return [1, 0, 0, 0, c, s, 0, -s, c];
}

/** Positive angles lift the x axis. */
function pitched(a: number): Rotation {
  const [c, s] = [Math.cos(a), Math.sin(a)];
  return [c, 0, s, 0, 1, 0, -s, 0, c];
}

function multiply(a: Rotation, b: Rotation): Rotation {
  const cell = (row: number, column: number) =>
    a[row]! * b[column * 3]! + a[row + 3]! * b[column * 3 + 1]! + a[row + 6]! * b[column * 3 + 2]!;
  return [cell(0, 0), cell(1, 0), cell(2, 0), cell(0, 1), cell(1, 1), cell(2, 1), cell(0, 2), cell(1, 2), cell(2, 2)];
}
