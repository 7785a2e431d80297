/*
 * The shapes of guest loads and stores as WebAssembly has them, for all tiers.
 */

import { i64 } from '../wasm/ops.ts';
import type { I32, I64, Stmt } from '../wasm/node.ts';
import type { LoadKind, StoreKind } from './tier.ts';

/** Bytes of an access. */
export type Size = 1 | 2 | 4 | 8;

/** Bytes, and the value at a physical address + offset as a register has it. */
export const LOADS: Readonly<Record<LoadKind, { size: Size; read: (address: I32, offset?: number) => I64 }>> = {
  i8: { size: 1, read: i64.load8S },
  u8: { size: 1, read: i64.load8U },
  i16: { size: 2, read: i64.load16S },
  u16: { size: 2, read: i64.load16U },
  i32: { size: 4, read: i64.load32S },
  u32: { size: 4, read: i64.load32U },
  i64: { size: 8, read: i64.load },
};

export const STORES: Readonly<Record<StoreKind, { size: Size; write: (address: I32, offset: number, value: I64) => Stmt }>> = {
  '8': { size: 1, write: i64.store8 },
  '16': { size: 2, write: i64.store16 },
  '32': { size: 4, write: i64.store32 },
  '64': { size: 8, write: i64.store },
};
