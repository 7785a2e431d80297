/*
 * The code of gates (loop-copies.ts): whether the streams of a loop lie in their windows, for how many rounds, and where.
 *
 * A gate grants rounds by fuel: what is beyond that is laid aside (`spare`) while the guarded copy runs, and given back wherever it is
 * left. So no more is counted in the loop than anywhere else. What a gate promises holds until control comes back to it, for in the
 * meantime the hart stays in guest code (memory.ts tells why windows stay good).
 */

import { WINDOW_SPAN, WindowSlot } from '../hart-block.ts';
import { branch, type Label, select, sequence } from '../wasm/control.ts';
import type { FunctionBuilder } from '../wasm/module.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { I32, I64, Local, Stmt } from '../wasm/node.ts';
import type { Form } from './linear.ts';
import type { LoopGuard, Stream } from './loop-guard.ts';

/** Rounds that a gate grants at most after the first. */
const MAX_ROUNDS = 0xffff;
/** Strides in registers are below this. */
const MAX_STRIDE = 2 ** 31;

/** What the gates see of the tier. */
export interface GateSite {
  readonly func: FunctionBuilder<'i32'>;
  readonly fuel: Local<'i32'>;
  /** A register as it is now. */
  register(slot: number): I64;
}

/** Locals that a gate sets for a stream. */
interface StreamLocals {
  /** Physical address of its lowest access in this round; of a table that is not indexed, what makes its addresses physical. */
  readonly place: Local<'i32'>;
  /** If that is in registers: what is added to it each round. */
  readonly stride: Local<'i32'> | undefined;
}

export class Gates {
  /** Fuel that has been laid aside while a guarded copy runs. */
  readonly spare: Local<'i32'>;
  private readonly locals = new Map<Stream, StreamLocals>();

  constructor(private readonly site: GateSite) {
    this.spare = site.func.local('i32', 'spare');
  }

  /** What `open` sets for a stream. */
  placeOf(stream: Stream): Local<'i32'> {
    return this.localsOf(stream).place;
  }

  /**
   * Goes on if at least two rounds are granted, with the fuel for all that are; else branches to `refused`.
   *
   * @param windowBase of the partition in use
   * @param slotOf offset of a stream's window slot
   * @param longest the most instructions from the head to the next look at the fuel
   */
  open(
    guard: LoopGuard,
    windowBase: Local<'i32'>,
    slotOf: (stream: Stream) => number,
    longest: number,
    refused: Label,
  ): Stmt[] {
    const { func, fuel } = this.site;
    func.releaseScratch();
    const rounds = func.temp('i32');
    const moving = guard.streams.some(({ stride }) => !isZero(stride));
    const granted = i32.add(i32.mul(rounds, i32.const(guard.shortest)), i32.const(longest));
    return [
      rounds.set(i32.const(MAX_ROUNDS)),
      ...guard.streams.flatMap((stream) => this.look(stream, windowBase, slotOf(stream), rounds, refused)),
      ...(moving ? [branch(refused, i32.eqz(rounds), 0)] : []),
      this.spare.set(fuel),
      rounds.set(granted),
      fuel.set(select(i32.ltS(fuel, rounds), fuel, rounds)),
      this.spare.set(i32.sub(this.spare, fuel)),
    ];
  }

  /** A round is over. */
  advance({ streams }: LoopGuard): Stmt[] {
    return streams.flatMap((stream) => {
      if (!hasPlace(stream) || isZero(stream.stride)) return [];
      const { place, stride } = this.localsOf(stream);
      return [place.set(i32.add(place, stride ?? i32.const(stream.stride.constant)))];
    });
  }

  /** Finds a stream's place, and reduces `rounds` to those that it stays in its window. */
  private look(stream: Stream, windowBase: Local<'i32'>, slot: number, rounds: Local<'i32'>, refused: Label): Stmt[] {
    const { func } = this.site;
    const { place, stride } = this.localsOf(stream);
    const [address, above, below] = [func.temp('i64'), func.temp('i64'), func.temp('i64')];
    const { extent } = stream.lowest;
    const addend = i32.load(windowBase, slot + WindowSlot.addend.offset);
    const out = [
      address.set(this.valueOf(stream.lowest)),
      below.set(i64.sub(address, i64.load(windowBase, slot + WindowSlot.start.offset))),
      above.set(i64.load(windowBase, slot + WindowSlot.bound.offset)),
      branch(refused, i64.geU(below, above), 0),
      // A window reaches beyond its bound: by WINDOW_SPAN, of which so much is needed.
      above.set(i64.add(i64.sub(above, below), i64.const(WINDOW_SPAN - stream.length - 1))),
      ...(extent > 0 ? [branch(refused, i64.ltU(above, i64.const(extent)), 0)] : []),
      place.set(hasPlace(stream) ? i32.add(i32.wrap(address), addend) : addend),
    ];
    if (isZero(stream.stride)) return out;
    const upwards = i32.sub(i32.wrap(above), i32.const(extent));
    const { constant } = stream.stride;
    if (stride === undefined) {
      const room = constant > 0 ? upwards : i32.wrap(below);
      return [...out, least(rounds, dividedBy(room, Math.abs(constant)), func.temp('i32'))];
    }
    const step = func.temp('i64');
    return [
      ...out,
      step.set(this.valueOf(stream.stride)),
      branch(refused, i64.geU(i64.sub(step, i64.const(1)), i64.const(MAX_STRIDE - 1)), 0),
      stride.set(i32.wrap(step)),
      least(rounds, i32.divU(upwards, stride), func.temp('i32')),
    ];
  }

  private valueOf({ terms, constant }: Form): I64 {
    let sum: I64 | undefined;
    for (const [slot, factor] of terms) {
      const register = this.site.register(slot);
      const term = factor === 1 ? register : i64.mul(register, i64.const(factor));
      sum = sum === undefined ? term : i64.add(sum, term);
    }
    if (sum === undefined) return i64.const(constant);
    return constant === 0 ? sum : i64.add(sum, i64.const(constant));
  }

  private localsOf(stream: Stream): StreamLocals {
    let locals = this.locals.get(stream);
    if (locals === undefined) {
      const { func } = this.site;
      locals = { place: func.local('i32'), stride: stream.stride.terms.size === 0 ? undefined : func.local('i32') };
      this.locals.set(stream, locals);
    }
    return locals;
  }
}

function hasPlace({ isTable, isIndexed }: Stream): boolean {
  return !isTable || isIndexed;
}

function isZero({ terms, constant }: Form): boolean {
  return terms.size === 0 && constant === 0;
}

function dividedBy(value: I32, divisor: number): I32 {
  const shift = Math.log2(divisor);
  if (divisor === 1) return value;
  return Number.isInteger(shift) ? i32.shrU(value, i32.const(shift)) : i32.divU(value, i32.const(divisor));
}

/** Reduces a local to another value if that is less. */
function least(local: Local<'i32'>, value: I32, temp: Local<'i32'>): Stmt {
  return sequence(temp.set(value), local.set(select(i32.ltU(local, temp), local, temp)));
}
