/*
 * The fast floating-point unit: one WebAssembly function per operation, which computes with the host's arithmetic where it can prove
 * result and flags, and asks the reference unit otherwise.
 *
 * Interface: `new FastFpu(module, slow)`; `call(op, context, rm, a, b, c)` is the expression that executes an operation. A function is
 * defined in the module when it is first called for. Flags go to fcsr of the context; `slow` sees to its own.
 * Invariant: bit for bit equal to soft.ts in result and flags (tests/core/fpu-fast.test.ts).
 */

import { call } from '../wasm/control.ts';
import type { I32, I64, Stmt } from '../wasm/node.ts';
import type { FunctionBuilder, ModuleBuilder } from '../wasm/module.ts';
import { addPath, dividePath, multiplyPath, rootPath } from './fast-arithmetic.ts';
import { classifyPath, comparePath, selectPath } from './fast-compare.ts';
import { fromIntegerPath, narrowPath, toIntegerPath, widenPath } from './fast-convert.ts';
import { fusedDoublePath, fusedSinglePath } from './fast-fused.ts';
import { FpuOp } from './op.ts';
import type { FloatKind } from './path.ts';
import { DOUBLES, Path, SINGLES } from './path.ts';

/** The expression that asks the reference unit; it accrues the flags in the context's fcsr. */
export type SlowPath = (op: FpuOp, context: I32, rm: I32, a: I64, b: I64, c: I64) => I64;

/** How many operands an operation has. */
function operandCount(op: FpuOp): 1 | 2 | 3 {
  if (op >= FpuOp.MADD_S && op <= FpuOp.NMADD_D) return 3;
  return op >= FpuOp.CLASS_S || op === FpuOp.SQRT_S || op === FpuOp.SQRT_D ? 1 : 2;
}

export class FastFpu {
  readonly #functions = new Map<FpuOp, FunctionBuilder<'i64'>>();

  constructor(
    private readonly module: ModuleBuilder,
    private readonly slow: SlowPath,
  ) {}

  /**
   * Executes `op` on bit patterns.
   *
   * @param context address of the running context
   * @param rm rounding mode 0–4
   * @param b, c evaluated only if the operation has them
   */
  call(op: FpuOp, context: I32, rm: I32, a: I64, b: I64, c: I64): I64 {
    return call(this.function(op), context, rm, ...[a, b, c].slice(0, operandCount(op)));
  }

  /** The function `(context, rm, a[, b[, c]])` of an operation. */
  function(op: FpuOp): FunctionBuilder<'i64'> {
    const known = this.#functions.get(op);
    if (known !== undefined) return known;
    const count = operandCount(op);
    const made = this.module.func(['i32', 'i32', ...Array.from({ length: count }, () => 'i64' as const)], 'i64');
    this.#functions.set(op, made);
    const context = made.param('i32', 0);
    const rm = made.param('i32', 1);
    const a = made.param('i64', 2);
    const b = count > 1 ? made.param('i64', 3) : a;
    const c = count > 2 ? made.param('i64', 4) : a;
    const path = new Path(context, rm, a, b, c, (type) => made.local(type));
    const statements = (op & 1) === 0 ? pathOf(SINGLES, op, path) : pathOf(DOUBLES, (op - 1) as FpuOp, path);
    made.body(statements, this.slow(op, context, rm, a, b, c));
    return made;
  }
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
