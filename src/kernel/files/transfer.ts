/*
 * The user's side of a read or write: the pieces of memory that bytes go to or come from (one buffer, or an iovec), and how far it has
 * come. One object a participant, used again and again: a call prepares it, the file's operation moves bytes through it.
 *
 * A fault ends a transfer; what was moved before counts. A transfer within the kernel (space 0) takes physical addresses.
 */

import type { Ram } from '../../core/ram.ts';
import { E } from '../errno.ts';
import type { UserCopy } from '../user-copy.ts';

/** The most that one call transfers (MAX_RW_COUNT: INT_MAX rounded down to a page). */
export const MAX_TRANSFER = 0x7fff_f000;
/** UIO_MAXIOV. */
const MAX_VECTORS = 1024;
const IOVEC_BYTES = 16;
/** Lengths are ssize_t. */
const MAX_LENGTH = 2 ** 63;

export class Transfer {
  space = 0;
  /** Bytes of the whole call, and those moved so far (by earlier attempts of the same call as well). */
  total = 0;
  done = 0;
  /** Where in the file (pread, pwrite); -1: at its position. */
  offset = -1;
  /** A write has found that nobody can read what it writes: SIGPIPE is due. */
  broken = false;
  private readonly addresses = new Float64Array(MAX_VECTORS);
  private readonly lengths = new Float64Array(MAX_VECTORS);
  private count = 0;
  /** The piece that comes next, and how much of it is done. */
  private piece = 0;
  private within = 0;

  constructor(
    private readonly ram: Ram,
    private readonly copy: UserCopy,
  ) {}

  /** One buffer. */
  begin(space: number, address: number, length: number): void {
    this.reset(space);
    this.addresses[0] = address;
    this.lengths[0] = this.total = Math.min(length, MAX_TRANSFER);
    this.count = 1;
  }

  /** The iovec at a user address: 0, -EINVAL or -EFAULT. */
  load(space: number, vector: number, count: number): number {
    this.reset(space);
    if (count < 0 || count > MAX_VECTORS) return -E.INVAL;
    const { copy } = this;
    for (let i = 0; i < count; i++) {
      if (copy.readU64(space, vector + i * IOVEC_BYTES) !== 0) return -E.FAULT;
      this.addresses[i] = copy.value;
      if (copy.readU64(space, vector + i * IOVEC_BYTES + 8) !== 0) return -E.FAULT;
      if (copy.value >= MAX_LENGTH) return -E.INVAL;
      this.lengths[i] = Math.min(copy.value, MAX_TRANSFER - this.total);
      this.total += this.lengths[i]!;
    }
    this.count = count;
    return 0;
  }

  /** Whether it is a single buffer, and where the first one begins. */
  get isOneBuffer(): boolean {
    return this.count === 1;
  }
  get firstAddress(): number {
    return this.addresses[0]!;
  }

  /** Bytes still to be moved. */
  get left(): number {
    return this.total - this.done;
  }

  /** Passes over bytes that an earlier attempt has moved. */
  skip(bytes: number): void {
    let left = bytes;
    while (left > 0) {
      const part = Math.min(left, this.room());
      this.advance(part);
      left -= part;
    }
  }

  /** Moves `length` ≤ left bytes from kernel memory to the user: 0, or -EFAULT, -ENOMEM; `done` tells how far it came. */
  out(kernelAddress: number, length: number): number {
    for (let at = 0; at < length;) {
      const part = Math.min(length - at, this.room());
      const to = this.addresses[this.piece]! + this.within;
      if (this.space === 0) this.ram.copy(to, kernelAddress + at, part);
      else {
        const error = this.copy.copyOut(this.space, to, kernelAddress + at, part);
        if (error !== 0) return this.stop(error);
      }
      this.advance(part);
      at += part;
    }
    return 0;
  }

  /** Gives the user `length` ≤ left zero bytes: 0, or -EFAULT, -ENOMEM. */
  outZeroes(length: number): number {
    for (let at = 0; at < length;) {
      const part = Math.min(length - at, this.room());
      const to = this.addresses[this.piece]! + this.within;
      if (this.space === 0) this.ram.fill(to, part);
      else {
        const error = this.copy.clear(this.space, to, part);
        if (error !== 0) return this.stop(error);
      }
      this.advance(part);
      at += part;
    }
    return 0;
  }

  /** Moves `length` ≤ left bytes from the user to kernel memory: 0, or -EFAULT, -ENOMEM; `done` tells how far it came. */
  in(kernelAddress: number, length: number): number {
    for (let at = 0; at < length;) {
      const part = Math.min(length - at, this.room());
      const from = this.addresses[this.piece]! + this.within;
      if (this.space === 0) this.ram.copy(kernelAddress + at, from, part);
      else {
        const error = this.copy.copyIn(this.space, from, kernelAddress + at, part);
        if (error !== 0) return this.stop(error);
      }
      this.advance(part);
      at += part;
    }
    return 0;
  }

  private reset(space: number): void {
    this.space = space;
    this.total = 0;
    this.done = 0;
    this.offset = -1;
    this.broken = false;
    this.count = 0;
    this.piece = 0;
    this.within = 0;
  }

  /** What is left of the piece that comes next, empty ones passed over. */
  private room(): number {
    while (this.piece < this.count && this.within === this.lengths[this.piece]) {
      this.piece++;
      this.within = 0;
    }
    return this.lengths[this.piece]! - this.within;
  }

  private advance(bytes: number): void {
    this.within += bytes;
    this.done += bytes;
  }

  /** A copy has failed: what it had moved before counts. */
  private stop(error: number): number {
    this.advance(this.copy.copied);
    return error;
  }
}
