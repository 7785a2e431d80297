/*
 * Numbers of the Linux riscv64 system calls that are known here (asm-generic/unistd.h), and names for the trace.
 */

import { MachineCall, VrosCall } from './abi.ts';

export const Linux = {
  ioctl: 29,
  faccessat: 48,
  close: 57,
  lseek: 62,
  read: 63,
  write: 64,
  readv: 65,
  writev: 66,
  readlinkat: 78,
  newfstatat: 79,
  fstat: 80,
  exit: 93,
  exit_group: 94,
  set_tid_address: 96,
  futex: 98,
  set_robust_list: 99,
  get_robust_list: 100,
  nanosleep: 101,
  clock_gettime: 113,
  clock_getres: 114,
  clock_nanosleep: 115,
  sched_setaffinity: 122,
  sched_getaffinity: 123,
  sched_yield: 124,
  kill: 129,
  tkill: 130,
  tgkill: 131,
  rt_sigaction: 134,
  rt_sigprocmask: 135,
  rt_sigpending: 136,
  setpriority: 140,
  getpriority: 141,
  reboot: 142,
  times: 153,
  uname: 160,
  getrusage: 165,
  umask: 166,
  prctl: 167,
  getcpu: 168,
  gettimeofday: 169,
  getpid: 172,
  getppid: 173,
  getuid: 174,
  geteuid: 175,
  getgid: 176,
  getegid: 177,
  gettid: 178,
  sysinfo: 179,
  brk: 214,
  munmap: 215,
  mremap: 216,
  clone: 220,
  execve: 221,
  mmap: 222,
  mprotect: 226,
  msync: 227,
  mlock: 228,
  munlock: 229,
  mlockall: 230,
  munlockall: 231,
  mincore: 232,
  madvise: 233,
  riscv_flush_icache: 259,
  wait4: 260,
  prlimit64: 261,
  getrandom: 278,
  membarrier: 283,
  mlock2: 284,
} as const;

const NAMES = new Map<number, string>(
  [...Object.entries(Linux), ...Object.entries(VrosCall), ...Object.entries(MachineCall)].map(([name, number]) => [
    number,
    name.replace(/^SYS_/, '').toLowerCase(),
  ]),
);

/** The name of a system call, or undefined. */
export function callName(number: number): string | undefined {
  return NAMES.get(number);
}
