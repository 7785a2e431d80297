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

import { addPortion } from '../fuel.ts';
import { OPERATIONS } from '../isa/table.ts';
import { block, branch, Label, loop, rarely, switchTo, tailCall, when } from '../wasm/control.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { FunctionBuilder, ModuleBuilder } from '../wasm/module.ts';
import type { Stmt } from '../wasm/node.ts';
import { REGION_PARAMS, REGION_RESULT, RegionEnvironment } from './environment.ts';
import { isBackEdge, type Shape, shapeOf } from './flow.ts';
import { Here } from './here.ts';
import { LoopCopies } from './loop-copies.ts';
import type { LoopGuard } from './loop-guard.ts';
import { type Liveness, livenessOf } from './liveness.ts';
import { Flow, type Registers } from './operation.ts';
import { hashOf } from './perfect-hash.ts';
import type { Block, Edge, Region } from './region.ts';
import { type Singles, singlesOf, slotsOf } from './singles.ts';
import { TranslatorTier } from './tier.ts';
import { type WordFlow, wordsOf } from './word-flow.ts';

/** So many entries of a joint are told apart one by one. */
const FEW = 3;

/** What becomes of a region. */
export interface EmittedRegion {
  /** A module: instantiating it puts the function into the table of regions. */
  readonly bytes: Uint8Array;
  /** Window slots that it needs. */
  readonly slots: number;
}

export function emitRegion(region: Region, options: EmitOptions = {}): EmittedRegion {
  const { module, slots } = buildRegion(region, options);
  return { bytes: module.encode(), slots };
}

/** What a region's code is to do beside what its instructions mean. */
export interface EmitOptions {
  /** Count accesses to memory, in HartBlock.accesses. Default: false. */
  readonly countAccesses?: boolean;
  /** Gives the text of a note to stand before the code of an instruction, by its index in the region. Default: no notes. */
  readonly annotate?: (index: number) => string;
}

/** The module of a region before it is encoded, the function in it, and the window slots that it needs. */
export function buildRegion(
  region: Region,
  options: EmitOptions,
): { module: ModuleBuilder; func: FunctionBuilder<'i32'>; slots: number } {
  const env = new RegionEnvironment();
  const func = env.module.func(REGION_PARAMS, REGION_RESULT, undefined, 'region');
  env.module.element(env.index, func);
  const emitter = new RegionEmitter(env, func, region, options);
  emitter.emit();
  return { module: env.module, func, slots: emitter.slots };
}

class RegionEmitter {
  private readonly tier: TranslatorTier;
  private readonly copies: LoopCopies | undefined;
  private readonly shape: Shape;
  private readonly liveness: Liveness;
  private readonly singles: Singles;
  private readonly words: WordFlow;
  /** By order of the block: where edges to it leave to, and where it begins anew. */
  private readonly meeting: Label[];
  private readonly head: Label[];
  private readonly children: Block[][];

  constructor(
    private readonly env: RegionEnvironment,
    private readonly func: FunctionBuilder<'i32'>,
    private readonly region: Region,
    private readonly options: EmitOptions,
  ) {
    this.tier = new TranslatorTier(env, func, region, options.countAccesses ?? false);
    // In a patient region every access looks for itself.
    this.copies = region.patient ? undefined : new LoopCopies(region);
    this.shape = shapeOf(region);
    this.liveness = livenessOf(region, this.shape, (block, index) => this.copies?.guardOf(block)?.places.has(index) ?? false);
    this.singles = singlesOf(region, this.shape);
    this.words = wordsOf(region, this.shape, this.liveness);
    const { blocks, dominator, forwardEdges } = this.shape;
    this.meeting = blocks.map((b) => new Label(`meet ${b.pc.toString(16)}`));
    this.head = blocks.map((b) => new Label(`head ${b.pc.toString(16)}`));
    this.children = blocks.map(() => []);
    for (const b of blocks) if (forwardEdges[b.order]! > 1) this.children[dominator[b.order]!]!.push(b);
  }

  /** Window slots needed by what has been emitted. */
  get slots(): number {
    return this.tier.memory.slotCount;
  }

  emit(): void {
    const { tier, env, region } = this;
    const { context, fuel } = tier;
    const start = i64.const(region.start);
    const body = [
      rarely(i32.ltS(fuel, i32.const(this.shape.longest[0]!)), tailCall(env.get('refuel'), context, start, fuel)),
      ...(tier.rounds ? [rarely(tier.roundsOtherwise, tailCall(env.get('interpret'), context, start, fuel))] : []),
      ...tier.prologue(this.liveness.loaded),
      ...tier.checkSingles(slotsOf(this.singles.assumed), tailCall(env.get('interpret'), context, start, fuel)),
      ...tier.checkWords(this.words.known[0]!, tailCall(env.get('unlike'), context, start, fuel)),
      ...tier.exits.around(
        this.tree(this.shape.blocks[0]!, this.anew(this.shape.blocks[0]!)),
        tier,
        tier.accesses?.settle(env.hartBlock) ?? [],
      ),
    ];
    this.func.body(body);
  }

  /** The code of a block and of all that it dominates. */
  private tree(at: Block, here: Here): Stmt[] {
    const { order } = at;
    if (!this.shape.isLoop[order]) return this.within(at, this.children[order]!, here);
    const before = this.leaveFor(at, here);
    return [...before, loop(this.head[order]!, ...this.within(at, this.children[order]!, this.anew(at)))];
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
    const { words, singles } = this;
    return new Here(
      this.dirtyIn(at),
      words.known[at.order]!.copy(),
      words.loop[at.order]!,
      0,
      new Map(),
      slotsOf(singles.known[at.order]!),
      this.copies?.guardOf(at),
    );
  }

  /**
   * To be done on the way to a block where ways meet, which begins with what is known on all of them.
   *
   * @throws Error when it counts on words that the code before it has not made
   */
  private leaveFor(at: Block, here: Here): Stmt[] {
    const known = this.words.known[at.order]!;
    if (!known.isCoveredBy(here.words)) throw new Error(`a word is missing at ${at.pc.toString(16)}`);
    return [...this.commit(here), ...this.tier.extend(here.words, known, this.dirtyIn(at))];
  }

  private block(at: Block, here: Here): Stmt[] {
    const { tier, region } = this;
    const { annotate } = this.options;
    const out: Stmt[] = tier.accesses?.begin(at.first, at.end) ?? [];
    tier.here = here;
    tier.memory.begin(this.copies?.checkedOf(at));
    for (let i = at.first; i < at.end; i++) {
      const flow = region.flow(i);
      if (annotate !== undefined) out.push({ kind: 'note', type: 'void', text: annotate(i) });
      if (flow === Flow.Stop) {
        return [...out, ...this.commitAll(here), ...tier.exits.interpret(region.pc[i]!, here)];
      }
      out.push(...tier.emit(i, OPERATIONS[region.op[i]! - 1]!.instruction));
      here.retired++;
    }
    return [...out, ...this.leaveBlock(at, here)];
  }

  private leaveBlock(at: Block, here: Here): Stmt[] {
    const { tier } = this;
    const gate = this.copies?.gateOf(at);
    if (gate !== undefined) return this.enterLoop(gate, at, here);
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
        return [...out, ...(at.next?.to === undefined ? this.dispatch(at, here) : this.go(at, at.next, here))];
      }
      default:
        return this.go(at, at.next!, here);
    }
  }

  /** A computed jump: to the target in the region that it is, or out of it. */
  private dispatch(at: Block, here: Here): Stmt[] {
    const { tier } = this;
    const cases = at.computed.filter(({ to }) => to !== undefined);
    if (at.joins && at.jump === undefined && cases.length === at.computed.length && cases.length <= FEW) {
      const last = cases.pop()!;
      const chosen = cases.flatMap((edge) => when(i64.eq(tier.target, i64.const(edge.pc)), ...this.go(at, edge, here.copy())));
      return [...this.supply(at, here), ...chosen, ...this.go(at, last, here)];
    }
    const otherwise = new Label('otherwise');
    const out = (): Stmt[] => [...this.commitAll(here), ...tier.exits.onwardToRegister(tier.target, here, at.jump)];
    const hash = cases.length === 0 ? undefined : hashOf(cases.map((edge) => edge.pc));
    if (hash === undefined) return out();
    const labels = cases.map((edge) => new Label(`case ${edge.pc.toString(16)}`));
    const slots = hash.slots.map((index) => (index < 0 ? otherwise : labels[index]!));
    let code: Stmt[] = [switchTo(hash.emit(i32.wrap(tier.target)), slots, otherwise)];
    cases.forEach((edge, index) => {
      // Whatever has the hash of a target may come here.
      code = [
        block(labels[index]!, ...code),
        branch(otherwise, i64.ne(tier.target, i64.const(edge.pc)), 0),
        ...this.go(at, edge, here.copy()),
      ];
    });
    return [...this.supply(at, here), block(otherwise, ...code), ...out()];
  }

  /**
   * Where computed jumps are joined, the backward edges have not looked at the fuel. More is had without leaving the region, if it can be:
   * the target is no place where the region could be entered again.
   */
  private supply(at: Block, here: Here): Stmt[] {
    const { tier, shape } = this;
    if (!at.joins || !shape.isLoop[at.order]) return [];
    const tooLittle = i32.ltS(tier.fuel, i32.const(shape.longest[at.order]!));
    return [rarely(tooLittle, this.more(), rarely(tooLittle, ...tier.exits.refuelToRegister(tier.target, here)))];
  }

  /** Asks for more fuel without leaving the region, where there is no place at which it could be entered again. */
  private more(): Stmt {
    const { context, fuel, func } = this.tier;
    return addPortion(this.env.hartBlock, context, fuel, func.temp('i32'), func.temp('i32'));
  }

  /** A gate: one of the copies of the loop, or, where ways meet later, on from there. */
  private enterLoop(guard: LoopGuard, gate: Block, here: Here): Stmt[] {
    const { tier, shape } = this;
    const refused = new Label(`checked ${gate.pc.toString(16)}`);
    const guarded = gate.taken!;
    const open = tier.memory.openGate(guard, shape.longest[guarded.to!.order]!, refused);
    return [block(refused, ...open, ...this.go(gate, guarded, here.copy())), ...this.go(gate, gate.next!, here.copy())];
  }

  /** The code of an edge: it ends in a branch, a tail call, or the code of the block that it leads to. */
  private go(from: Block, edge: Edge, here: Here): Stmt[] {
    const { tier } = this;
    // What a computed jump has not set the joint is told.
    const told = edge.to?.joins === true && edge.to.jump === undefined ? [tier.target.set(i64.const(edge.pc))] : [];
    return [...told, ...this.follow(from, edge, here)];
  }

  private follow(from: Block, edge: Edge, here: Here): Stmt[] {
    const { tier, shape } = this;
    const { to, pc } = edge;
    if (to === undefined) return [...this.commitAll(here), ...tier.exits.onwardTo(pc, here)];
    if (here.guard !== undefined && this.copies?.guardOf(to) !== here.guard) {
      const outside = new Here(here.dirty, here.words, here.loop, 0, here.groups, here.singles);
      return [...this.commitAll(here), ...this.follow(from, edge, outside)];
    }
    if (isBackEdge(from, edge)) {
      if (to.joins) return [...this.leaveFor(to, here), branch(this.head[to.order]!)];
      const round = here.guard === undefined ? [] : tier.gates.advance(here.guard);
      const enough = i32.geS(tier.fuel, i32.const(shape.longest[to.order]!));
      const again = [...this.leaveFor(to, here), ...round, branch(this.head[to.order]!, enough, 1)];
      // Within the guarded copy, all that has been granted is over.
      if (here.guard !== undefined) return [...again, ...this.go(from, from.exhausted!, here)];
      const more = [this.more(), branch(this.head[to.order]!, enough)];
      return [...again, ...more, ...tier.exits.refuel(pc, here)];
    }
    if (shape.forwardEdges[to.order]! > 1) return [...this.leaveFor(to, here), branch(this.meeting[to.order]!)];
    return this.tree(to, here.onTo(this.dirtyIn(to), this.words.loop[to.order]!));
  }

  private dirtyIn(at: Block): Registers {
    return this.liveness.dirty[at.order]!;
  }

  /** Makes the fuel what it is, on a way out of the guarded copy of a loop or of the region. */
  private commitAll(here: Here): Stmt[] {
    const { tier } = this;
    const back = here.guard === undefined ? [] : [tier.fuel.set(i32.add(tier.fuel, tier.gates.spare))];
    return [...this.commit(here), ...back];
  }

  /** Takes what has retired from the fuel. */
  private commit(here: Here): Stmt[] {
    const { fuel } = this.tier;
    const { retired } = here;
    here.retired = 0;
    return retired === 0 ? [] : [fuel.set(i32.sub(fuel, i32.const(retired)))];
  }
}
