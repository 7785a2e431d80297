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
import { call, either, rarely, sequence, yields } from '../wasm/control.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { I32, I64, Local, Stmt } from '../wasm/node.ts';
import type { Stumble } from './exits.ts';
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
}

export class MemoryAccess {
  /** Of the partition in use. */
  private readonly windowBase: Local<'i32'>;
  private readonly tlbBase: Local<'i32'>;
  /** Physical address of the group of each base register. */
  private readonly physicals = new Map<number, Local<'i32'>>();
  private nextSlot: number;

  constructor(private readonly tier: MemorySite) {
    this.windowBase = tier.func.local('i32', 'windows');
    this.tlbBase = tier.func.local('i32', 'tlb');
    // Regions begin at different slots, so that those that work together do not share them.
    this.nextSlot = Math.imul(tier.region.start >>> 1, 0x9e37_79b1) >>> 16;
  }

  prologue(): Stmt {
    const { patient, env } = this.tier;
    return patient
      ? this.tlbBase.set(i32.load(env.hartBlock, HartBlock.tlbBase.offset))
      : this.windowBase.set(i32.load(env.hartBlock, HartBlock.windowBase.offset));
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
    const { here, baseSlot, offset } = this.tier;
    const group = here.groups.get(baseSlot);
    if (group !== undefined && (group.write || !write)) {
      const delta = offset - group.low;
      if (delta >= 0 && delta + size <= WINDOW_SPAN) return { before: [], base: group.physical, offset: delta };
    }
    const plan = this.plan(size, write);
    const physical = plan.several ? this.physicalOf(baseSlot) : this.tier.temp('i32');
    if (plan.several) here.groups.set(baseSlot, { low: plan.low, write: plan.write, physical });
    return this.findByWindow(plan, physical, write ? 'writing' : plan.write ? 'ahead' : 'reading');
  }

  private findByWindow({ low, write }: Plan, physical: Local<'i32'>, kind: Stumble): Place {
    const { tier, windowBase } = this;
    const delta = tier.offset - low;
    const lowest = tier.temp('i64');
    const window = this.slot(write);
    const missed = i64.geU(
      i64.sub(lowest, i64.load(windowBase, window + WindowSlot.start.offset)),
      i64.load(windowBase, window + WindowSlot.bound.offset),
    );
    const found = i32.add(i32.wrap(lowest), i32.load(windowBase, window + WindowSlot.addend.offset));
    const address = delta === 0 ? lowest : i64.add(lowest, i64.const(delta));
    return {
      before: [
        lowest.set(low === 0 ? tier.rs1 : i64.add(tier.rs1, i64.const(low))),
        rarely(missed, ...tier.commit(), ...tier.exits.stumble(tier.pcNumber, tier.here.dirty, address, window, kind)),
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
  private plan(size: Size, write: boolean): Plan {
    const { region, index, baseSlot, offset } = this.tier;
    let low = offset;
    let high = offset + size;
    let writes = write;
    let several = false;
    let moved = 0;
    const isOver = (i: number): boolean =>
      baseSlot === 0 || region.rd[i - 1] === baseSlot ? !this.isIncrement(i - 1, baseSlot) : false;
    for (let i = index + 1; i < region.size; i++) {
      if (isOver(i)) break;
      if (this.isIncrement(i - 1, baseSlot)) moved += region.imm[i - 1]!;
      if (region.pc[i] !== region.pc[i - 1]! + region.length[i - 1]! || region.flow(i - 1) !== 0) break;
      const access = region.rs1[i] === baseSlot ? accessOf(region.op[i]!) : undefined;
      if (access === undefined) continue;
      const at = region.imm[i]! + moved;
      const lower = Math.min(low, at);
      const higher = Math.max(high, at + access.size);
      if (higher - lower > WINDOW_SPAN) continue;
      low = lower;
      high = higher;
      writes ||= access.write;
      several = true;
    }
    return { low, write: writes, several };
  }

  /** Whether an instruction is addi slot, slot, imm. */
  private isIncrement(i: number, slot: number): boolean {
    const { region } = this.tier;
    return isAddi(region.op[i]!) && region.rd[i] === slot && region.rs1[i] === slot;
  }

  /** Offset of a slot for the place that is being emitted, from the partition's first. */
  private slot(write: boolean): number {
    const index = (this.nextSlot++ & (WINDOW_SLOTS - 1)) + (write ? WINDOW_SLOTS : 0);
    return index * WindowSlot.SIZE;
  }

  private physicalOf(baseSlot: number): Local<'i32'> {
    let local = this.physicals.get(baseSlot);
    if (local === undefined) {
      local = this.tier.func.local('i32');
      this.physicals.set(baseSlot, local);
    }
    return local;
  }
}
