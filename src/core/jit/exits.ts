/*
 * The ways out of a region.
 *
 * Whoever leaves sets `target` (the pc to go on at), makes the fuel exact, says how (`how`), and branches to the exit for the registers
 * that are dirty there. Exits with the same registers share the code that writes them back; behind it all come together.
 *
 * The exits of a loop have that code for themselves: registers that hold words at all of them are stored from these. Otherwise the loop
 * would have to extend the words, round for round, for what hardly ever happens. A register that holds a word at some of them only is
 * extended on the way there.
 */

import { HartBlock } from '../hart-block.ts';
import { block, branch, Label, tailCall, tailCallIndirect, when } from '../wasm/control.ts';
import type { FunctionBuilder } from '../wasm/module.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { I32, I64, Local, Stmt } from '../wasm/node.ts';
import { EntrySlot, emitSlotOffset, slotOffset } from './entry-cache.ts';
import type { RegionEnvironment } from './environment.ts';
import type { Registers } from './operation.ts';
import { Level } from './word.ts';
import { Words } from './words.ts';

/** Values of `how`, beside 0 for onward and the causes of traps. */
const REFUEL = -1;
const INTERPRET = -2;
const STUMBLE_READING = -3;
const STUMBLE_WRITING = -4;
const STUMBLE_AHEAD = -5;

/** What kind of access stumbled: `ahead` is one that reads, in a group that writes later. */
export type Stumble = 'reading' | 'writing' | 'ahead';

const STUMBLES = {
  reading: [STUMBLE_READING, 'stumbleReading'],
  writing: [STUMBLE_WRITING, 'stumbleWriting'],
  ahead: [STUMBLE_AHEAD, 'stumbleAhead'],
} as const;

/** Of the point at which a region is left: the registers to be written back, and what is known of them. */
interface Left {
  readonly dirty: Registers;
  readonly words: Words;
  readonly loop: number;
}

interface Exit extends Left {
  readonly label: Label;
  /** The ways to it: the words that there are, and the code that extends those that the exit does not know of. */
  readonly ways: { readonly words: Words; readonly code: Stmt[] }[];
}

/** What the exits have to do with registers. */
interface RegisterLocals {
  /** Stores registers in the context. */
  writeBack(dirty: Registers, words: Words): readonly Stmt[];
  /** Of the registers that hold words, and of which the others know nothing: makes them hold 64 bits. */
  extend(words: Words, others: Words, registers: Registers): readonly Stmt[];
}

export class Exits {
  private readonly exits = new Map<string, Exit>();
  private readonly target: Local<'i64'>;
  /** Offset of the target's entry slot, when it goes onward. */
  private readonly slot: Local<'i32'>;
  private readonly how: Local<'i32'>;
  private mayStumble = false;
  /** Of an access that stumbled: its virtual address. */
  private readonly va: Local<'i64'>;
  /** Address of the computed jump that it goes onward by; 0 when by none. */
  private readonly jump: Local<'i64'>;
  /** Where all exits meet. */
  private readonly written = new Label('written');

  constructor(
    private readonly env: RegionEnvironment,
    func: FunctionBuilder<'i32'>,
    private readonly context: Local<'i32'>,
    private readonly fuel: Local<'i32'>,
    /** Where the region begins. */
    private readonly start: number,
  ) {
    this.target = func.local('i64', 'target');
    this.slot = func.local('i32', 'slot');
    this.how = func.local('i32', 'how');
    this.va = func.local('i64', 'va');
    this.jump = func.local('i64', 'jump');
  }

  /** Goes on at a pc outside of the region. The fuel is exact. */
  onwardTo(pc: number, left: Left): Stmt[] {
    return [this.target.set(i64.const(pc)), this.slot.set(i32.const(slotOffset(pc))), ...this.exit(left)];
  }

  /** The same for an address in a register, by a computed jump if the address of one is given. */
  onwardToRegister(pc: Local<'i64'>, left: Left, jump: number | undefined): Stmt[] {
    return [
      this.target.set(pc),
      this.slot.set(emitSlotOffset(i32.wrap(pc))),
      ...(jump === undefined ? [] : [this.jump.set(i64.const(jump))]),
      ...this.exit(left),
    ];
  }

  /** Asks for more fuel and goes on at a pc, in the region or not. The fuel is exact. */
  refuel(pc: number, left: Left): Stmt[] {
    return this.leave(pc, i32.const(REFUEL), left);
  }

  /** The same for an address in a register. */
  refuelToRegister(pc: Local<'i64'>, left: Left): Stmt[] {
    return [this.target.set(pc), this.how.set(i32.const(REFUEL)), ...this.exit(left)];
  }

  /** Leaves the instruction at pc to the interpreter. The fuel is exact. */
  interpret(pc: number, left: Left): Stmt[] {
    return this.leave(pc, i32.const(INTERPRET), left);
  }

  /**
   * Leaves the instruction at pc, an access of `va`, to the interpreter, because it is not in its window. The fuel is exact.
   *
   * @param window offset of the place's window slot from the region's first
   */
  stumble(pc: number, left: Left, va: I64, window: number, kind: Stumble): Stmt[] {
    const how = i32.const(STUMBLES[kind][0]);
    this.mayStumble = true;
    return [this.va.set(va), this.slot.set(i32.const(window)), ...this.leave(pc, how, left)];
  }

  /** Leaves guest code with a cause. The fuel is exact. */
  trap(pc: number, cause: I32, left: Left): Stmt[] {
    return this.leave(pc, cause, left);
  }

  /** The function's body from here on: `body`, the exits, `last` on the way out of all of them, and what follows. */
  around(body: readonly Stmt[], registers: RegisterLocals, last: readonly Stmt[]): Stmt[] {
    let code = body;
    for (const { label, dirty, words, ways } of this.exits.values()) {
      for (const way of ways) way.code.push(...registers.extend(way.words, words, dirty));
      code = [block(label, ...code), ...registers.writeBack(dirty, words), branch(this.written)];
    }
    const { env, context, target, fuel, how } = this;
    const slot = this.slot;
    const entry = i32.add(i32.load(env.hartBlock, HartBlock.entryBase.offset), slot);
    return [
      block(this.written, ...code),
      ...last,
      when(
        i32.eqz(how),
        when(
          i64.eq(i64.load(slot.tee(entry), EntrySlot.tag.offset), target),
          tailCallIndirect(env.regions, i32.load(slot, EntrySlot.region.offset), context, fuel),
        ),
        when(i64.ne(this.jump, i64.const(0)), tailCall(env.get('jumped'), context, this.jump, target, fuel)),
        tailCall(env.get('cold'), context, target, fuel),
      ),
      when(i32.eq(how, i32.const(REFUEL)), tailCall(env.get('refuel'), context, target, fuel)),
      when(i32.eq(how, i32.const(INTERPRET)), tailCall(env.get('interpret'), context, target, fuel)),
      ...this.stumbles(),
      tailCall(env.get('leave'), context, target, fuel, how),
    ];
  }

  private stumbles(): Stmt[] {
    if (!this.mayStumble) return [];
    const { env, context, target, fuel, how, va, slot } = this;
    const window = i32.add(i32.add(i32.load(env.hartBlock, HartBlock.windowBase.offset), env.slots), slot);
    const start = i64.const(this.start);
    return Object.values(STUMBLES).map(([value, name]) =>
      when(i32.eq(how, i32.const(value)), tailCall(env.get(name), context, target, fuel, va, window, start)),
    );
  }

  private leave(pc: number, how: I32, left: Left): Stmt[] {
    return [this.target.set(i64.const(pc)), this.how.set(how), ...this.exit(left)];
  }

  private exit({ dirty, words, loop }: Left): Stmt[] {
    const key = `${String(dirty.x)} ${String(dirty.f)} ${String(loop)}`;
    let exit = this.exits.get(key);
    if (exit === undefined) {
      const label = new Label(`exit ${String(this.exits.size + 1)}`);
      exit = { label, dirty, words: loop < 0 ? Words.all(Level.Any) : words.copy(), loop, ways: [] };
      this.exits.set(key, exit);
    }
    exit.words.meet(words);
    // What the others know shows when all have been emitted.
    const code: Stmt[] = [];
    exit.ways.push({ words: words.copy(), code });
    return [{ kind: 'sequence', type: 'void', body: code }, branch(exit.label)];
  }
}
