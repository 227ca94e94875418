// The torque each motor would hold: weight of the arm in its pose plus friction. Plausible figures, not a dynamic model.
import { JOINTS } from './limits.ts';

const RAD = Math.PI / 180;
/** Torque of the level link under gravity, Nm. */
const UPPER_ARM_NM = 1650;
const FOREARM_NM = 920;
const WRIST_NM = 46;
/** Friction, Nm per degree/s, joint by joint. */
const FRICTION = [1.9, 2.1, 1.6, 0.45, 0.4, 0.22] as const;

/** Writes the effort of all joints, Nm, into `out`; angles in degrees, velocities in degrees/s. */
export function effort(position: ArrayLike<number>, velocity: ArrayLike<number>, out: Float64Array): void {
  // Friction opposes the motion, so a joint at rest reads -0.0 like the real thing.
  for (let joint = 0; joint < JOINTS; joint++) out[joint] = -(FRICTION[joint]! * velocity[joint]!);
  const shoulder = position[1]!;
  const forearm = shoulder - 90 + position[2]!;
  const forearmWeight = FOREARM_NM * Math.cos(forearm * RAD);
  out[1]! += UPPER_ARM_NM * Math.cos(shoulder * RAD) + forearmWeight;
  out[2]! += forearmWeight;
  out[4]! += WRIST_NM * Math.cos(position[3]! * RAD) * Math.cos((forearm + position[4]!) * RAD);
}
