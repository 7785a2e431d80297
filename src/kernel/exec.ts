/*
 * execve(2): a process goes on as another program.
 *
 * The new space is built beside the old one, so that a failure leaves the caller as it was. The other threads of the process end first;
 * while they do, the caller waits and then makes the call again.
 */

import { Context, NO_RESERVATION, xOffset } from '../core/context.ts';
import type { Ram } from '../core/ram.ts';
import type { Random } from '../devices/random.ts';
import type { Shootdown } from '../smp/shootdown.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import type { Locks } from '../smp/spinlock.ts';
import { Space, type AddressSpaces } from './address-space.ts';
import type { Arguments } from './arguments.ts';
import { E } from './errno.ts';
import type { Attention } from './attention.ts';
import type { Credentials } from './credentials.ts';
import type { Descriptors } from './files/descriptors.ts';
import { Inode } from './files/inodes.ts';
import type { Paths } from './files/paths.ts';
import type { ProcessFiles } from './files/process-files.ts';
import { NAME_BYTES, Process, ProcessFlag, SIGACTION_BYTES, SIGNALS } from './process.ts';
import type { ProcessTable } from './process-table.ts';
import type { ProgramLoader } from './program.ts';
import type { ProgramFiles } from './program-files.ts';
import { REPLACED } from './result.ts';
import type { Spawner } from './spawn.ts';
import { Thread, ThreadFlag } from './thread.ts';
import { WaitForm, WaitReason } from './wait.ts';
import type { WaitQueues } from './wait-queue.ts';

const SP = xOffset(2);
const SLASH = 47;
const encoder = new TextEncoder();
/** Handlers up to this are SIG_DFL and SIG_IGN, which survive. */
const SIG_IGN = 1;

export class Exec {
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly table: ProcessTable,
    private readonly spaces: AddressSpaces,
    private readonly descriptors: Descriptors,
    private readonly paths: Paths,
    private readonly programs: ProgramFiles,
    private readonly processFiles: ProcessFiles,
    private readonly args: Arguments,
    private readonly loader: ProgramLoader,
    private readonly random: Random,
    private readonly waits: WaitQueues,
    private readonly attention: Attention,
    private readonly credentials: Credentials,
    private readonly spawner: Spawner,
    private readonly shootdown: Shootdown,
    /** A path's room. */
    private readonly scratch: number,
  ) {}

  /** What of a process does not outlive its program (POSIX timers): called with the process, which has one thread. */
  onExecute: (process: number) => void = () => undefined;

  /**
   * Replaces the program of the running thread's process.
   *
   * @param directory descriptor where a relative path begins (execveat(2))
   * @param path, argv, envp user addresses
   * @param follow whether a link at the path's end is followed
   * @param emptyIsStart an empty path stands for the descriptor's own file
   * @returns REPLACED, BLOCKED, or -ENOENT, -EACCES, -ENOEXEC, -EFAULT, -ENOMEM, -E2BIG, -ENAMETOOLONG, -ETXTBSY, -ELOOP, -EINTR …
   */
  execve(
    thread: number,
    directory: number,
    path: number,
    argv: number,
    envp: number,
    follow = true,
    emptyIsStart = false,
  ): number {
    const { ram, paths } = this;
    const process = Thread.process.get(ram, thread);
    const old = Process.space.get(ram, process);
    const length = paths.take(old, path);
    if (length < 0) return length;
    if (length === 0 && !emptyIsStart) return -E.NOENT;
    const name = this.nameOf(directory, length);
    let program = length === 0 ? paths.ofDescriptor(process, directory) : paths.resolve(process, directory, follow);
    if (program === -E.NXIO) program = -E.ACCES;
    if (program >= 0 && !follow && this.programs.isLink(program)) {
      this.programs.drop(program);
      program = -E.LOOP;
    }
    if (program >= 0) program = this.programs.begin(process, program);
    if (program < 0) return program;
    program = this.programs.interpret(process, program, name);
    const space = this.build(process, program, name, argv, envp);
    if (space < 0) {
      if (program > 0) this.programs.end(program);
      return space;
    }
    const alone = this.becomeAlone(thread, process) || this.descriptors.unshare(process);
    if (alone !== 0) {
      this.spaces.release(space);
      this.programs.end(program);
      return alone;
    }
    this.descriptors.closeOnExec(Process.files.get(ram, process));
    this.processFiles.setProgram(process, program);
    this.commit(thread, process, space, name);
    this.shootdown.activate(Space.tlb.addr(space), Space.root.get(ram, space), Space.asid.get(ram, space));
    this.spaces.release(old);
    this.spawner.executed(process);
    this.onExecute(process);
    return REPLACED;
  }

  /** The name that was asked for: the path in scratch memory, or what stands for a descriptor. */
  private nameOf(directory: number, length: number): Uint8Array {
    return length === 0 ? encoder.encode(`/dev/fd/${String(directory)}`) : this.ram.bytes(this.scratch, length);
  }

  /**
   * A new space with the program in it, or an errno; the loader knows entry and stack pointer then.
   *
   * @param program errno: the interpreter of a script cannot be used, which counts less than bad arguments
   */
  private build(process: number, program: number, name: Uint8Array, argv: number, envp: number): number {
    const old = Process.space.get(this.ram, process);
    const blob = this.args.begin();
    if (blob === 0) return -E.NOMEM;
    let result = this.args.setName(blob, name);
    if (result === 0) result = this.args.fromUser(blob, old, argv, envp, this.programs.prefix);
    if (result === 0) result = program < 0 ? program : this.load(process, program, blob);
    this.args.free(blob);
    return result;
  }

  private load(process: number, program: number, blob: number): number {
    const space = this.spaces.create();
    if (space === 0) return -E.NOMEM;
    this.loader.users = this.programs.usersOf(process, program);
    const error = this.loader.load(space, Inode.content.get(this.ram, program), blob, this.random);
    if (error === 0) return space;
    this.spaces.release(space);
    return error;
  }

  /** Ends the other threads. 0 when there are none; otherwise what the call returns. */
  private becomeAlone(thread: number, process: number): number {
    const { ram, locks } = this;
    const lock = Process.lock.addr(process);
    let result = 0;
    locks.acquire(this.table.lock);
    locks.acquire(lock);
    const ending =
      (Process.flags.load(ram, process) & ProcessFlag.Exiting) !== 0 ||
      (Thread.flags.load(ram, thread) & ThreadFlag.Killed) !== 0;
    if (ending) {
      // The process dies, or another thread has been first with its execve: that one must not be ended in turn.
      result = -E.INTR;
    } else if (Process.threadCount.get(ram, process) > 1) {
      this.attention.killThreadsLocked(process, thread);
      result = this.waits.sleepLocked(thread, Process.alone.addr(process), lock, WaitForm.Rerun, WaitReason.alone);
    } else if (Thread.tid.get(ram, thread) !== Process.pid.get(ram, process)) {
      this.table.renameThreadLocked(thread, Process.pid.get(ram, process));
    }
    locks.release(lock);
    locks.release(this.table.lock);
    return result;
  }

  /** From here on nothing fails. */
  private commit(thread: number, process: number, space: number, path: Uint8Array): void {
    const { ram, locks } = this;
    const lock = Process.lock.addr(process);
    locks.acquire(lock);
    if (SEEDED) this.spaces.publish(space);
    Process.space.set(ram, process, space);
    for (
      let action = Process.actions.addr(process), end = action + SIGNALS * SIGACTION_BYTES;
      action < end;
      action += SIGACTION_BYTES
    ) {
      const ignored = ram.getU64(action) === SIG_IGN;
      ram.fill(action, SIGACTION_BYTES);
      if (ignored) ram.setU64(action, SIG_IGN);
    }
    Process.euid.set(ram, process, this.loader.users.euid);
    Process.egid.set(ram, process, this.loader.users.egid);
    this.credentials.executeLocked(process);
    const name = path.subarray(path.lastIndexOf(SLASH) + 1).subarray(0, NAME_BYTES - 1);
    ram.fill(Process.name.addr(process), NAME_BYTES);
    ram.u8.set(name, Process.name.addr(process));
    locks.release(lock);

    const { instret } = Context;
    const retired = instret.get(ram, thread);
    ram.fill(thread, Context.SIZE);
    instret.set(ram, thread, retired);
    Context.reservation.set(ram, thread, NO_RESERVATION);
    Context.pc.set(ram, thread, this.loader.entry);
    ram.setU64(thread + SP, this.loader.stackPointer);
    Thread.clearChildTid.set(ram, thread, 0);
    Thread.robustList.set(ram, thread, 0);
    Thread.altStack.set(ram, thread, 0);
    Thread.altBytes.set(ram, thread, 0);
    Thread.altFlags.set(ram, thread, 0);
  }
}
