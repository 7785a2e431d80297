/*
 * Guest memory in translated code: the TLB looked up inline, the rest by a call.
 *
 * An address that lies near one that was looked up just before, by the same base register, is mostly in the same page: then a
 * comparison of its distance from the page's start is all it takes (`NearPage`). Stack frames and structures are accessed so.
 * A page that has been looked up stays good as long as the hart is in guest code: whoever takes a mapping away waits for the hart to
 * leave it (smp/shootdown.ts).
 */

import { HartBlock } from '../hart-block.ts';
import { LOADS, STORES } from '../isa/access.ts';
import type { LoadKind, StoreKind } from '../isa/tier.ts';
import { Access } from '../mmu.ts';
import { PAGE_SIZE } from '../ram.ts';
import { lookUp } from '../tlb-lookup.ts';
import { Cause } from '../trap.ts';
import { call, either, rarely, sequence, yields } from '../wasm/control.ts';
import { i32 } from '../wasm/ops.ts';
import type { I32, I64, Local, Stmt } from '../wasm/node.ts';
import type { NearPage } from './here.ts';
import { accessesMemory, isAddi } from './operation.ts';
import type { TranslatorTier } from './tier.ts';

/** Distance of what is in no page: even the longest offset back from it is beyond a page. */
const NOWHERE = 0x4000_0000;

/** A physical address: a local and a constant offset. */
interface Place {
  readonly before: readonly Stmt[];
  readonly base: I32;
  readonly offset: number;
}

export class MemoryAccess {
  private readonly tlbBase: Local<'i32'>;
  /** Locals of the page near each base register. */
  private readonly near = new Map<number, { distance: Local<'i32'>; physical: Local<'i32'> }>();

  constructor(private readonly tier: TranslatorTier) {
    this.tlbBase = tier.func.local('i32');
  }

  prologue(): Stmt {
    return this.tlbBase.set(i32.load(this.tier.env.hartBlock, HartBlock.tlbBase.offset));
  }

  load(kind: LoadKind, address: I64): I64 {
    const { size, read } = LOADS[kind];
    const { before, base, offset } = this.find(address, size, false, (va) => call(this.tier.env.get(`load${size}`), va));
    return yields(before, read(base, offset));
  }

  store(kind: StoreKind, address: I64, value: I64): Stmt {
    const { size, write } = STORES[kind];
    const { before, base, offset } = this.find(address, size, true, (va) => call(this.tier.env.get(`store${size}`), va, value));
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
    const page = here.pages.get(slot);
    if (page === undefined) return;
    if (this.isIncrement(index, slot)) here.pages.set(slot, { ...page, imm: page.imm - region.imm[index]! });
    else here.pages.delete(slot);
  }

  private find(address: I64, size: number, write: boolean, slow: (va: I64) => I32): Place {
    const { here, baseSlot, offset } = this.tier;
    const page = here.pages.get(baseSlot);
    if (page !== undefined && (page.write || !write) && Math.abs(offset - page.imm) < PAGE_SIZE) {
      return this.findNear(page, offset - page.imm, address, size, slow);
    }
    const near = baseSlot !== 0 && this.isUsedAgain() ? this.localsOf(baseSlot) : undefined;
    const place = this.findByTlb(address, size, write, slow, near);
    if (near !== undefined) here.pages.set(baseSlot, { imm: offset, write, ...near });
    return place;
  }

  private findByTlb(
    address: I64,
    size: number,
    write: boolean,
    slow: (va: I64) => I32,
    near: { distance: Local<'i32'>; physical: Local<'i32'> } | undefined,
  ): Place {
    const { tier } = this;
    const va = tier.temp('i64');
    const entry = tier.temp('i32');
    const distance = tier.temp('i64');
    const pa = near?.physical ?? tier.temp('i32');
    const access = write ? Access.Write : Access.Read;
    const { missed, physical } = lookUp(this.tlbBase, va, size, access, entry, (x) => distance.tee(x));
    const onMiss = [pa.set(slow(va)), tier.leaveIfFault(pa)];
    const onHit = [pa.set(physical)];
    if (near !== undefined) {
      onMiss.push(near.distance.set(i32.const(NOWHERE)));
      onHit.push(near.distance.set(i32.wrap(distance)));
    }
    return {
      before: [va.set(address), { ...either(missed, sequence(...onMiss), sequence(...onHit)), hint: 0 } as Stmt],
      base: pa,
      offset: 0,
    };
  }

  private findNear(page: NearPage, delta: number, address: I64, size: number, slow: (va: I64) => I32): Place {
    const { tier } = this;
    const pa = tier.temp('i32');
    const distance = delta === 0 ? page.distance : i32.add(page.distance, i32.const(delta));
    // A constant offset in the access costs nothing, but has to be positive.
    const offset = Math.max(delta, 0);
    return {
      before: [
        pa.set(delta < 0 ? i32.add(page.physical, i32.const(delta)) : page.physical),
        rarely(
          i32.gtU(distance, i32.const(PAGE_SIZE - size)),
          pa.set(slow(address)),
          tier.leaveIfFault(pa),
          // No physical address of an operand is below a page.
          ...(offset === 0 ? [] : [pa.set(i32.sub(pa, i32.const(offset)))]),
        ),
      ],
      base: pa,
      offset,
    };
  }

  /** Whether the block goes on to access memory by the same base register. */
  private isUsedAgain(): boolean {
    const { region, index, baseSlot, offset } = this.tier;
    if (region.rd[index] === baseSlot) return false;
    let moved = 0;
    for (let i = index + 1; i < region.size; i++) {
      if (region.pc[i] !== region.pc[i - 1]! + region.length[i - 1]! || region.flow(i) !== 0) return false;
      if (
        region.rs1[i] === baseSlot &&
        accessesMemory(region.op[i]!) &&
        Math.abs(region.imm[i]! + moved - offset) < PAGE_SIZE
      ) {
        return true;
      }
      if (region.rd[i] === baseSlot) {
        if (!this.isIncrement(i, baseSlot)) return false;
        moved += region.imm[i]!;
      }
    }
    return false;
  }

  /** Whether an instruction is addi slot, slot, imm. */
  private isIncrement(i: number, slot: number): boolean {
    const { region } = this.tier;
    return isAddi(region.op[i]!) && region.rd[i] === slot && region.rs1[i] === slot;
  }

  private localsOf(slot: number): { distance: Local<'i32'>; physical: Local<'i32'> } {
    const known = this.near.get(slot);
    if (known !== undefined) return known;
    const { func } = this.tier;
    const made = { distance: func.local('i32'), physical: func.local('i32') };
    this.near.set(slot, made);
    return made;
  }
}
