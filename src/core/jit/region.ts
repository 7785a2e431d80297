/*
 * A region: the instructions that are translated together, and the blocks they form.
 *
 * It begins at one address, its only entry, and takes in what direct branches and jumps reach from there, up to a limit: loops and
 * conditions whole, and small functions that it calls; and the targets that a computed jump is known to have (computed-jumps.ts).
 * What lies beyond (other functions, other targets in registers) is left by exits. Which instructions belong to a region depends on the
 * code and those targets alone, so that every hart that has seen the same makes the same module.
 *
 * Computed jumps that have targets in common (those that end the handlers of a threaded interpreter) are joined: they lead to a block
 * without instructions which tells the targets apart for all, so that the loops between them have one head. Its address and theirs is
 * in a register.
 *
 * A call that is taken in goes on at its return site when the function returns; `returns` of the returning block has these sites, to be
 * compared with the address it really returns to. A call that is not ends the region: the site will be an entry of its own.
 */

import { SINK_SLOT } from '../context.ts';
import type { DecodeMemo } from '../decode-memo.ts';
import { Decoded, isLong } from '../isa/decode.ts';
import { type ComputedJumps, NO_JUMPS } from './computed-jumps.ts';
import { Flow, flowOf } from './operation.ts';
import { Level } from './word.ts';
import { Words } from './words.ts';

/** Most instructions of a region, and of a function that is taken into its caller's. */
const MAX_INSTRUCTIONS = 600;
const MAX_CALLEE = 120;
/** Most return sites that a return is compared with. */
const MAX_RETURNS = 6;

/** What findRegion asks of the computed jumps. */
type KnownJumps = Pick<ComputedJumps, 'targetsOf' | 'isTarget'>;

/** Reads code: the halfword at an address, or −1 when nothing can be executed there now. */
export type CodeReader = (pc: number) => number;

/** An edge of the flow graph. */
export interface Edge {
  /** The address it leads to. */
  readonly pc: number;
  /** The block there; undefined when it is out of the region. */
  to: Block | undefined;
}

export class Block {
  /** Its place among the blocks, in reverse postorder; see flow.ts. */
  order = -1;
  flow: Flow = Flow.Next;
  /** The next instruction, or the only target of a jump; undefined at a stop and after an indirect jump that is not joined with others. */
  next: Edge | undefined;
  /** Of a branch. */
  taken: Edge | undefined;
  /** Of an indirect jump: where it probably returns to. */
  returns: Edge[] = [];
  /** The same of a computed jump: where it has been seen to go, by ascending address. */
  computed: Edge[] = [];
  /** Of a computed jump: by which address its targets are known. */
  jump: number | undefined;
  /** In the guarded copy of a loop, instead of an edge back to its head: to the gate, when as many rounds are over as it has granted. */
  exhausted: Edge | undefined;
  private allEdges: Edge[] | undefined;

  constructor(
    /** Instructions first … end − 1 of the region. */
    readonly first: number,
    readonly end: number,
    readonly pc: number,
  ) {}

  /** Whether it stands for several computed jumps. */
  get joins(): boolean {
    return this.first === this.end && this.flow === Flow.Indirect;
  }

  /** Whether it stands before the two copies of a loop (loop-copies.ts). */
  get isGate(): boolean {
    return this.first === this.end && this.flow === Flow.Branch;
  }

  /** All of them. From the first call on there must not be others, but they may lead elsewhere. */
  edges(): readonly Edge[] {
    if (this.allEdges === undefined) {
      this.allEdges = [...this.returns, ...this.computed];
      for (const edge of [this.taken, this.next, this.exhausted]) if (edge !== undefined) this.allEdges.push(edge);
    }
    return this.allEdges;
  }
}

/** A stretch of code that a region was made from. */
export interface CodeRange {
  readonly start: number;
  readonly end: number;
}

interface Call {
  readonly target: number;
  readonly site: number;
  /** Where the caller begins, as far as it is in the region. */
  readonly from: number;
}

export class Region {
  /** Of each instruction. */
  readonly pc: number[] = [];
  readonly op: number[] = [];
  readonly rd: number[] = [];
  readonly rs1: number[] = [];
  readonly rs2: number[] = [];
  readonly imm: number[] = [];
  readonly length: number[] = [];
  readonly blocks: Block[] = [];
  /** Whether each access looks up the TLB, instead of a window that it leaves the region for; see memory.ts. */
  patient = false;
  /** What may be assumed of the registers at the entry, for all that has been seen so far; see words.ts. */
  hopes = Words.all(Level.Word);
  /** Its computed jumps, with the targets that were known of each. */
  readonly computed = new Map<number, readonly number[]>();

  constructor(readonly start: number) {}

  get size(): number {
    return this.pc.length;
  }

  flow(i: number): Flow {
    return flowOf(this.op[i]!);
  }

  /** The stretches of code, in ascending order. */
  ranges(): CodeRange[] {
    const byPc = this.pc.map((pc, i) => ({ start: pc, end: pc + this.length[i]! })).sort((a, b) => a.start - b.start);
    const out: { start: number; end: number }[] = [];
    for (const { start, end } of byPc) {
      const last = out.at(-1);
      if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
      else out.push({ start, end });
    }
    return out;
  }
}

/** Finds the region that begins at `start`. It has no instruction when none can be executed there. */
export function findRegion(
  start: number,
  read: CodeReader,
  memo: DecodeMemo,
  jumps: KnownJumps = NO_JUMPS,
  isUsed: (pc: number) => boolean = always,
): Region {
  return new Finder(start, read, memo, jumps, isUsed).find();
}

function always(): boolean {
  return true;
}

/** Whether a jalr is a computed jump, by the slots of its registers: it keeps no link, and what it jumps by is none (x1 and x5 are). */
function isComputedJump(rd: number, rs1: number): boolean {
  return rd === SINK_SLOT && (rs1 & ~4) !== 1;
}

class Finder {
  private readonly region: Region;
  private readonly index = new Map<number, number>();
  private readonly leaders = new Set<number>();
  private readonly decoded = new Decoded();
  private calls: Call[] = [];
  private readonly taken: Call[] = [];
  /** Where the function that is being explored begins. */
  private from: number;

  constructor(
    start: number,
    private readonly read: CodeReader,
    private readonly memo: DecodeMemo,
    private readonly jumps: KnownJumps,
    /** Whether a place is worth having: what has never been executed stays out. */
    private readonly isUsed: (pc: number) => boolean,
  ) {
    this.region = new Region(start);
    this.from = start;
  }

  find(): Region {
    const { region } = this;
    this.explore(region.start, MAX_INSTRUCTIONS);
    // Grows while calls are taken in.
    for (const call of this.calls) {
      if (!this.isUsed(call.target) || !this.takeIn(call.target)) continue;
      this.leaders.add(call.target);
      this.taken.push(call);
      this.from = call.from;
      this.explore(call.site, MAX_INSTRUCTIONS);
    }
    if (region.size > 0) {
      this.formBlocks();
      this.predictReturns();
    }
    return region;
  }

  /** Adds what is reached from `start` without calls; returns whether all of it fitted within `limit` instructions. */
  private explore(start: number, limit: number): boolean {
    const { region, index, leaders, decoded } = this;
    const queue = [start];
    let whole = true;
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      leaders.add(next);
      let pc = next;
      for (;;) {
        if (index.has(pc)) {
          leaders.add(pc);
          break;
        }
        if (region.size >= limit) {
          whole = false;
          break;
        }
        if (!this.decode(pc)) break;
        const flow = flowOf(decoded.op);
        this.append(pc);
        if (flow === Flow.Indirect && isComputedJump(decoded.rd, decoded.rs1)) queue.push(...this.follow(pc));
        if (flow === Flow.Stop || flow === Flow.Trap || flow === Flow.Indirect) break;
        const after = pc + decoded.length;
        const target = pc + decoded.imm;
        if (flow === Flow.Branch) {
          leaders.add(after);
          if (this.isAhead(target) && this.isUsed(target)) queue.push(target);
          if (!this.isUsed(after)) break;
          pc = after;
        } else if (flow === Flow.Jump) {
          if (decoded.rd !== SINK_SLOT) {
            this.calls.push({ target, site: after, from: this.from });
            break;
          }
          if (!this.isAhead(target)) break;
          leaders.add(target);
          pc = target;
        } else pc = after;
      }
    }
    return whole;
  }

  /**
   * The targets of a computed jump, as far as they are taken in. Where a region begins within an interpreter's loop at none of the places
   * that a dispatch goes to (where a handler's call returns, say) they are not, or each such region would have all of the interpreter.
   */
  private follow(pc: number): readonly number[] {
    const { region, jumps } = this;
    const targets = jumps.targetsOf(pc);
    region.computed.set(pc, targets);
    if (targets.length > 0 && this.from <= region.start && jumps.isTarget(region.start)) {
      this.from = Math.min(this.from, ...targets);
    }
    return targets.every((target) => this.isAhead(target)) ? targets : [];
  }

  /**
   * Whether a jump of the function stays within the region. What lies before its start is the start of another: a region that began at a return
   * site, say, would otherwise take in the whole loop around it, as does that of every other return site.
   */
  private isAhead(target: number): boolean {
    return target >= this.from;
  }

  /** Adds the function at `target` if it is small; returns whether it is in the region now. */
  private takeIn(target: number): boolean {
    const { region, index, calls } = this;
    if (index.has(target)) return true;
    const size = region.size;
    const known = calls.length;
    this.from = target;
    if (this.explore(target, Math.min(size + MAX_CALLEE, MAX_INSTRUCTIONS)) && index.has(target)) return true;
    for (const pc of region.pc.slice(size)) {
      index.delete(pc);
      region.computed.delete(pc);
    }
    for (const list of [region.pc, region.op, region.rd, region.rs1, region.rs2, region.imm, region.length]) list.length = size;
    calls.length = known;
    return false;
  }

  private decode(pc: number): boolean {
    const first = this.read(pc);
    if (first < 0) return false;
    if (!isLong(first)) {
      this.memo.decode(first, this.decoded);
      return true;
    }
    const second = this.read(pc + 2);
    if (second < 0) return false;
    this.memo.decode((second << 16) | first, this.decoded);
    return true;
  }

  private append(pc: number): void {
    const { region, decoded } = this;
    this.index.set(pc, region.size);
    region.pc.push(pc);
    region.op.push(decoded.op);
    region.rd.push(decoded.rd);
    region.rs1.push(decoded.rs1);
    region.rs2.push(decoded.rs2);
    region.imm.push(decoded.imm);
    region.length.push(decoded.length);
  }

  private formBlocks(): void {
    const { region, leaders } = this;
    const byPc = new Map<number, Block>();
    for (let first = 0; first < region.size;) {
      let end = first + 1;
      // A block ends with its run, before a leader, and after whatever does not simply go on.
      while (
        end < region.size &&
        region.flow(end - 1) === Flow.Next &&
        region.pc[end] === region.pc[end - 1]! + region.length[end - 1]! &&
        !leaders.has(region.pc[end]!)
      ) {
        end++;
      }
      const block = new Block(first, end, region.pc[first]!);
      region.blocks.push(block);
      byPc.set(block.pc, block);
      first = end;
    }
    const included = new Set(this.taken.map(({ target }) => target));
    const edge = (pc: number): Edge => ({ pc, to: byPc.get(pc) });
    for (const block of region.blocks) {
      const last = block.end - 1;
      const pc = region.pc[last]!;
      const after = pc + region.length[last]!;
      const target = pc + region.imm[last]!;
      block.flow = region.flow(last);
      if (block.flow === Flow.Next) block.next = edge(after);
      else if (block.flow === Flow.Branch) {
        block.next = edge(after);
        block.taken = edge(target);
      } else if (block.flow === Flow.Jump) {
        const isCall = region.rd[last] !== SINK_SLOT;
        block.next = isCall && !included.has(target) ? { pc: target, to: undefined } : edge(target);
      } else if (block.flow === Flow.Indirect && region.computed.has(pc)) {
        block.jump = pc;
        block.computed = region.computed
          .get(pc)!
          .map(edge)
          .filter(({ to }) => to !== undefined);
      }
    }
    this.join();
    // The region's entry comes first.
    const at = region.blocks.indexOf(byPc.get(region.start)!);
    region.blocks.unshift(...region.blocks.splice(at, 1));
    this.byPc = byPc;
  }

  /** Joins the computed jumps, if any two of them have a target in common. */
  private join(): void {
    const { blocks } = this.region;
    const computed = blocks.filter((block) => block.computed.length > 0);
    const edges = new Map(computed.flatMap((block) => block.computed.map((edge) => [edge.pc, edge])));
    if (edges.size === computed.reduce((sum, block) => sum + block.computed.length, 0)) return;
    const joint = new Block(0, 0, computed[0]!.jump!);
    joint.flow = Flow.Indirect;
    joint.jump = joint.pc;
    joint.computed = [...edges.values()].sort((a, b) => a.pc - b.pc);
    for (const block of computed) {
      block.computed = [];
      block.next = { pc: joint.pc, to: joint };
    }
    blocks.push(joint);
  }

  private byPc = new Map<number, Block>();

  /** Gives each return the sites of the calls whose function it ends. */
  private predictReturns(): void {
    const sites = new Map<number, Set<number>>();
    for (const { target, site } of this.taken) {
      const known = sites.get(target) ?? new Set();
      sites.set(target, known.add(site));
    }
    const siteOf = new Map<number, number>(this.taken.map(({ target, site }) => [site, target]));
    for (const [target, list] of sites) {
      for (const block of this.bodyOf(this.byPc.get(target)!, siteOf)) {
        const last = block.end - 1;
        if (block.flow !== Flow.Indirect || this.region.rd[last] !== SINK_SLOT || block.jump !== undefined) continue;
        for (const site of list) {
          const to = this.byPc.get(site);
          if (to === undefined || block.returns.length >= MAX_RETURNS || block.returns.some((r) => r.to === to)) continue;
          block.returns.push({ pc: site, to });
        }
      }
    }
  }

  /** The blocks of a function: those reached from its first without following calls, which are stepped over. */
  private bodyOf(entry: Block, sites: ReadonlyMap<number, number>): Set<Block> {
    const body = new Set([entry]);
    for (const block of body) {
      const last = block.end - 1;
      const isCall = block.flow === Flow.Jump && this.region.rd[last] !== SINK_SLOT;
      const after = this.region.pc[last]! + this.region.length[last]!;
      const successors = isCall
        ? [sites.has(after) ? this.byPc.get(after) : undefined]
        : [block.next?.to, block.taken?.to, ...block.computed.map(({ to }) => to)];
      for (const successor of successors) if (successor !== undefined) body.add(successor);
    }
    return body;
  }
}
