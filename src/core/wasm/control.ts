/*
 * Builders for control structures: sequences, blocks, loops, conditions, branches, calls. Of a condition that is a constant only the arm
 * that is taken is built.
 */

import { unsigned } from './leb128.ts';
import type { Callee, Expr, Hint, I32, Node, ResultType, Stmt } from './node.ts';
import { Label } from './node.ts';

/** A function or import of the module under construction. */
export interface Callable<R extends ResultType> extends Callee {
  readonly result: R;
}

/** Statements in order. */
export function sequence(...body: readonly Stmt[]): Stmt {
  return { kind: 'sequence', type: 'void', body };
}

/** Statements, then a value. */
export function yields<T extends ResultType>(statements: readonly Stmt[], value: Expr<T>): Expr<T> {
  return { kind: 'sequence', type: value.type, body: [...statements, value] };
}

/** A block; branches to `label` leave it. */
export function block(label: Label, ...body: readonly Stmt[]): Stmt {
  return { kind: 'block', type: 'void', label, body };
}

/** A loop; branches to `label` begin it anew, the end leaves it. */
export function loop(label: Label, ...body: readonly Stmt[]): Stmt {
  return { kind: 'loop', type: 'void', label, body };
}

/** What a condition is known to be. */
function known(condition: I32): boolean | undefined {
  return condition.kind === 'const' ? Number(condition.value) !== 0 : undefined;
}

export function when(condition: I32, ...then: readonly Stmt[]): Stmt {
  const holds = known(condition);
  if (holds !== undefined) return sequence(...(holds ? then : []));
  return { kind: 'if', type: 'void', condition, then: sequence(...then), otherwise: undefined };
}

/** Statements that are hardly ever executed, kept out of line where the host understands hints. */
export function rarely(condition: I32, ...then: readonly Stmt[]): Stmt {
  return { kind: 'if', type: 'void', condition, then: sequence(...then), otherwise: undefined, hint: 0 };
}

/** A condition with two arms, of values or of statements. Only the chosen arm is evaluated. */
export function either<T extends ResultType>(condition: I32, then: Expr<T>, otherwise: Expr<T>): Expr<T> {
  const holds = known(condition);
  if (holds !== undefined) return holds ? then : otherwise;
  return { kind: 'if', type: then.type, condition, then, otherwise };
}

/** One of two values, both of which are evaluated (in order, before the condition). */
export function select<T extends ResultType>(condition: I32, then: Expr<T>, otherwise: Expr<T>): Expr<T> {
  return { kind: 'op', type: then.type, code: [0x1b], args: [then, otherwise, condition] };
}

export function branch(label: Label, condition?: I32, hint?: Hint): Stmt {
  return { kind: 'branch', type: 'void', label, condition, hint };
}

/** Branches to labels[index], or to `fallback` when there is none. */
export function switchTo(index: I32, labels: readonly Label[], fallback: Label): Stmt {
  return { kind: 'switch', type: 'void', index, labels, fallback };
}

export function call<R extends ResultType>(callee: Callable<R>, ...args: readonly Node[]): Expr<R> {
  return { kind: 'call', type: callee.result, callee, tail: false, args };
}

/** Calls in place of the running function, which is over: the callee's result is its own. */
export function tailCall(callee: Callable<ResultType>, ...args: readonly Node[]): Stmt {
  return { kind: 'call', type: 'void', callee, tail: true, args };
}

/** A function of a table, which has to be of the given type. */
export interface Indirect {
  readonly table: number;
  readonly type: number;
}

/** As `tailCall`, of the function at an index of a table. */
export function tailCallIndirect(callee: Indirect, index: I32, ...args: readonly Node[]): Stmt {
  const code = [0x13];
  unsigned(code, callee.type);
  unsigned(code, callee.table);
  return { kind: 'op', type: 'void', code, args: [...args, index] };
}

/** Evaluates for its effects only. */
export function drop(value: Node): Stmt {
  return { kind: 'op', type: 'void', code: [0x1a], args: [value] };
}

export function ret(value?: Node): Stmt {
  return { kind: 'op', type: 'void', code: [0x0f], args: value === undefined ? [] : [value] };
}

export { Label };
