/*
 * Which registers a region has to load when it is entered, and which it has to write back wherever it is left.
 *
 * A register is dirty at a point when some path to it has written the register: leaving there stores it. So its local must have a value
 * on all paths: a register that is dirty where the region may be left counts as read there. What is read on some path before
 * it is written is loaded at the entry.
 */

import type { Shape } from './flow.ts';
import { accessesMemory, addReads, Flow, Registers } from './operation.ts';
import type { Block, Region } from './region.ts';

export interface Liveness {
  /** To be loaded at the entry. */
  readonly loaded: Registers;
  /** Dirty at the start of each block, by order. */
  readonly dirty: readonly Registers[];
}

export function livenessOf(region: Region, { blocks }: Shape): Liveness {
  const written = blocks.map((block) => writtenBy(region, block));
  const dirty = blocks.map(() => new Registers());
  for (let changed = true; changed;) {
    changed = false;
    for (const block of blocks) {
      const after = dirty[block.order]!.copy();
      after.unite(written[block.order]!);
      for (const { to } of block.edges()) if (to !== undefined && dirty[to.order]!.unite(after)) changed = true;
    }
  }

  const live = blocks.map((block) => exposedBy(region, block, dirty[block.order]!));
  for (let changed = true; changed;) {
    changed = false;
    for (let b = blocks.length - 1; b >= 0; b--) {
      const block = blocks[b]!;
      for (const { to } of block.edges()) {
        if (to === undefined) continue;
        const needed = live[to.order]!;
        const passed = new Registers(needed.x & ~written[b]!.x, needed.f & ~written[b]!.f);
        if (live[b]!.unite(passed)) changed = true;
      }
    }
  }
  return { loaded: live[0]!, dirty };
}

function writtenBy(region: Region, block: Block): Registers {
  const set = new Registers();
  for (let i = block.first; i < block.end; i++) set.add(region.rd[i]!);
  return set;
}

/** What a block reads before it writes it, and what it would store if it were left. */
function exposedBy(region: Region, block: Block, dirty: Registers): Registers {
  const exposed = new Registers();
  const written = new Registers();
  let mayLeave = block.flow !== Flow.Next;
  for (let i = block.first; i < block.end; i++) {
    addReads(exposed, written, region.op[i]!, region.rs1[i]!, region.rs2[i]!, region.imm[i]!);
    written.add(region.rd[i]!);
    mayLeave ||= accessesMemory(region.op[i]!);
  }
  mayLeave ||= block.edges().some(({ to }) => to === undefined || to.order <= block.order);
  // A register that the block writes before it can be left is loaded for nothing; that is rare and harmless.
  if (mayLeave) exposed.unite(dirty);
  return exposed;
}
