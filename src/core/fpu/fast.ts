/*
 * The fast floating-point unit: emits WebAssembly that computes an operation with the host's arithmetic where it can prove result and
 * flags, and asks the reference unit otherwise.
 *
 * Interface: `fastFpu(op, a, b, c, rm, site)`, an expression. Flags go to fcsr of the context; `site.slow` sees to its own.
 * Invariant: bit for bit equal to soft.ts in result and flags (tests/core/fpu-fast.test.ts).
 */

import { block, yields } from '../wasm/control.ts';
import type { I32, I64, Local, Stmt, ValType } from '../wasm/node.ts';
import { addPath, dividePath, multiplyPath, rootPath } from './fast-arithmetic.ts';
import { classifyPath, comparePath, selectPath } from './fast-compare.ts';
import { fromIntegerPath, narrowPath, toIntegerPath, widenPath } from './fast-convert.ts';
import { fusedDoublePath, fusedSinglePath } from './fast-fused.ts';
import { FpuOp } from './op.ts';
import type { FloatKind } from './path.ts';
import { DOUBLES, Path, SINGLES } from './path.ts';

/** Where an operation is emitted. */
export interface FpuSite {
  /** Address of the running context; evaluated several times. */
  readonly context: I32;
  /** A local variable for the operation's own use. */
  readonly temp: <T extends ValType>(type: T) => Local<T>;
  /** Asks the reference unit, which accrues the flags in the context's fcsr. */
  readonly slow: (op: FpuOp, a: I64, b: I64, c: I64, rm: I32) => I64;
}

/**
 * The expression that executes `op`; operands and result as SoftFloat.execute has them.
 *
 * @param rm rounding mode 0–4, already resolved from frm
 */
export function fastFpu(op: FpuOp, a: I64, b: I64, c: I64, rm: I32, site: FpuSite): I64 {
  const path = new Path(site.context, site.temp);
  const statements = (op & 1) === 0 ? pathOf(SINGLES, op, path) : pathOf(DOUBLES, (op - 1) as FpuOp, path);
  const slow = site.slow(op, path.a, path.b, path.c, path.rm);
  return yields(
    [path.a.set(a), path.b.set(b), path.c.set(c), path.rm.set(rm), block(path.answered, ...statements, path.result.set(slow))],
    path.result,
  );
}

/** The fast path of an operation, named by its variant for singles. */
function pathOf<T extends 'f32' | 'f64'>(kind: FloatKind<T>, op: FpuOp, path: Path): Stmt[] {
  const fused = kind.type === 'f32' ? fusedSinglePath : fusedDoublePath;
  switch (op) {
    case FpuOp.ADD_S:
      return addPath(kind, path, false);
    case FpuOp.SUB_S:
      return addPath(kind, path, true);
    case FpuOp.MUL_S:
      return multiplyPath(kind, path);
    case FpuOp.DIV_S:
      return dividePath(kind, path);
    case FpuOp.SQRT_S:
      return rootPath(kind, path);
    case FpuOp.MADD_S:
      return fused(path, { product: false, addend: false });
    case FpuOp.MSUB_S:
      return fused(path, { product: false, addend: true });
    case FpuOp.NMSUB_S:
      return fused(path, { product: true, addend: false });
    case FpuOp.NMADD_S:
      return fused(path, { product: true, addend: true });
    case FpuOp.MIN_S:
      return selectPath(kind, path, false);
    case FpuOp.MAX_S:
      return selectPath(kind, path, true);
    case FpuOp.EQ_S:
      return comparePath(kind, path, 'eq');
    case FpuOp.LT_S:
      return comparePath(kind, path, 'lt');
    case FpuOp.LE_S:
      return comparePath(kind, path, 'le');
    case FpuOp.CLASS_S:
      return classifyPath(kind, path);
    case FpuOp.CVT_W_S:
      return toIntegerPath(kind, path, { bits: 32, signed: true });
    case FpuOp.CVT_WU_S:
      return toIntegerPath(kind, path, { bits: 32, signed: false });
    case FpuOp.CVT_L_S:
      return toIntegerPath(kind, path, { bits: 64, signed: true });
    case FpuOp.CVT_LU_S:
      return toIntegerPath(kind, path, { bits: 64, signed: false });
    case FpuOp.CVT_S_W:
      return fromIntegerPath(kind, path, { bits: 32, signed: true });
    case FpuOp.CVT_S_WU:
      return fromIntegerPath(kind, path, { bits: 32, signed: false });
    case FpuOp.CVT_S_L:
      return fromIntegerPath(kind, path, { bits: 64, signed: true });
    case FpuOp.CVT_S_LU:
      return fromIntegerPath(kind, path, { bits: 64, signed: false });
    case FpuOp.CVT_S_D:
      return kind.type === 'f32' ? narrowPath(path) : widenPath(path);
    default:
      throw new Error(`no path for floating-point operation ${String(op)}`);
  }
}
