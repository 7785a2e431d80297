/*
 * What a schedule notes of a run: departures from the plain order, by which it can be repeated; choices, over which an exhaustive search
 * branches; a hash of who passed what in which order, by which interleavings are told apart; and frames that were freed, to be looked at when all is
 * over.
 */

import type { Ram } from '../../core/ram.ts';
import { ChoiceRecord, MadeRecord, MAX_CHOICES, MAX_FREED, MAX_MADE, ScheduleState as S } from './state.ts';

/** Multipliers of the hash. */
export const HASH_LOW = 0x01000193;
export const HASH_HIGH = 0x85ebca6b;

export class Notes {
  constructor(
    private readonly ram: Ram,
    private readonly state: number,
  ) {}

  begin(wantChoices: boolean): void {
    const { ram, state } = this;
    for (const field of [S.made, S.lost, S.choices, S.freedCount]) field.set(ram, state, 0);
    S.wantChoices.set(ram, state, wantChoices ? 1 : 0);
    S.hash.put(ram, state, 0, 0x811c9dc5);
    S.hash.put(ram, state, 1, 0x9e3779b9);
  }

  get wantsChoices(): boolean {
    return S.wantChoices.get(this.ram, this.state) !== 0;
  }

  /** `hart` has passed something. (Points do the same by hand: seeded-hart.ts.) */
  passed(hart: number, what: number): void {
    const { ram, state } = this;
    const at = S.hash.addr(state) >>> 2;
    const low = Math.imul(ram.i32[at]! ^ hart ^ (what << 6), HASH_LOW);
    ram.i32[at] = low;
    ram.i32[at + 1] = Math.imul(ram.i32[at + 1]! ^ (low >>> 15) ^ what, HASH_HIGH) + hart;
  }

  /** At moment `at` of `hart`, `to` goes on, against the plain order; `pc`: where the hart is (plan.ts). */
  departure(hart: number, at: number, to: number, pc: number): void {
    const { ram, state } = this;
    const made = S.made.get(ram, state);
    if (made === MAX_MADE) {
      S.lost.set(ram, state, S.lost.get(ram, state) + 1);
      return;
    }
    const record = S.madeList.addr(state) + made * MadeRecord.SIZE;
    MadeRecord.hart.set(ram, record, hart);
    MadeRecord.at.set(ram, record, at);
    MadeRecord.to.set(ram, record, to);
    MadeRecord.pc.set(ram, record, pc);
    S.made.set(ram, state, made + 1);
  }

  /** A frame is free from here on. */
  frameFreed(frame: number): void {
    const { ram, state } = this;
    const count = S.freedCount.get(ram, state);
    if (count === MAX_FREED) return;
    S.freed.put(ram, state, count, frame);
    S.freedCount.set(ram, state, count + 1);
  }

  /** At moment `at` of `hart` others than `plain`, whom the plain order wants, could have gone on: of harts 0 … 31, a bit each. */
  choice(hart: number, at: number, plain: number): void {
    const { ram, state } = this;
    const count = S.choices.get(ram, state);
    if (count === MAX_CHOICES) return;
    const record = S.choiceList.addr(state) + count * ChoiceRecord.SIZE;
    ChoiceRecord.hart.set(ram, record, hart);
    ChoiceRecord.at.set(ram, record, at);
    ChoiceRecord.others.set(ram, record, S.ready.at(ram, state, 0) & ~(plain < 32 ? 1 << plain : 0));
    S.choices.set(ram, state, count + 1);
  }
}
