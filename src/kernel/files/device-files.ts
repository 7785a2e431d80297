/*
 * The devices that are only software: null, zero, full, random, urandom (mem(4), null(4), random(4)). `OpenFile.object` is the minor number.
 */

import type { Ram } from '../../core/ram.ts';
import type { Random } from '../../devices/random.ts';
import { E } from '../errno.ts';
import { STRUCT_SCRATCH } from '../scratch.ts';
import { FileKind, type FileOps, PollEvent } from './file-ops.ts';
import type { Inodes } from './inodes.ts';
import { OpenFile, type OpenFiles } from './open-files.ts';
import { deviceNumber } from './stat.ts';
import type { Transfer } from './transfer.ts';

const MEMORY_DEVICES = 1;

/** Minor numbers. */
const Minor = { Null: 3, Zero: 5, Full: 7, Random: 8, Urandom: 9 } as const;

/** What device files stand for. */
export const Device = {
  Null: deviceNumber(MEMORY_DEVICES, Minor.Null),
  Zero: deviceNumber(MEMORY_DEVICES, Minor.Zero),
  Full: deviceNumber(MEMORY_DEVICES, Minor.Full),
  Random: deviceNumber(MEMORY_DEVICES, Minor.Random),
  Urandom: deviceNumber(MEMORY_DEVICES, Minor.Urandom),
  Terminal: deviceNumber(5, 0),
  Console: deviceNumber(5, 1),
} as const;

/** Random bytes made at a time. */
const PIECE = 2048;

export class DeviceFiles implements FileOps {
  constructor(
    private readonly ram: Ram,
    private readonly random: Random,
    private readonly files: OpenFiles,
    private readonly inodes: Inodes,
    private readonly scratch: number,
  ) {
    files.register(FileKind.device, this);
  }

  /** Opens the device that a number stands for; takes over the reference to the inode. -ENXIO: there is none; -ENFILE. */
  open(device: number, flags: number, inode: number): number {
    const minor = Object.values(Minor).find((one) => deviceNumber(MEMORY_DEVICES, one) === device);
    if (minor === undefined) return -E.NXIO;
    return this.files.create(FileKind.device, flags, minor, inode) || -E.NFILE;
  }

  /** Whether a file is /dev/zero, which can be mapped. */
  isZero(file: number): boolean {
    return OpenFile.object.get(this.ram, file) === Minor.Zero;
  }

  read(_thread: number, file: number, to: Transfer): number {
    const minor = OpenFile.object.get(this.ram, file);
    if (minor === Minor.Null) return 0;
    let error = 0;
    if (minor !== Minor.Random && minor !== Minor.Urandom) error = to.outZeroes(to.left);
    const scratch = this.scratch + STRUCT_SCRATCH;
    while (to.left > 0 && error === 0) {
      const part = Math.min(to.left, PIECE);
      this.random.fill(scratch, part);
      error = to.out(scratch, part);
    }
    return to.done > 0 ? to.done : error;
  }

  /** What is written is gone; it need not even be there, but for the random devices, which look at it. */
  write(_thread: number, file: number, from: Transfer): number {
    const minor = OpenFile.object.get(this.ram, file);
    if (minor === Minor.Full) return -E.NOSPC;
    if (minor === Minor.Null || minor === Minor.Zero) return from.total;
    let error = 0;
    while (from.left > 0 && error === 0) error = from.in(this.scratch + STRUCT_SCRATCH, Math.min(from.left, PIECE));
    return from.done > 0 ? from.done : error;
  }

  /** They have no position; null and zero say 0 to everything. */
  seek(): number {
    return 0;
  }

  poll(): number {
    return PollEvent.In | PollEvent.Out | PollEvent.ReadNormal | PollEvent.WriteNormal;
  }

  stat(file: number, at: number): number {
    return this.inodes.stat(OpenFile.inode.get(this.ram, file), at);
  }

  release(file: number): void {
    this.inodes.release(OpenFile.inode.get(this.ram, file));
  }
}
