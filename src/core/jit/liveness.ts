/*
 * Which registers a region has to load when it is entered, and which it has to write back wherever it is left.
 *
 * A register is dirty in a block when some path to the block, or the block itself, writes it: leaving stores it, wherever in the block that
 * happens, so that the exits of a block can share their code. So its local must have a value on all paths: a register that is dirty
 * where the region may be left counts as read there. What is read on some path before it is written is loaded at the entry.
 */

import type { Shape } from './flow.ts';
import { addReads, Flow, mayLeave, Registers } from './operation.ts';
import type { Block, Region } from './region.ts';

export interface Liveness {
  /** To be loaded at the entry. */
  readonly loaded: Registers;
  /** Dirty in each block, by order. */
  readonly dirty: readonly Registers[];
}

/** @param isSafe whether an access to memory, by block and index, never leaves the region */
export function livenessOf(region: Region, { blocks }: Shape, isSafe: (block: Block, index: number) => boolean): Liveness {
  const written = blocks.map((block) => writtenBy(region, block));
  const dirty = written.map((set) => set.copy());
  for (let changed = true; changed;) {
    changed = false;
    for (const block of blocks) {
      const after = dirty[block.order]!;
      for (const { to } of block.edges()) if (to !== undefined && dirty[to.order]!.unite(after)) changed = true;
    }
  }

  const live = blocks.map((block) => exposedBy(region, block, dirty[block.order]!, isSafe));
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
function exposedBy(
  region: Region,
  block: Block,
  dirty: Registers,
  isSafe: (block: Block, index: number) => boolean,
): Registers {
  const exposed = new Registers();
  const written = new Registers();
  // Leaving at the end stores what has been written by then; leaving before stores more.
  let midway = false;
  for (let i = block.first; i < block.end; i++) {
    addReads(exposed, written, region.op[i]!, region.rs1[i]!, region.rs2[i]!, region.imm[i]!);
    if (!midway && mayLeave(region.op[i]!, region.imm[i]!) && !isSafe(block, i)) {
      midway = true;
      exposed.unite(new Registers(dirty.x & ~written.x, dirty.f & ~written.f));
    }
    written.add(region.rd[i]!);
  }
  const atEnd = block.flow >= Flow.Indirect || block.edges().some(({ to }) => to === undefined || to.order <= block.order);
  if (atEnd) exposed.unite(new Registers(dirty.x & ~written.x, dirty.f & ~written.f));
  return exposed;
}
