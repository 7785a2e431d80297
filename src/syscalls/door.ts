/*
 * The door: one table of all system calls, and the dispatcher.
 *
 * A call's number is in a7: bits 15:12 are the family, the low 12 bits the number in it. Handlers return (kernel/result.ts); the hart
 * loop stores what is a value. A number without handler is ENOSYS, and the trace says so.
 */

import { xOffset } from '../core/context.ts';
import type { Ram } from '../core/ram.ts';
import { Fifos } from '../ipc/fifo.ts';
import { Pipes } from '../ipc/pipe.ts';
import { Ports } from '../ipc/port.ts';
import { PortTable } from '../ipc/port-table.ts';
import { E } from '../kernel/errno.ts';
import type { Door } from '../kernel/hart-loop.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { FamilyRegion } from '../kernel/memory-map.ts';
import type { MachineConfig } from '../kernel/config.ts';
import { LEAST_ERRNO } from '../kernel/result.ts';
import { Thread } from '../kernel/thread.ts';
import { HartControl, RECENT_CALLS } from '../smp/hart-control.ts';
import { EventId } from '../trace/index.ts';
import { MachineCall, VrosCall } from './abi.ts';
import * as attribute from './attribute-calls.ts';
import { Call, type Handler } from './call.ts';
import * as descriptor from './descriptor-calls.ts';
import * as directory from './directory-calls.ts';
import * as file from './file-calls.ts';
import { futex } from './futex-calls.ts';
import * as groups from './group-calls.ts';
import { flock } from './lock-calls.ts';
import * as machine from './machine-calls.ts';
import * as memory from './memory-calls.ts';
import * as name from './name-calls.ts';
import { Linux } from './numbers.ts';
import { pipe2 } from './pipe-calls.ts';
import { ppoll, pselect6 } from './poll-calls.ts';
import * as process from './process-calls.ts';
import * as scheduling from './scheduling-calls.ts';
import * as signal from './signal-calls.ts';
import * as storage from './storage-calls.ts';
import * as system from './system-calls.ts';
import * as time from './time-calls.ts';
import * as timer from './timer-calls.ts';
import * as users from './user-calls.ts';
import * as vros from './vros-calls.ts';

const FAMILIES = 16;
const FAMILY_CALLS = 0x1000;
const A0 = xOffset(10);
const A7 = xOffset(17);
const MAX_WORD = 0xffff_ffff;

const PORTS_REGION = 'ports';
const PIPES_REGION = 'pipes';

/** What the IPC families need of RAM. */
export function familyRegions(config: MachineConfig): FamilyRegion[] {
  return [
    { name: PORTS_REGION, bytes: PortTable.bytes(config) },
    { name: PIPES_REGION, bytes: Pipes.bytes(config.memoryBytes) },
  ];
}

export class SystemCalls implements Door {
  readonly ports: Ports;
  readonly pipes: Pipes;
  private readonly current: Call;
  private readonly ram: Ram;
  private readonly control: number;
  /** Handlers by family and number. */
  private readonly table: (Handler | undefined)[][] = Array.from({ length: FAMILIES }, () => []);

  constructor(private readonly kernel: Kernel) {
    this.ram = kernel.ram;
    this.control = kernel.smpMap.hartControl(kernel.hart);
    this.ports = new Ports(kernel, kernel.map.families[PORTS_REGION]!, kernel.config);
    this.pipes = new Pipes(kernel, kernel.map.families[PIPES_REGION]!, kernel.config.memoryBytes);
    new Fifos(kernel, this.pipes);
    this.current = new Call(kernel, this.ports, this.pipes);
    this.install();
  }

  /** Makes the families' tables empty. Once, by the host. */
  initialise(): void {
    this.ports.table.initialise();
    this.pipes.initialise();
  }

  call(thread: number): number {
    const { ram, kernel } = this;
    const { trace } = kernel;
    const low = ram.u32[(thread + A7) >>> 2]!;
    const high = ram.u32[(thread + A7 + 4) >>> 2]!;
    const handler = high === 0 && low < FAMILIES * FAMILY_CALLS ? this.table[low >>> 12]![low & (FAMILY_CALLS - 1)] : undefined;
    this.remember(low);
    if (trace.on) this.traceEnter(thread, low, handler === undefined ? EventId.unknownSyscall : EventId.syscallEnter);
    if (handler === undefined) return -E.NOSYS;
    this.current.begin(thread);
    const tid = trace.on ? Thread.tid.get(ram, thread) : 0;
    const result = handler(this.current);
    if (trace.on && result >= LEAST_ERRNO) {
      trace.emit(EventId.syscallExit, tid, low, result % 2 ** 32, Math.floor(result / 2 ** 32), 0);
    }
    return result;
  }

  /** Counts the call, and notes it for the report of a crash. */
  private remember(number: number): void {
    const { ram, control } = this;
    const count = HartControl.syscalls.addr(control) >>> 2;
    const before = ram.u32[count]!;
    ram.u32[count] = before + 1;
    if (before === MAX_WORD) ram.u32[count + 1]!++;
    HartControl.recentCalls.put(ram, control, before & (RECENT_CALLS - 1), number);
  }

  private traceEnter(thread: number, number: number, event: number): void {
    const { ram } = this;
    const args = (thread + A0) >>> 2;
    this.kernel.trace.emit(event, Thread.tid.get(ram, thread), number, ram.u32[args]!, ram.u32[args + 2]!, ram.u32[args + 4]!);
  }

  private on(number: number, handler: Handler): void {
    this.table[number >>> 12]![number & (FAMILY_CALLS - 1)] = handler;
  }

  private install(): void {
    this.on(Linux.dup, descriptor.dup);
    this.on(Linux.dup3, descriptor.dup3);
    this.on(Linux.fcntl, descriptor.fcntl);
    this.on(Linux.close, descriptor.close);
    this.on(Linux.close_range, descriptor.closeRange);
    this.on(Linux.pipe2, pipe2);
    this.on(Linux.ppoll, ppoll);
    this.on(Linux.pselect6, pselect6);
    this.on(Linux.ioctl, file.ioctl);
    this.on(Linux.ftruncate, file.ftruncate);
    this.on(Linux.lseek, file.lseek);
    this.on(Linux.read, file.read);
    this.on(Linux.write, file.write);
    this.on(Linux.readv, file.readv);
    this.on(Linux.writev, file.writev);
    this.on(Linux.pread64, file.pread);
    this.on(Linux.pwrite64, file.pwrite);
    this.on(Linux.preadv, file.preadv);
    this.on(Linux.pwritev, file.pwritev);
    this.on(Linux.fstat, file.fstat);
    this.installFiles();

    this.on(Linux.exit, process.exit);
    this.on(Linux.exit_group, process.exitGroup);
    this.on(Linux.set_tid_address, process.setTidAddress);
    this.on(Linux.set_robust_list, process.setRobustList);
    this.on(Linux.get_robust_list, process.getRobustList);
    this.on(Linux.getpid, process.getpid);
    this.on(Linux.getppid, process.getppid);
    this.on(Linux.gettid, process.gettid);
    this.on(Linux.clone, process.clone);
    this.on(Linux.execve, process.execve);
    this.on(Linux.execveat, process.execveat);
    this.on(Linux.wait4, process.wait4);
    this.on(Linux.waitid, process.waitid);

    this.on(Linux.kill, signal.kill);
    this.on(Linux.tkill, signal.tkill);
    this.on(Linux.tgkill, signal.tgkill);
    this.on(Linux.rt_sigqueueinfo, signal.sigqueueinfo);
    this.on(Linux.rt_tgsigqueueinfo, signal.tgsigqueueinfo);
    this.on(Linux.rt_sigaction, signal.sigaction);
    this.on(Linux.rt_sigprocmask, signal.sigprocmask);
    this.on(Linux.rt_sigpending, signal.sigpending);
    this.on(Linux.rt_sigsuspend, signal.sigsuspend);
    this.on(Linux.rt_sigtimedwait, signal.sigtimedwait);
    this.on(Linux.rt_sigreturn, signal.sigreturn);
    this.on(Linux.sigaltstack, signal.sigaltstack);
    this.on(Linux.restart_syscall, signal.restartSyscall);

    this.on(Linux.setpgid, groups.setpgid);
    this.on(Linux.getpgid, groups.getpgid);
    this.on(Linux.setsid, groups.setsid);
    this.on(Linux.getsid, groups.getsid);

    this.on(Linux.getuid, users.getuid);
    this.on(Linux.geteuid, users.geteuid);
    this.on(Linux.getgid, users.getgid);
    this.on(Linux.getegid, users.getegid);
    this.on(Linux.setuid, users.setuid);
    this.on(Linux.setgid, users.setgid);
    this.on(Linux.setreuid, users.setreuid);
    this.on(Linux.setregid, users.setregid);
    this.on(Linux.setresuid, users.setresuid);
    this.on(Linux.setresgid, users.setresgid);
    this.on(Linux.getresuid, users.getresuid);
    this.on(Linux.getresgid, users.getresgid);
    this.on(Linux.setfsuid, users.setfsuid);
    this.on(Linux.setfsgid, users.setfsgid);
    this.on(Linux.getgroups, users.getgroups);
    this.on(Linux.setgroups, users.setgroups);

    this.on(Linux.setitimer, timer.setitimer);
    this.on(Linux.getitimer, timer.getitimer);
    this.on(Linux.timer_create, timer.timerCreate);
    this.on(Linux.timer_settime, timer.timerSettime);
    this.on(Linux.timer_gettime, timer.timerGettime);
    this.on(Linux.timer_getoverrun, timer.timerGetoverrun);
    this.on(Linux.timer_delete, timer.timerDelete);

    this.on(Linux.futex, futex);
    this.on(Linux.nanosleep, time.nanosleep);
    this.on(Linux.clock_gettime, time.clockGettime);
    this.on(Linux.clock_getres, time.clockGetres);
    this.on(Linux.clock_nanosleep, time.clockNanosleep);
    this.on(Linux.times, time.times);
    this.on(Linux.gettimeofday, time.gettimeofday);

    this.on(Linux.sched_setaffinity, scheduling.setAffinity);
    this.on(Linux.sched_getaffinity, scheduling.getAffinity);
    this.on(Linux.sched_yield, scheduling.schedYield);
    this.on(Linux.setpriority, scheduling.setPriority);
    this.on(Linux.getpriority, scheduling.getPriority);
    this.on(Linux.getcpu, scheduling.getcpu);

    this.on(Linux.brk, memory.brk);
    this.on(Linux.munmap, memory.munmap);
    this.on(Linux.mmap, memory.mmap);
    this.on(Linux.mprotect, memory.mprotect);
    this.on(Linux.madvise, memory.madvise);
    this.on(Linux.mremap, memory.mremap);
    this.on(Linux.msync, memory.msync);
    this.on(Linux.mlock, memory.mlock);
    this.on(Linux.mlock2, memory.mlock2);
    this.on(Linux.munlock, memory.munlock);
    this.on(Linux.mlockall, memory.mlockall);
    this.on(Linux.munlockall, memory.munlockall);
    this.on(Linux.mincore, memory.mincore);
    this.on(Linux.riscv_flush_icache, memory.flushInstructionCache);
    this.on(Linux.membarrier, memory.membarrier);

    this.on(Linux.reboot, system.reboot);
    this.on(Linux.uname, system.uname);
    this.on(Linux.getrusage, system.getrusage);
    this.on(Linux.umask, system.umask);
    this.on(Linux.prctl, system.prctl);
    this.on(Linux.sysinfo, system.sysinfo);
    this.on(Linux.prlimit64, system.prlimit64);
    this.on(Linux.getrandom, system.getrandom);

    this.on(VrosCall.SYS_IPC_CREATE_PORT, vros.createPort);
    this.on(VrosCall.SYS_IPC_DESTROY_PORT, vros.destroyPort);
    this.on(VrosCall.SYS_IPC_SEND, vros.send);
    this.on(VrosCall.SYS_IPC_RECV, vros.receive);
    this.on(VrosCall.SYS_IPC_SEND_FLAGS, vros.sendFlags);
    this.on(VrosCall.SYS_IPC_RECV_FLAGS, vros.receiveFlags);
    this.on(VrosCall.SYS_IPC_PORT_NAME, vros.portName);
    this.on(VrosCall.SYS_IPC_PORT_STAT, vros.portStat);

    this.on(MachineCall.SYS_HB_PROCESSES, machine.processes);
    this.on(MachineCall.SYS_HB_HARTS, machine.harts);
    this.on(MachineCall.SYS_HB_STATS, machine.stats);
    this.on(MachineCall.SYS_HB_TRACE_MARK, machine.traceMark);
    this.on(MachineCall.SYS_HB_POWER_OFF, machine.powerOff);
    this.on(MachineCall.SYS_HB_ARRIVE, machine.arrive);
  }

  /** What needs the file system. */
  private installFiles(): void {
    this.on(Linux.openat, name.openat);
    this.on(Linux.mknodat, name.mknodat);
    this.on(Linux.mkdirat, name.mkdirat);
    this.on(Linux.unlinkat, name.unlinkat);
    this.on(Linux.symlinkat, name.symlinkat);
    this.on(Linux.linkat, name.linkat);
    this.on(Linux.renameat2, name.renameat2);
    this.on(Linux.readlinkat, name.readlinkat);

    this.on(Linux.newfstatat, attribute.newfstatat);
    this.on(Linux.statx, attribute.statx);
    this.on(Linux.faccessat, attribute.faccessat);
    this.on(Linux.faccessat2, attribute.faccessat2);
    this.on(Linux.fchmod, attribute.fchmod);
    this.on(Linux.fchmodat, attribute.fchmodat);
    this.on(Linux.fchmodat2, attribute.fchmodat2);
    this.on(Linux.fchown, attribute.fchown);
    this.on(Linux.fchownat, attribute.fchownat);
    this.on(Linux.utimensat, attribute.utimensat);
    this.on(Linux.statfs, attribute.statfs);
    this.on(Linux.fstatfs, attribute.fstatfs);

    this.on(Linux.chdir, directory.chdir);
    this.on(Linux.fchdir, directory.fchdir);
    this.on(Linux.getcwd, directory.getcwd);
    this.on(Linux.getdents64, directory.getdents64);
    for (const number of [Linux.chroot, Linux.mount, Linux.umount2, Linux.pivot_root]) this.on(number, directory.notPermitted);

    this.on(Linux.flock, flock);
    this.on(Linux.truncate, storage.truncate);
    this.on(Linux.fallocate, storage.fallocate);
    this.on(Linux.sync, storage.sync);
    this.on(Linux.fsync, storage.fsync);
    this.on(Linux.fdatasync, storage.fsync);
    this.on(Linux.sync_file_range, storage.syncfs);
    this.on(Linux.syncfs, storage.syncfs);
    this.on(Linux.fadvise64, storage.fadvise);
    this.on(Linux.readahead, storage.syncfs);
    this.on(Linux.sendfile, storage.sendfile);
    this.on(Linux.copy_file_range, storage.copyFileRange);
    this.on(Linux.memfd_create, storage.memfdCreate);
  }
}
