/*
 * A WebAssembly module under construction: imports, functions, exports, and the binary in the end.
 *
 * WebAssembly numbers imported functions before the module's own: so importing one throws once the number of an own one has been asked for.
 */

import type { Callable, Indirect } from './control.ts';
import { Emitter } from './emit.ts';
import { name, sized, unsigned } from './leb128.ts';
import type { Expr, Node, ResultType, Stmt, ValType } from './node.ts';
import { Local, TYPE_CODE } from './node.ts';

const EXTERNAL = { func: 0, table: 1, memory: 2, global: 3 } as const;

/** The custom section of branch hints, by the proposal of that name. */
const HINTS = 'metadata.code.branch_hint';

/** A function as text.ts reads it. */
export interface Listing {
  readonly name: string | undefined;
  readonly params: readonly ValType[];
  readonly locals: readonly ValType[];
  readonly result: ResultType;
  /** Of parameters and locals, by index; those without one are missing. */
  readonly names: ReadonlyMap<number, string>;
  readonly body: readonly Node[];
}

/** One function: its parameters, locals and body. */
export class FunctionBuilder<R extends ResultType> implements Callable<R> {
  private readonly locals: ValType[] = [];
  private readonly names = new Map<number, string>();
  /** Scratch locals by type, handed out anew after each `releaseScratch`. */
  private readonly scratch: { local: Local<ValType>; used: boolean }[] = [];
  private statements: readonly Stmt[] = [];
  private value: Expr<R> | undefined;
  private emitted: Emitter | undefined;

  constructor(
    private readonly number: () => number,
    readonly type: number,
    readonly params: readonly ValType[],
    readonly result: R,
    readonly name: string | undefined,
  ) {}

  /** What it has been given so far, for text.ts. */
  get listing(): Listing {
    const { name, params, locals, result, names, statements, value } = this;
    return { name, params, locals, result, names, body: value === undefined ? statements : [...statements, value] };
  }

  get index(): number {
    return this.number();
  }

  /** The parameter at `position`, which has to be of `type`; `name` is for the text alone. */
  param<T extends ValType>(type: T, position: number, name?: string): Local<T> {
    if (this.params[position] !== type) throw new Error(`parameter ${String(position)} is no ${type}`);
    if (name !== undefined) this.names.set(position, name);
    return new Local(type, position);
  }

  /** A local of its own; `name` is for the text alone. */
  local<T extends ValType>(type: T, name?: string): Local<T> {
    this.locals.push(type);
    const index = this.params.length + this.locals.length - 1;
    if (name !== undefined) this.names.set(index, name);
    return new Local(type, index);
  }

  /** A local that is free to be reused after the next `releaseScratch`. Its first value is undefined. */
  temp<T extends ValType>(type: T): Local<T> {
    const free = this.scratch.find((s) => !s.used && s.local.type === type);
    if (free !== undefined) {
      free.used = true;
      return free.local as Local<T>;
    }
    const local = this.local(type);
    this.scratch.push({ local, used: true });
    return local;
  }

  releaseScratch(): void {
    for (const s of this.scratch) s.used = false;
  }

  /** Sets the function's code; `value` is what it returns. It is written out with the module, when all functions have their numbers. */
  body(statements: readonly Stmt[], value?: Expr<R>): void {
    this.statements = statements;
    this.value = value;
  }

  private get code(): Emitter {
    if (this.emitted !== undefined) return this.emitted;
    const emitter = new Emitter();
    for (const statement of this.statements) emitter.emit(statement);
    if (this.value !== undefined) emitter.emit(this.value);
    else if (this.result !== 'void') emitter.byte(0x00);
    this.emitted = emitter;
    return emitter;
  }

  /** Its entry in the section of branch hints; empty when it has none. */
  encodeHints(): readonly number[] {
    const out: number[] = [];
    const { hints } = this.code;
    if (hints.length === 0) return out;
    const start = this.encodeLocals().length;
    unsigned(out, this.index);
    unsigned(out, hints.length);
    for (const { offset, hint } of hints) {
      unsigned(out, start + offset);
      out.push(1, hint);
    }
    return out;
  }

  private encodeLocals(): number[] {
    const out: number[] = [];
    unsigned(out, this.locals.length);
    for (const type of this.locals) out.push(1, TYPE_CODE[type]);
    return out;
  }

  /** Its entry in the code section, in three pieces. */
  encode(): Pieces {
    const locals = this.encodeLocals();
    const head: number[] = [];
    const { bytes } = this.code;
    unsigned(head, locals.length + bytes.length + 1);
    return [[...head, ...locals], bytes, [0x0b]];
  }
}

export class ModuleBuilder {
  private readonly types: string[] = [];
  private readonly typeCodes: number[][] = [];
  private readonly imports: number[][] = [];
  private readonly functions: FunctionBuilder<ResultType>[] = [];
  private readonly elements: { readonly at: Expr<'i32'>; readonly func: FunctionBuilder<ResultType> }[] = [];
  private readonly exported: [name: string, func: FunctionBuilder<ResultType>][] = [];
  private importedFunctions = 0;
  private readonly globals: string[] = [];
  private importedTables = 0;
  private numbered = false;

  /** Names of the imported globals, by number; for text.ts. */
  get globalNames(): readonly string[] {
    return this.globals;
  }

  /** Imports a shared memory. Sizes in WebAssembly pages of 64 KiB; the memory given must lie within them. */
  importMemory(from: string, field: string, minimum: number, maximum: number): void {
    const out = this.import(from, field, EXTERNAL.memory);
    out.push(0x03);
    unsigned(out, minimum);
    unsigned(out, maximum);
  }

  /** Imports an immutable global and yields the expression for its value. */
  importGlobal<T extends ValType>(from: string, field: string, type: T): Expr<T> {
    const out = this.import(from, field, EXTERNAL.global);
    out.push(TYPE_CODE[type], 0x00);
    const code = [0x23];
    unsigned(code, this.globals.push(`${from}.${field}`) - 1);
    return { kind: 'op', type, code, args: [] };
  }

  importFunction<R extends ResultType>(from: string, field: string, params: readonly ValType[], result: R): Callable<R> {
    if (this.numbered) throw new Error(`import of ${field} after a function got its number`);
    const out = this.import(from, field, EXTERNAL.func);
    unsigned(out, this.functionType(params, result));
    return { index: this.importedFunctions++, result, name: field };
  }

  /** Imports a table of functions and yields what calls those of one type in it. */
  importTable(from: string, field: string, params: readonly ValType[], result: ResultType): Indirect {
    const out = this.import(from, field, EXTERNAL.table);
    out.push(0x70, 0x00, 0x00);
    return { table: this.importedTables++, type: this.functionType(params, result) };
  }

  /** A function; `name` is for the text alone. */
  func<R extends ResultType>(params: readonly ValType[], result: R, exportAs?: string, name = exportAs): FunctionBuilder<R> {
    const position = this.functions.length;
    const number = (): number => {
      this.numbered = true;
      return this.importedFunctions + position;
    };
    const func = new FunctionBuilder(number, this.functionType(params, result), params, result, name);
    this.functions.push(func);
    if (exportAs !== undefined) this.exported.push([exportAs, func]);
    return func;
  }

  /** Has the function put into the first table when the module is instantiated, at an index that an imported global gives. */
  element(at: Expr<'i32'>, func: FunctionBuilder<ResultType>): void {
    this.elements.push({ at, func });
  }

  /** The module's binary. */
  encode(): Uint8Array {
    const types = this.functions.map((f) => {
      const type: number[] = [];
      unsigned(type, f.type);
      return type;
    });
    const exports = this.exported.map(([as, func]) => {
      const out: number[] = [];
      name(out, as);
      out.push(EXTERNAL.func);
      unsigned(out, func.index);
      return out;
    });
    const hints = this.functions.map((f) => f.encodeHints()).filter((entry) => entry.length > 0);
    return concatenate([
      [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      ...section(1, this.typeCodes.length, this.typeCodes),
      ...section(2, this.imports.length, this.imports),
      ...section(3, types.length, types),
      ...section(7, exports.length, exports),
      ...section(9, this.elements.length, this.elements.map(encodeElement)),
      ...customSection(HINTS, hints),
      ...section(
        10,
        this.functions.length,
        this.functions.flatMap((f) => f.encode()),
      ),
    ]);
  }

  private import(from: string, field: string, kind: number): number[] {
    const out: number[] = [];
    name(out, from);
    name(out, field);
    out.push(kind);
    this.imports.push(out);
    return out;
  }

  private functionType(params: readonly ValType[], result: ResultType): number {
    const key = `${params.join()}:${result}`;
    const known = this.types.indexOf(key);
    if (known >= 0) return known;
    const out = [0x60];
    sized(
      out,
      params.map((p) => TYPE_CODE[p]),
    );
    sized(out, result === 'void' ? [] : [TYPE_CODE[result]]);
    this.typeCodes.push(out);
    return this.types.push(key) - 1;
  }
}

function encodeElement({ at, func }: { readonly at: Expr<'i32'>; readonly func: FunctionBuilder<ResultType> }): number[] {
  const emitter = new Emitter();
  emitter.emit(at);
  const out = [0x00, ...emitter.bytes, 0x0b];
  unsigned(out, 1);
  unsigned(out, func.index);
  return out;
}

type Bytes = ArrayLike<number>;
type Pieces = readonly Bytes[];

/** A section of `count` entries, whose bytes are in `pieces`. */
function section(id: number, count: number, pieces: Pieces): Pieces {
  if (count === 0) return [];
  const counted: number[] = [];
  unsigned(counted, count);
  const head = [id];
  unsigned(head, counted.length + totalLength(pieces));
  return [head, counted, ...pieces];
}

/** A custom section of counted entries. */
function customSection(title: string, entries: Pieces): Pieces {
  if (entries.length === 0) return [];
  const start: number[] = [];
  name(start, title);
  unsigned(start, entries.length);
  const head = [0];
  unsigned(head, start.length + totalLength(entries));
  return [head, start, ...entries];
}

function totalLength(pieces: Pieces): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

function concatenate(pieces: Pieces): Uint8Array {
  const out = new Uint8Array(totalLength(pieces));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}
