/*
 * Turns trees of nodes into the bytes of a function body.
 *
 * Hot code is translated while the guest waits for it: the bytes go straight into a growing array, and nothing is allocated for a node.
 */

import { float } from './leb128.ts';
import type { Hint, Label, Node } from './node.ts';
import { TYPE_CODE } from './node.ts';

/** Longest instruction, but for a `switch`: an opcode and a 64-bit constant. */
const MARGIN = 16;

/** Writes one function's code; keeps the stack of enclosing blocks, to turn labels into depths. */
export class Emitter {
  /** Where the bytes have a conditional instruction with a hint, in ascending order. */
  readonly hints: { readonly offset: number; readonly hint: Hint }[] = [];
  private out = new Uint8Array(1024);
  private length = 0;
  private readonly enclosing: (Label | undefined)[] = [];

  /** What has been emitted. */
  get bytes(): Uint8Array {
    return this.out.subarray(0, this.length);
  }

  /** @throws Error when the tree branches to a label that does not enclose it (a mistake in a builder's use) */
  emit(node: Node): void {
    if (this.length + MARGIN > this.out.length) this.grow();
    switch (node.kind) {
      case 'op': {
        const { args, code } = node;
        for (const arg of args) this.emit(arg);
        if (this.length + MARGIN > this.out.length) this.grow();
        for (const byte of code) this.out[this.length++] = byte;
        break;
      }
      case 'call': {
        const { args } = node;
        for (const arg of args) this.emit(arg);
        this.byte(node.tail ? 0x12 : 0x10);
        this.unsigned(node.callee.index);
        break;
      }
      case 'local':
        this.out[this.length++] = 0x20;
        this.unsigned(node.index);
        break;
      case 'const':
        this.constant(node.type, node.value);
        break;
      case 'set':
      case 'tee':
        this.emit(node.value);
        this.byte(node.kind === 'set' ? 0x21 : 0x22);
        this.unsigned(node.index);
        break;
      case 'sequence': {
        const { body } = node;
        for (const part of body) this.emit(part);
        break;
      }
      case 'block':
      case 'loop': {
        const { body } = node;
        this.byte(node.kind === 'block' ? 0x02 : 0x03);
        this.byte(TYPE_CODE[node.type]);
        this.enclosing.push(node.label);
        for (const part of body) this.emit(part);
        this.enclosing.pop();
        this.byte(0x0b);
        break;
      }
      case 'if':
        this.emit(node.condition);
        this.hint(node.hint);
        this.byte(0x04);
        this.byte(TYPE_CODE[node.type]);
        this.enclosing.push(undefined);
        this.emit(node.then);
        if (node.otherwise !== undefined) {
          this.byte(0x05);
          this.emit(node.otherwise);
        }
        this.enclosing.pop();
        this.byte(0x0b);
        break;
      case 'branch':
        if (node.condition !== undefined) {
          this.emit(node.condition);
          this.hint(node.hint);
        }
        this.byte(node.condition === undefined ? 0x0c : 0x0d);
        this.unsigned(this.depth(node.label));
        break;
      case 'switch':
        this.emit(node.index);
        this.byte(0x0e);
        this.unsigned(node.labels.length);
        for (const label of node.labels) this.unsigned(this.depth(label));
        this.unsigned(this.depth(node.fallback));
        break;
      case 'note':
        break;
    }
  }

  /** Appends a byte that belongs to no node. */
  byte(value: number): void {
    if (this.length + MARGIN > this.out.length) this.grow();
    this.out[this.length++] = value;
  }

  private grow(): void {
    const out = new Uint8Array(2 * this.out.length);
    out.set(this.out);
    this.out = out;
  }

  private hint(hint: Hint | undefined): void {
    if (hint !== undefined) this.hints.push({ offset: this.length, hint });
  }

  private depth(label: Label): number {
    const index = this.enclosing.lastIndexOf(label);
    if (index < 0) throw new Error(`branch to ${label.name} from outside of it`);
    return this.enclosing.length - 1 - index;
  }

  private constant(type: string, value: number | bigint): void {
    if (type === 'i32' || type === 'i64') {
      this.byte(type === 'i32' ? 0x41 : 0x42);
      const small = type === 'i32' ? Number(value) | 0 : value;
      if (typeof small === 'number' && small === (small | 0)) this.signed(small);
      else this.signedLong(BigInt.asIntN(64, BigInt(small)));
      return;
    }
    const bytes: number[] = [type === 'f32' ? 0x43 : 0x44];
    float(bytes, Number(value), type === 'f32' ? 4 : 8);
    for (const byte of bytes) this.byte(byte);
  }

  /** LEB128, below 2^32. */
  private unsigned(value: number): void {
    let rest = value >>> 0;
    if (this.length + MARGIN > this.out.length) this.grow();
    while (rest >= 0x80) {
      this.out[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.out[this.length++] = rest;
  }

  /** LEB128 of a 32-bit integer; as a 64-bit one it has the same bytes. */
  private signed(value: number): void {
    let rest = value;
    while (rest < -64 || rest > 63) {
      this.out[this.length++] = (rest & 0x7f) | 0x80;
      rest >>= 7;
    }
    this.out[this.length++] = rest & 0x7f;
  }

  private signedLong(value: bigint): void {
    let rest = value;
    while (rest < -64n || rest > 63n) {
      this.out[this.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.out[this.length++] = Number(rest & 0x7fn);
  }
}
