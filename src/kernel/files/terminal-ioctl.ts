/*
 * ioctl(2) on the terminal (ioctl_tty(2)): settings, size, queues, session and foreground group.
 */

import type { Ram } from '../../core/ram.ts';
import type { Console } from '../../devices/console.ts';
import { LocalMode, TERMIOS_BYTES } from '../../devices/termios.ts';
import { HostCall, type HostBell } from '../../smp/host-bell.ts';
import type { Locks } from '../../smp/spinlock.ts';
import { E } from '../errno.ts';
import { Process } from '../process.ts';
import { STRUCT_SCRATCH } from '../scratch.ts';
import { Signal } from '../signal-numbers.ts';
import { Thread } from '../thread.ts';
import type { UserCopy } from '../user-copy.ts';
import type { WaitQueues } from '../wait-queue.ts';
import type { TerminalAccess } from './terminal-access.ts';

const Request = {
  TCGETS: 0x5401,
  TCSETS: 0x5402,
  TCSETSW: 0x5403,
  TCSETSF: 0x5404,
  TCSBRK: 0x5409,
  TCXONC: 0x540a,
  TCFLSH: 0x540b,
  TIOCSCTTY: 0x540e,
  TIOCGPGRP: 0x540f,
  TIOCSPGRP: 0x5410,
  TIOCOUTQ: 0x5411,
  TIOCSTI: 0x5412,
  TIOCGWINSZ: 0x5413,
  TIOCSWINSZ: 0x5414,
  FIONREAD: 0x541b,
  TIOCNOTTY: 0x5422,
  TIOCGETD: 0x5424,
  TCSBRKP: 0x5425,
  TIOCGSID: 0x5429,
} as const;

const WINSIZE_BYTES = 8;
/** Arguments of TCFLSH and TCXONC. */
const Flush = { Input: 0, Output: 1, Both: 2 } as const;
const Flow = { StopOutput: 0, StartOutput: 1, SendStop: 2, SendStart: 3 } as const;

/** What changes the terminal, and so is not for the background. */
const CHANGES: readonly number[] = [
  Request.TCSETS, Request.TCSETSW, Request.TCSETSF, Request.TCSBRK, Request.TCSBRKP, Request.TCXONC, Request.TCFLSH,
  Request.TIOCSPGRP,
]; // prettier-ignore

/** What it needs of the kernel. */
interface IoctlParts {
  readonly ram: Ram;
  readonly locks: Locks;
  readonly console: Console;
  readonly copy: UserCopy;
  readonly waits: WaitQueues;
  readonly bell: HostBell;
  readonly scratch: number;
}

export class TerminalIoctl {
  constructor(
    private readonly parts: IoctlParts,
    private readonly access: TerminalAccess,
  ) {}

  /** The answer to a request; -ENOTTY when there is no such request. */
  perform(thread: number, space: number, request: number, argument: number): number {
    const { ram, locks, console, copy } = this.parts;
    const at = this.parts.scratch + STRUCT_SCRATCH;
    const process = Thread.process.get(ram, thread);
    if (CHANGES.includes(request)) {
      const refusal = this.access.check(thread, Signal.TTOU);
      if (refusal !== 0) return refusal;
    }
    switch (request) {
      case Request.TCGETS:
        locks.acquire(console.lock);
        console.termios.storeLocked(at);
        locks.release(console.lock);
        return copy.copyOut(space, argument, at, TERMIOS_BYTES);
      case Request.TCSETS:
      case Request.TCSETSW:
      case Request.TCSETSF:
        return this.setTermios(space, argument, request === Request.TCSETSF);
      case Request.TIOCGWINSZ:
        locks.acquire(console.lock);
        ram.fill(at, WINSIZE_BYTES);
        ram.u16[at >>> 1] = console.rowsLocked();
        ram.u16[(at >>> 1) + 1] = console.columnsLocked();
        locks.release(console.lock);
        return copy.copyOut(space, argument, at, WINSIZE_BYTES);
      case Request.TIOCSWINSZ:
        return this.setSize(space, argument);
      case Request.FIONREAD:
        locks.acquire(console.lock);
        ram.u32[at >>> 2] = console.availableLocked();
        locks.release(console.lock);
        return copy.copyOut(space, argument, at, 4);
      case Request.TIOCOUTQ:
        return copy.writeU32(space, argument, 0);
      case Request.TCSBRK:
      case Request.TCSBRKP:
        return 0;
      case Request.TCXONC:
        return this.flow(argument);
      case Request.TCFLSH:
        return this.flush(argument);
      case Request.TIOCGPGRP:
        return this.tell(space, argument, this.access.foregroundFor(process));
      case Request.TIOCGSID:
        return this.tell(space, argument, this.access.sessionFor(process));
      case Request.TIOCSPGRP:
        return copy.readU32(space, argument) || this.access.setForeground(process, copy.value | 0);
      case Request.TIOCSCTTY:
        return this.access.take(process, argument === 1 && Process.euid.peek(ram, process) === 0);
      case Request.TIOCNOTTY:
        return this.access.giveUp(process);
      case Request.TIOCGETD:
        return copy.writeU32(space, argument, 0);
      case Request.TIOCSTI:
        return -E.IO;
      default:
        return -E.NOTTY;
    }
  }

  private tell(space: number, to: number, id: number): number {
    return id < 0 ? id : this.parts.copy.writeU32(space, to, id);
  }

  private setTermios(space: number, from: number, flush: boolean): number {
    const { locks, console, copy, waits, bell } = this.parts;
    const at = this.parts.scratch + STRUCT_SCRATCH;
    const error = copy.copyIn(space, from, at, TERMIOS_BYTES);
    if (error !== 0) return error;
    locks.acquire(console.lock);
    const more = flush && console.flushInputLocked();
    const canonical = console.termios.localLocked(LocalMode.Canonical);
    console.setTermiosLocked(at);
    // What was a part of a line may be readable now, and less may be enough.
    if (canonical !== console.termios.localLocked(LocalMode.Canonical)) waits.wakeAllLocked(console.readers);
    locks.release(console.lock);
    if (more) bell.ring(HostCall.Input);
    return 0;
  }

  private setSize(space: number, from: number): number {
    const { ram, locks, console, copy, bell } = this.parts;
    const at = this.parts.scratch + STRUCT_SCRATCH;
    const error = copy.copyIn(space, from, at, WINSIZE_BYTES);
    if (error !== 0) return error;
    locks.acquire(console.lock);
    console.resizeLocked(ram.u16[at >>> 1]!, ram.u16[(at >>> 1) + 1]!);
    locks.release(console.lock);
    // The host tells the foreground group.
    bell.ring(HostCall.Input);
    return 0;
  }

  private flow(action: number): number {
    const { locks, console, waits } = this.parts;
    if (action !== Flow.StopOutput && action !== Flow.StartOutput)
      return action === Flow.SendStop || action === Flow.SendStart ? 0 : -E.INVAL;
    locks.acquire(console.lock);
    console.stopLocked(action === Flow.StopOutput);
    if (action === Flow.StartOutput) waits.wakeAllLocked(console.writers);
    locks.release(console.lock);
    return 0;
  }

  private flush(which: number): number {
    const { locks, console, bell } = this.parts;
    if (which !== Flush.Input && which !== Flush.Output && which !== Flush.Both) return -E.INVAL;
    if (which === Flush.Output) return 0;
    locks.acquire(console.lock);
    const more = console.flushInputLocked();
    locks.release(console.lock);
    if (more) bell.ring(HostCall.Input);
    return 0;
  }
}
