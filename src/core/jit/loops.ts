/*
 * The innermost loops of a region's flow graph.
 */

import { isBackEdge, type Shape } from './flow.ts';
import type { Block } from './region.ts';

export interface Loop {
  readonly head: Block;
  /** All blocks, the head first, in reverse postorder. */
  readonly body: readonly Block[];
  /** Those with an edge back to the head. */
  readonly latches: readonly Block[];
}

/** The loops that have no other in them. */
export function innermostLoops({ blocks }: Shape): Loop[] {
  const predecessors: Block[][] = blocks.map(() => []);
  const latches: Block[][] = blocks.map(() => []);
  for (const block of blocks) {
    for (const edge of block.edges()) {
      if (edge.to === undefined) continue;
      (isBackEdge(block, edge) ? latches : predecessors)[edge.to.order]!.push(block);
    }
  }
  const loops: Loop[] = [];
  for (const head of blocks) {
    const ends = latches[head.order]!;
    if (ends.length === 0) continue;
    // What leads to a latch without passing the head belongs to the loop.
    const body = new Set([head, ...ends]);
    for (const block of body) if (block !== head) for (const before of predecessors[block.order]!) body.add(before);
    const isInnermost = [...body].every((block) => block === head || latches[block.order]!.length === 0);
    if (isInnermost) loops.push({ head, body: [...body].sort((a, b) => a.order - b.order), latches: [...new Set(ends)] });
  }
  return loops;
}
