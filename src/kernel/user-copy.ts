/*
 * Copying between the kernel and user memory.
 *
 * Any number is a legal user address: what is not below 2^38, NaN included, is −EFAULT, as is memory that is not mapped or forbids the
 * access. Pages that have not been touched are made present as a guest's own access would do; when no frame is left for that the result
 * is −ENOMEM (Linux would say EFAULT, which blames the pointer). A copy that fails in the middle has copied the pages before.
 *
 * The copy walks page tables under the lock of the space, taken per page, never through a TLB. Kernel addresses and lengths
 * are the kernel's own; lengths that come from a guest are checked against a limit before they come here.
 *
 * Locks: takes `Space.lock`, so callers may hold anything of lower rank (an object, a futex bucket).
 */

import { Access, USER_ADDRESS_LIMIT } from '../core/mmu.ts';
import { PAGE_SIZE, type Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { Fault, Space, type AddressSpaces } from './address-space.ts';
import { Area, AreaKind } from './areas.ts';
import { E } from './errno.ts';

const TWO_32 = 2 ** 32;

export class UserCopy {
  /** What the last successful `readU8` … `readU64` has read; a 64-bit value as a number, exact up to 2^53. */
  value = 0;
  /** The words of the last successful `readU64`, unsigned. */
  lo = 0;
  hi = 0;
  /** Bytes that the last `copyIn`, `copyOut` or `clear` has moved, also when it failed. */
  copied = 0;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly spaces: AddressSpaces,
  ) {}

  /** Copies `length` bytes from user memory to kernel memory: 0, −EFAULT or −ENOMEM. */
  copyIn(space: number, va: number, kernelAddress: number, length: number): number {
    return this.copy(space, va, kernelAddress, length, Access.Read);
  }

  /** Copies `length` bytes from kernel memory to user memory: 0, −EFAULT or −ENOMEM. */
  copyOut(space: number, va: number, kernelAddress: number, length: number): number {
    return this.copy(space, va, kernelAddress, length, Access.Write);
  }

  /** Sets user memory to zero: 0, −EFAULT or −ENOMEM. */
  clear(space: number, va: number, length: number): number {
    return this.copy(space, va, 0, length, Access.Write);
  }

  /** Makes sure that user memory can be written right now, by making its pages present: 0, −EFAULT or −ENOMEM. */
  probeWrite(space: number, va: number, length: number): number {
    return this.probe(space, va, length, Access.Write);
  }

  /** Makes sure that user memory can be read right now, by making its pages present: 0, −EFAULT or −ENOMEM. */
  probeRead(space: number, va: number, length: number): number {
    return this.probe(space, va, length, Access.Read);
  }

  /**
   * Copies a NUL-terminated string to kernel memory, NUL included.
   *
   * @param max bytes of room, NUL included
   * @returns its length without the NUL, −ENAMETOOLONG when there is no NUL in `max` bytes, −EFAULT or −ENOMEM
   */
  copyString(space: number, va: number, kernelAddress: number, max: number): number {
    if (!(va >= 0 && va < USER_ADDRESS_LIMIT)) return -E.FAULT;
    const u8 = this.ram.u8;
    const lock = Space.lock.addr(space);
    let done = 0;
    while (done < max) {
      const part = Math.min(max - done, PAGE_SIZE - ((va + done) & (PAGE_SIZE - 1)));
      this.locks.acquire(lock);
      const from = this.spaces.translateLocked(space, va + done, Access.Read);
      if (from < 0) {
        this.locks.release(lock);
        return copyError(from);
      }
      for (let i = 0; i < part; i++) {
        const byte = u8[from + i]!;
        u8[kernelAddress + done + i] = byte;
        if (byte === 0) {
          this.locks.release(lock);
          return done + i;
        }
      }
      this.locks.release(lock);
      done += part;
    }
    return -E.NAMETOOLONG;
  }

  /** Reads a byte into `value`: 0, −EFAULT or −ENOMEM. */
  readU8(space: number, va: number): number {
    return this.readSmall(space, va, 1);
  }

  /** Reads a 16-bit word, aligned or not, into `value`: 0, −EFAULT or −ENOMEM. */
  readU16(space: number, va: number): number {
    return this.readSmall(space, va, 2);
  }

  /** Reads a 32-bit word, aligned or not, into `value` (unsigned): 0, −EFAULT or −ENOMEM. */
  readU32(space: number, va: number): number {
    return this.readSmall(space, va, 4);
  }

  /** Reads a 64-bit word, aligned or not, into `lo`, `hi` and `value` (unsigned): 0, −EFAULT or −ENOMEM. */
  readU64(space: number, va: number): number {
    // The upper word first: when the lower one faults, nothing has been read either.
    const error = this.readSmall(space, va + 4, 4);
    if (error < 0) return error;
    const hi = this.value;
    const lower = this.readSmall(space, va, 4);
    if (lower < 0) return lower;
    this.lo = this.value;
    this.hi = hi;
    this.value = hi * TWO_32 + this.lo;
    return 0;
  }

  /** Writes the low byte of `value`: 0, −EFAULT or −ENOMEM. */
  writeU8(space: number, va: number, value: number): number {
    return this.writeSmall(space, va, value, 1);
  }

  writeU16(space: number, va: number, value: number): number {
    return this.writeSmall(space, va, value, 2);
  }

  /** Writes 32 bits, aligned or not: 0, −EFAULT or −ENOMEM. */
  writeU32(space: number, va: number, value: number): number {
    return this.writeSmall(space, va, value, 4);
  }

  /** Writes an integer, |value| ≤ 2^53, as 64 bits: 0, −EFAULT or −ENOMEM. */
  writeU64(space: number, va: number, value: number): number {
    return this.writeWords(space, va, value % TWO_32, Math.floor(value / TWO_32));
  }

  /** Writes 64 bits given as two words: 0, −EFAULT or −ENOMEM. */
  writeWords(space: number, va: number, lo: number, hi: number): number {
    const error = this.writeSmall(space, va + 4, hi, 4);
    return error < 0 ? error : this.writeSmall(space, va, lo, 4);
  }

  /**
   * Physical address of the user word at `va` (4-aligned), made present for `access`; valid while the caller holds the space's lock
   * (`spaces.lockOf`). Futexes name their waiters by it.
   *
   * @returns the address, −EINVAL (misaligned), −EFAULT or −ENOMEM
   */
  physicalLocked(space: number, va: number, access: Access): number {
    if (va % 4 !== 0) return va >= 0 && va < USER_ADDRESS_LIMIT ? -E.INVAL : -E.FAULT;
    const address = this.spaces.translateLocked(space, va, access);
    return address < 0 ? copyError(address) : address;
  }

  /**
   * Finds the name under which all who share the word at `va` know it: `wordObject` and `wordOffset`. In private memory that is the space
   * and `va`, in memory that shows a content the content (by a negative number) and the place in it.
   *
   * @returns 0, or −EFAULT where nothing is mapped
   */
  nameWord(space: number, va: number): number {
    const { ram, spaces } = this;
    this.wordObject = space;
    this.wordOffset = va;
    const lock = Space.lock.addr(space);
    this.locks.acquire(lock);
    const area = spaces.areas.find(Space.areas.addr(space), va);
    if (area !== 0 && Area.kind.get(ram, area) === AreaKind.Shared) {
      this.wordObject = -spaces.contents.nameOf(Area.content.get(ram, area));
      this.wordOffset = spaces.areas.contentPageAt(area, va) * PAGE_SIZE + (va % PAGE_SIZE);
    }
    this.locks.release(lock);
    return area === 0 ? -E.FAULT : 0;
  }

  /** What the last `nameWord` has found. */
  wordObject = 0;
  wordOffset = 0;

  /**
   * Copies between the memory of two processes (or within one): 0, −EFAULT or −ENOMEM, whichever side it was; see `faultInSource`.
   * Both locks are taken, page piece by page piece, in the order of their addresses.
   */
  copyBetween(fromSpace: number, fromVa: number, toSpace: number, toVa: number, length: number): number {
    this.faultInSource = false;
    if (length === 0) return 0;
    if (!inRange(fromVa, length)) {
      this.faultInSource = true;
      return -E.FAULT;
    }
    if (!inRange(toVa, length)) return -E.FAULT;
    for (let done = 0; done < length;) {
      const room = PAGE_SIZE - Math.max((fromVa + done) & (PAGE_SIZE - 1), (toVa + done) & (PAGE_SIZE - 1));
      const part = Math.min(length - done, room);
      const error = this.copyPiece(fromSpace, fromVa + done, toSpace, toVa + done, part);
      if (error < 0) return error;
      done += part;
    }
    return 0;
  }

  /** Whether the last `copyBetween` that failed did so at its source. */
  faultInSource = false;

  private copyPiece(fromSpace: number, fromVa: number, toSpace: number, toVa: number, length: number): number {
    const { locks, spaces } = this;
    const first = Space.lock.addr(Math.min(fromSpace, toSpace));
    const second = Space.lock.addr(Math.max(fromSpace, toSpace));
    locks.acquire(first);
    if (second !== first) locks.acquire(second);
    // The target first: making it present may replace a frame that the source shares with it.
    const to = spaces.translateLocked(toSpace, toVa, Access.Write);
    const from = to < 0 ? to : spaces.translateLocked(fromSpace, fromVa, Access.Read);
    if (from >= 0) this.ram.copy(to, from, length);
    if (second !== first) locks.release(second);
    locks.release(first);
    this.faultInSource = to >= 0 && from < 0;
    return from < 0 ? copyError(from) : 0;
  }

  /** One page after the other; kernelAddress 0 stands for zeroes. */
  private copy(space: number, va: number, kernelAddress: number, length: number, access: Access): number {
    this.copied = 0;
    if (length === 0) return 0;
    if (!inRange(va, length)) return -E.FAULT;
    const lock = Space.lock.addr(space);
    let done = 0;
    do {
      const part = Math.min(length - done, PAGE_SIZE - ((va + done) & (PAGE_SIZE - 1)));
      this.locks.acquire(lock);
      const user = this.spaces.translateLocked(space, va + done, access);
      if (user < 0) {
        this.locks.release(lock);
        return copyError(user);
      }
      if (access === Access.Read) this.ram.copy(kernelAddress + done, user, part);
      else if (kernelAddress === 0) this.ram.fill(user, part);
      else this.ram.copy(user, kernelAddress + done, part);
      this.locks.release(lock);
      done += part;
      this.copied = done;
    } while (done < length);
    return 0;
  }

  private probe(space: number, va: number, length: number, access: Access): number {
    if (length === 0) return 0;
    if (!inRange(va, length)) return -E.FAULT;
    const lock = Space.lock.addr(space);
    for (let page = Math.floor(va / PAGE_SIZE) * PAGE_SIZE; page < va + length; page += PAGE_SIZE) {
      this.locks.acquire(lock);
      const user = this.spaces.translateLocked(space, page, access);
      this.locks.release(lock);
      if (user < 0) return copyError(user);
    }
    return 0;
  }

  private readSmall(space: number, va: number, size: number): number {
    if (!inRange(va, size)) return -E.FAULT;
    const { ram, locks, spaces } = this;
    const lock = Space.lock.addr(space);
    locks.acquire(lock);
    let user = spaces.translateLocked(space, va, Access.Read);
    if (user >= 0 && size === 4 && (user & 3) === 0) {
      this.value = ram.u32[user >>> 2]!;
    } else {
      let value = 0;
      for (let i = 0; i < size && user >= 0; i++) {
        user = spaces.translateLocked(space, va + i, Access.Read);
        if (user >= 0) value += ram.u8[user]! * 2 ** (8 * i);
      }
      if (user >= 0) this.value = value;
    }
    locks.release(lock);
    return user < 0 ? copyError(user) : 0;
  }

  private writeSmall(space: number, va: number, value: number, size: number): number {
    if (!inRange(va, size)) return -E.FAULT;
    const { ram, locks, spaces } = this;
    const lock = Space.lock.addr(space);
    locks.acquire(lock);
    let user = spaces.translateLocked(space, va, Access.Write);
    if (user >= 0 && size === 4 && (user & 3) === 0) {
      ram.i32[user >>> 2] = value;
    } else {
      // The last byte first: either all pages can be written, or nothing is.
      for (let i = size - 1; i >= 0 && user >= 0; i--) {
        user = spaces.translateLocked(space, va + i, Access.Write);
        if (user >= 0) ram.u8[user] = value >> (8 * i);
      }
    }
    locks.release(lock);
    return user < 0 ? copyError(user) : 0;
  }
}

/** Whether [va, va + length) are user addresses; false for everything that is no number of bytes. */
function inRange(va: number, length: number): boolean {
  return va >= 0 && length > 0 && va <= USER_ADDRESS_LIMIT - length;
}

/** The errno for the negative of a Fault. */
function copyError(fault: number): number {
  return fault === -Fault.OutOfMemory ? -E.NOMEM : -E.FAULT;
}
