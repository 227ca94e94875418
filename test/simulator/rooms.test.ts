// The smaller parts of the controller on their own: kinematics, the I/O image, paths of the file tree.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pathNames } from '../../src/simulator/file-tree.ts';
import { IoImage, type IoWidth, lastSignal, valueRange } from '../../src/simulator/io-image.ts';
import { toolPose } from '../../src/simulator/kinematics.ts';

describe('forward kinematics', () => {
  it('hangs the tool at x 1782, pointing down, at the rest pose', () => {
    const { x, y, z, rx, ry } = toolPose([0, 90, 0, 0, -90, 0]);
    expect([x, y, z].map((value) => Math.round(value * 1e6) / 1e6)).toEqual([1782, 0, 1775]);
    expect(rx).toBeCloseTo(180, 9);
    expect(ry).toBeCloseTo(0, 9);
  });

  it('turns the tool around the base with the first joint', () => {
    const turned = toolPose([90, 90, 0, 0, -90, 0]);
    expect(turned.x).toBeCloseTo(0, 6);
    expect(turned.y).toBeCloseTo(1782, 6);
    expect(turned.rz).toBeCloseTo(-90, 6);
  });

  it('stretches the arm forward when all joints are level', () => {
    const level = toolPose([0, 0, 90, 0, 0, 0]);
    expect(level.x).toBeCloseTo(350 + 1150 + 1432 + 235, 6);
    expect(level.z).toBeCloseTo(780 + 80, 6);
    expect(level.ry).toBeCloseTo(90, 6);
  });

  it('turns the tool about its own axis with the last joint, without moving it', () => {
    const before = toolPose([10, 80, 5, 20, -60, 0]);
    const after = toolPose([10, 80, 5, 20, -60, 45]);
    for (const axis of ['x', 'y', 'z'] as const) expect(after[axis]).toBeCloseTo(before[axis], 6);
    expect(Math.abs(after.rz - before.rz)).toBeGreaterThan(1);
  });

  it('stays within its reach, moves little for little, and has angles in (-180, 180]', () => {
    const joints = fc.array(fc.double({ min: -360, max: 360, noNaN: true }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(joints, (angles) => {
        const pose = toolPose(angles);
        expect(Math.hypot(pose.x, pose.y, pose.z - 780)).toBeLessThan(350 + 1150 + 1432 + 80 + 235);
        const near = toolPose(angles.map((angle) => angle + 1e-4));
        expect(Math.hypot(near.x - pose.x, near.y - pose.y, near.z - pose.z)).toBeLessThan(0.04);
        for (const angle of [pose.rx, pose.ry, pose.rz]) expect(Math.abs(angle)).toBeLessThanOrEqual(180.000001);
      }),
      { interruptAfterTimeLimit: 1500 },
    );
  });
});

describe('the I/O image', () => {
  it('is little-endian memory under every width', () => {
    const io = new IoImage();
    io.write('l', 4, 1, 0x7f8081ff);
    expect([4, 5, 6, 7].map((byte) => io.read('b', 4, byte))).toEqual([-1, -127, -128, 127]);
    expect([io.read('w', 4, 2), io.read('w', 4, 3)]).toEqual([-32257, 32640]);
    expect(io.read('bit', 4, 40)).toBe(1);
    io.write('bit', 4, 40, 0);
    expect(io.read('b', 4, 5)).toBe(-128);
    io.write('f', 4, 0, -1.5);
    expect(io.read('f', 4, 0)).toBe(-1.5);
  });

  it('takes unsigned spellings and reads them signed', () => {
    const io = new IoImage();
    io.write('b', 0, 0, 200);
    io.write('w', 0, 1, 65_535);
    io.write('l', 0, 1, 4_294_967_295);
    expect([io.read('b', 0, 0), io.read('w', 0, 1), io.read('l', 0, 1)]).toEqual([-56, -1, -1]);
  });

  it('keeps blocks apart and reads back what was written anywhere in range', () => {
    const widths = fc.constantFrom<IoWidth>('bit', 'b', 'w', 'l');
    fc.assert(
      fc.property(
        widths,
        fc.nat(9),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(),
        (width, block, where, seed) => {
          const io = new IoImage();
          const signal = Math.floor(where * lastSignal(width));
          const [min, max] = valueRange(width);
          const value = min + (seed % (width === 'bit' ? 2 : (max - min + 1) / 2));
          const before = Array.from({ length: 10 }, (_, other) => io.read('l', other, signal % 30));
          io.write(width, block, signal, value);
          expect(io.read(width, block, signal)).toBe(
            value > (max - 1) / 2 && width !== 'bit' ? value - (max - min) : value,
          );
          for (let other = 0; other < 10; other++) {
            if (other !== block) expect(io.read('l', other, signal % 30)).toBe(before[other]);
          }
        },
      ),
      { interruptAfterTimeLimit: 1500 },
    );
  });
});

describe('paths', () => {
  it('are names between slashes, with climbing and control characters refused', () => {
    expect(pathNames('/project//jobs/')).toEqual(['project', 'jobs']);
    for (const path of ['', '/', '..', 'a/./b', 'a\\b', 'a\nb', 'a\u0000']) expect(pathNames(path)).toBeUndefined();
  });
});
