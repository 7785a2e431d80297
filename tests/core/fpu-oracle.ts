/*
 * Asks a RISC-V machine what floating-point instructions do: runs fpu-oracle.c under qemu-riscv64 where that and the cross compiler are
 * installed.
 *
 * Interface: `oracleAvailable`, `Oracle` (build once, then `ask` with batches of cases). Run as a program it writes the fixed vectors:
 *   npx tsx tests/core/fpu-oracle.ts > tests/core/fpu-vectors.json
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DOUBLE, SINGLE } from '../../src/core/fpu/format.ts';
import type { FpuOp } from '../../src/core/fpu/op.ts';
import { Cases, OPERATIONS, edges, isFused, isUnrounded, takesTwo } from './fpu-cases.ts';

const COMPILER = 'riscv64-linux-gnu-gcc';
const EMULATOR = 'qemu-riscv64';

export const oracleAvailable = [COMPILER, EMULATOR].every((tool) => spawnSync(tool, ['--version']).status === 0);

export interface Case {
  readonly op: FpuOp;
  readonly rm: number;
  readonly a: bigint;
  readonly b: bigint;
  readonly c: bigint;
}

export interface Answer {
  readonly result: bigint;
  readonly flags: number;
}

export class Oracle {
  readonly #folder = mkdtempSync(join(tmpdir(), 'fpu-oracle-'));
  readonly #program = join(this.#folder, 'fpu-oracle');

  constructor() {
    const source = fileURLToPath(new URL('fpu-oracle.c', import.meta.url));
    execFileSync(COMPILER, ['-O1', '-static', source, '-o', this.#program]);
  }

  /** What the machine answers, case by case. */
  ask(cases: readonly Case[]): Answer[] {
    const input = new BigUint64Array(4 * cases.length);
    cases.forEach(({ op, rm, a, b, c }, i) => {
      input.set([a, b, c, BigInt(op) | (BigInt(rm) << 32n)], 4 * i);
    });
    const out = execFileSync(EMULATOR, [this.#program], {
      input: new Uint8Array(input.buffer),
      maxBuffer: 16 * cases.length + 16,
    });
    const words = new BigUint64Array(new Uint8Array(out).buffer);
    return cases.map((_, i) => ({ result: words[2 * i]!, flags: Number(words[2 * i + 1]) }));
  }

  close(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/** `count` generated cases for each operation. */
export function drawCases(seed: number, count: number): Case[] {
  const cases = new Cases(seed);
  const drawn: Case[] = [];
  for (let i = 0; i < count; i++) {
    for (const [, op] of OPERATIONS) {
      cases.next(op);
      drawn.push({ op, rm: cases.rm, a: cases.a, b: cases.b, c: cases.c });
    }
  }
  return drawn;
}

/** Each edge value (for two operands each pair) in each rounding mode; the addend of fused operations is drawn. */
export function edgeCases(op: FpuOp): Case[] {
  const values = edges(op);
  const found: Case[] = [];
  let n = op;
  for (const a of values) {
    for (const b of takesTwo(op) ? values : [0n]) {
      for (let rm = 0; rm < (isUnrounded(op) ? 1 : 5); rm++) {
        n = (n * 61 + 17) % values.length;
        found.push({ op, rm, a, b, c: isFused(op) ? values[n]! : 0n });
      }
    }
  }
  return found;
}

const hex = (x: bigint): string => x.toString(16);

/** Upper bits of a pattern: enough to tell the kinds of numbers apart. */
const kind = (x: bigint): string => {
  const digits = hex(x).padStart(16, '0');
  return digits.slice(0, x >> 32n === 0n ? 10 : 2);
};

/** The results next to which range exceptions begin, told apart; others alike. */
const border = (x: bigint): string => {
  const magnitude = x >> 32n === 0n ? x & 0x7fff_ffffn : x & ((1n << 63n) - 1n);
  return BORDERS.includes(magnitude) ? hex(magnitude) : '';
};
const BORDERS = [SINGLE, DOUBLE].flatMap((f) => [f.hidden, f.hidden - 1n, f.infinity, f.infinity - 1n]);

/** A small set of cases in which every combination of operation, rounding mode and flags that occurs has a few members. */
function selectVectors(oracle: Oracle, perOperation: number): Record<string, string[]> {
  const vectors: Record<string, string[]> = {};
  const drawn = drawCases(1, 20000);
  for (const [name, op] of OPERATIONS) {
    const cases = [...edgeCases(op), ...drawn.filter((x) => x.op === op)];
    const answers = oracle.ask(cases);
    const order = cases.map((_, i) => (i * 7919) % cases.length);
    const seen = new Map<string, number>();
    const lines = new Set<string>();
    // First a few of each outcome, then what has new kinds of operands and results.
    for (const quota of [3, 6, 12, 1000]) {
      for (const i of order) {
        if (lines.size >= perOperation) break;
        const { rm, a, b, c } = cases[i]!;
        const { result, flags } = answers[i]!;
        const line = [rm, hex(a), hex(b), hex(c), hex(result), flags].join(' ');
        const key = quota < 1000 ? `${String(rm)} ${String(flags)} ${border(result)}` : `${kind(a)} ${kind(b)} ${kind(result)}`;
        if ((seen.get(key) ?? 0) >= (quota < 1000 ? quota : 1) || lines.has(line)) continue;
        seen.set(key, (seen.get(key) ?? 0) + 1);
        lines.add(line);
      }
    }
    vectors[name] = [...lines];
  }
  return vectors;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const oracle = new Oracle();
  process.stdout.write(
    `${JSON.stringify(selectVectors(oracle, 110), null, 0).replaceAll('",', '",\n').replaceAll('],', '],\n')}\n`,
  );
  oracle.close();
}
