/*
 * Physical RAM: one shared WebAssembly memory, seen through typed arrays.
 *
 * A physical address is a byte offset into it and stays below 2^31, so it is a small integer everywhere. Everything the machine
 * knows is in here; the views below are the only JS objects that hold it.
 */

import { bulkMemory, type BulkMemory } from './bulk-memory.ts';

/** Bytes in a page and in a frame. */
export const PAGE_SIZE = 4096;
export const PAGE_SHIFT = 12;

/** Bytes of one WebAssembly memory page. */
const WASM_PAGE = 65536;

/** RAM stays below 2 GiB, so that every physical address is a non-negative 32-bit integer. */
export const MAX_RAM_BYTES = 2 ** 31 - WASM_PAGE;

const TWO_32 = 2 ** 32;

export class Ram {
  readonly buffer: SharedArrayBuffer;
  readonly u8: Uint8Array<SharedArrayBuffer>;
  readonly u16: Uint16Array<SharedArrayBuffer>;
  readonly i32: Int32Array<SharedArrayBuffer>;
  readonly u32: Uint32Array<SharedArrayBuffer>;
  readonly f64: Float64Array<SharedArrayBuffer>;
  private readonly bulk: BulkMemory;

  /** @param memory a shared memory, which translated code and the interpreter import */
  constructor(readonly memory: WebAssembly.Memory) {
    const buffer = memory.buffer as unknown as SharedArrayBuffer;
    this.buffer = buffer;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.bulk = bulkMemory(memory);
  }

  /**
   * Allocates zeroed RAM.
   *
   * @param byteLength bytes, rounded up to 64 KiB; at most MAX_RAM_BYTES
   * @throws RangeError when the host cannot give that much
   */
  static allocate(byteLength: number): Ram {
    const pages = Math.ceil(byteLength / WASM_PAGE);
    return new Ram(new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }));
  }

  /** Unsigned 64-bit integer at `address` (8-aligned) as a number: exact up to 2^53, merely huge above. */
  getU64(address: number): number {
    return this.u32[(address + 4) >>> 2]! * TWO_32 + this.u32[address >>> 2]!;
  }

  /** Signed 64-bit integer at `address` (8-aligned) as a number: exact within ±2^53. */
  getI64(address: number): number {
    return this.i32[(address + 4) >>> 2]! * TWO_32 + this.u32[address >>> 2]!;
  }

  /** Stores an integer, negative or not, |value| ≤ 2^53, as 64 bits in two's complement. */
  setU64(address: number, value: number): void {
    const low = value | 0;
    this.i32[address >>> 2] = low;
    // Most values are small integers; the division of the others costs more than all the rest.
    this.i32[(address + 4) >>> 2] = low === value ? low >> 31 : Math.floor(value / TWO_32);
  }

  /** Copies `length` bytes between non-overlapping or overlapping places (as memmove). */
  copy(to: number, from: number, length: number): void {
    this.bulk.copy(to, from, length);
  }

  /** Sets `length` bytes to `value`. */
  fill(address: number, length: number, value = 0): void {
    this.bulk.fill(address, value, length);
  }

  /** A private copy of `length` bytes: for host APIs that refuse shared memory. */
  bytes(address: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.u8.subarray(address, address + length));
  }

  /** The bytes up to the first NUL, at most `limit`, as text. For names and reports, not for hot paths. */
  text(address: number, limit: number): string {
    let end = address;
    while (end < address + limit && this.u8[end] !== 0) end++;
    return new TextDecoder().decode(this.bytes(address, end - address));
  }
}
