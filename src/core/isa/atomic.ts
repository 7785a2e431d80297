/*
 * RV64A: load-reserved, store-conditional, and atomic read-modify-write, as host atomics on RAM.
 *
 * A reservation is the physical address (with bit 0 set for 8 bytes, so that widths do not mix) and the value that was read. SC is a
 * compare-exchange against that value: a store of another hart that changes the value makes it fail. When the value has been changed and
 * changed back in between (the ABA case), SC succeeds although the architecture lets it fail; QEMU does the same.
 * All host atomics are sequentially consistent, so aq and rl ask for nothing more.
 */

import { Context, NO_RESERVATION } from '../context.ts';
import { Access } from '../mmu.ts';
import { block, branch, either, Label, loop, select } from '../wasm/control.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { I32, I64 } from '../wasm/node.ts';
import type { Instruction } from './define.ts';
import { atomic, rare, withRs2 } from './define.ts';
import { word } from './integer.ts';

const WORD = 2;
const DOUBLE = 3;

const reservationOf = (address: I32, size: 4 | 8): I32 => (size === 8 ? i32.or(address, i32.const(1)) : address);

const loadReserved = (name: string, f3: number, size: 4 | 8): Instruction =>
  rare(name, 'dA', withRs2(atomic(f3, 0x02), 0), ({ rs1, rd, physical, context, temp }) => {
    const address = temp('i32');
    const value = temp('i64');
    return [
      address.set(physical(rs1, size, Access.Read)),
      value.set(size === 8 ? i64.atomic.load(address) : word(i32.atomic.load(address))),
      i32.store(context, Context.reservation.offset, reservationOf(address, size)),
      i64.store(context, Context.reserved.offset, value),
      rd(value),
    ];
  });

const storeConditional = (name: string, f3: number, size: 4 | 8): Instruction =>
  rare(name, 'dtA', atomic(f3, 0x03), ({ rs1, rs2, rd, physical, context, temp }) => {
    const address = temp('i32');
    const held = temp('i32');
    const reserved = i64.load(context, Context.reserved.offset);
    const exchanged =
      size === 8
        ? i64.ne(i64.atomic.cmpxchg(address, 0, reserved, rs2), reserved)
        : i32.ne(i32.atomic.cmpxchg(address, 0, i32.wrap(reserved), i32.wrap(rs2)), i32.wrap(reserved));
    return [
      address.set(physical(rs1, size, Access.Write)),
      held.set(i32.eq(i32.load(context, Context.reservation.offset), reservationOf(address, size))),
      i32.store(context, Context.reservation.offset, i32.const(NO_RESERVATION)),
      rd(i64.extendI32U(either(held, exchanged, i32.const(1)))),
    ];
  });

type Rmw = 'add' | 'and' | 'or' | 'xor' | 'xchg';

/** An AMO that WebAssembly has too: both widths. */
const both = (name: string, f5: number, operator: Rmw): readonly Instruction[] => [
  rare(`${name}.w`, 'dtA', atomic(WORD, f5), ({ rs1, rs2, rd, physical }) =>
    rd(word(i32.atomic[operator](physical(rs1, 4, Access.Write), 0, i32.wrap(rs2)))),
  ),
  rare(`${name}.d`, 'dtA', atomic(DOUBLE, f5), ({ rs1, rs2, rd, physical }) =>
    rd(i64.atomic[operator](physical(rs1, 8, Access.Write), 0, rs2)),
  ),
];

/** Minimum and maximum: a compare-exchange loop. `first` tells whether the left operand wins. */
const extremes = (
  name: string,
  f5: number,
  firstWord: (a: I32, b: I32) => I32,
  firstDouble: (a: I64, b: I64) => I32,
): readonly Instruction[] => [
  rare(`${name}.w`, 'dtA', atomic(WORD, f5), ({ rs1, rs2, rd, physical, temp }) => {
    const address = temp('i32');
    const operand = temp('i32');
    const seen = temp('i32');
    const expected = temp('i32');
    const again = new Label('again');
    const done = new Label('done');
    return [
      address.set(physical(rs1, 4, Access.Write)),
      operand.set(i32.wrap(rs2)),
      seen.set(i32.atomic.load(address)),
      block(
        done,
        loop(
          again,
          expected.set(seen),
          seen.set(i32.atomic.cmpxchg(address, 0, expected, select(firstWord(expected, operand), expected, operand))),
          branch(done, i32.eq(seen, expected)),
          branch(again),
        ),
      ),
      rd(word(seen)),
    ];
  }),
  rare(`${name}.d`, 'dtA', atomic(DOUBLE, f5), ({ rs1, rs2, rd, physical, temp }) => {
    const address = temp('i32');
    const operand = temp('i64');
    const seen = temp('i64');
    const expected = temp('i64');
    const again = new Label('again');
    const done = new Label('done');
    return [
      address.set(physical(rs1, 8, Access.Write)),
      operand.set(rs2),
      seen.set(i64.atomic.load(address)),
      block(
        done,
        loop(
          again,
          expected.set(seen),
          seen.set(i64.atomic.cmpxchg(address, 0, expected, select(firstDouble(expected, operand), expected, operand))),
          branch(done, i64.eq(seen, expected)),
          branch(again),
        ),
      ),
      rd(seen),
    ];
  }),
];

export const ATOMIC: readonly Instruction[] = [
  loadReserved('lr.w', WORD, 4),
  loadReserved('lr.d', DOUBLE, 8),
  storeConditional('sc.w', WORD, 4),
  storeConditional('sc.d', DOUBLE, 8),
  ...both('amoswap', 0x01, 'xchg'),
  ...both('amoadd', 0x00, 'add'),
  ...both('amoxor', 0x04, 'xor'),
  ...both('amoand', 0x0c, 'and'),
  ...both('amoor', 0x08, 'or'),
  ...extremes('amomin', 0x10, i32.ltS, i64.ltS),
  ...extremes('amomax', 0x14, i32.gtS, i64.gtS),
  ...extremes('amominu', 0x18, i32.ltU, i64.ltU),
  ...extremes('amomaxu', 0x1c, i32.gtU, i64.gtU),
];
