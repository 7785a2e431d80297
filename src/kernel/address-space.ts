/*
 * Address spaces: their life, and what happens on a page fault.
 *
 * A space is a slot: areas say what exists, the page table says what is present; pages become present on first touch. mappings.ts holds
 * the calls that change areas (mmap and its kin), user-copy.ts moves data in and out.
 *
 * Guards: `Space.lock` (rank `space`) guards areas, heap bounds and page-table edits; TLB state and the reference count are atomic.
 * A page that is taken away, or loses a permission, is shot down before the lock is released and before its frame is.
 *
 * Life: every process that has a space holds a reference. The last release tears the space down when nobody can reach it: a hart may
 * still have it active, but runs none of its guest code again. The slot's TLB generation and hart bits are never reset:
 * the generation moves on when the slot is freed, so a hart that enters the next space of that slot (and so of that ASID) flushes
 * what it remembers of the old one.
 */

import { USER_ADDRESS_LIMIT, PTE_D, PTE_SIZE, PTE_W, Access, changePteFlags, pteToAddress } from '../core/mmu.ts';
import { bytes, f64, outliving, struct, u32 } from '../core/layout.ts';
import { PAGE_SIZE, type Ram } from '../core/ram.ts';
import { atomicU32 } from '../smp/atomics.ts';
import { KernelPanic } from '../smp/panic.ts';
import { Rank } from '../smp/ranks.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import { TlbState, type Shootdown } from '../smp/shootdown.ts';
import { spinlock, type Locks } from '../smp/spinlock.ts';
import { Area, AreaKind, AreaSet, type Areas } from './areas.ts';
import type { Frames } from './frames.ts';
import type { Contents } from './contents.ts';
import { Prot } from './mman.ts';
import { allows, FrameBatch, loadPte, PageTables, PTE_SHARED } from './page-table.ts';
import { Placement } from './placement.ts';
import { SlotPool } from './slots.ts';

export const Space = struct('Space', {
  lock: spinlock(),
  /** A TlbState: what `Shootdown.activate` takes. */
  tlb: outliving(bytes('atomic', TlbState.SIZE, TlbState.ALIGN)),
  /** 0: there is no space in this slot, or it is under construction. */
  refCount: outliving(atomicU32()),
  /** Root page table, physical. */
  root: u32('immutable'),
  /** Slot index + 1. */
  asid: u32('immutable'),
  /** Frames that hold pages (an content's own frames included), and those that hold page tables. */
  residentPages: u32('lock'),
  tablePages: u32('lock'),
  /** An AreaSet. */
  areas: bytes('lock', AreaSet.SIZE, AreaSet.ALIGN),
  /** The heap: where it starts (page-aligned), and the break (any address). */
  brkStart: f64('lock'),
  brk: f64('lock'),
  /** Where the program's arguments begin on its stack, where they end and the environment begins, and where that ends. */
  argStart: f64('lock'),
  argEnd: f64('lock'),
  envEnd: f64('lock'),
});

/** ASIDs have 12 bits and 0 is not used. */
export const MAX_SPACES = 4095;

/**
 * When this little memory is left (a part of all, and at most so many frames), only spaces that hold less than LARGE of all get more: so
 * that who takes all there is runs into the end of it, and not whoever asks next.
 */
const RESERVE = 1 / 32;
const MOST_RESERVED = 256;
const LARGE = 1 / 4;

/** Pages that are taken over at once when a child has gone. */
const AROUND = 16;

/** Outcome of a page fault; the first two errors are Linux's si_code values. */
export const Fault = {
  /** The access can be tried again. */
  Handled: 0,
  /** SEGV_MAPERR: no area there. */
  MapError: 1,
  /** SEGV_ACCERR: the area forbids it. */
  AccessError: 2,
  /** No frame is left. */
  OutOfMemory: 3,
  /** SIGBUS, BUS_ADRERR: the page lies behind the end of the content that is mapped there. */
  BusError: 4,
} as const;
export type Fault = (typeof Fault)[keyof typeof Fault];

export class AddressSpaces {
  readonly tables: PageTables;
  /** Frames taken away by the running call. Always empty when no space's lock is held. */
  readonly batch = new FrameBatch();
  private readonly pool: SlotPool;
  private readonly placement: Placement;
  /** Frames. */
  private readonly reserve: number;

  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    readonly frames: Frames,
    readonly areas: Areas,
    readonly contents: Contents,
    private readonly shootdown: Pick<Shootdown, 'shoot' | 'shootCode'>,
    base: number,
    count: number,
  ) {
    this.pool = new SlotPool(ram, locks, base, { name: 'space', count, size: Space.SIZE, layout: Space, order: 'fifo' });
    this.tables = new PageTables(ram, frames);
    this.placement = new Placement(ram, frames, this.tables);
    this.reserve = Math.min(MOST_RESERVED, Math.floor(frames.total * RESERVE));
  }

  /** Bytes of the region (64-aligned) for `count` ≤ MAX_SPACES spaces. */
  static bytes(count: number): number {
    return SlotPool.bytes(count, Space.SIZE);
  }

  initialise(): void {
    this.pool.initialise();
    for (let index = 0; index < this.pool.count; index++) {
      const space = this.pool.at(index);
      this.ram.fill(space, Space.SIZE);
      Space.lock.init(this.ram, space, Rank.space);
    }
  }

  /** How many spaces there can be. */
  get count(): number {
    return this.pool.count;
  }

  /** Address of space `index` if there is one now, else 0: to be asked again, under its lock (`isAliveLocked`). */
  at(index: number): number {
    return this.pool.isUsed(index) ? this.pool.at(index) : 0;
  }

  /** Whether the slot has a space, which stays as long as the caller holds the lock. */
  isAliveLocked(space: number): boolean {
    return Space.refCount.load(this.ram, space) !== 0;
  }

  /** Spaces in use: a snapshot. */
  inUse(): number {
    return this.pool.inUse();
  }

  /** An empty space with one reference, or 0 when slots or memory are used up. */
  create(): number {
    const { ram } = this;
    const space = this.pool.alloc();
    if (space === 0) return 0;
    const root = this.frames.alloc();
    if (root === 0) {
      this.pool.free(space);
      return 0;
    }
    Space.root.set(ram, space, root);
    Space.asid.set(ram, space, this.pool.indexOf(space) + 1);
    Space.residentPages.set(ram, space, 0);
    Space.tablePages.set(ram, space, 1);
    Space.brkStart.set(ram, space, 0);
    Space.brk.set(ram, space, 0);
    Space.argStart.set(ram, space, 0);
    Space.argEnd.set(ram, space, 0);
    Space.envEnd.set(ram, space, 0);
    this.areas.initialiseSet(Space.areas.addr(space));
    Space.refCount.store(ram, space, 1);
    return space;
  }

  /** Adds a reference to a space that the caller knows to be alive. */
  retain(space: number): void {
    if (Space.refCount.add(this.ram, space, 1) === 0) throw new KernelPanic('dead address space retained');
  }

  /** Whether another process uses the same space (vfork, CLONE_VM): exact when the answer is no and the caller runs in it. */
  isSharedByProcesses(space: number): boolean {
    return Space.refCount.load(this.ram, space) !== 1;
  }

  /** A process takes the space: others may find it from now on. Seeded build only. */
  publish(space: number): void {
    this.pool.publish(space);
  }

  /** Drops a reference. The last one returns every page, table and area; no guest code of it runs any more. */
  release(space: number): void {
    const before = Space.refCount.sub(this.ram, space, 1);
    if (before === 1) this.destroy(space);
    else if (before === 0) throw new KernelPanic('dead address space released');
  }

  /** Address of the space's lock, for callers of `…Locked` functions. */
  lockOf(space: number): number {
    return Space.lock.addr(space);
  }

  /**
   * Handles a page fault of guest code: makes the page of `va` present if its area allows `access` (an Access bit).
   * A fault that another hart has dealt with meanwhile counts as handled.
   *
   * @param va any number; what is no user address has no area
   */
  fault(space: number, va: number, access: Access): Fault {
    const lock = Space.lock.addr(space);
    this.locks.acquire(lock);
    const outcome = this.faultLocked(space, va, access);
    this.locks.release(lock);
    return outcome;
  }

  faultLocked(space: number, va: number, access: Access): Fault {
    const { ram } = this;
    if (!(va >= 0 && va < USER_ADDRESS_LIMIT)) return Fault.MapError;
    const area = this.areas.find(Space.areas.addr(space), va);
    if (area === 0) return Fault.MapError;
    const prot = Area.prot.get(ram, area);
    if (!permits(prot, access) || Area.kind.get(ram, area) === AreaKind.Guard) return Fault.AccessError;

    if (this.isShortOfMemory() && this.isLarge(space)) {
      const present = this.tables.slot(Space.root.get(ram, space), (va / PAGE_SIZE) | 0);
      const missing = present === 0 || loadPte(ram, present) === 0;
      // A page of a program takes no memory: whoever has got all that there was still gets to the code that ends it.
      const isFree = present !== 0 && access !== Access.Write && Area.content.get(ram, area) !== 0 && (prot & Prot.Write) === 0;
      if (missing && !isFree) return Fault.OutOfMemory;
    }
    const slot = this.tables.ensureSlot(Space.root.get(ram, space), (va / PAGE_SIZE) | 0);
    Space.tablePages.set(ram, space, Space.tablePages.get(ram, space) + this.tables.tablesMade);
    if (slot === 0) return Fault.OutOfMemory;
    const pte = loadPte(ram, slot);
    if (pte === 0) return this.fillLocked(space, area, va, slot, access);
    if (allows(pte, access)) return Fault.Handled;
    if (access === Access.Write && (pte & PTE_SHARED) !== 0) return this.unshareLocked(space, area, va, slot, pte);
    throw new KernelPanic('page table entry narrower than its area');
  }

  /**
   * Physical address of the byte at `va` for an access of the kernel on the user's behalf; makes the page present first. Valid, with the
   * rest of its page, while the caller holds the space's lock.
   *
   * @returns a physical address, or the negative of a Fault
   */
  translateLocked(space: number, va: number, access: Access): number {
    const { ram, tables } = this;
    if (!(va >= 0 && va < USER_ADDRESS_LIMIT)) return -Fault.MapError;
    const page = (va / PAGE_SIZE) | 0;
    const root = Space.root.get(ram, space);
    let slot = tables.slot(root, page);
    // Plain reads do: under the lock an entry changes in A and D only.
    let pte = slot === 0 ? 0 : ram.i32[slot >>> 2]!;
    if (!allows(pte, access)) {
      const outcome = this.faultLocked(space, va, access);
      if (outcome !== Fault.Handled) return -outcome;
      slot = tables.slot(root, page);
      pte = ram.i32[slot >>> 2]!;
    }
    if (access === Access.Write && (pte & PTE_D) === 0) changePteFlags(ram, slot, 0, PTE_D);
    return pteToAddress(pte) + (va & (PAGE_SIZE - 1));
  }

  /** Shoots down what the batch holds, and releases it. Called before the space's lock is released. */
  flushLocked(space: number): void {
    if (this.batch.count === 0 && !this.tables.narrowed) return;
    const tlb = Space.tlb.addr(space);
    if (this.tables.codeChanged) this.shootdown.shootCode(tlb);
    else this.shootdown.shoot(tlb);
    this.tables.narrowed = false;
    this.tables.codeChanged = false;
    this.batch.release(this.frames);
  }

  /** Whether so little memory is left that what is left is not for everybody. */
  isShortOfMemory(): boolean {
    return this.frames.freeInList() < this.reserve;
  }

  /** Bytes of all areas of a space: a snapshot. */
  mappedBytes(space: number): number {
    return AreaSet.bytes.peek(this.ram, Space.areas.addr(space));
  }

  /** First touch of a page. */
  private fillLocked(space: number, area: number, va: number, slot: number, access: Access): Fault {
    const { ram, frames, contents } = this;
    const prot = Area.prot.get(ram, area);
    const kind = Area.kind.get(ram, area);
    let source = 0;
    let page = 0;
    const content = Area.content.get(ram, area);
    if (content !== 0) {
      page = this.areas.contentPageAt(area, va);
      source = contents.takeFrame(content, page);
      if (source === 0 && page * PAGE_SIZE >= contents.size(content)) return Fault.BusError;
    }
    let frame = source;
    const isLent = kind === AreaKind.Content && (prot & Prot.Write) === 0 && source !== 0;
    if (source === 0 || (kind === AreaKind.Content && !isLent)) {
      frame = this.privateFrameLocked(space, area, va, slot);
      if (frame !== 0 && source === 0) ram.fill(frame, PAGE_SIZE);
      else if (frame !== 0) ram.copy(frame, source, PAGE_SIZE);
      if (source !== 0) frames.release(source);
      if (frame === 0) return Fault.OutOfMemory;
    }
    if (kind === AreaKind.Shared && source === 0) {
      frame = contents.offerFrame(content, page, frame);
      if (frame <= 0) return frame === 0 ? Fault.BusError : Fault.OutOfMemory;
    }
    this.tables.install(slot, frame, prot, isLent, access === Access.Write);
    Space.residentPages.set(ram, space, Space.residentPages.get(ram, space) + 1);
    return Fault.Handled;
  }

  /** First write to a page whose frame others use, too. */
  private unshareLocked(space: number, area: number, va: number, slot: number, pte: number): Fault {
    const { ram, frames } = this;
    const source = pteToAddress(pte);
    const isAlone = frames.references(source) === 1;
    const home = isAlone ? this.placement.allocHome(area, Math.floor(va / PAGE_SIZE), source) : 0;
    if (isAlone && home === 0) {
      changePteFlags(ram, slot, PTE_SHARED, PTE_W | PTE_D);
      this.takeOverAround(slot, Math.min(AROUND, (Area.end.get(ram, area) - va) / PAGE_SIZE));
      return Fault.Handled;
    }
    const frame = home || this.privateFrameLocked(space, area, va, slot);
    if (frame === 0) return Fault.OutOfMemory;
    ram.copy(frame, source, PAGE_SIZE);
    this.batch.push(pteToAddress(this.tables.replace(slot, frame, Area.prot.get(ram, area))));
    this.flushLocked(space);
    return Fault.Handled;
  }

  /**
   * Pages behind one that has been taken over, as long as they lie behind it in RAM too and are nobody else's, may be written as well: after
   * a child has gone its parent mostly goes on with all of them, and translated code finds them in one window.
   */
  private takeOverAround(slot: number, count: number): void {
    const { ram, frames } = this;
    let frame = pteToAddress(loadPte(ram, slot));
    for (let next = slot + PTE_SIZE; next < slot + count * PTE_SIZE && next % PAGE_SIZE !== 0; next += PTE_SIZE) {
      const pte = ram.u32[next >>> 2]!;
      frame += PAGE_SIZE;
      if ((pte & PTE_SHARED) === 0 || pteToAddress(pte) !== frame || frames.references(frame) !== 1) return;
      changePteFlags(ram, next, PTE_SHARED, PTE_W);
    }
  }

  /** A frame, its content arbitrary, for the page of `va` alone: beside those of the pages around it if possible; or 0. */
  private privateFrameLocked(space: number, area: number, va: number, slot: number): number {
    const page = Math.floor(va / PAGE_SIZE);
    const heapEnd = Math.ceil(Space.brk.get(this.ram, space) / PAGE_SIZE);
    return this.placement.alloc(Space.root.get(this.ram, space), area, page, slot, heapEnd) || this.frames.allocRaw();
  }

  private isLarge(space: number): boolean {
    const held = Space.residentPages.get(this.ram, space) + Space.tablePages.get(this.ram, space);
    return held > this.frames.total * LARGE;
  }

  private destroy(space: number): void {
    const { ram, locks } = this;
    // Nobody else wants the lock any more; what guards the areas in life does so here.
    const lock = Space.lock.addr(space);
    locks.acquire(lock);
    const frames = this.tables.destroy(Space.root.get(ram, space), this.batch);
    this.areas.clear(Space.areas.addr(space));
    if (SEEDED) assertEmptySpace(ram, space, frames);
    locks.release(lock);
    TlbState.code.add(ram, Space.tlb.addr(space), 1);
    TlbState.generation.add(ram, Space.tlb.addr(space), 1);
    this.pool.free(space);
  }
}

/** Seeded build: what a space has counted is what was there. */
function assertEmptySpace(ram: Ram, space: number, frames: number): void {
  const counted = Space.residentPages.get(ram, space) + Space.tablePages.get(ram, space);
  const set = Space.areas.addr(space);
  const left = AreaSet.count.get(ram, set);
  if (frames === counted && left === 0 && AreaSet.bytes.get(ram, set) === 0) return;
  throw new KernelPanic(
    `a space ends with ${String(left)} areas, and ${String(frames)} frames in its tables where it has counted ${String(counted)}`,
  );
}

/** Whether protection bits allow an access: what can be written can be read. */
function permits(prot: number, access: Access): boolean {
  const needed = access === Access.Read ? Prot.Read | Prot.Write : access === Access.Write ? Prot.Write : Prot.Execute;
  return (prot & needed) !== 0;
}
