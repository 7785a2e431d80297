/*
 * Argument blobs: a program's name, arguments and environment on their way into a new address space.
 *
 * A blob is one head frame with counts and a list of frames that hold the strings back to back, each with its NUL: first the file name
 * (AT_EXECFN), then the arguments, then the environment. It is filled by the host or from user memory, before the old space goes away,
 * and freed after the new one is built. As on Linux, strings and the pointers to them may be a quarter of the stack, and one string
 * MAX_STRING_BYTES: more is −E2BIG.
 *
 * Guard: a blob belongs to the thread that makes it; no lock.
 */

import { struct, u32, u32Array } from '../core/layout.ts';
import { PAGE_SHIFT, PAGE_SIZE, type Ram } from '../core/ram.ts';
import { E } from './errno.ts';
import type { Frames } from './frames.ts';
import { STACK_BYTES } from './mman.ts';
import type { UserCopy } from './user-copy.ts';

/** Strings with their NULs, and 8 bytes for each pointer to one. */
export const MAX_ARGUMENT_BYTES = STACK_BYTES / 4;
/** One string with its NUL (MAX_ARG_STRLEN). */
const MAX_STRING_BYTES = 32 * PAGE_SIZE;
const STRING_FRAMES = MAX_ARGUMENT_BYTES / PAGE_SIZE;

const encoder = new TextEncoder();
const NOTHING = new Uint8Array();

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
  fromHost(name: string, argv: readonly string[], envp: readonly string[], prefix: readonly Uint8Array[] = []): number {
    const blob = this.begin();
    if (blob === 0) return -E.NOMEM;
    let error = this.setName(blob, encoder.encode(name));
    for (let i = 0; i < prefix.length && error === 0; i++) error = this.addArgument(blob, prefix[i]!);
    for (let i = prefix.length === 0 ? 0 : 1; i < argv.length && error === 0; i++)
      error = this.addArgument(blob, encoder.encode(argv[i]));
    for (let i = 0; i < envp.length && error === 0; i++) error = this.addVariable(blob, encoder.encode(envp[i]));
    if (error === 0) return blob;
    this.free(blob);
    return error;
  }

  /** Sets the file name, before all else: 0, −ENOMEM or −E2BIG. */
  setName(blob: number, name: Uint8Array): number {
    const error = this.addText(blob, name);
    ArgumentBlob.nameBytes.set(this.ram, blob, ArgumentBlob.length.get(this.ram, blob));
    return error;
  }

  /**
   * Copies argv and envp, NULL-terminated arrays of strings in user memory, into a blob that has its name. A NULL array is an empty one,
   * and a program without arguments gets the empty string as argv[0] (as Linux since 5.18).
   *
   * @param prefix what stands in place of argv[0], if it is not empty
   * @returns 0, −EFAULT, −ENOMEM or −E2BIG; the blob is to be freed in any case
   */
  fromUser(blob: number, space: number, argv: number, envp: number, prefix: readonly Uint8Array[]): number {
    for (const text of prefix) {
      const error = this.addArgument(blob, text);
      if (error < 0) return error;
    }
    const argc = this.addVector(blob, space, argv, prefix.length === 0 ? 0 : 1);
    if (argc < 0) return argc;
    ArgumentBlob.argc.set(this.ram, blob, prefix.length + argc);
    if (prefix.length + argc === 0) {
      const error = this.addArgument(blob, NOTHING);
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

  private addArgument(blob: number, text: Uint8Array): number {
    ArgumentBlob.argc.set(this.ram, blob, ArgumentBlob.argc.get(this.ram, blob) + 1);
    return this.addText(blob, text);
  }

  private addVariable(blob: number, text: Uint8Array): number {
    ArgumentBlob.envc.set(this.ram, blob, ArgumentBlob.envc.get(this.ram, blob) + 1);
    return this.addText(blob, text);
  }

  private addText(blob: number, text: Uint8Array): number {
    if (text.length >= MAX_STRING_BYTES) return -E['2BIG'];
    for (const byte of text) {
      // A NUL would end the string early and shift all that follow.
      if (byte === 0) break;
      const error = this.addByte(blob, byte);
      if (error < 0) return error;
    }
    const error = this.addByte(blob, 0);
    return error < 0 ? error : this.checkSize(blob);
  }

  /** Copies the strings of one user array from the `first` on; returns how many they are. */
  private addVector(blob: number, space: number, vector: number, first = 0): number {
    if (vector === 0) return 0;
    for (let count = 0; ; count++) {
      if (count * 8 >= MAX_ARGUMENT_BYTES) return -E['2BIG'];
      let error = this.copy.readU64(space, vector + 8 * count);
      if (error < 0) return error;
      if (this.copy.lo === 0 && this.copy.hi === 0) return Math.max(0, count - first);
      if (count < first) continue;
      error = this.addUserString(blob, space, this.copy.value);
      if (error < 0) return error;
    }
  }

  private addUserString(blob: number, space: number, va: number): number {
    let at = va;
    for (;;) {
      if (at - va >= MAX_STRING_BYTES) return -E['2BIG'];
      const length = ArgumentBlob.length.get(this.ram, blob);
      const error = this.ensureFrame(blob, length);
      if (error < 0) return error;
      const room = PAGE_SIZE - (length & (PAGE_SIZE - 1));
      const copied = this.copy.copyString(space, at, this.stringAddress(blob, length), room);
      if (copied >= 0) {
        if (at - va + copied >= MAX_STRING_BYTES) return -E['2BIG'];
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
