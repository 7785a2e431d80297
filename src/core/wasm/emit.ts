/*
 * Turns trees of nodes into the bytes of a function body.
 */

import { float, signed32, signed64, unsigned } from './leb128.ts';
import type { Hint, Label, Node } from './node.ts';
import { TYPE_CODE } from './node.ts';

/** Writes one function's code; keeps the stack of enclosing blocks, to turn labels into depths. */
export class Emitter {
  readonly bytes: number[] = [];
  /** Where the bytes have a conditional instruction with a hint, in ascending order. */
  readonly hints: { readonly offset: number; readonly hint: Hint }[] = [];
  private readonly enclosing: (Label | undefined)[] = [];

  /** @throws Error when the tree branches to a label that does not enclose it (a mistake in a builder's use) */
  emit(node: Node): void {
    const out = this.bytes;
    switch (node.kind) {
      case 'op':
        for (const arg of node.args) this.emit(arg);
        for (const byte of node.code) out.push(byte);
        break;
      case 'const':
        this.constant(node.type, node.value);
        break;
      case 'local':
        out.push(0x20);
        unsigned(out, node.index);
        break;
      case 'set':
      case 'tee':
        this.emit(node.value);
        out.push(node.kind === 'set' ? 0x21 : 0x22);
        unsigned(out, node.index);
        break;
      case 'sequence':
        for (const part of node.body) this.emit(part);
        break;
      case 'block':
      case 'loop':
        out.push(node.kind === 'block' ? 0x02 : 0x03, TYPE_CODE[node.type]);
        this.enclosing.push(node.label);
        for (const part of node.body) this.emit(part);
        this.enclosing.pop();
        out.push(0x0b);
        break;
      case 'if':
        this.emit(node.condition);
        this.hint(node.hint);
        out.push(0x04, TYPE_CODE[node.type]);
        this.enclosing.push(undefined);
        this.emit(node.then);
        if (node.otherwise !== undefined) {
          out.push(0x05);
          this.emit(node.otherwise);
        }
        this.enclosing.pop();
        out.push(0x0b);
        break;
      case 'branch':
        if (node.condition !== undefined) {
          this.emit(node.condition);
          this.hint(node.hint);
        }
        out.push(node.condition === undefined ? 0x0c : 0x0d);
        unsigned(out, this.depth(node.label));
        break;
      case 'switch':
        this.emit(node.index);
        out.push(0x0e);
        unsigned(out, node.labels.length);
        for (const label of node.labels) unsigned(out, this.depth(label));
        unsigned(out, this.depth(node.fallback));
        break;
    }
  }

  private hint(hint: Hint | undefined): void {
    if (hint !== undefined) this.hints.push({ offset: this.bytes.length, hint });
  }

  private depth(label: Label): number {
    const index = this.enclosing.lastIndexOf(label);
    if (index < 0) throw new Error(`branch to ${label.name} from outside of it`);
    return this.enclosing.length - 1 - index;
  }

  private constant(type: string, value: number | bigint): void {
    const out = this.bytes;
    switch (type) {
      case 'i32':
        out.push(0x41);
        signed32(out, Number(value));
        break;
      case 'i64':
        out.push(0x42);
        signed64(out, BigInt(value));
        break;
      case 'f32':
        out.push(0x43);
        float(out, Number(value), 4);
        break;
      default:
        out.push(0x44);
        float(out, Number(value), 8);
    }
  }
}
