/*
 * Program loading: fills an empty address space with an executable image, its heap and its initial stack.
 *
 * The space that is loaded belongs to nobody else yet: execve builds it beside the old one and lets go of that only when loading has
 * succeeded. When loading fails the caller releases the space, and with it everything that was mapped.
 *
 * The stack at entry, as the Linux ABI has it (from sp, 16-byte aligned, upwards):
 *
 *   argc | argv[0..argc-1] NULL | envp[..] NULL | auxiliary vector … AT_NULL | random bytes, platform | strings (argv, envp, name)
 */

import { parseElf, PF_R, PF_W, PF_X, PROGRAM_HEADER_BYTES, type ElfProgram, type ElfSegment } from '../core/elf.ts';
import { alignUp } from '../core/layout.ts';
import { PAGE_SIZE, type Ram } from '../core/ram.ts';
import { ArgumentBlob, type Arguments } from './arguments.ts';
import { AreaFlag } from './areas.ts';
import { E } from './errno.ts';
import type { Frames } from './frames.ts';
import type { Contents } from './contents.ts';
import type { Mappings } from './mappings.ts';
import { MIN_ADDRESS, MMAP_TOP, PIE_BASE, Prot, STACK_BOTTOM, STACK_TOP, TRAMPOLINE } from './mman.ts';
import { trampolineImage } from './signal-trampoline.ts';
import type { UserCopy } from './user-copy.ts';

/** Where random bytes come from. */
export interface RandomSource {
  /** Fills kernel memory. */
  fill(address: number, length: number): void;
}

const At = {
  Null: 0,
  Phdr: 3,
  Phent: 4,
  Phnum: 5,
  PageSize: 6,
  Base: 7,
  Flags: 8,
  Entry: 9,
  Uid: 11,
  Euid: 12,
  Gid: 13,
  Egid: 14,
  Platform: 15,
  Hwcap: 16,
  ClockTicks: 17,
  Secure: 23,
  Random: 25,
  ExecFn: 31,
} as const;

/** A bit for each letter of I, M, A, F, D, C. */
const HWCAP = ['I', 'M', 'A', 'F', 'D', 'C'].reduce((bits, letter) => bits | (1 << (letter.charCodeAt(0) - 65)), 0);
const CLOCK_TICKS = 100;
const PLATFORM = 'riscv64\0';
const RANDOM_BYTES = 16;
/** Words of the auxiliary vector are written one by one; pairs in it. */
const AUX_PAIRS = 18;

/** Who runs a program: real and effective user and group. */
export interface Users {
  readonly uid: number;
  readonly euid: number;
  readonly gid: number;
  readonly egid: number;
}

export const ROOT: Users = { uid: 0, euid: 0, gid: 0, egid: 0 };

export class ProgramLoader {
  /** Where the program just loaded starts, and its stack pointer. */
  entry = 0;
  stackPointer = 0;
  /** For whom the next program is loaded. */
  users: Users = ROOT;
  /** Why the last `load` failed with −ENOEXEC, to follow the file's name. */
  refusal = '';

  constructor(
    private readonly ram: Ram,
    private readonly frames: Frames,
    private readonly mappings: Mappings,
    private readonly copy: UserCopy,
    private readonly contents: Contents,
    private readonly args: Arguments,
    /** Where the image of the code by which signal handlers return is to be found. */
    private readonly trampoline: number,
  ) {}

  /**
   * Loads a program into an empty space, and sets `entry` and `stackPointer`.
   *
   * @param blob arguments and environment (see Arguments); stays the caller's
   * @returns 0; −ENOEXEC (see `refusal`), −ENOMEM, or −E2BIG
   */
  load(space: number, image: number, blob: number, random: RandomSource): number {
    this.refusal = '';
    const { contents } = this;
    const outcome = parseElf({ size: contents.size(image), read: (offset, length) => contents.read(image, offset, length) });
    if (!outcome.ok) return this.refuse(outcome.refusal);
    const { program } = outcome;
    const size = program.high - program.low;
    const bias = program.positionIndependent
      ? alignUp(PIE_BASE, program.align) - Math.floor(program.low / program.align) * program.align
      : 0;
    if (bias + program.low < MIN_ADDRESS) return this.refuse('has a segment at address 0');
    if (size > MMAP_TOP || bias + program.high > MMAP_TOP) return this.refuse('has a segment where the stack belongs');

    // Pages of the data are placed with regard to the heap behind them.
    this.mappings.startHeap(space, bias + program.high);
    for (const segment of program.segments) {
      const error = this.loadSegment(space, image, segment, bias);
      if (error < 0) return error;
    }
    const prot = Prot.Read | Prot.Write | (program.executableStack ? Prot.Execute : 0);
    let error = this.mappings.mapAnonymous(space, STACK_BOTTOM, STACK_TOP, prot, AreaFlag.GrowsDown);
    if (error === 0) error = this.mapTrampoline(space);
    if (error < 0) return error;
    this.entry = program.entry + bias;
    return this.buildStack(space, program, bias, blob, random);
  }

  private mapTrampoline(space: number): number {
    const image = trampolineImage(this.ram, this.trampoline);
    return this.mappings.mapImage(space, TRAMPOLINE, TRAMPOLINE + PAGE_SIZE, Prot.Read | Prot.Execute, image, 0);
  }

  private loadSegment(space: number, image: number, segment: ElfSegment, bias: number): number {
    const { mappings } = this;
    const address = segment.address + bias;
    const start = Math.floor(address / PAGE_SIZE) * PAGE_SIZE;
    const fileEnd = address + segment.fileBytes;
    const filePages = segment.fileBytes === 0 ? start : alignUp(fileEnd, PAGE_SIZE);
    const end = alignUp(address + segment.memoryBytes, PAGE_SIZE);
    const prot =
      ((segment.flags & PF_R) !== 0 ? Prot.Read : 0) |
      ((segment.flags & PF_W) !== 0 ? Prot.Write : 0) |
      ((segment.flags & PF_X) !== 0 ? Prot.Execute : 0);
    // Between the end of the file's bytes and that of their last page the file goes on: bss must read as zero there.
    const tail = segment.memoryBytes > segment.fileBytes ? filePages - fileEnd : 0;
    if (filePages > start) {
      const writable = tail > 0 ? prot | Prot.Write : prot;
      const page = Math.floor(segment.offset / PAGE_SIZE);
      let error = mappings.mapImage(space, start, filePages, writable, image, page);
      if (error === 0 && tail > 0) error = this.copy.clear(space, fileEnd, tail);
      if (error === 0 && writable !== prot) error = mappings.protect(space, start, filePages - start, prot);
      if (error < 0) return error;
    }
    return end > filePages ? mappings.mapAnonymous(space, filePages, end, prot, 0) : 0;
  }

  private buildStack(space: number, program: ElfProgram, bias: number, blob: number, random: RandomSource): number {
    const { ram, copy } = this;
    const argc = ArgumentBlob.argc.get(ram, blob);
    const envc = ArgumentBlob.envc.get(ram, blob);
    const length = ArgumentBlob.length.get(ram, blob);
    const nameBytes = ArgumentBlob.nameBytes.get(ram, blob);

    // The last 8 bytes of the stack stay zero, as on Linux.
    const strings = STACK_TOP - 8 - alignUp(length, 8);
    const platform = strings - PLATFORM.length;
    const randomAt = platform - RANDOM_BYTES;
    const words = 1 + argc + 1 + envc + 1 + 2 * AUX_PAIRS;
    const sp = Math.floor((randomAt - 8 * words) / 16) * 16;

    const scratch = this.frames.alloc();
    if (scratch === 0) return -E.NOMEM;
    random.fill(scratch, RANDOM_BYTES);
    for (let i = 0; i < PLATFORM.length; i++) ram.u8[scratch + RANDOM_BYTES + i] = PLATFORM.charCodeAt(i);
    let error = copy.copyOut(space, randomAt, scratch, RANDOM_BYTES + PLATFORM.length);
    this.frames.release(scratch);
    for (let done = 0; done < length && error === 0; done += PAGE_SIZE)
      error = copy.copyOut(space, strings + done, this.args.stringAddress(blob, done), Math.min(PAGE_SIZE, length - done));

    let at = sp;
    if (error === 0) error = copy.writeU64(space, at, argc);
    at += 8;
    let offset = nameBytes;
    let argEnd = strings + offset;
    for (let i = 0; i < argc + envc && error === 0; i++) {
      // The NULL between arguments and environment: the page is zero already.
      if (i === argc) at += 8;
      error = copy.writeU64(space, at, strings + offset);
      at += 8;
      offset = this.behindString(blob, offset);
      if (i < argc) argEnd = strings + offset;
    }
    this.mappings.noteArguments(space, strings + nameBytes, argEnd, strings + length);
    at = sp + 8 * (1 + argc + 1 + envc + 1);
    const aux = [
      [At.Phdr, program.headers === 0 ? 0 : program.headers + bias],
      [At.Phent, PROGRAM_HEADER_BYTES],
      [At.Phnum, program.headerCount],
      [At.PageSize, PAGE_SIZE],
      [At.Base, 0],
      [At.Flags, 0],
      [At.Entry, this.entry],
      [At.Uid, this.users.uid],
      [At.Euid, this.users.euid],
      [At.Gid, this.users.gid],
      [At.Egid, this.users.egid],
      [At.Platform, platform],
      [At.Hwcap, HWCAP],
      [At.ClockTicks, CLOCK_TICKS],
      [At.Secure, this.users.uid === this.users.euid && this.users.gid === this.users.egid ? 0 : 1],
      [At.Random, randomAt],
      [At.ExecFn, strings],
      [At.Null, 0],
    ] as const;
    for (const [tag, value] of aux) {
      if (error === 0) error = copy.writeU64(space, at, tag);
      if (error === 0) error = copy.writeU64(space, at + 8, value);
      at += 16;
    }
    this.stackPointer = sp;
    return error;
  }

  /** Offset of the string behind the one at `offset`. */
  private behindString(blob: number, offset: number): number {
    let at = offset;
    while (this.ram.u8[this.args.stringAddress(blob, at)] !== 0) at++;
    return at + 1;
  }

  private refuse(reason: string): number {
    this.refusal = reason;
    return -E.NOEXEC;
  }
}
