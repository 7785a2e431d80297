/*
 * WebAssembly code as a tree.
 *
 * A node is plain data: an operator with its operands, a constant, a local, or a control structure. Trees are made by the builders in
 * ops.ts and control.ts and turned into bytes by emit.ts. `Expr<'i64'>` is a tree that yields an i64, `Stmt` one that yields nothing.
 * Labels are objects, so a tree may be put inside any number of blocks; emit.ts works out the branch depths.
 * A node may appear in several places: it is then evaluated in each of them.
 */

export type ValType = 'i32' | 'i64' | 'f32' | 'f64';
export type ResultType = ValType | 'void';

/** Code of each type in the binary format. */
export const TYPE_CODE: Readonly<Record<ResultType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, void: 0x40 };

/**
 * What a condition is nearly always: 1 true, 0 false. The compiler keeps the other way out of line, with all that it would take from
 * the registers of the common one.
 */
export type Hint = 0 | 1;

/** The target of branches: the end of a block, or the start of a loop. */
export class Label {
  constructor(readonly name: string) {}
}

export interface OpNode<T extends ResultType> {
  readonly kind: 'op';
  readonly type: T;
  /** Opcode with its immediates. */
  readonly code: readonly number[];
  readonly args: readonly Node[];
}
/** What a call goes to: a function or import of the module, whose number is asked for when the call is written out. */
export interface Callee {
  readonly index: number;
  /** What text.ts calls it. */
  readonly name?: string | undefined;
}
export interface CallNode<T extends ResultType> {
  readonly kind: 'call';
  readonly type: T;
  readonly callee: Callee;
  /** In place of the running function, which is over. */
  readonly tail: boolean;
  readonly args: readonly Node[];
}
export interface ConstNode<T extends ResultType> {
  readonly kind: 'const';
  readonly type: T;
  readonly value: number | bigint;
}
export interface LocalNode<T extends ResultType> {
  readonly kind: 'local';
  readonly type: T;
  readonly index: number;
}
export interface AssignNode<T extends ResultType> {
  readonly kind: 'set' | 'tee';
  readonly type: T;
  readonly index: number;
  readonly value: Node;
}
/** Several nodes one after another; the value is that of the last. */
export interface SequenceNode<T extends ResultType> {
  readonly kind: 'sequence';
  readonly type: T;
  readonly body: readonly Node[];
}
export interface BlockNode<T extends ResultType> {
  readonly kind: 'block' | 'loop';
  readonly type: T;
  readonly label: Label;
  readonly body: readonly Node[];
}
export interface IfNode<T extends ResultType> {
  readonly kind: 'if';
  readonly type: T;
  readonly condition: Node;
  readonly then: Node;
  readonly otherwise: Node | undefined;
  readonly hint?: Hint | undefined;
}
export interface BranchNode<T extends ResultType> {
  readonly kind: 'branch';
  readonly type: T;
  readonly label: Label;
  /** Taken when this is non-zero; always when absent. */
  readonly condition: Node | undefined;
  readonly hint?: Hint | undefined;
}
export interface SwitchNode<T extends ResultType> {
  readonly kind: 'switch';
  readonly type: T;
  readonly index: Node;
  readonly labels: readonly Label[];
  readonly fallback: Label;
}

/** A remark for who reads the code as text (text.ts). It has no bytes. */
export interface NoteNode<T extends ResultType> {
  readonly kind: 'note';
  readonly type: T;
  readonly text: string;
}

/** A tree that yields a `T`. */
export type Expr<T extends ResultType> =
  | OpNode<T>
  | CallNode<T>
  | ConstNode<T>
  | LocalNode<T>
  | AssignNode<T>
  | SequenceNode<T>
  | BlockNode<T>
  | IfNode<T>
  | BranchNode<T>
  | SwitchNode<T>
  | NoteNode<T>;

export type Node = Expr<ResultType>;
export type I32 = Expr<'i32'>;
export type I64 = Expr<'i64'>;
export type F64 = Expr<'f64'>;
export type Stmt = Expr<'void'>;

/** A local variable or parameter: an expression (its value), and what assigns it. */
export class Local<T extends ValType> implements LocalNode<T> {
  readonly kind = 'local';
  constructor(
    readonly type: T,
    readonly index: number,
  ) {}
  set(value: Expr<T>): Stmt {
    return { kind: 'set', type: 'void', index: this.index, value };
  }
  /** Assigns and yields the value. */
  tee(value: Expr<T>): Expr<T> {
    return { kind: 'tee', type: this.type, index: this.index, value };
  }
}
