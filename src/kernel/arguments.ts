/*
 * Argument blobs: a program's name, arguments and environment on their way into a new address space.
 *
 * A blob is one head frame with counts and a list of frames that hold the strings back to back, each with its NUL: first the file name
 * (AT_EXECFN), then the arguments, then the environment. It is filled by the host or from user memory, before the old space goes away,
 * and freed after the new one is built. Together strings and the pointers to them are limited to MAX_ARGUMENT_BYTES (128 KiB): more is
 * −E2BIG.
 *
 * Guard: a blob belongs to the thread that makes it; no lock.
 */

import { struct, u32, u32Array } from '../core/layout.ts';
import { PAGE_SHIFT, PAGE_SIZE, type Ram } from '../core/ram.ts';
import { E } from './errno.ts';
import type { Frames } from './frames.ts';
import type { UserCopy } from './user-copy.ts';

/** Strings with their NULs, and 8 bytes for each pointer to one. */
export const MAX_ARGUMENT_BYTES = 128 * 1024;
const STRING_FRAMES = MAX_ARGUMENT_BYTES / PAGE_SIZE;

export const ArgumentBlob = struct('ArgumentBlob', {
  argc: u32('owner'),
  envc: u32('owner'),
  /** Bytes of all strings. */
  length: u32('owner'),
  /** Bytes of the file name, NUL included: the arguments start behind it. */
  nameBytes: u32('owner'),
  frames: u32Array('owner', STRING_FRAMES),
});

export class Arguments {
  constructor(
    private readonly ram: Ram,
    private readonly frames: Frames,
    private readonly copy: UserCopy,
  ) {}

  /** An empty blob: next add the name, then arguments, then environment. Its address, or 0 when memory is used up. */
  begin(): number {
    return this.frames.alloc();
  }

  /** Returns all frames of a blob. */
  free(blob: number): void {
    for (let i = 0; i < STRING_FRAMES; i++) {
      const frame = ArgumentBlob.frames.at(this.ram, blob, i);
      if (frame !== 0) this.frames.release(frame);
    }
    this.frames.release(blob);
  }

  /** A blob made from the host's strings: its address, −ENOMEM or −E2BIG. */
  fromHost(name: string, argv: readonly string[], envp: readonly string[]): number {
    const blob = this.begin();
    if (blob === 0) return -E.NOMEM;
    let error = this.addText(blob, name);
    if (error === 0) ArgumentBlob.nameBytes.set(this.ram, blob, ArgumentBlob.length.get(this.ram, blob));
    for (let i = 0; i < argv.length && error === 0; i++) error = this.addArgument(blob, argv[i]!);
    for (let i = 0; i < envp.length && error === 0; i++) error = this.addVariable(blob, envp[i]!);
    if (error === 0) return blob;
    this.free(blob);
    return error;
  }

  /** Sets the file name from `length` bytes of kernel memory (no NUL among them): 0, −ENOMEM or −E2BIG. */
  setName(blob: number, kernelAddress: number, length: number): number {
    for (let i = 0; i <= length; i++) {
      const error = this.addByte(blob, i < length ? this.ram.u8[kernelAddress + i]! : 0);
      if (error < 0) return error;
    }
    ArgumentBlob.nameBytes.set(this.ram, blob, ArgumentBlob.length.get(this.ram, blob));
    return 0;
  }

  /**
   * Copies argv and envp, NULL-terminated arrays of strings in user memory, into a blob that has its name. A NULL array is an empty one,
   * and a program without arguments gets the empty string as argv[0] (as Linux since 5.18).
   *
   * @returns 0, −EFAULT, −ENOMEM or −E2BIG; the blob is to be freed in any case
   */
  fromUser(blob: number, space: number, argv: number, envp: number): number {
    const argc = this.addVector(blob, space, argv);
    if (argc < 0) return argc;
    ArgumentBlob.argc.set(this.ram, blob, argc);
    if (argc === 0) {
      const error = this.addArgument(blob, '');
      if (error < 0) return error;
    }
    const envc = this.addVector(blob, space, envp);
    if (envc < 0) return envc;
    ArgumentBlob.envc.set(this.ram, blob, envc);
    return this.checkSize(blob);
  }

  /** Physical address of byte `offset` of the strings; contiguous up to the next multiple of PAGE_SIZE. */
  stringAddress(blob: number, offset: number): number {
    return ArgumentBlob.frames.at(this.ram, blob, offset >>> PAGE_SHIFT) + (offset & (PAGE_SIZE - 1));
  }

  private addArgument(blob: number, text: string): number {
    ArgumentBlob.argc.set(this.ram, blob, ArgumentBlob.argc.get(this.ram, blob) + 1);
    return this.addText(blob, text);
  }

  private addVariable(blob: number, text: string): number {
    ArgumentBlob.envc.set(this.ram, blob, ArgumentBlob.envc.get(this.ram, blob) + 1);
    return this.addText(blob, text);
  }

  private addText(blob: number, text: string): number {
    for (const byte of new TextEncoder().encode(text)) {
      // A NUL would end the string early and shift all that follow.
      if (byte === 0) break;
      const error = this.addByte(blob, byte);
      if (error < 0) return error;
    }
    const error = this.addByte(blob, 0);
    return error < 0 ? error : this.checkSize(blob);
  }

  /** Copies the strings of one user array; returns how many they are. */
  private addVector(blob: number, space: number, vector: number): number {
    if (vector === 0) return 0;
    for (let count = 0; ; count++) {
      if (count * 8 >= MAX_ARGUMENT_BYTES) return -E['2BIG'];
      let error = this.copy.readU64(space, vector + 8 * count);
      if (error < 0) return error;
      if (this.copy.lo === 0 && this.copy.hi === 0) return count;
      error = this.addUserString(blob, space, this.copy.value);
      if (error < 0) return error;
    }
  }

  private addUserString(blob: number, space: number, va: number): number {
    let at = va;
    for (;;) {
      const length = ArgumentBlob.length.get(this.ram, blob);
      const error = this.ensureFrame(blob, length);
      if (error < 0) return error;
      const room = PAGE_SIZE - (length & (PAGE_SIZE - 1));
      const copied = this.copy.copyString(space, at, this.stringAddress(blob, length), room);
      if (copied >= 0) {
        ArgumentBlob.length.set(this.ram, blob, length + copied + 1);
        return 0;
      }
      if (copied !== -E.NAMETOOLONG) return copied;
      ArgumentBlob.length.set(this.ram, blob, length + room);
      at += room;
    }
  }

  private addByte(blob: number, byte: number): number {
    const length = ArgumentBlob.length.get(this.ram, blob);
    const error = this.ensureFrame(blob, length);
    if (error < 0) return error;
    this.ram.u8[this.stringAddress(blob, length)] = byte;
    ArgumentBlob.length.set(this.ram, blob, length + 1);
    return 0;
  }

  private ensureFrame(blob: number, offset: number): number {
    const index = offset >>> PAGE_SHIFT;
    if (index >= STRING_FRAMES) return -E['2BIG'];
    if (ArgumentBlob.frames.at(this.ram, blob, index) !== 0) return 0;
    const frame = this.frames.allocRaw();
    if (frame === 0) return -E.NOMEM;
    ArgumentBlob.frames.put(this.ram, blob, index, frame);
    return 0;
  }

  private checkSize(blob: number): number {
    const { ram } = this;
    const pointers = ArgumentBlob.argc.get(ram, blob) + ArgumentBlob.envc.get(ram, blob);
    return ArgumentBlob.length.get(ram, blob) + 8 * pointers > MAX_ARGUMENT_BYTES ? -E['2BIG'] : 0;
  }
}
