/*
 * The ways out of a region.
 *
 * Whoever leaves sets `target` (the pc to go on at), makes the fuel exact, says how (`how`), and branches to the exit for the registers
 * that are dirty there. Exits with the same registers share the code that writes them back; behind it all come together.
 */

import { HartBlock } from '../hart-block.ts';
import { block, branch, Label, tailCall, tailCallIndirect, when } from '../wasm/control.ts';
import type { FunctionBuilder } from '../wasm/module.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { I32, Local, Stmt } from '../wasm/node.ts';
import { EntrySlot, emitSlotOffset, slotOffset } from './entry-cache.ts';
import type { RegionEnvironment } from './environment.ts';
import type { Registers } from './operation.ts';

/** Values of `how`, beside 0 for onward and the causes of traps. */
const REFUEL = -1;
const INTERPRET = -2;

interface Exit {
  readonly label: Label;
  readonly dirty: Registers;
}

export class Exits {
  private readonly exits = new Map<string, Exit>();
  private readonly target: Local<'i64'>;
  /** Offset of the target's entry slot, when it goes onward. */
  private readonly slot: Local<'i32'>;
  private readonly how: Local<'i32'>;
  /** Address of the computed jump that it goes onward by; 0 when by none. */
  private readonly jump: Local<'i64'>;
  /** Where all exits meet. */
  private readonly written = new Label('written');

  constructor(
    private readonly env: RegionEnvironment,
    func: FunctionBuilder<'i32'>,
    private readonly context: Local<'i32'>,
    private readonly fuel: Local<'i32'>,
  ) {
    this.target = func.local('i64', 'target');
    this.slot = func.local('i32', 'slot');
    this.how = func.local('i32', 'how');
    this.jump = func.local('i64', 'jump');
  }

  /** Goes on at a pc outside of the region. The fuel is exact. */
  onwardTo(pc: number, dirty: Registers): Stmt[] {
    return [this.target.set(i64.const(pc)), this.slot.set(i32.const(slotOffset(pc))), branch(this.exit(dirty))];
  }

  /** The same for an address in a register, by a computed jump if the address of one is given. */
  onwardToRegister(pc: Local<'i64'>, dirty: Registers, jump: number | undefined): Stmt[] {
    return [
      this.target.set(pc),
      this.slot.set(emitSlotOffset(i32.wrap(pc))),
      ...(jump === undefined ? [] : [this.jump.set(i64.const(jump))]),
      branch(this.exit(dirty)),
    ];
  }

  /** Asks for more fuel and goes on at a pc, in the region or not. The fuel is exact. */
  refuel(pc: number, dirty: Registers): Stmt[] {
    return this.leave(pc, i32.const(REFUEL), dirty);
  }

  /** Leaves the instruction at pc to the interpreter. The fuel is exact. */
  interpret(pc: number, dirty: Registers): Stmt[] {
    return this.leave(pc, i32.const(INTERPRET), dirty);
  }

  /** Leaves guest code with a cause. The fuel is exact. */
  trap(pc: number, cause: I32, dirty: Registers): Stmt[] {
    return this.leave(pc, cause, dirty);
  }

  /** The function's body from here on: `body`, the exits, and what follows them. */
  around(body: readonly Stmt[], writeBack: (dirty: Registers) => readonly Stmt[]): Stmt[] {
    let code = body;
    for (const { label, dirty } of this.exits.values()) {
      code = [block(label, ...code), ...writeBack(dirty), branch(this.written)];
    }
    const { env, context, target, fuel, how } = this;
    const slot = this.slot;
    const entry = i32.add(i32.load(env.hartBlock, HartBlock.entryBase.offset), slot);
    return [
      block(this.written, ...code),
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
      tailCall(env.get('leave'), context, target, fuel, how),
    ];
  }

  private leave(pc: number, how: I32, dirty: Registers): Stmt[] {
    return [this.target.set(i64.const(pc)), this.how.set(how), branch(this.exit(dirty))];
  }

  private exit(dirty: Registers): Label {
    const key = `${String(dirty.x)} ${String(dirty.f)}`;
    let exit = this.exits.get(key);
    if (exit === undefined) {
      exit = { label: new Label(`exit ${String(this.exits.size + 1)}`), dirty };
      this.exits.set(key, exit);
    }
    return exit.label;
  }
}
