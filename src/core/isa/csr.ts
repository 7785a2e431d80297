/*
 * Zicsr, as far as user mode reaches: fflags, frm, fcsr, and the read-only counters cycle, time and instret.
 *
 * Any other register, and writing a counter, is an illegal instruction; the decoder sees to that, so the meanings know only these six.
 */

import { Context } from '../context.ts';
import { either, sequence, when } from '../wasm/control.ts';
import { i32, i64 } from '../wasm/ops.ts';
import type { I32, I64, Stmt } from '../wasm/node.ts';
import type { Instruction } from './define.ts';
import { funct3, rare } from './define.ts';
import { bits } from './format.ts';
import type { Tier } from './tier.ts';

export const Csr = { fflags: 0x001, frm: 0x002, fcsr: 0x003, cycle: 0xc00, time: 0xc01, instret: 0xc02 } as const;

const WRITABLE: readonly number[] = [Csr.fflags, Csr.frm, Csr.fcsr];
const READABLE: readonly number[] = Object.values(Csr);

const is = (tier: Tier, csr: number): I32 => i32.eq(tier.imm32, i32.const(csr));
const fcsrOf = (tier: Tier): I32 => i32.load(tier.context, Context.fcsr.offset);

function read(tier: Tier): I64 {
  const fcsr = fcsrOf(tier);
  const small = (value: I32): I64 => i64.extendI32U(value);
  return either(
    is(tier, Csr.fflags),
    small(i32.and(fcsr, i32.const(0x1f))),
    either(
      is(tier, Csr.frm),
      small(i32.and(i32.shrU(fcsr, i32.const(5)), i32.const(7))),
      either(
        is(tier, Csr.fcsr),
        small(i32.and(fcsr, i32.const(0xff))),
        // One instruction a cycle.
        either(is(tier, Csr.time), tier.time, tier.instret),
      ),
    ),
  );
}

function write(tier: Tier, value: I64): Stmt {
  const { context, temp } = tier;
  const v = temp('i32');
  const put = (kept: number, changed: I32): Stmt =>
    i32.store(context, Context.fcsr.offset, i32.or(i32.and(fcsrOf(tier), i32.const(kept)), changed));
  return sequence(
    v.set(i32.wrap(value)),
    when(is(tier, Csr.fflags), put(0xe0, i32.and(v, i32.const(0x1f)))),
    when(is(tier, Csr.frm), put(0x1f, i32.shl(i32.and(v, i32.const(7)), i32.const(5)))),
    when(is(tier, Csr.fcsr), put(0, i32.and(v, i32.const(0xff)))),
  );
}

const access = (name: string, f3: number, format: 'dEs' | 'dEZ', combine: (old: I64, operand: I64) => I64): Instruction => ({
  ...rare(name, format, funct3(0x73, f3), (tier) => {
    const operand = format === 'dEs' ? tier.rs1 : tier.uimm;
    // A translator may know that no bit is set or cleared.
    if (combine !== replace && operand.kind === 'const' && Number(operand.value) === 0) return tier.rd(read(tier));
    const old = tier.temp('i64');
    return [old.set(read(tier)), write(tier, combine(old, operand)), tier.rd(old)];
  }),
  valid: (word) => {
    const csr = bits(word, 20, 31);
    const writes = (f3 & 3) === 1 || bits(word, 15, 19) !== 0;
    return (writes ? WRITABLE : READABLE).includes(csr);
  },
});

const set = i64.or;
const clear = (old: I64, operand: I64): I64 => i64.and(old, i64.xor(operand, i64.const(-1)));
const replace = (_old: I64, operand: I64): I64 => operand;

export const CSR: readonly Instruction[] = [
  access('csrrw', 1, 'dEs', replace),
  access('csrrs', 2, 'dEs', set),
  access('csrrc', 3, 'dEs', clear),
  access('csrrwi', 5, 'dEZ', replace),
  access('csrrsi', 6, 'dEZ', set),
  access('csrrci', 7, 'dEZ', clear),
];
