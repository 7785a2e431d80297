/*
 * Counts the accesses to memory of a region (HartBlock.accesses), in machines that are told to.
 *
 * What a block accesses is known when it is translated: it is added as a whole at its start, to a local, and whoever leaves the block
 * before its end takes back what was still to come; the local goes to RAM where the region is left. So counting is exact, and costs an
 * addition a block.
 */

import { HartBlock } from '../hart-block.ts';
import type { FunctionBuilder } from '../wasm/module.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { I32, Local, Stmt } from '../wasm/node.ts';
import { accessesMemory } from './operation.ts';
import type { Region } from './region.ts';

export class AccessCount {
  private readonly counted: Local<'i32'>;
  /** End of the block that is being emitted. */
  private end = 0;

  constructor(
    func: FunctionBuilder<'i32'>,
    private readonly region: Region,
  ) {
    this.counted = func.local('i32', 'accesses');
  }

  /** A block of instructions first … end − 1 begins. */
  begin(first: number, end: number): Stmt[] {
    this.end = end;
    const n = this.between(first, end);
    return n === 0 ? [] : [this.counted.set(i32.add(this.counted, i32.const(n)))];
  }

  /** The block is left before the instruction `index`. */
  takeBack(index: number): Stmt[] {
    const n = this.between(index, this.end);
    return n === 0 ? [] : [this.counted.set(i32.sub(this.counted, i32.const(n)))];
  }

  /** The region is left. */
  settle(hartBlock: I32): Stmt[] {
    const { offset } = HartBlock.accesses;
    return [i64.store(hartBlock, offset, i64.add(i64.load(hartBlock, offset), i64.extendI32S(this.counted)))];
  }

  private between(first: number, end: number): number {
    let n = 0;
    for (let i = first; i < end; i++) if (accessesMemory(this.region.op[i]!)) n++;
    return n;
  }
}
