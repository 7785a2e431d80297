/*
 * Writes a large program that does everything once: about a megabyte of instructions in distinct functions, each called a single time,
 * then the first output. A translator that is too eager compiles all of it before the user sees anything.
 *
 * The program is C, written here from a fixed sequence of random numbers; what it is to compute is computed here as well, statement by
 * statement as they are written, and the program compares. It prints the lines that bench/guest/bench.h describes.
 */

import { join } from 'node:path';

import { put } from '../../src/smp/bundle.ts';
import { build, buildFolder } from './build.ts';

const FUNCTIONS = 1000;
const STATEMENTS = 44;
const TABLE = 64;

/** Builds the program for the guest; returns its path. The code is as large at -O1, and there in half the time, some 10 s. */
export function buildFirstTime(): Promise<string> {
  const source = join(buildFolder(), 'first-time.c');
  put(source, new Writer().program());
  return build('riscv64', 'first-time', source, '-O1');
}

/** Writes statements over `x` and `t`, and does what they say. */
class Writer {
  private state = 0x9e3779b9;
  private x = 1;
  private readonly t = new Uint32Array(TABLE);

  program(): string {
    const functions: string[] = [];
    const calls: string[] = [];
    for (let i = 0; i < FUNCTIONS; i++) {
      const body = Array.from({ length: STATEMENTS }, () => `    ${this.statement()}`);
      functions.push(`static NOINLINE uint32_t f${i}(uint32_t x) {\n${body.join('\n')}\n    return x;\n}\n`);
      calls.push(`    x = f${i}(x);`);
    }
    return `#include "bench.h"

static uint32_t t[${TABLE}];

${functions.join('\n')}
int main(void) {
    uint64_t begin = now_ns();
    uint32_t x = 1;
${calls.join('\n')}
    uint64_t ns = now_ns() - begin;
    EXPECT(x, ${this.x}u);
    report(x, ns);
    return 0;
}
`;
  }

  private statement(): string {
    const c = this.random() >>> 8;
    const shift = 1 + (c % 31);
    switch (this.random() % 7) {
      case 0:
        this.x = (this.x + c) >>> 0;
        return `x += ${c}u;`;
      case 1:
        this.x = (this.x ^ (this.x << shift)) >>> 0;
        return `x ^= x << ${shift};`;
      case 2:
        this.x = (this.x ^ (this.x >>> shift)) >>> 0;
        return `x ^= x >> ${shift};`;
      case 3:
        this.x = Math.imul(this.x, c | 1) >>> 0;
        return `x *= ${(c | 1) >>> 0}u;`;
      case 4:
        this.x = (this.x & (1 << shift) ? this.x + c : this.x ^ c) >>> 0;
        return `if (x & 1u << ${shift}) x += ${c}u; else x ^= ${c}u;`;
      case 5:
        this.x = (this.x + this.t[this.x % TABLE]!) >>> 0;
        return `x += t[x % ${TABLE}];`;
      default:
        this.t[this.x % TABLE]! ^= this.x + c;
        return `t[x % ${TABLE}] ^= x + ${c}u;`;
    }
  }

  /** xorshift32 */
  private random(): number {
    let s = this.state;
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    this.state = s;
    return s >>> 0;
  }
}
