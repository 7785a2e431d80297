/*
 * Guest memory in translated code.
 *
 * Each place that accesses memory has a slot in RAM with the window that it has last used: a stretch of virtual memory that lies in one
 * piece in RAM (hart-block.ts). An address in it takes one comparison and one addition. Any other one leaves the region: the slot is given
 * the window that the TLB knows, and the interpreter goes on from this instruction (border.ts, `stumble`), up to the next jump. No call
 * stands in the way of the common case, so what a loop works with stays in registers. Which slot a place has is a matter of speed
 * alone: any window is right anywhere.
 *
 * Accesses of a block by the same base register that lie near each other form a group: the first one looks, with room for all, and
 * the others need not. Stack frames and structures are accessed so.
 *
 * Where memory is scattered, a region stumbles again and again. It is then translated anew, `patient`: each access looks up the TLB, and
 * calls for what that does not know.
 *
 * Windows stay good as long as the hart is in guest code: whoever takes a mapping away waits for the hart to leave it
 * (smp/shootdown.ts), and before it comes back all windows of the space are cleared.
 */

import { HartBlock, WINDOW_SLOTS, WINDOW_SPAN, WindowSlot } from '../hart-block.ts';
import { LOADS, type Size, STORES } from '../isa/access.ts';
import type { LoadKind, StoreKind } from '../isa/tier.ts';
import { Access } from '../mmu.ts';
import { lookUp } from '../tlb-lookup.ts';
import { Cause } from '../trap.ts';
import { call, either, type Label, rarely, sequence, yields } from '../wasm/control.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { I32, I64, Local, Stmt } from '../wasm/node.ts';
import type { Stumble } from './exits.ts';
import type { Gates } from './gate.ts';
import type { LoopGuard, Stream, StreamPlace } from './loop-guard.ts';
import { accessOf, isAddi } from './operation.ts';
import type { MemorySite } from './site.ts';

/** A physical address: an expression and a constant offset. */
interface Place {
  readonly before: readonly Stmt[];
  readonly base: I32;
  readonly offset: number;
}

/** What a group will need, from its first access on. */
interface Plan {
  readonly low: number;
  readonly write: boolean;
  readonly several: boolean;
  readonly stream: Stream | undefined;
}

/** A window, as a place compares addresses with it. */
interface Window {
  /** Offset of its slot from the region's first. */
  readonly slot: number;
  readonly start: I64;
  readonly bound: I64;
  readonly addend: I32;
}

/** Most windows that are kept in locals in a loop. */
const MAX_LOCAL_WINDOWS = 6;

export class MemoryAccess {
  /** The region's window slots, in the partition in use. */
  private readonly windowBase: Local<'i32'>;
  private readonly tlbBase: Local<'i32'>;
  /** Physical address of the group of each base register. */
  private readonly physicals = new Map<number, Local<'i32'>>();
  /** The index of a table, by the addition that adds it. */
  private readonly indices = new Map<number, Local<'i32'>>();
  /** Of the loop in whose checked copy the block is that is being emitted. */
  private checked: LoopGuard | undefined;
  /** Window slots of streams, and of other places in loops by the index of the instruction, reading and writing. */
  private readonly slots = new Map<Stream | string, number>();
  /** Windows in locals, by slot, and what fills these, of each guarded loop. */
  private readonly kept = new Map<LoopGuard, { windows: Map<number, Window>; filling: Stmt[] }>();

  constructor(
    private readonly tier: MemorySite,
    private readonly gates: Gates,
  ) {
    this.windowBase = tier.func.local('i32', 'windows');
    this.tlbBase = tier.func.local('i32', 'tlb');
  }

  /** Window slots used so far, for reading and for writing each: a region has at most all there are. */
  get slotCount(): number {
    return Math.min(this.slots.size, WINDOW_SLOTS);
  }

  prologue(): Stmt {
    const { patient, env } = this.tier;
    return patient
      ? this.tlbBase.set(i32.load(env.hartBlock, HartBlock.tlbBase.offset))
      : this.windowBase.set(i32.add(i32.load(env.hartBlock, HartBlock.windowBase.offset), env.slots));
  }

  /** A block begins, which is in the checked copy of the loop with this guard. */
  begin(checked: LoopGuard | undefined): void {
    this.checked = checked;
  }

  /** The code of a gate; `longest` and `refused` as in Gates.open. */
  openGate(guard: LoopGuard, longest: number, refused: Label): Stmt[] {
    const filling: Stmt[] = [];
    this.kept.set(guard, { windows: new Map(), filling });
    const open = this.gates.open(guard, this.windowBase, (stream) => this.slotOfStream(stream), longest, refused);
    // It is known when the loop has been emitted.
    return [...open, { kind: 'sequence', type: 'void', body: filling }];
  }

  load(kind: LoadKind, address: I64): I64 {
    const { size, read } = LOADS[kind];
    const { before, base, offset } = this.tier.patient
      ? this.findByTlb(address, size, Access.Read, (va) => call(this.tier.env.get(`load${size}`), va))
      : this.find(size, false);
    return yields(before, read(base, offset));
  }

  store(kind: StoreKind, address: I64, value: I64): Stmt {
    const { size, write } = STORES[kind];
    const { before, base, offset } = this.tier.patient
      ? this.findByTlb(address, size, Access.Write, (va) => call(this.tier.env.get(`store${size}`), va, value))
      : this.find(size, true);
    return sequence(...before, write(base, offset, value));
  }

  physical(address: I64, size: 4 | 8, access: Access): I32 {
    const { tier } = this;
    const va = tier.temp('i64');
    const pa = tier.temp('i32');
    const misaligned = access === Access.Read ? Cause.LoadMisaligned : Cause.StoreMisaligned;
    return yields(
      [
        va.set(address),
        rarely(i32.and(i32.wrap(va), i32.const(size - 1)), tier.setTrapValue(va), tier.leave(i32.const(misaligned))),
        pa.set(call(tier.env.get(access === Access.Read ? 'addressToRead' : 'addressToWrite'), va)),
        tier.leaveIfFault(pa),
      ],
      pa,
    );
  }

  /** A register is about to be written by the instruction that is being emitted. */
  written(slot: number): void {
    const { here, region, index } = this.tier;
    const group = here.groups.get(slot);
    if (group === undefined) return;
    if (this.isIncrement(index, slot)) here.groups.set(slot, { ...group, low: group.low - region.imm[index]! });
    else here.groups.delete(slot);
  }

  private find(size: Size, write: boolean): Place {
    const { here, index, baseSlot, offset } = this.tier;
    const granted = here.guard?.places.get(index);
    if (granted !== undefined) return this.findByStream(granted);
    const stream = this.streamOf(index);
    const group = here.groups.get(baseSlot);
    if (group !== undefined && group.stream === stream && (group.write || !write)) {
      const delta = offset - group.low;
      if (delta >= 0 && delta + size <= WINDOW_SPAN) return { before: [], base: group.physical, offset: delta };
    }
    const plan = this.plan(size, write, stream);
    const physical = plan.several ? this.physicalOf(baseSlot) : this.tier.temp('i32');
    if (plan.several) here.groups.set(baseSlot, { low: plan.low, write: plan.write, physical, stream });
    return this.findByWindow(plan, physical, write ? 'writing' : plan.write ? 'ahead' : 'reading');
  }

  /** An access that the gate has looked after. */
  private findByStream({ stream, offset, split }: StreamPlace): Place {
    const place = this.gates.placeOf(stream);
    if (split !== undefined) return { before: [], base: i32.add(place, this.indexOf(split.at)), offset: 0 };
    if (!stream.isTable) return { before: [], base: place, offset };
    const address = i32.add(i32.wrap(this.tier.rs1), place);
    return { before: [], base: this.tier.offset === 0 ? address : i32.add(address, i32.const(this.tier.offset)), offset: 0 };
  }

  /** Keeps the index that an addition is about to add to what a table begins at. */
  keepIndex(at: number, value: I64): Stmt {
    return this.indexOf(at).set(i32.wrap(value));
  }

  private indexOf(at: number): Local<'i32'> {
    return this.localIn(this.indices, at);
  }

  /** The stream of an access of the block that is being emitted, the other copy of which has it guarded. */
  private streamOf(index: number): Stream | undefined {
    return this.checked?.places.get(index)?.stream;
  }

  private findByWindow(plan: Plan, physical: Local<'i32'>, kind: Stumble): Place {
    const { tier } = this;
    const { low } = plan;
    const delta = tier.offset - low;
    const lowest = tier.temp('i64');
    const { slot, start, bound, addend } = this.windowFor(plan);
    const missed = i64.geU(i64.sub(lowest, start), bound);
    const found = i32.add(i32.wrap(lowest), addend);
    const address = delta === 0 ? lowest : i64.add(lowest, i64.const(delta));
    return {
      before: [
        lowest.set(low === 0 ? tier.rs1 : i64.add(tier.rs1, i64.const(low))),
        rarely(missed, ...tier.commit(), ...tier.exits.stumble(tier.pcNumber, tier.here, address, slot, kind)),
        physical.set(found),
      ],
      base: physical,
      offset: delta,
    };
  }

  private findByTlb(address: I64, size: Size, access: Access, slow: (va: I64) => I32): Place {
    const { tier } = this;
    const va = tier.temp('i64');
    const pa = tier.temp('i32');
    const { missed, physical } = lookUp(this.tlbBase, va, size, access, tier.temp('i32'));
    const onMiss = sequence(pa.set(slow(va)), tier.leaveIfFault(pa));
    return { before: [va.set(address), { ...either(missed, onMiss, pa.set(physical)), hint: 0 } as Stmt], base: pa, offset: 0 };
  }

  /** Looks ahead in the block for accesses that go with the one that is being emitted. */
  private plan(size: Size, write: boolean, stream: Stream | undefined): Plan {
    const { here, region, index, baseSlot, offset } = this.tier;
    let low = offset;
    let high = offset + size;
    let writes = write || stream?.write === true;
    let several = false;
    let moved = 0;
    const isOver = (i: number): boolean =>
      baseSlot === 0 || region.rd[i - 1] === baseSlot ? !this.isIncrement(i - 1, baseSlot) : false;
    for (let i = index + 1; i < region.size; i++) {
      if (isOver(i)) break;
      if (this.isIncrement(i - 1, baseSlot)) moved += region.imm[i - 1]!;
      if (region.pc[i] !== region.pc[i - 1]! + region.length[i - 1]! || region.flow(i - 1) !== 0) break;
      const access = region.rs1[i] === baseSlot ? accessOf(region.op[i]!) : undefined;
      if (access === undefined || here.guard?.places.has(i) === true || this.streamOf(i) !== stream) continue;
      const at = region.imm[i]! + moved;
      const lower = Math.min(low, at);
      const higher = Math.max(high, at + access.size);
      if (higher - lower > WINDOW_SPAN) continue;
      low = lower;
      high = higher;
      writes ||= access.write;
      several = true;
    }
    return { low, write: writes, several, stream };
  }

  /** Whether an instruction is addi slot, slot, imm. */
  private isIncrement(i: number, slot: number): boolean {
    const { region } = this.tier;
    return isAddi(region.op[i]!) && region.rd[i] === slot && region.rs1[i] === slot;
  }

  private windowFor({ write, stream }: Plan): Window {
    const { guard } = this.tier.here;
    // Both copies of a loop use the same slots.
    const key = `${String(this.tier.index)} ${String(write)}`;
    const slot = stream === undefined ? this.slotOf(key, write) : this.slotOfStream(stream);
    const kept = guard === undefined ? undefined : this.kept.get(guard);
    const known = kept?.windows.get(slot);
    if (known !== undefined) return known;
    const window = {
      slot,
      start: i64.load(this.windowBase, slot + WindowSlot.start.offset),
      bound: i64.load(this.windowBase, slot + WindowSlot.bound.offset),
      addend: i32.load(this.windowBase, slot + WindowSlot.addend.offset),
    };
    if (kept === undefined || kept.windows.size >= MAX_LOCAL_WINDOWS) return window;
    const { func } = this.tier;
    const [start, bound, addend] = [func.local('i64'), func.local('i64'), func.local('i32')];
    kept.filling.push(start.set(window.start), bound.set(window.bound), addend.set(window.addend));
    const local = { slot, start, bound, addend };
    kept.windows.set(slot, local);
    return local;
  }

  private slotOfStream(stream: Stream): number {
    return this.slotOf(stream, stream.write);
  }

  /** Offset of a slot from the region's first, the same each time for a key. */
  private slotOf(key: Stream | string, write: boolean): number {
    let slot = this.slots.get(key);
    if (slot === undefined) {
      // Those for writing lie as far behind those for reading as the partition's.
      const index = this.slots.size % WINDOW_SLOTS;
      slot = (index + (write ? WINDOW_SLOTS : 0)) * WindowSlot.SIZE;
      this.slots.set(key, slot);
    }
    return slot;
  }

  private physicalOf(baseSlot: number): Local<'i32'> {
    return this.localIn(this.physicals, baseSlot);
  }

  /** The local of a key, made when it is first asked for. */
  private localIn(locals: Map<number, Local<'i32'>>, key: number): Local<'i32'> {
    let local = locals.get(key);
    if (local === undefined) {
      local = this.tier.func.local('i32');
      locals.set(key, local);
    }
    return local;
  }
}
