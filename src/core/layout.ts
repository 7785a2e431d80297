/*
 * Structures in RAM, declared once.
 *
 * A structure is a record of field specifications; `struct` lays it out (each field aligned to its own size, the whole to `align`)
 * and returns one accessor object per field. Everything that needs an offset, a size or a guard (accessors, emitted code, the
 * debugger, C headers) reads it from here.
 *
 * Every field names its guard: the lock (a field of the same structure, or `other.lock`) that must be held to touch it, or one of
 *   'immutable'  written before the structure is shared, never after
 *   'atomic'     only touched through atomic operations (see smp/atomics.ts)
 *   'owner'      only the hart (or the running thread's hart) that owns the structure touches it
 * `get` and `set` (`at` and `put` of an array) want the guard; `peek` is a load without it, and whoever calls it says why that will do.
 * Harts of a machine under a schedule check all that (kernel/oracles/guards.ts, through core/access.ts).
 */

import type { Ram } from './ram.ts';

/** What protects a field: the name of a lock field, or 'immutable' | 'atomic' | 'owner'. */
export type Guard = string;

/** Where a field lies and who may touch it; accessors add `get`/`set`. */
export class Field {
  constructor(
    /** Structure name, for reports. */
    readonly struct: string,
    readonly name: string,
    /** Bytes from the start of the structure. */
    readonly offset: number,
    /** Bytes. */
    readonly size: number,
    readonly guard: Guard,
    /** C type, for generated headers. */
    readonly ctype: string,
    /** Keeps its value while the structure's slot is free, and may be read then. */
    readonly outlives = false,
  ) {}

  /** Address of this field in the structure at `base`. */
  addr(base: number): number {
    return base + this.offset;
  }
}

export class U8Field extends Field {
  get(ram: Ram, base: number): number {
    return ram.u8[base + this.offset]!;
  }
  set(ram: Ram, base: number, value: number): void {
    ram.u8[base + this.offset] = value;
  }
}

export class U16Field extends Field {
  get(ram: Ram, base: number): number {
    return ram.u16[(base + this.offset) >>> 1]!;
  }
  set(ram: Ram, base: number, value: number): void {
    ram.u16[(base + this.offset) >>> 1] = value;
  }
}

export class U32Field extends Field {
  get(ram: Ram, base: number): number {
    return ram.u32[(base + this.offset) >>> 2]!;
  }
  peek(ram: Ram, base: number): number {
    return ram.u32[(base + this.offset) >>> 2]!;
  }
  set(ram: Ram, base: number, value: number): void {
    ram.u32[(base + this.offset) >>> 2] = value;
  }
}

export class I32Field extends Field {
  get(ram: Ram, base: number): number {
    return ram.i32[(base + this.offset) >>> 2]!;
  }
  peek(ram: Ram, base: number): number {
    return ram.i32[(base + this.offset) >>> 2]!;
  }
  set(ram: Ram, base: number, value: number): void {
    ram.i32[(base + this.offset) >>> 2] = value;
  }
}

/** A 64-bit unsigned integer seen as a JS number; exact up to 2^53. */
export class U64Field extends Field {
  get(ram: Ram, base: number): number {
    return ram.getU64(base + this.offset);
  }
  peek(ram: Ram, base: number): number {
    return ram.getU64(base + this.offset);
  }
  set(ram: Ram, base: number, value: number): void {
    ram.setU64(base + this.offset, value);
  }
}

/** A double: times in nanoseconds and other quantities that only the host side reads. */
export class F64Field extends Field {
  get(ram: Ram, base: number): number {
    return ram.f64[(base + this.offset) >>> 3]!;
  }
  peek(ram: Ram, base: number): number {
    return ram.f64[(base + this.offset) >>> 3]!;
  }
  set(ram: Ram, base: number, value: number): void {
    ram.f64[(base + this.offset) >>> 3] = value;
  }
}

/** A fixed array of 32-bit words. */
export class U32ArrayField extends Field {
  at(ram: Ram, base: number, index: number): number {
    return ram.u32[((base + this.offset) >>> 2) + index]!;
  }
  peek(ram: Ram, base: number, index: number): number {
    return ram.u32[((base + this.offset) >>> 2) + index]!;
  }
  put(ram: Ram, base: number, index: number, value: number): void {
    ram.u32[((base + this.offset) >>> 2) + index] = value;
  }
}

/** Raw bytes, or an embedded structure: only its address is of interest. */
export class BytesField extends Field {}

type FieldClass<F extends Field> = new (
  struct: string,
  name: string,
  offset: number,
  size: number,
  guard: Guard,
  ctype: string,
  outlives: boolean,
) => F;

/** How to make one field; the factories below return these. */
export interface FieldSpec<F extends Field> {
  readonly make: FieldClass<F>;
  readonly size: number;
  readonly align: number;
  readonly guard: Guard;
  readonly ctype: string;
  readonly outlives?: boolean;
}

function spec<F extends Field>(make: FieldClass<F>, size: number, align: number, guard: Guard, ctype: string): FieldSpec<F> {
  return { make, size, align, guard, ctype };
}

export const u8 = (guard: Guard): FieldSpec<U8Field> => spec(U8Field, 1, 1, guard, 'uint8_t');
export const u16 = (guard: Guard): FieldSpec<U16Field> => spec(U16Field, 2, 2, guard, 'uint16_t');
export const u32 = (guard: Guard): FieldSpec<U32Field> => spec(U32Field, 4, 4, guard, 'uint32_t');
export const i32 = (guard: Guard): FieldSpec<I32Field> => spec(I32Field, 4, 4, guard, 'int32_t');
export const u64 = (guard: Guard): FieldSpec<U64Field> => spec(U64Field, 8, 8, guard, 'uint64_t');
export const f64 = (guard: Guard): FieldSpec<F64Field> => spec(F64Field, 8, 8, guard, 'double');
export const u32Array = (guard: Guard, count: number): FieldSpec<U32ArrayField> =>
  spec(U32ArrayField, 4 * count, 4, guard, `uint32_t[${String(count)}]`);
/** `count` bytes, aligned to `align` (a power of two). */
export const bytes = (guard: Guard, count: number, align = 1): FieldSpec<BytesField> =>
  spec(BytesField, count, align, guard, `uint8_t[${String(count)}]`);
/** A specification for a field class defined elsewhere (smp's atomics and locks). */
export const custom = <F extends Field>(
  make: FieldClass<F>,
  size: number,
  align: number,
  guard: Guard,
  ctype: string,
): FieldSpec<F> => spec(make, size, align, guard, ctype);

/** A field that keeps its value while the structure's slot is free: what must hold across owners of the slot. */
export const outliving = <F extends Field>(of: FieldSpec<F>): FieldSpec<F> => ({ ...of, outlives: true });

/** Starts a new cache line: what follows is written by someone else than what stands before. */
export const cacheLine = (): FieldSpec<BytesField> => bytes('padding', 0, CACHE_LINE);

export const CACHE_LINE = 64;

type Specs = Readonly<Record<string, FieldSpec<Field>>>;
type FieldsOf<S extends Specs> = {
  readonly [K in keyof S]: S[K] extends FieldSpec<infer F> ? F : never;
};

/** What is known of a whole structure, beside its fields. */
export interface StructInfo {
  readonly NAME: string;
  /** Bytes, a multiple of the alignment. */
  readonly SIZE: number;
  readonly ALIGN: number;
  readonly FIELDS: readonly Field[];
}

/** All structures that have been laid out. */
export const STRUCTS: StructInfo[] = [];

/**
 * Lays out a structure. Fields keep their order; each is aligned to its own need, the structure to the largest of them and `align`.
 *
 * @param start first offset to use, when the structure continues another one (a thread block continues its context)
 */
export function struct<S extends Specs>(
  name: string,
  specs: S,
  { align = 8, start = 0 }: { align?: number; start?: number } = {},
): FieldsOf<S> & StructInfo {
  let offset = start;
  let alignment = align;
  const fields: Field[] = [];
  const byName: Record<string, Field> = {};
  for (const [fieldName, s] of Object.entries(specs)) {
    offset = alignUp(offset, s.align);
    const field = new s.make(name, fieldName, offset, s.size, s.guard, s.ctype, s.outlives ?? false);
    fields.push(field);
    byName[fieldName] = field;
    offset += s.size;
    alignment = Math.max(alignment, s.align);
  }
  const info: StructInfo = {
    NAME: name,
    SIZE: alignUp(offset, alignment),
    ALIGN: alignment,
    FIELDS: fields,
  };
  const layout = Object.freeze({ ...byName, ...info }) as FieldsOf<S> & StructInfo;
  STRUCTS.push(layout);
  return layout;
}

/** The smallest multiple of `alignment` (a power of two) that is at least `value`; exact up to 2^53. */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}
