/*
 * What a process holds of the file system beside its descriptors: its working directory and the program that it runs. Both are
 * references to inodes; a child gets its own, and a process that ends gives them back.
 *
 * Guard: the process's lock.
 */

import type { Ram } from '../../core/ram.ts';
import type { Locks } from '../../smp/spinlock.ts';
import { Process } from '../process.ts';
import type { Inodes } from './inodes.ts';

export class ProcessFiles {
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly inodes: Inodes,
  ) {}

  /** A child that nobody else knows yet gets what its parent has. 0: it cannot fail. */
  inherit(parent: number, child: number): number {
    const { ram, locks, inodes } = this;
    const lock = Process.lock.addr(parent);
    locks.acquire(lock);
    const cwd = Process.cwd.get(ram, parent);
    const program = Process.program.get(ram, parent);
    if (cwd !== 0) inodes.retain(cwd);
    if (program !== 0) inodes.retain(program);
    locks.release(lock);
    // While its parent runs it nobody can open it for writing.
    if (program !== 0) inodes.beginRunning(program);
    Process.cwd.set(ram, child, cwd);
    Process.program.set(ram, child, program);
    return 0;
  }

  /** Takes over a reference to a new working directory. */
  setWorkingDirectory(process: number, directory: number): void {
    const { ram, locks } = this;
    const lock = Process.lock.addr(process);
    locks.acquire(lock);
    const before = Process.cwd.get(ram, process);
    Process.cwd.set(ram, process, directory);
    locks.release(lock);
    if (before !== 0) this.inodes.release(before);
  }

  /** Takes over a reference to a new program, which has begun to run (`Inodes.beginRunning`). */
  setProgram(process: number, program: number): void {
    const { ram, locks } = this;
    const lock = Process.lock.addr(process);
    locks.acquire(lock);
    const before = Process.program.get(ram, process);
    Process.program.set(ram, process, program);
    locks.release(lock);
    if (before !== 0) this.endProgram(before);
  }

  /** A process no longer runs a program, or will not. */
  endProgram(program: number): void {
    this.inodes.endRunning(program);
    this.inodes.release(program);
  }

  /** The process ends. */
  release(process: number): void {
    this.setWorkingDirectory(process, 0);
    this.setProgram(process, 0);
  }
}
