/*
 * Which memory accesses of a loop can be checked before it begins, for many rounds at once.
 *
 * What the addresses have to do with the registers at the head (linear.ts) tells for each access where the next round will go: a _stream_ is a
 * set of accesses that move together, by the same stride each round, none being 0. All of a loop's streams lie in their windows for so many
 * rounds; for as many the loop runs without looking (loop-copies.ts, gate.ts). Table look-ups are streams as well: their addresses are
 * known up to an index of which the range is known.
 *
 * A stream has at least one access that is executed in every round, so a loop that runs with checks finds its window.
 */

import { F_SLOT } from '../context.ts';
import { WINDOW_SPAN } from '../hart-block.ts';
import type { Shape } from './flow.ts';
import { combine, type Form, isSmall, keyOf, meet, plus, registerForm, resultOf, type Split, type Value } from './linear.ts';
import type { Loop } from './loops.ts';
import { accessOf } from './operation.ts';
import type { Block, Edge, Region } from './region.ts';

/** Accesses by addresses that differ by constants only, or that look up one table. */
export interface Stream {
  /** The lowest address, by the registers at the head, in a round. */
  readonly lowest: Form;
  /** What is added to it each round: invariant registers and a constant. */
  readonly stride: Form;
  /** Bytes from the lowest address of a round to the end of what is accessed; of a table, of one access. */
  readonly length: number;
  /** Whether it is a table, which is accessed anywhere from `lowest` on, `lowest.extent` bytes up. */
  readonly isTable: boolean;
  /** Whether each of a table's accesses has its index by itself. */
  readonly isIndexed: boolean;
  readonly write: boolean;
}

/** An access of a stream. */
export interface StreamPlace {
  readonly stream: Stream;
  /** Above the stream's lowest; meaningless in a table. */
  readonly offset: number;
  /** In an indexed table: what is added to `lowest`. */
  readonly split: Split | undefined;
}

export interface LoopGuard {
  readonly streams: readonly Stream[];
  /** By index of the instruction. */
  readonly places: ReadonlyMap<number, StreamPlace>;
  /** The additions of indices to what tables begin at, by index of the instruction: the register with the index. */
  readonly splits: ReadonlyMap<number, number>;
  /** The instructions whose results are known to be no less than 0, and less than 2^31. */
  readonly small: ReadonlySet<number>;
  /** Fewest instructions of a round. */
  readonly shortest: number;
}

interface FoundAccess {
  readonly index: number;
  readonly form: Form;
  readonly size: number;
  readonly write: boolean;
  readonly always: boolean;
}

/** What is known of the registers of a loop where a block begins, by slot; a register that is missing is as at the head. */
type State = Map<number, Value>;

/** The streams of a loop and the places of their accesses. */
export function streamsOf(region: Region, shape: Shape, loop: Loop): Omit<LoopGuard, 'shortest'> {
  const { accesses, strides, small } = follow(region, shape, loop);
  const byKey = new Map<string, FoundAccess[]>();
  for (const access of accesses) {
    const { form } = access;
    // Each table is a stream of its own, wherever it begins.
    const key = form.extent === 0 ? keyOf(form) : `${keyOf(form)} table at ${String(form.constant)}`;
    const list = byKey.get(key);
    if (list === undefined) byKey.set(key, [access]);
    else list.push(access);
  }
  const streams: Stream[] = [];
  const places = new Map<number, StreamPlace>();
  const splits = new Map<number, number>();
  for (const list of byKey.values()) {
    const stride = strideOf(list[0]!.form, strides);
    if (stride === undefined) continue;
    for (const group of near(list)) {
      const always = group.filter((access) => access.always);
      if (always.length === 0) continue;
      const write = always.some((access) => access.write);
      const { form } = group[0]!;
      const isTable = form.extent > 0;
      const extent = Math.max(...group.map((access) => access.form.extent));
      const length = Math.max(...group.map((access) => access.form.constant - form.constant + access.size));
      const isIndexed = isTable && group.every((access) => access.form.split !== undefined);
      const stream = { lowest: { ...form, extent }, stride, length, isTable, isIndexed, write };
      streams.push(stream);
      for (const access of group) {
        // A store that is not always executed must not have the page looked up for writing.
        if (access.write && !write) continue;
        const split = isIndexed ? access.form.split : undefined;
        if (split !== undefined) splits.set(split.at, split.slot);
        places.set(access.index, { stream, offset: access.form.constant - form.constant, split });
      }
    }
  }
  return { streams, places, splits, small };
}

/** Divides accesses into groups that one look at a window serves, by ascending address. */
function near(list: readonly FoundAccess[]): FoundAccess[][] {
  const groups: FoundAccess[][] = [];
  for (const access of [...list].sort((a, b) => a.form.constant - b.form.constant)) {
    const group = groups.at(-1);
    const low = group?.[0]!.form.constant;
    if (low !== undefined && access.form.constant + access.size - low <= WINDOW_SPAN) group!.push(access);
    else groups.push([access]);
  }
  return groups;
}

/** By how much an address changes from round to round; undefined if that is not always the same. */
function strideOf(address: Form, strides: (slot: number) => Value): Value {
  let sum: Value = registerForm(0);
  for (const [slot, factor] of address.terms) sum = combine(sum, strides(slot), factor);
  return sum;
}

/** Follows the registers through one round. */
function follow(
  region: Region,
  shape: Shape,
  { head, body, latches }: Loop,
): { accesses: FoundAccess[]; strides: (slot: number) => Value; small: Set<number> } {
  const accesses: FoundAccess[] = [];
  const small = new Set<number>();
  const before = new Map<Block, State>([[head, new Map()]]);
  let around: State | undefined;
  for (const block of body) {
    const state: State = new Map(before.get(block));
    const always = latches.every((latch) => dominates(shape, block, latch));
    for (let i = block.first; i < block.end; i++) {
      const op = region.op[i]!;
      const a = valueOf(state, region.rs1[i]!);
      const access = accessOf(op);
      const form = access === undefined ? undefined : plus(a, region.imm[i]!);
      if (access !== undefined && form !== undefined) accesses.push({ index: i, form, ...access, always });
      const rd = region.rd[i]!;
      if (rd === 0 || rd >= F_SLOT) continue;
      const [rs1, rs2] = [region.rs1[i]!, region.rs2[i]!];
      const b = valueOf(state, rs2);
      const result = resultOf(op, { a, b, rs1, rs2, imm: region.imm[i]!, pc: region.pc[i]!, index: i });
      if (isSmall(result)) small.add(i);
      state.set(rd, result);
    }
    for (const edge of edgesWithin(block, body)) {
      if (edge.to === head) around = around === undefined ? state : meetOf(around, state);
      else {
        const known = before.get(edge.to!);
        before.set(edge.to!, known === undefined ? state : meetOf(known, state));
      }
    }
  }
  const change = (slot: number): Value => {
    const after = valueOf(around!, slot);
    const by = combine(after, registerForm(slot), -1);
    return by === undefined || by.extent > 0 ? undefined : by;
  };
  const isInvariant = (slot: number): boolean => {
    const by = change(slot);
    return by?.terms.size === 0 && by.constant === 0;
  };
  const strides = (slot: number): Value => {
    const by = change(slot);
    return by !== undefined && [...by.terms.keys()].every(isInvariant) ? by : undefined;
  };
  return { accesses, strides, small };
}

function edgesWithin(block: Block, body: readonly Block[]): Edge[] {
  return block.edges().filter(({ to }) => to !== undefined && body.includes(to));
}

function valueOf(state: State, slot: number): Value {
  if (slot >= F_SLOT) return undefined;
  return state.has(slot) ? state.get(slot) : registerForm(slot);
}

function meetOf(a: State, b: State): State {
  const out: State = new Map();
  for (const slot of new Set([...a.keys(), ...b.keys()])) out.set(slot, meet(valueOf(a, slot), valueOf(b, slot)));
  return out;
}

function dominates({ dominator }: Shape, a: Block, b: Block): boolean {
  let at = b.order;
  while (at > a.order) at = dominator[at]!;
  return at === a.order;
}
