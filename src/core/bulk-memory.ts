/*
 * Copying and filling RAM at the speed of memmove and memset.
 *
 * V8 runs `copyWithin` and `fill` on shared buffers word by word or byte by byte (a 4 KiB fill: more than 1 µs); WebAssembly's bulk
 * instructions on the same memory take 10 ns for 256 bytes and 60 ns for a page. The module is 74 bytes and the same for every memory:
 *
 *   (module (import "m" "m" (memory 0 65535 shared))
 *     (func (export "f") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
 *     (func (export "c") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2))))
 *
 * Both trap (a JS exception) when a range leaves the memory.
 */

// prettier-ignore
const MODULE = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
  // Types: one function of three i32.
  0x01, 0x07, 0x01, 0x60, 0x03, 0x7f, 0x7f, 0x7f, 0x00,
  // Imports: the memory "m"."m", shared, at most 65535 pages.
  0x02, 0x0b, 0x01, 0x01, 0x6d, 0x01, 0x6d, 0x02, 0x03, 0x00, 0xff, 0xff, 0x03,
  // Functions: two of that type; exports: "f" and "c".
  0x03, 0x03, 0x02, 0x00, 0x00,
  0x07, 0x09, 0x02, 0x01, 0x66, 0x00, 0x00, 0x01, 0x63, 0x00, 0x01,
  // Code.
  0x0a, 0x1a, 0x02,
  0x0b, 0x00, 0x20, 0x00, 0x20, 0x01, 0x20, 0x02, 0xfc, 0x0b, 0x00, 0x0b,
  0x0c, 0x00, 0x20, 0x00, 0x20, 0x01, 0x20, 0x02, 0xfc, 0x0a, 0x00, 0x00, 0x0b,
]);

type Bulk = (to: number, valueOrFrom: number, length: number) => void;

/** The bulk operations of one memory. */
export interface BulkMemory {
  /** Sets `length` bytes at `to` to the low byte of `value`. */
  readonly fill: (to: number, value: number, length: number) => void;
  /** Copies `length` bytes from `from` to `to`; the ranges may overlap. */
  readonly copy: (to: number, from: number, length: number) => void;
}

/** @param memory shared, with a maximum */
export function bulkMemory(memory: WebAssembly.Memory): BulkMemory {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(MODULE), { m: { m: memory } });
  return { fill: exports.f as Bulk, copy: exports.c as Bulk };
}
