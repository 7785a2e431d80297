/*
 * The border between the tiers: how the interpreter comes to translated regions, and what these come back to.
 *
 * Regions tail-call the functions here, by the names in jit/environment.ts. The counter HartBlock.translated is kept here alone: it grows
 * by the fuel that is brought into translated code and shrinks by what is brought back, so regions need not count anything.
 */

import { count } from '../counters.ts';
import { fastFpu } from '../fpu/fast.ts';
import type { FpuOp } from '../fpu/op.ts';
import { enterWith, handOut } from '../fuel.ts';
import { HartBlock, TlbEntry, WINDOW_SPAN, WindowSlot } from '../hart-block.ts';
import { EntrySlot, emitSlotOffset } from '../jit/entry-cache.ts';
import { fpuName, OUT_OF_LINE } from '../jit/environment.ts';
import { Access } from '../mmu.ts';
import { PAGE_SIZE } from '../ram.ts';
import { lookUp } from '../tlb-lookup.ts';
import { Cause } from '../trap.ts';
import { call, type Callable, either, ret, select, sequence, tailCall, tailCallIndirect, when } from '../wasm/control.ts';
import type { FunctionBuilder } from '../wasm/module.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { I32, I64, Local, Stmt } from '../wasm/node.ts';
import type { Environment } from './environment.ts';
import { upperWord } from './tier.ts';

/** User addresses have nothing from this bit up. */
const USER_BITS = 38;

/** The interpreter's functions that are come back to: (context, pc, fuel) and (context, pc, fuel, cause). */
export interface Inside {
  readonly loop: Callable<'i32'>;
  readonly exit: Callable<'i32'>;
}

export interface Border {
  /** (context, pc, fuel): goes on at pc, in the region there if there is one. Counts heat. */
  readonly arrive: FunctionBuilder<'i32'>;
  /** (context, jump, pc, fuel): the same, by the computed jump at an address, whose target is noted. */
  readonly arriveBy: FunctionBuilder<'i32'>;
  /** (context, slot, fuel): enters the region of an entry slot. */
  readonly enter: FunctionBuilder<'i32'>;
  /** (context, pc, fuel): has the region at pc translated, and enters it. */
  readonly hot: FunctionBuilder<'i32'>;
  /** (context, pc, fuel): polls the doorbell, adds a portion of the budget to the fuel, and arrives at pc. */
  readonly supply: FunctionBuilder<'i32'>;
}

export function declareBorder({ module }: Environment): Border {
  return {
    arrive: module.func(['i32', 'i64', 'i32'], 'i32'),
    arriveBy: module.func(['i32', 'i64', 'i64', 'i32'], 'i32'),
    enter: module.func(['i32', 'i32', 'i32'], 'i32'),
    hot: module.func(['i32', 'i64', 'i32'], 'i32'),
    supply: module.func(['i32', 'i64', 'i32'], 'i32'),
  };
}

/** Whether a pc is no user address. */
export const isForeign = (pc: I64): I32 => i64.ne(i64.shrU(pc, i64.const(USER_BITS)), i64.const(0));

/** Leaves with a page fault of the instruction at pc, which has not begun. */
export const faultAt = (hartBlock: I32, exit: Callable<'i32'>, context: I32, pc: I64, fuel: I32): readonly Stmt[] => [
  i64.store(hartBlock, HartBlock.trapValue.offset, pc),
  tailCall(exit, context, pc, fuel, i32.const(Cause.InstructionPageFault)),
];

/** Sets `slot` to the entry slot of a pc. */
const findSlot = (hartBlock: I32, pc: I64, slot: Local<'i32'>): Stmt =>
  slot.set(i32.add(i32.load(hartBlock, HartBlock.entryBase.offset), emitSlotOffset(i32.wrap(pc))));

/**
 * Looks for a region at a pc and leaves for it; or counts, and leaves to have it translated when it is hot. Goes on in the code behind
 * when neither.
 */
export function tryToEnter(
  hartBlock: I32,
  border: Border,
  context: I32,
  pc: Local<'i64'>,
  fuel: I32,
  slot: Local<'i32'>,
  heat: Local<'i32'>,
): Stmt {
  return sequence(
    findSlot(hartBlock, pc, slot),
    when(i64.eq(i64.load(slot, EntrySlot.tag.offset), pc), tailCall(border.enter, context, slot, fuel)),
    heat.set(i32.add(i32.load(slot, EntrySlot.heat.offset), i32.const(1))),
    i32.store(slot, EntrySlot.heat.offset, heat),
    when(i32.geS(heat, i32.load(hartBlock, HartBlock.heatLimit.offset)), tailCall(border.hot, context, pc, fuel)),
  );
}

/** Fuel is brought back from translated code. */
const comeBackWith = (hartBlock: I32, fuel: I32): Stmt =>
  count(hartBlock, HartBlock.translated.offset, i64.sub(i64.const(0), i64.extendI32U(fuel)));

/**
 * Polls the doorbell and adds a portion of the budget to `fuel`, which is not enough; then `onward`. Without any budget left, what
 * fuel there is goes to the interpreter, which can stop at any instruction.
 */
export function addFuel(
  env: Environment,
  { loop, exit }: Inside,
  context: I32,
  pc: I64,
  fuel: Local<'i32'>,
  left: Local<'i32'>,
  portion: Local<'i32'>,
  onward: Callable<'i32'>,
): readonly Stmt[] {
  const { hartBlock } = env;
  const leaveWith = (cause: Cause): Stmt => tailCall(exit, context, pc, fuel, i32.const(cause));
  return [
    when(i32.atomic.load(hartBlock, HartBlock.doorbell.offset), leaveWith(Cause.Doorbell)),
    when(
      i32.eqz(left.tee(i32.load(hartBlock, HartBlock.left.offset))),
      when(i32.eqz(fuel), leaveWith(Cause.Budget)),
      tailCall(loop, context, pc, fuel),
    ),
    ...handOut(hartBlock, context, left, portion),
    tailCall(onward, context, pc, i32.add(fuel, portion)),
  ];
}

export function emitBorder(env: Environment, border: Border, inside: Inside): void {
  emitArrivals(env, border, inside);
  emitReturns(env, border, inside);
  emitStumbles(env, inside);
  emitMemory(env);
  for (const op of OUT_OF_LINE) emitFpu(env, op);
}

function emitArrivals(env: Environment, border: Border, inside: Inside): void {
  const { hartBlock } = env;
  const { arrive, enter, hot, supply } = border;
  {
    const [context, pc, fuel] = placeOf(arrive);
    const slot = arrive.local('i32');
    const heat = arrive.local('i32');
    arrive.body([
      when(isForeign(pc), ...faultAt(hartBlock, inside.exit, context, pc, fuel)),
      tryToEnter(hartBlock, border, context, pc, fuel, slot, heat),
      tailCall(inside.loop, context, pc, fuel),
    ]);
  }
  {
    const [context, jump, pc, fuel] = jumpOf(border.arriveBy);
    const noted = call(env.noteJump, i32.wrap(jump), upperWord(jump), i32.wrap(pc), upperWord(pc));
    border.arriveBy.body([noted, tailCall(arrive, context, pc, fuel)]);
  }
  {
    const context = enter.param('i32', 0);
    const slot = enter.param('i32', 1);
    const fuel = enter.param('i32', 2);
    enter.body([
      enterWith(hartBlock, fuel),
      tailCallIndirect(env.regions, i32.load(slot, EntrySlot.region.offset), context, fuel),
    ]);
  }
  {
    const [context, pc, fuel] = placeOf(hot);
    const slot = hot.local('i32');
    hot.body([
      when(
        call(env.request, i32.wrap(pc), upperWord(pc), context),
        findSlot(hartBlock, pc, slot),
        tailCall(enter, context, slot, fuel),
      ),
      tailCall(inside.loop, context, pc, fuel),
    ]);
  }
  const [context, pc, fuel] = placeOf(supply);
  supply.body(addFuel(env, inside, context, pc, fuel, supply.local('i32'), supply.local('i32'), arrive));
}

/** What regions tail-call. */
function emitReturns(env: Environment, { arrive, arriveBy, hot, supply }: Border, { loop, exit }: Inside): void {
  const { hartBlock, module } = env;
  for (const [name, next] of [
    ['cold', arrive],
    ['interpret', loop],
    ['refuel', supply],
  ] as const) {
    const func = module.func(['i32', 'i64', 'i32'], 'i32', name);
    const [context, pc, fuel] = placeOf(func);
    func.body([comeBackWith(hartBlock, fuel), tailCall(next, context, pc, fuel)]);
  }
  {
    const jumped = module.func(['i32', 'i64', 'i64', 'i32'], 'i32', 'jumped');
    const [context, jump, pc, fuel] = jumpOf(jumped);
    jumped.body([comeBackWith(hartBlock, fuel), tailCall(arriveBy, context, jump, pc, fuel)]);
  }
  {
    const unlike = module.func(['i32', 'i64', 'i32'], 'i32', 'unlike');
    const [context, pc, fuel] = placeOf(unlike);
    unlike.body([
      comeBackWith(hartBlock, fuel),
      call(env.beWary, i32.wrap(pc), upperWord(pc), context),
      tailCall(hot, context, pc, fuel),
    ]);
  }
  const leave = module.func(['i32', 'i64', 'i32', 'i32'], 'i32', 'leave');
  const [context, pc, fuel] = placeOf(leave);
  leave.body([comeBackWith(hartBlock, fuel), tailCall(exit, context, pc, fuel, leave.param('i32', 3))]);
}

function jumpOf(func: FunctionBuilder<'i32'>): [Local<'i32'>, Local<'i64'>, Local<'i64'>, Local<'i32'>] {
  return [func.param('i32', 0), func.param('i64', 1), func.param('i64', 2), func.param('i32', 3)];
}

function placeOf(func: FunctionBuilder<'i32'>): [Local<'i32'>, Local<'i64'>, Local<'i32'>] {
  return [func.param('i32', 0), func.param('i64', 1), func.param('i32', 2)];
}

/**
 * The place goes on with the window of a page that the TLB knows; with that and the one it had, when the two are one.
 */
function widenWindow(func: FunctionBuilder<'i32'>, window: I32, entry: I32): Stmt {
  const [start, limit, otherStart, otherLimit] = [func.temp('i64'), func.temp('i64'), func.temp('i64'), func.temp('i64')];
  const addend = i32.load(entry, TlbEntry.addend.offset);
  // The end of a window lies so much above its limit.
  const span = i64.const(WINDOW_SPAN - 1);
  const touch = i32.and(i64.leU(otherStart, i64.add(limit, span)), i64.leU(start, i64.add(otherLimit, span)));
  return sequence(
    start.set(i64.load(entry, TlbEntry.start.offset)),
    limit.set(i64.add(start, i64.load(entry, TlbEntry.bound.offset))),
    when(
      i32.and(
        i32.eq(i32.load(window, WindowSlot.addend.offset), addend),
        i64.ne(i64.load(window, WindowSlot.bound.offset), i64.const(0)),
      ),
      otherStart.set(i64.load(window, WindowSlot.start.offset)),
      otherLimit.set(i64.add(otherStart, i64.load(window, WindowSlot.bound.offset))),
      when(
        touch,
        start.set(select(i64.ltU(otherStart, start), otherStart, start)),
        limit.set(select(i64.gtU(otherLimit, limit), otherLimit, limit)),
      ),
    ),
    i64.store(window, WindowSlot.start.offset, start),
    i64.store(window, WindowSlot.bound.offset, i64.sub(limit, start)),
    i32.store(window, WindowSlot.addend.offset, addend),
  );
}

/** A place that has stumbled so often within so many instructions for each time has its region translated anew. */
const PATIENCE = 256;
const INSTRUCTIONS_PER_STUMBLE = 2000;

/** What regions tail-call when an access is not in its window; see memory.ts there. */
function emitStumbles(env: Environment, { loop }: Inside): void {
  const { hartBlock, module } = env;
  const tlbBase = i32.load(hartBlock, HartBlock.tlbBase.offset);
  for (const [name, access] of [
    ['stumbleReading', Access.Read],
    ['stumbleWriting', Access.Write],
    // Reads, with stores to come: the page must not be marked as written before they do.
    ['stumbleAhead', Access.Write],
  ] as const) {
    const func = module.func(['i32', 'i64', 'i32', 'i64', 'i32', 'i64'], 'i32', name);
    const [context, pc, fuel] = placeOf(func);
    const va = func.param('i64', 3);
    const window = func.param('i32', 4);
    const start = func.param('i64', 5);
    const entry = func.local('i32');
    const stumbles = func.local('i32');
    const now = func.local('i32');
    const offset = func.local('i64');
    const rest = func.local('i64');
    const page = i64.const(PAGE_SIZE);
    const goOn = tailCall(loop, context, pc, fuel);
    const { missed } = lookUp(tlbBase, va, 1, access, entry);
    // A fault is the interpreter's to find.
    const walked = call(env.translate, i32.wrap(va), upperWord(va), i32.const(access));
    const unknown = name === 'stumbleAhead' ? goOn : when(i32.ltS(walked, i32.const(0)), goOn);
    func.body([
      comeBackWith(hartBlock, fuel),
      when(missed, unknown),
      // The window may have grown since the entry was made, if this is its first page or its last: only the page table knows.
      offset.set(i64.sub(va, i64.load(entry, TlbEntry.start.offset))),
      rest.set(i64.sub(i64.load(entry, TlbEntry.bound.offset), offset)),
      when(
        i32.or(i64.ltU(offset, page), i64.leS(rest, i64.sub(page, i64.const(WINDOW_SPAN - 1)))),
        when(i32.ltS(walked, i32.const(0)), goOn),
      ),
      widenWindow(func, window, entry),
      stumbles.set(i32.add(i32.load(window, WindowSlot.stumbles.offset), i32.const(1))),
      i32.store(window, WindowSlot.stumbles.offset, stumbles),
      when(
        i32.geU(stumbles, i32.const(PATIENCE)),
        i32.store(window, WindowSlot.stumbles.offset, i32.const(0)),
        now.set(i32.load(hartBlock, HartBlock.instret.offset)),
        when(
          i32.ltU(i32.sub(now, i32.load(window, WindowSlot.since.offset)), i32.const(PATIENCE * INSTRUCTIONS_PER_STUMBLE)),
          call(env.bePatient, i32.wrap(start), upperWord(start)),
        ),
        i32.store(window, WindowSlot.since.offset, now),
      ),
      goOn,
    ]);
  }
}

/** Addresses for accesses that a patient region could not find itself, and for atomic instructions. */
function emitMemory(env: Environment): void {
  const { hartBlock, module } = env;
  const tlbBase = i32.load(hartBlock, HartBlock.tlbBase.offset);
  for (const size of [1, 2, 4, 8]) {
    const load = module.func(['i64'], 'i32', `load${String(size)}`);
    const from = load.param('i64', 0);
    load.body([ret(call(env.load, i32.wrap(from), upperWord(from), i32.const(size)))]);
    const store = module.func(['i64', 'i64'], 'i32', `store${String(size)}`);
    const to = store.param('i64', 0);
    const value = store.param('i64', 1);
    store.body([ret(call(env.store, i32.wrap(to), upperWord(to), i32.const(size), i32.wrap(value), upperWord(value)))]);
  }
  for (const [name, access] of [
    ['addressToRead', Access.Read],
    ['addressToWrite', Access.Write],
  ] as const) {
    const func = module.func(['i64'], 'i32', name);
    const va = func.param('i64', 0);
    const { missed, physical } = lookUp(tlbBase, va, 1, access, func.temp('i32'));
    func.body([ret(either(missed, call(env.translate, i32.wrap(va), upperWord(va), i32.const(access)), physical))]);
  }
}

/** A floating-point operation for regions, rounding to nearest: (context, a, b, c) → result. */
function emitFpu(env: Environment, op: FpuOp): void {
  const func = env.module.func(['i32', 'i64', 'i64', 'i64'], 'i64', fpuName(op));
  const site = {
    context: func.param('i32', 0),
    temp: func.temp.bind(func),
    slow: (which: FpuOp, a: I64, b: I64, c: I64, rounding: I32): I64 => call(env.fpu, i32.const(which), a, b, c, rounding),
  };
  const [a, b, c] = [func.param('i64', 1), func.param('i64', 2), func.param('i64', 3)];
  func.body([], fastFpu(op, a, b, c, i32.const(0), site));
}
