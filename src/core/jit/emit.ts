/*
 * From a region to the bytes of its module: a function (context, fuel) → cause that runs guest code until it leaves the region, by a
 * tail call to whatever comes next, and in the end returns the cause for which guest code was left.
 *
 * Control flow follows the dominator tree. The code of a block is followed by that of the blocks it dominates: one with a single
 * predecessor stands in the place of the edge to it; one where ways meet stands behind a WebAssembly block that the edges to it leave; one
 * that backward edges lead to is the head of a WebAssembly loop.
 *
 * Fuel: at the entry and on each backward edge it is compared with the longest way to the next such place (`longest`), so it never runs out
 * in between and is exact to the instruction. It is reduced where ways meet; until then what has retired is a number known here.
 */

import { OPERATIONS } from '../isa/table.ts';
import { block, branch, Label, loop, rarely, tailCall, tailCallIndirect, when } from '../wasm/control.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { FunctionBuilder } from '../wasm/module.ts';
import type { Local, Stmt } from '../wasm/node.ts';
import { EntrySlot, emitSlotOffset, slotOffset } from './entry-cache.ts';
import { REGION_PARAMS, REGION_RESULT, RegionEnvironment } from './environment.ts';
import { isBackEdge, type Shape, shapeOf } from './flow.ts';
import { Here } from './here.ts';
import { type Liveness, livenessOf } from './liveness.ts';
import { Flow, isRounded } from './operation.ts';
import type { Block, Edge, Region } from './region.ts';
import { TranslatorTier } from './tier.ts';
import { HartBlock } from '../hart-block.ts';

/** Name of the function that a region's module exports. */
export const REGION_EXPORT = 'run';

/** The module of a region. */
export function emitRegion(region: Region): Uint8Array {
  const env = new RegionEnvironment();
  const func = env.module.func(REGION_PARAMS, REGION_RESULT, REGION_EXPORT);
  new RegionEmitter(env, func, region).emit();
  return env.module.encode();
}

class RegionEmitter {
  private readonly tier: TranslatorTier;
  private readonly shape: Shape;
  private readonly liveness: Liveness;
  /** By order of the block: where edges to it leave to, and where it begins anew. */
  private readonly meeting: Label[];
  private readonly head: Label[];
  private readonly children: Block[][];
  /** Leaves the region for the pc in tier.target; everything is written back, and the fuel is exact. */
  private readonly onward = new Label('onward');
  /** Address of the slot for that pc. */
  private readonly slot: Local<'i32'>;

  constructor(
    private readonly env: RegionEnvironment,
    private readonly func: FunctionBuilder<'i32'>,
    private readonly region: Region,
  ) {
    this.tier = new TranslatorTier(env, func, region);
    this.shape = shapeOf(region);
    this.liveness = livenessOf(region, this.shape);
    this.slot = func.local('i32');
    const { blocks, dominator, forwardEdges } = this.shape;
    this.meeting = blocks.map((b) => new Label(`meet ${String(b.pc)}`));
    this.head = blocks.map((b) => new Label(`head ${String(b.pc)}`));
    this.children = blocks.map(() => []);
    for (const b of blocks) if (forwardEdges[b.order]! > 1) this.children[dominator[b.order]!]!.push(b);
  }

  emit(): void {
    const { tier, env, region } = this;
    const { context, fuel } = tier;
    const start = i64.const(region.start);
    const rounds = region.op.some(isRounded);
    const body = [
      rarely(i32.ltS(fuel, i32.const(this.shape.longest[0]!)), tailCall(env.get('refuel'), context, start, fuel)),
      ...(rounds ? [rarely(tier.roundsOtherwise, tailCall(env.get('interpret'), context, start, fuel))] : []),
      ...tier.prologue(this.liveness.loaded, rounds),
      block(this.onward, ...this.tree(this.shape.blocks[0]!, new Here(this.liveness.dirty[0]!.copy()))),
      when(
        i64.eq(i64.load(this.slot, EntrySlot.tag.offset), tier.target),
        tailCallIndirect(env.regions, i32.load(this.slot, EntrySlot.region.offset), context, fuel),
      ),
      tailCall(env.get('cold'), context, tier.target, fuel),
    ];
    this.func.body(body);
  }

  /** The code of a block and of all that it dominates. */
  private tree(at: Block, here: Here): Stmt[] {
    const { order } = at;
    if (!this.shape.isLoop[order]) return this.within(at, this.children[order]!, here);
    const commit = this.commit(here);
    return [...commit, loop(this.head[order]!, ...this.within(at, this.children[order]!, this.anew(at)))];
  }

  /** A block, with those where ways meet again standing behind it, the latest last. */
  private within(at: Block, children: readonly Block[], here: Here): Stmt[] {
    const last = children.at(-1);
    if (last === undefined) return this.block(at, here);
    return [
      block(this.meeting[last.order]!, ...this.within(at, children.slice(0, -1), here)),
      ...this.tree(last, this.anew(last)),
    ];
  }

  /** What is known at the start of a block where ways meet. */
  private anew(at: Block): Here {
    return new Here(this.liveness.dirty[at.order]!.copy());
  }

  private block(at: Block, here: Here): Stmt[] {
    const { tier, region } = this;
    const out: Stmt[] = [];
    tier.here = here;
    for (let i = at.first; i < at.end; i++) {
      const flow = region.flow(i);
      if (flow === Flow.Stop) {
        const pc = i64.const(region.pc[i]!);
        return [...out, ...tier.spill(), tailCall(this.env.get('interpret'), tier.context, pc, tier.fuelLeft)];
      }
      out.push(...tier.emit(i, OPERATIONS[region.op[i]! - 1]!.instruction));
      here.retired++;
    }
    return [...out, ...this.leaveBlock(at, here)];
  }

  private leaveBlock(at: Block, here: Here): Stmt[] {
    const { tier } = this;
    switch (at.flow) {
      case Flow.Trap:
        return [];
      case Flow.Branch: {
        const { condition } = tier;
        const taken = this.go(at, at.taken!, here.copy());
        return [when(condition!, ...taken), ...this.go(at, at.next!, here)];
      }
      case Flow.Indirect: {
        const out: Stmt[] = [];
        for (const edge of at.returns) {
          if (edge.to === undefined) continue;
          out.push(when(i64.eq(tier.target, i64.const(edge.pc)), ...this.go(at, edge, here.copy())));
        }
        tier.here = here;
        const offset = emitSlotOffset(i32.wrap(tier.target));
        return [...out, ...this.leaveRegion(here, this.slot.set(i32.add(this.entryBase, offset)))];
      }
      default:
        return this.go(at, at.next!, here);
    }
  }

  /** The code of an edge: it ends in a branch, a tail call, or the code of the block that it leads to. */
  private go(from: Block, edge: Edge, here: Here): Stmt[] {
    const { tier, shape } = this;
    const { to, pc } = edge;
    tier.here = here;
    if (to === undefined) {
      return this.leaveRegion(
        here,
        tier.target.set(i64.const(pc)),
        this.slot.set(i32.add(this.entryBase, i32.const(slotOffset(pc)))),
      );
    }
    if (isBackEdge(from, edge)) {
      const enough = i32.geS(tier.fuel, i32.const(shape.longest[to.order]!));
      return [
        ...this.commit(here),
        branch(this.head[to.order]!, enough, 1),
        ...tier.spill(),
        tailCall(this.env.get('refuel'), tier.context, i64.const(pc), tier.fuel),
      ];
    }
    if (shape.forwardEdges[to.order]! > 1) return [...this.commit(here), branch(this.meeting[to.order]!)];
    return this.tree(to, here);
  }

  private leaveRegion(here: Here, ...aim: Stmt[]): Stmt[] {
    return [...this.tier.spill(), ...this.commit(here), ...aim, branch(this.onward)];
  }

  /** Takes what has retired from the fuel. */
  private commit(here: Here): Stmt[] {
    const { fuel } = this.tier;
    const { retired } = here;
    here.retired = 0;
    return retired === 0 ? [] : [fuel.set(i32.sub(fuel, i32.const(retired)))];
  }

  private get entryBase(): ReturnType<typeof i32.load> {
    return i32.load(this.env.hartBlock, HartBlock.entryBase.offset);
  }
}
