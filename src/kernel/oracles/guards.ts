/*
 * Whether every access to a structure in RAM holds the guard that its layout names (core/layout.ts), and whether the object it is in
 * is alive. Seeded build only, where harts run one at a time: what is read here to decide is exact.
 *
 *   'lock'             a lock field of the same structure
 *   'Port.lock'        the lock of the structure around this one (the port that a message is in), or of the only one there is
 *   anything else      a rule by that name: guard-rules.ts has the kernel's, a family registers its own
 *
 * An object that one participant owns alone, since it is under construction or being taken apart (SlotPool.publish, claim), is free to
 * that one. `peek` is never checked. Host code is the ordinary build and is not checked either.
 */

import { watchField, type AccessCheck } from '../../core/access.ts';
import { STRUCTS, type Field, type StructInfo } from '../../core/layout.ts';
import type { Ram } from '../../core/ram.ts';
import { HartControl } from '../../smp/hart-control.ts';
import { lockName } from '../../smp/lock-audit.ts';
import { KernelPanic } from '../../smp/panic.ts';
import type { SmpMap } from '../../smp/smp-map.ts';
import { holderOf, SpinlockField } from '../../smp/spinlock.ts';
import { placeAround, placesOf, type Place } from './places.ts';

/** Whether the participant may touch a field of the structure at `base`. */
export type Rule = (base: number, write: boolean, index: number) => boolean;

/** Makes the rule of a guard for the fields of one structure. */
export type RuleMaker = (layout: StructInfo, field: Field) => Rule;

const FREE = -2;

/** Those of this worker. */
let installed: Guards | undefined;

function adopt(guards: Guards): void {
  installed = guards;
}

export class Guards {
  private readonly rules = new Map<string, RuleMaker>();
  private off = false;
  /** The lock of each IPC family that hangs objects on processes. */
  private readonly families: (number | undefined)[] = [];
  private readonly control: number;

  constructor(
    private readonly ram: Ram,
    map: SmpMap,
    private readonly me: number,
  ) {
    this.control = map.hartControl(me);
    this.define(
      'family',
      () => (_base, _write, index) => this.families[index] !== undefined && this.holds(this.families[index]),
    );
  }

  /** Says what a guard means that is no lock of the structure itself nor of one by its name. */
  define(guard: string, rule: RuleMaker): void {
    this.rules.set(guard, rule);
  }

  /** Says which lock guards what an IPC family hangs on a process: `index` of `Process.owned`. */
  familyLock(index: number, lock: number): void {
    this.families[index] = lock;
  }

  /**
   * Checks every access from now on, of this participant, whose code alone runs here. Once all rules are defined. A worker that has had a
   * kernel before goes on with that one's rules: they say the same of the same RAM.
   */
  install(): void {
    if (installed !== undefined) {
      installed.off = false;
      return;
    }
    adopt(this);
    for (const layout of STRUCTS) for (const field of layout.FIELDS) this.watch(layout, field);
  }

  /** Checks nothing any more: the machine has crashed, and what reports it looks at everything. */
  suspend(): void {
    if (installed !== undefined) installed.off = true;
  }

  /** Whether this participant holds a lock. */
  holds(lock: number): boolean {
    return holderOf(this.ram, lock) === this.me;
  }

  private watch(layout: StructInfo, field: Field): void {
    if (field instanceof SpinlockField || field.guard === 'padding') return;
    const places = placesOf(layout);
    const pool = places.find((place) => place.ownership !== undefined);
    const rule = this.ruleOf(layout, field);
    if (pool === undefined && rule === undefined) return;
    const check: AccessCheck = (_ram, base, write, index) => {
      if (this.off) return;
      // Whether the object lives is asked always, whose it is only when the guard is not held otherwise.
      const owner = pool === undefined ? undefined : this.ownerOf(pool, field, base);
      if (rule === undefined || rule(base, write, index)) return;
      if ((owner ?? this.ownerAround(base)) !== this.me) this.report(layout, field, base, write);
    };
    watchField(field, check);
  }

  private ruleOf(layout: StructInfo, field: Field): Rule | undefined {
    const { guard } = field;
    const named = this.rules.get(guard);
    if (named !== undefined) return named(layout, field);
    // What belongs to whoever has the turn: the schedule's own state, and it decides who runs this code.
    if (guard === 'atomic' || guard === 'turn') return undefined;
    const own = layout.FIELDS.find(({ name }) => name === guard);
    if (own instanceof SpinlockField) return (base) => this.holds(own.addr(base));
    const dot = guard.indexOf('.');
    const other = STRUCTS.find(({ NAME }) => NAME === guard.slice(0, dot));
    const lock = other?.FIELDS.find(({ name }) => name === guard.slice(dot + 1));
    if (other === undefined || !(lock instanceof SpinlockField)) {
      throw new KernelPanic(`${layout.NAME}.${field.name} names a guard that nobody knows: ${guard}`);
    }
    return this.lockAround(placesOf(other), lock);
  }

  /** The lock of whichever place the structure is in; of the only one, if it is in none. */
  private lockAround(places: readonly Place[], lock: SpinlockField): Rule {
    return (base) => {
      const place = places.find((one) => one.has(base)) ?? (places.length === 1 ? places[0] : undefined);
      return place !== undefined && this.holds(lock.addr(place.has(base) ? place.startOf(base) : place.base));
    };
  }

  /** Who owns the object alone; panics when it is none, or dead and the field dies with it. */
  private ownerOf(pool: Place, field: Field, base: number): number {
    const alive = pool.has(base) && pool.startOf(base) === base;
    if (!alive) throw this.panic(`no ${pool.layout.NAME} at 0x${base.toString(16)}, yet its ${field.name} was touched`);
    const owner = pool.ownership!.ownerOf(base);
    if (owner === FREE && !field.outlives) {
      throw this.panic(`use of a freed ${pool.layout.NAME}: ${field.name} of the one at 0x${base.toString(16)} was touched`);
    }
    return owner;
  }

  /** Who owns the object alone that a structure is a part of. */
  private ownerAround(base: number): number {
    const around = placeAround(base);
    return around?.ownership === undefined ? -1 : around.ownership.ownerOf(around.startOf(base));
  }

  private report(layout: StructInfo, field: Field, base: number, write: boolean): never {
    const what = `${layout.NAME}.${field.name} of the one at 0x${base.toString(16)} (guard: ${field.guard})`;
    throw this.panic(`${write ? 'written' : 'read'} without its guard: ${what}`);
  }

  private panic(what: string): KernelPanic {
    const { ram, control } = this;
    const held: string[] = [];
    for (let i = 0; i < HartControl.heldCount.peek(ram, control); i++)
      held.push(lockName(ram, HartControl.held.peek(ram, control, i)));
    return new KernelPanic(`${what} by hart ${String(this.me)}, which holds: ${held.join(', ') || 'no lock'}`);
  }
}
