/*
 * Where the threads of a machine that stands still are in their programs: function, system call, and who has called.
 *
 * Programs have no tables to unwind by, so callers are read off the stack: what looks like an address behind a call instruction is taken
 * for a return address. That may show a function that has returned already; it never misses one that has saved where it returns to.
 * Nothing takes a lock: harts may have been stopped while they held some.
 */

import { Context, xOffset } from '../core/context.ts';
import { describeElf } from '../core/elf.ts';
import { FunctionTable } from '../core/elf-symbols.ts';
import { Access, Walk, Walker } from '../core/mmu.ts';
import { PAGE_SIZE, type Ram } from '../core/ram.ts';
import { Space } from '../kernel/address-space.ts';
import { Area } from '../kernel/area-tree.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { Prot } from '../kernel/mman.ts';
import { Process } from '../kernel/process.ts';
import { Thread, ThreadState } from '../kernel/thread.ts';
import { callName } from '../syscalls/numbers.ts';

const RA = xOffset(1);
const SP = xOffset(2);
const A7 = xOffset(17);

/** How far up the stack callers are looked for (bytes), and how many are told. */
const STACK_LOOK = 2048;
const MAX_CALLERS = 8;
/** What every thread begins in: nothing of interest has called them. */
const OUTERMOST = /^(_start|start_thread|__libc_start_(main|call_main))\b/;

/** A program with names, and by how much it has been moved from where it was linked. */
interface Symbols {
  readonly functions: FunctionTable;
  readonly bias: number;
}

/** A line for each thread whose program tells where it is. */
export function describePlaces(kernel: Kernel): string[] {
  const { ram, table } = kernel;
  const lines: string[] = [];
  for (let i = 0; i < table.threads.count; i++) {
    if (!table.threads.isUsed(i)) continue;
    const thread = table.threads.at(i);
    const state = Thread.state.load(ram, thread);
    if (state === ThreadState.Free || state === ThreadState.Dead) continue;
    lines.push(`thread ${String(Thread.tid.peek(ram, thread))} ${new Place(kernel, thread).describe(state)}`);
  }
  return lines;
}

class Place {
  private readonly ram: Ram;
  private readonly space: number;
  private readonly walker: Walker;
  private readonly symbols: Symbols | undefined;

  constructor(
    private readonly kernel: Kernel,
    private readonly thread: number,
  ) {
    const { ram, map } = kernel;
    this.ram = ram;
    this.space = Process.space.peek(ram, Thread.process.peek(ram, thread));
    this.walker = new Walker(ram, map);
    this.symbols = this.symbolsAt(this.pc);
  }

  private get pc(): number {
    return u64(this.ram, this.thread + Context.pc.offset);
  }

  describe(state: number): string {
    const { ram, thread, pc } = this;
    const number = u64(ram, thread + A7);
    const call = state === ThreadState.Blocked ? `is in the call ${callName(number) ?? String(number)}` : 'runs';
    const callers = this.callers();
    return `${call} at ${this.name(pc)}${callers.length === 0 ? '' : `, called by ${callers.join(', ')}`}`;
  }

  /** Innermost first. */
  private callers(): string[] {
    const { ram, thread } = this;
    const here = bare(this.name(this.pc));
    const names: string[] = [];
    const add = (address: number): boolean => {
      if (!this.isBehindCall(address)) return true;
      const name = this.symbols?.functions.nameAt(address - this.symbols.bias);
      // Behind the last call of a function that never returns begins the next function.
      if (name === undefined || bare(name) === name) return true;
      if (OUTERMOST.test(name)) return false;
      const last = names.at(-1);
      if (bare(name) !== (last === undefined ? here : bare(last))) names.push(name);
      return names.length < MAX_CALLERS;
    };
    if (!add(u64(ram, thread + RA))) return names;
    const sp = u64(ram, thread + SP);
    for (let at = sp - (sp % 8); at < sp + STACK_LOOK; at += 8) {
      const word = this.read(at);
      if (word === undefined || !add(word)) break;
    }
    return names;
  }

  private name(address: number): string {
    return this.symbols?.functions.nameAt(address - this.symbols.bias) ?? `pc 0x${address.toString(16)}`;
  }

  /** Whether the instruction before an address in code is a call: jal or jalr that notes where it came from in ra. */
  private isBehindCall(address: number): boolean {
    if (address % 2 !== 0) return false;
    const half = (at: number): number => {
      const physical = this.physical(at, Access.Execute);
      return physical === undefined ? 0 : ram16(this.ram, physical);
    };
    const [first, second] = [half(address - 4), half(address - 2)];
    // c.jalr; jal ra, …; jalr ra, …
    if ((second & 0xf07f) === 0x9002 && (second & 0x0f80) !== 0) return true;
    return (first & 0xfff) === 0x0ef || (first & 0xfff) === 0x0e7;
  }

  /** The doubleword at a user address; undefined: there is none. */
  private read(va: number): number | undefined {
    const physical = this.physical(va, Access.Read);
    return physical === undefined ? undefined : u64(this.ram, physical);
  }

  private physical(va: number, access: Access): number | undefined {
    if (va < 0 || va >= 2 ** 38) return undefined;
    const root = Space.root.peek(this.ram, this.space);
    const outcome = this.walker.walk(root, (va % 2 ** 32) | 0, Math.floor(va / 2 ** 32), access, false);
    return outcome === Walk.Mapped ? this.walker.page + (va % PAGE_SIZE) : undefined;
  }

  /** Of the program whose code lies at an address. */
  private symbolsAt(va: number): Symbols | undefined {
    const { ram, kernel } = this;
    if (va >= 2 ** 38) return undefined;
    const { areas, contents } = kernel;
    const area = areas.find(Space.areas.addr(this.space), va);
    const image = area === 0 ? 0 : Area.content.peek(ram, area);
    if (image === 0 || (Area.prot.get(ram, area) & Prot.Execute) === 0) return undefined;
    const bytes = contents.read(image, 0, contents.size(image));
    const elf = describeElf(bytes);
    if (!elf.ok) return undefined;
    const offset = areas.contentPageAt(area, va) * PAGE_SIZE + (va % PAGE_SIZE);
    const segment = elf.program.segments.find((one) => {
      const start = one.offset - (one.offset % PAGE_SIZE);
      return offset >= start && offset < one.offset + one.fileBytes;
    });
    if (segment === undefined) return undefined;
    return { functions: new FunctionTable(bytes), bias: va - (segment.address + (offset - segment.offset)) };
  }
}

/** A name without how far in it is. */
function bare(name: string): string {
  return name.replace(/\+0x[\da-f]+$/, '');
}

function u64(ram: Ram, address: number): number {
  return ram.u32[(address >>> 2) + 1]! * 2 ** 32 + ram.u32[address >>> 2]!;
}

function ram16(ram: Ram, address: number): number {
  return ram.u8[address]! | (ram.u8[address + 1]! << 8);
}
