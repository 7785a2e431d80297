/*
 * Trees of nodes as text, in the folded style of the WebAssembly text format: for people who want to see what has been translated.
 *
 * Names of operators come from the builders themselves: each operator of ops.ts is built once, and its opcode remembered with the name it
 * was built by. Locals and functions are shown by the names they were given, labels by their own, notes as comments on lines of their own.
 * A sequence that yields a value stands among the operands, as the format allows. Left out are alignments; integers from 4096 on
 * are hexadecimal; `rarely` and `mostly` stand for branch hints. What no name is known of appears as its bytes, never as something else.
 */

import { drop, ret, select } from './control.ts';
import type { Listing } from './module.ts';
import type { Hint, Label, Node, OpNode, ResultType, ValType } from './node.ts';
import { Local } from './node.ts';
import { atomicFence, f32, f64, i32, i64 } from './ops.ts';

/** Columns that a line should not exceed; however deep it is indented, it may have MIN_WIDTH. */
const WIDTH = 132;
const MIN_WIDTH = 60;
const INDENT = ' ';

const GLOBAL_GET = 0x23;
const RETURN_CALL_INDIRECT = 0x13;

/** A form in parentheses, or a comment. */
type Piece =
  { readonly head: string; readonly inside: readonly Piece[]; readonly broken?: boolean } | { readonly comment: string };

/** Lines of a function's text. `globals` has the names of the module's globals, by number. */
export function formatFunction(listing: Listing, globals: readonly string[]): string[] {
  return new Writer(listing, globals).function();
}

class Writer {
  private readonly locals: string[] = [];
  private readonly labels = new Map<Label, string>();
  private readonly taken = new Set<string>();

  constructor(
    private readonly listing: Listing,
    private readonly globals: readonly string[],
  ) {
    const { params, locals, names } = listing;
    for (let i = 0; i < params.length + locals.length; i++) this.locals.push(this.unique(names.get(i) ?? `t${String(i)}`));
  }

  function(): string[] {
    const { name, params, locals, result, body } = this.listing;
    const declare = (what: string, types: readonly ValType[], first: number): string[] =>
      types.map((type, i) => `(${what} ${this.locals[first + i]!} ${type})`);
    const head = [
      '(func',
      ...(name === undefined ? [] : [`$${name}`]),
      ...declare('param', params, 0),
      ...resultOf(result),
    ].join(' ');
    const lines = [head, ...wrap(declare('local', locals, params.length))];
    for (const piece of this.pieces(body)) layOut(piece, 1, lines);
    return [...lines, ')'];
  }

  private pieces(nodes: readonly Node[]): Piece[] {
    return nodes.flatMap((node) => this.piece(node));
  }

  private piece(node: Node): readonly Piece[] {
    switch (node.kind) {
      case 'note':
        return [{ comment: node.text }];
      case 'sequence':
        return this.pieces(node.body);
      case 'op':
        return [{ head: this.operator(node), inside: this.pieces(node.args) }];
      case 'call':
        return [{ head: `${node.tail ? 'return_call' : 'call'} ${nameOf(node.callee)}`, inside: this.pieces(node.args) }];
      case 'const':
        return [{ head: `${node.type}.const ${constant(node.type, node.value)}`, inside: [] }];
      case 'local':
        return [{ head: `local.get ${this.locals[node.index]!}`, inside: [] }];
      case 'set':
      case 'tee':
        return [{ head: `local.${node.kind} ${this.locals[node.index]!}`, inside: this.piece(node.value) }];
      case 'block':
      case 'loop': {
        const head = [node.kind, this.label(node.label), ...resultOf(node.type)].join(' ');
        return [{ head, inside: this.pieces(node.body), broken: true }];
      }
      case 'if': {
        const arms: Piece[] = [{ head: 'then', inside: this.piece(node.then) }];
        if (node.otherwise !== undefined) arms.push({ head: 'else', inside: this.piece(node.otherwise) });
        const head = [`if${hinted(node.hint)}`, ...resultOf(node.type)].join(' ');
        return [{ head, inside: [...this.piece(node.condition), ...arms] }];
      }
      case 'branch': {
        const conditional = node.condition !== undefined;
        const head = `${conditional ? 'br_if' : 'br'}${hinted(node.hint)} ${this.label(node.label)}`;
        return [{ head, inside: conditional ? this.piece(node.condition) : [] }];
      }
      case 'switch': {
        const labels = [...node.labels, node.fallback].map((label) => this.label(label));
        return [{ head: `br_table ${labels.join(' ')}`, inside: this.piece(node.index) }];
      }
    }
  }

  private operator({ code }: OpNode<ResultType>): string {
    const at = opcodeLength(code);
    if (code[0] === GLOBAL_GET) {
      const index = readUnsigned(code, at)[0];
      return `global.get ${identifier(this.globals[index] ?? String(index))}`;
    }
    if (code[0] === RETURN_CALL_INDIRECT) {
      const [type, next] = readUnsigned(code, at);
      return `return_call_indirect ${String(readUnsigned(code, next)[0])} (type ${String(type)})`;
    }
    const name = operatorNames().get(keyOf(code));
    if (name === undefined) return `bytes ${code.map((byte) => hex(byte)).join(' ')}`;
    if (name.accessesMemory) {
      const offset = readUnsigned(code, readUnsigned(code, at)[1])[0];
      return offset === 0 ? name.text : `${name.text} offset=${String(offset)}`;
    }
    return code[0] === VECTOR ? [name.text, ...code.slice(at)].join(' ') : name.text;
  }

  private label(label: Label): string {
    let name = this.labels.get(label);
    if (name === undefined) {
      name = this.unique(label.name);
      this.labels.set(label, name);
    }
    return name;
  }

  /** An identifier of the text format that has not been used in the function. */
  private unique(name: string): string {
    const wanted = identifier(name);
    let free = wanted;
    for (let n = 2; this.taken.has(free); n++) free = `${wanted}.${String(n)}`;
    this.taken.add(free);
    return free;
  }
}

/** Appends the lines of a piece. */
function layOut(piece: Piece, depth: number, lines: string[]): void {
  const margin = INDENT.repeat(depth);
  if ('comment' in piece) {
    lines.push('', `${margin};; ${piece.comment}`);
    return;
  }
  const short = piece.broken === true ? undefined : flat(piece, Math.max(MIN_WIDTH, WIDTH - depth));
  if (short !== undefined) {
    lines.push(margin + short);
    return;
  }
  lines.push(`${margin}(${piece.head}`);
  for (const inner of piece.inside) layOut(inner, depth + 1, lines);
  const last = piece.inside.at(-1);
  if (last === undefined || 'comment' in last) lines.push(`${margin})`);
  else lines.push(`${lines.pop()!})`);
}

/** A piece on one line, if it fits on one. */
function flat(piece: Piece, width: number): string | undefined {
  if ('comment' in piece || piece.broken === true) return undefined;
  let out = `(${piece.head}`;
  for (const inner of piece.inside) {
    const text = out.length > width ? undefined : flat(inner, width);
    if (text === undefined) return undefined;
    out += ` ${text}`;
  }
  return out.length < width ? `${out})` : undefined;
}

function wrap(words: readonly string[]): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    if (line.length + word.length >= WIDTH) {
      lines.push(line);
      line = '';
    }
    line += ` ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

function resultOf(type: ResultType): string[] {
  return type === 'void' ? [] : [`(result ${type})`];
}

function hinted(hint: Hint | undefined): string {
  if (hint === undefined) return '';
  return hint === 0 ? ' (; rarely ;)' : ' (; mostly ;)';
}

function nameOf({ name, index }: { readonly name?: string | undefined; readonly index: number }): string {
  return name === undefined ? String(index) : identifier(name);
}

function identifier(name: string): string {
  return `$${name.replace(/[^\w.!#$%&'*+/:<=>?@\\^`|~-]/g, '_')}`;
}

function constant(type: string, value: number | bigint): string {
  if (type === 'i32' || type === 'i64') return integer(BigInt.asIntN(type === 'i32' ? 32 : 64, BigInt(value)));
  if (Object.is(value, -0)) return '-0';
  return String(value).replace('Infinity', 'inf').replace('NaN', 'nan');
}

function integer(value: bigint): string {
  const magnitude = value < 0n ? -value : value;
  return `${value < 0n ? '-' : ''}${magnitude < 4096n ? String(magnitude) : `0x${magnitude.toString(16)}`}`;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

interface OperatorName {
  readonly text: string;
  readonly accessesMemory: boolean;
}

let known: Map<string, OperatorName> | undefined;

/** Names by opcode. */
function operatorNames(): ReadonlyMap<string, OperatorName> {
  if (known !== undefined) return known;
  known = new Map();
  const something = new Local('i32', 0);
  const learn = (text: string, node: Node | undefined): void => {
    if (node?.kind !== 'op') return;
    // An alignment and an offset are all the immediates there are, but for the lane of a vector.
    known!.set(keyOf(node.code), { text, accessesMemory: node.code.length - opcodeLength(node.code) === 2 });
  };
  const learnAll = (prefix: string, builders: Readonly<Record<string, unknown>>): void => {
    for (const [name, builder] of Object.entries(builders)) {
      if (typeof builder !== 'function') continue;
      // The second argument is an operand or an offset; what it is makes no difference to the opcode.
      const node = (builder as (...args: readonly unknown[]) => Node)(something, 0, something, something);
      if (node.kind === 'op' && node.code[0] === VECTOR) learnVector(prefix, name, node, learn);
      else learn(`${prefix}.${textName(prefix, name)}`, node);
    }
  };
  for (const [prefix, builders] of Object.entries({ i32, i64, f32, f64 })) learnAll(prefix, builders);
  for (const [prefix, builders] of Object.entries({ i32, i64 })) learnAll(`${prefix}.atomic`, builders.atomic);
  learn('atomic.fence', atomicFence());
  learn('select', select(something, something, something));
  learn('drop', drop(something));
  learn('return', ret());
  return known;
}

const VECTOR = 0xfd;
const SHAPES: Readonly<Record<string, string>> = { f32: 'f32x4', f64: 'f64x2' };

/** An operation on scalars that is done on vectors: its result is a lane, its operands are spread over all lanes. */
function learnVector(
  prefix: string,
  name: string,
  extract: OpNode<ResultType>,
  learn: (text: string, node: Node | undefined) => void,
): void {
  const shape = SHAPES[prefix]!;
  const operation = extract.args[0];
  learn(`${shape}.extract_lane`, extract);
  learn(`${shape}.${textName(prefix, name)}`, operation);
  if (operation?.kind === 'op') learn(`${shape}.splat`, operation.args[0]);
}

/** Conversions whose builders leave their operand's type unsaid. */
const FULL_NAMES: Readonly<Record<string, string>> = { wrap: 'wrap_i64', demote: 'demote_f64', promote: 'promote_f32' };

/** A builder's name as the text format has it: truncSatF64U is trunc_sat_f64_u. */
function textName(prefix: string, name: string): string {
  const snake = FULL_NAMES[name] ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return prefix.endsWith('.atomic') && name !== 'load' && name !== 'store' ? `rmw.${snake}` : snake;
}

/** Bytes of the opcode at the start of an operator's code: one, or a prefix and a number. */
function opcodeLength(code: readonly number[]): number {
  return code[0]! < 0xfc ? 1 : readUnsigned(code, 1)[1];
}

function keyOf(code: readonly number[]): string {
  return code.slice(0, opcodeLength(code)).join();
}

/** The LEB128 number at a place, and the place behind it. */
function readUnsigned(code: readonly number[], at: number): [value: number, next: number] {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = code[at++]!;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
}
