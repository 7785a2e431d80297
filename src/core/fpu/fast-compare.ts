/*
 * Fast paths of comparisons, minimum, maximum and classification. Without a NaN they raise nothing and the host answers as RISC-V does
 * (its min and max too put −0 before +0). With one, the reference is asked. FCLASS is whole here.
 */

import { either, when } from '../wasm/control.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { Expr, I32, Stmt } from '../wasm/node.ts';
import type { FloatKind, FloatOps, Path } from './path.ts';
import { both } from './path.ts';
import { DOUBLE, SINGLE } from './format.ts';

type Type = 'f32' | 'f64';

export function selectPath<T extends Type>(kind: FloatKind<T>, path: Path, larger: boolean): Stmt[] {
  const { ops } = kind;
  const a = path.local(kind.type);
  const b = path.local(kind.type);
  return [
    a.set(kind.fromBits(path.a)),
    b.set(kind.fromBits(path.b)),
    when(both(ops.eq(a, a), ops.eq(b, b)), path.answer(kind.toBits(larger ? ops.max(a, b) : ops.min(a, b)))),
  ];
}

export function comparePath<T extends Type>(kind: FloatKind<T>, path: Path, relation: 'eq' | 'lt' | 'le'): Stmt[] {
  const { ops } = kind;
  const a = path.local(kind.type);
  const b = path.local(kind.type);
  const compare: (ops: FloatOps<T>, a: Expr<T>, b: Expr<T>) => I32 = (o, x, y) => o[relation](x, y);
  return [
    a.set(kind.fromBits(path.a)),
    b.set(kind.fromBits(path.b)),
    when(both(ops.eq(a, a), ops.eq(b, b)), path.answer(i64.extendI32U(compare(ops, a, b)))),
  ];
}

export function classifyPath<T extends Type>(kind: FloatKind<T>, path: Path): Stmt[] {
  const f = kind.type === 'f32' ? SINGLE : DOUBLE;
  const magnitude = path.local('i64');
  const reaches = (x: bigint): I32 => i64.geU(magnitude, i64.const(BigInt.asIntN(64, x)));
  // Counted from zero outwards: zero, subnormal, normal, infinity.
  const distance = i32.add(reaches(1n), i32.add(reaches(f.hidden), reaches(f.infinity)));
  const isSet = (bit: bigint): I32 => i64.ne(i64.and(path.a, i64.const(BigInt.asIntN(64, bit))), i64.const(0));
  const position = either(isSet(f.sign), i32.sub(i32.const(3), distance), i32.add(i32.const(4), distance));
  const nan = i32.add(i32.const(8), isSet(f.quiet));
  return [
    magnitude.set(i64.and(path.a, i64.const(f.magnitude))),
    path.answer(i64.extendI32U(i32.shl(i32.const(1), either(reaches(f.infinity + 1n), nan, position)))),
  ];
}
