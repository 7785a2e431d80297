/*
 * The files of /proc/PID as text (proc(5)): stat, statm, status, cmdline, environ, comm, maps, limits.
 */

import { PAGE_SIZE } from '../../core/ram.ts';
import { Space } from '../address-space.ts';
import { Area, AreaKind } from '../areas.ts';
import { MAX_DESCRIPTORS } from '../files/descriptors.ts';
import type { ProcParts } from './proc-parts.ts';
import { Prot, STACK_BYTES, STACK_TOP } from '../mman.ts';
import { Process, ProcessState } from '../process.ts';
import { STRUCT_SCRATCH } from '../scratch.ts';
import { type ProcessPicture, pictureOf } from './process-picture.ts';

/** USER_HZ. */
const NS_PER_TICK = 1e7;
const ticks = (ns: number): number => Math.floor(ns / NS_PER_TICK);
const KIB_PER_PAGE = PAGE_SIZE / 1024;

/** The device number of the terminal, as `tty_nr` has it: /dev/console. */
const CONSOLE = 5 * 256 + 1;

function stat(_kernel: ProcParts, p: ProcessPicture): string {
  const sets = p.sets;
  const fields = [
    p.pid, `(${p.name})`, p.state, p.parent, p.group, p.session, p.terminal !== 0 ? CONSOLE : 0,
    p.terminal !== 0 ? p.foreground : -1, 0, 0, 0, 0, 0, ticks(p.cpuNs), 0, ticks(p.childrenNs), 0, 20 + p.nice, p.nice,
    p.threads, 0, ticks(p.startNs), p.mappedBytes, p.residentPages, '18446744073709551615', 0, 0, 0, 0, 0,
    sets.pending[1], sets.blocked[1], sets.ignored[1], sets.caught[1], 0, 0, 0, p.exitSignal, p.hart, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, p.status,
  ]; // prettier-ignore
  return `${fields.join(' ')}\n`;
}

function statm(_kernel: ProcParts, p: ProcessPicture): string {
  return `${String(Math.ceil(p.mappedBytes / PAGE_SIZE))} ${String(p.residentPages)} 0 0 0 ${String(p.residentPages)} 0\n`;
}

const STATE_NAMES: Readonly<Record<string, string>> = { R: 'running', S: 'sleeping', T: 'stopped', Z: 'zombie' };

function hex([high, low]: readonly [number, number]): string {
  return (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0');
}

function status(kernel: ProcParts, p: ProcessPicture): string {
  const four = ([real, effective, saved]: readonly number[]): string =>
    [real, effective, saved, effective].map(String).join('\t');
  const kib = (pages: number): string => `${String(pages * KIB_PER_PAGE).padStart(8)} kB`;
  const { cpus } = kernel.config;
  const lines: (readonly [string, string | number])[] = [
    ['Name', p.name],
    ['Umask', p.umask.toString(8).padStart(4, '0')],
    ['State', `${p.state} (${STATE_NAMES[p.state]!})`],
    ['Tgid', p.pid],
    ['Ngid', 0],
    ['Pid', p.pid],
    ['PPid', p.parent],
    ['TracerPid', 0],
    ['Uid', four(p.uids)],
    ['Gid', four(p.gids)],
    ['FDSize', MAX_DESCRIPTORS],
    ['Groups', ''],
    ...(p.state === 'Z'
      ? []
      : ([
          ['VmSize', kib(Math.ceil(p.mappedBytes / PAGE_SIZE))],
          ['VmRSS', kib(p.residentPages)],
        ] as const)),
    ['Threads', p.threads],
    ['SigQ', '0/0'],
    ['SigPnd', hex(p.sets.pending)],
    ['ShdPnd', hex(p.sets.shared)],
    ['SigBlk', hex(p.sets.blocked)],
    ['SigIgn', hex(p.sets.ignored)],
    ['SigCgt', hex(p.sets.caught)],
    ['Cpus_allowed_list', cpus === 1 ? '0' : `0-${String(cpus - 1)}`],
  ];
  return lines.map(([name, value]) => `${name}:\t${String(value)}\n`).join('');
}

/** Runs `action` with the address space of a process, held meanwhile; undefined when it has none. */
function withSpace<T>(kernel: ProcParts, pid: number, action: (space: number, process: number) => T): T | undefined {
  const { ram, locks, table, spaces } = kernel;
  locks.acquire(table.lock);
  const process = table.processLocked(pid);
  let space = 0;
  if (process !== 0 && Process.state.get(ram, process) === ProcessState.Live) {
    const lock = Process.lock.addr(process);
    locks.acquire(lock);
    // Who takes it away, at the end or for another program, does so under this lock: so it is alive here.
    space = Process.space.peek(ram, process);
    if (space !== 0) spaces.retain(space);
    locks.release(lock);
  }
  locks.release(table.lock);
  if (space === 0) return undefined;
  const result = action(space, process);
  spaces.release(space);
  return result;
}

/** Strings between two addresses of a process's memory, as it has them now. */
function memoryText(kernel: ProcParts, space: number, start: number, end: number): string {
  const { ram, copy, scratch } = kernel;
  const at = scratch + STRUCT_SCRATCH;
  let text = '';
  for (let va = start; va < end;) {
    const part = Math.min(end - va, PAGE_SIZE - (va % PAGE_SIZE), 4096);
    if (copy.copyIn(space, va, at, part) !== 0) break;
    text += String.fromCharCode(...ram.bytes(at, part));
    va += part;
  }
  return text;
}

function cmdline(kernel: ProcParts, p: ProcessPicture): string {
  const read = (space: number): string =>
    memoryText(kernel, space, Space.argStart.peek(kernel.ram, space), Space.argEnd.peek(kernel.ram, space));
  return withSpace(kernel, p.pid, read) ?? '';
}

function environ(kernel: ProcParts, p: ProcessPicture): string {
  const read = (space: number): string =>
    memoryText(kernel, space, Space.argEnd.peek(kernel.ram, space), Space.envEnd.peek(kernel.ram, space));
  return withSpace(kernel, p.pid, read) ?? '';
}

function maps(kernel: ProcParts, p: ProcessPicture): string {
  return withSpace(kernel, p.pid, (space) => mapsOf(kernel, space)) ?? '';
}

function mapsOf(kernel: ProcParts, space: number): string {
  const { ram, locks, spaces } = kernel;
  const lock = Space.lock.addr(space);
  const set = Space.areas.addr(space);
  const address = (value: number): string => value.toString(16).padStart(8, '0');
  let text = '';
  locks.acquire(lock);
  const heap = Space.brkStart.get(ram, space);
  const brk = Space.brk.get(ram, space);
  for (let area = spaces.areas.next(set, 0); area !== 0;) {
    const start = Area.start.get(ram, area);
    const end = Area.end.get(ram, area);
    const prot = Area.prot.get(ram, area);
    const shared = Area.kind.get(ram, area) === AreaKind.Shared;
    const permissions =
      ((prot & Prot.Read) !== 0 ? 'r' : '-') +
      ((prot & Prot.Write) !== 0 ? 'w' : '-') +
      ((prot & Prot.Execute) !== 0 ? 'x' : '-') +
      (shared ? 's' : 'p');
    const name = end === STACK_TOP ? '[stack]' : start < brk && end > heap && brk > heap ? '[heap]' : '';
    const line = `${address(start)}-${address(end)} ${permissions} 00000000 00:00 0`;
    text += name === '' ? `${line}\n` : `${line.padEnd(73)}${name}\n`;
    area = spaces.areas.next(set, end);
  }
  locks.release(lock);
  return text;
}

function limits(kernel: ProcParts): string {
  const row = (name: string, value: string, unit: string): string =>
    `${name.padEnd(26)}${value.padEnd(21)}${value.padEnd(21)}${unit.padEnd(10)}\n`;
  return (
    `${'Limit'.padEnd(26)}${'Soft Limit'.padEnd(21)}${'Hard Limit'.padEnd(21)}${'Units'.padEnd(10)}\n` +
    row('Max stack size', String(STACK_BYTES), 'bytes') +
    row('Max core file size', '0', 'bytes') +
    row('Max processes', String(kernel.map.limits.processes), 'processes') +
    row('Max open files', String(MAX_DESCRIPTORS), 'files')
  );
}

/** Files of a process's directory: their text now. */
const FILES: Readonly<Record<string, (kernel: ProcParts, p: ProcessPicture) => string>> = {
  stat,
  statm,
  status,
  cmdline,
  environ,
  comm: (_kernel, p) => `${p.name}\n`,
  maps,
  limits,
};

/** Names of the files in /proc/PID. */
export const PROCESS_FILES: readonly string[] = Object.keys(FILES);

/** The text of a file of /proc/PID; undefined: the process or the file does not exist. */
export function processText(kernel: ProcParts, pid: number, name: string): string | undefined {
  const picture = pictureOf(kernel, pid);
  return picture === undefined ? undefined : FILES[name]?.(kernel, picture);
}
