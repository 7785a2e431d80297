/*
 * /proc: the machine and its processes as files (proc(5)), as far as ps, top, free and their like read them.
 *
 * Nothing of it is stored. Walking there makes an inode for the time of the walk (`Inode.node`: pid, 0 for the machine; `subnode`: index in
 * proc-nodes.ts); opening a file makes its text, which stays as it is until the file is closed. A process that has ended meanwhile is
 * not found (ENOENT), for pids are looked up anew each time.
 */

import { Open, FileKind } from '../files/file-ops.ts';
import { FileSystemNumber, type FileSystem, type Listing } from '../files/file-system.ts';
import { Inode } from '../files/inodes.ts';
import { AT_FDCWD } from '../files/paths.ts';
import { OpenFile } from '../files/open-files.ts';
import { Mode } from '../files/stat.ts';
import { E } from '../errno.ts';
import type { ProcParts } from './proc-parts.ts';
import { Process, ProcessState } from '../process.ts';
import { machineText, MACHINE_MOUNTS } from './machine-texts.ts';
import { childOf, DESCRIPTOR_BASE, MACHINE_NODES, type Node, PROCESS_NODES } from './proc-nodes.ts';
import { allPids, pictureOf } from './process-picture.ts';
import { processText } from './process-texts.ts';

const MOUNT_POINT = '/proc';
const ROOT = 0;
/** Places in listings: `.` and `..` have 1 and 2; nodes follow, then processes or descriptors. */
const FIRST_PLACE = 3;
const AFTER_NODES = 1000;
const DIRECTORY_MODE = Mode.Directory | 0o555;
const FILE_MODE = Mode.Regular | 0o444;
const LINK_MODE = Mode.Link | 0o777;
const FD_NODE = PROCESS_NODES.findIndex(({ path }) => path === 'fd');
const TASK_NODE = PROCESS_NODES.findIndex(({ path }) => path === 'task');

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class ProcFileSystem implements FileSystem {
  constructor(private readonly kernel: ProcParts) {
    kernel.fs.tree.register(FileSystemNumber.Proc, this);
  }

  /** Shows /proc in place of the directory of that name, if there is one. By the host, once, at power-on: 0 or an errno. */
  mount(): number {
    const { paths, tree } = this.kernel.fs;
    paths.putBytes(encoder.encode(MOUNT_POINT));
    const on = paths.resolve(0, AT_FDCWD, true);
    if (on < 0) return on;
    const root = this.inode(0, ROOT, DIRECTORY_MODE);
    if (root > 0) tree.mount(root, on);
    else this.kernel.fs.inodes.release(on);
    return Math.min(root, 0);
  }

  lookup(_process: number, directory: number, name: number, length: number): number {
    const text = decoder.decode(this.kernel.ram.bytes(name, length));
    const pid = this.pidOf(directory);
    const index = this.indexOf(directory);
    if (pid === 0) {
      const child = childOf(MACHINE_NODES, index, text);
      if (child >= 0) return this.inode(0, child, modeOf(MACHINE_NODES[child]!));
      const number = index === ROOT ? numberOf(text) : -1;
      return number > 0 ? this.processInode(number, ROOT) : -E.NOENT;
    }
    if (index === FD_NODE) return this.descriptorInode(pid, numberOf(text));
    if (index === TASK_NODE) return numberOf(text) === pid ? this.processInode(pid, ROOT) : -E.NOENT;
    const child = childOf(PROCESS_NODES, index, text);
    return child < 0 ? -E.NOENT : this.processInode(pid, child);
  }

  parent(directory: number): number {
    const pid = this.pidOf(directory);
    const index = this.indexOf(directory);
    if (pid === 0) return this.inode(0, MACHINE_NODES[index]!.parent, DIRECTORY_MODE);
    return index === ROOT ? this.inode(0, ROOT, DIRECTORY_MODE) : this.processInode(pid, PROCESS_NODES[index]!.parent);
  }

  list(_process: number, directory: number, from: number, list: Listing): number {
    const pid = this.pidOf(directory);
    const index = this.indexOf(directory);
    const nodes = pid === 0 ? MACHINE_NODES : PROCESS_NODES;
    if (pid !== 0 && pictureOf(this.kernel, pid) === undefined) return -E.NOENT;
    if (pid === 0 || (index !== FD_NODE && index !== TASK_NODE)) {
      for (let child = 1; child < nodes.length; child++) {
        const place = FIRST_PLACE + child;
        if (place <= from || nodes[child]!.parent !== index) continue;
        if (!list.addText(nodes[child]!.name, place, nodes[child]!.kind, place)) return 0;
      }
    }
    if (pid === 0 && index === ROOT) return this.listNumbers(allPids(this.kernel), Mode.Directory, from, list);
    if (index === TASK_NODE) return this.listNumbers([pid], Mode.Directory, from, list);
    return index === FD_NODE ? this.listNumbers(this.descriptorsOf(pid), Mode.Link, from, list) : 0;
  }

  readLink(process: number, inode: number, to: number): number {
    const { ram, fs } = this.kernel;
    const pid = this.pidOf(inode);
    const index = this.indexOf(inode);
    let text: string;
    if (pid === 0) {
      const own = String(Process.pid.get(ram, process));
      text = MACHINE_NODES[index]!.name === 'self' ? own : `${own}/task/${own}`;
    } else if (index >= DESCRIPTOR_BASE) {
      const file = this.takeDescriptor(pid, index - DESCRIPTOR_BASE);
      if (file <= 0) return -E.NOENT;
      text = this.describe(file);
      this.kernel.files.release(file);
    } else if (PROCESS_NODES[index]!.name === 'root') text = '/';
    else {
      const found = this.follow(process, inode);
      if (found < 0) return found;
      text = fs.pathOf(found);
      this.kernel.fs.inodes.release(found);
    }
    const bytes = encoder.encode(text);
    ram.u8.set(bytes, to);
    return bytes.length;
  }

  follow(_process: number, inode: number): number {
    const { ram, fs, locks, table } = this.kernel;
    const { inodes, paths } = fs;
    const pid = this.pidOf(inode);
    const index = this.indexOf(inode);
    if (pid === 0) return 0;
    if (index >= DESCRIPTOR_BASE) {
      const file = this.takeDescriptor(pid, index - DESCRIPTOR_BASE);
      if (file <= 0) return -E.NOENT;
      const found = OpenFile.inode.get(ram, file);
      if (found !== 0) inodes.retain(found);
      this.kernel.files.release(file);
      // What has no name, a pipe say, is opened anew by its descriptor.
      return found === 0 ? this.inode(pid, index, Mode.Fifo | 0o600) : found;
    }
    const { name } = PROCESS_NODES[index]!;
    if (name === 'root') return 0;
    locks.acquire(table.lock);
    const process = table.processLocked(pid);
    let found = -E.NOENT;
    if (process !== 0 && Process.state.get(ram, process) === ProcessState.Live)
      found = name === 'cwd' ? paths.workingDirectory(process) : this.programOf(process);
    locks.release(table.lock);
    return found;
  }

  open(_thread: number, inode: number, flags: number): number {
    const { contents, files } = this.kernel;
    const pid = this.pidOf(inode);
    const index = this.indexOf(inode);
    if (index >= DESCRIPTOR_BASE) return this.reopen(inode, pid, index - DESCRIPTOR_BASE, flags);
    if ((flags & Open.AccessMode) !== 0) return -E.ACCES;
    let text: string | undefined;
    if (pid === 0) text = machineText(this.kernel, MACHINE_NODES[index]!.path);
    else if (PROCESS_NODES[index]!.path === 'mounts') text = MACHINE_MOUNTS;
    else text = processText(this.kernel, pid, PROCESS_NODES[index]!.path);
    if (text === undefined) return -E.NOENT;
    // Latin-1: what a process has in its memory comes through byte by byte.
    const content = contents.fromBytes(Uint8Array.from(text, (char) => char.charCodeAt(0)));
    if (content < 0) return content;
    const file = files.create(FileKind.proc, flags, content, inode);
    if (file === 0) contents.release(content);
    return file === 0 ? -E.NFILE : file;
  }

  /** Opens what a descriptor is open on once more. */
  private reopen(inode: number, pid: number, fd: number, flags: number): number {
    const { files, fs } = this.kernel;
    const from = this.takeDescriptor(pid, fd);
    if (from <= 0) return -E.NOENT;
    const file = files.opsOf(from).reopen?.(from, flags) ?? -E.NXIO;
    files.release(from);
    if (file > 0) fs.inodes.release(inode);
    return file;
  }

  name(directory: number, to: number): number {
    const pid = this.pidOf(directory);
    const index = this.indexOf(directory);
    const text = pid === 0 ? MACHINE_NODES[index]!.name : index === ROOT ? String(pid) : PROCESS_NODES[index]!.name;
    const bytes = encoder.encode(text);
    this.kernel.ram.u8.set(bytes, to);
    return bytes.length;
  }

  private pidOf(inode: number): number {
    return Inode.node.get(this.kernel.ram, inode);
  }

  private indexOf(inode: number): number {
    return Inode.subnode.get(this.kernel.ram, inode);
  }

  private inode(pid: number, index: number, mode: number, uid = 0, gid = 0): number {
    const { ram } = this.kernel;
    const { inodes } = this.kernel.fs;
    const inode = inodes.create(mode, uid, gid, 0, FileSystemNumber.Proc);
    if (inode < 0) return -E.NOMEM;
    Inode.node.set(ram, inode, pid);
    Inode.subnode.set(ram, inode, index);
    Inode.links.set(ram, inode, 1);
    inodes.publish(inode);
    return inode;
  }

  private processInode(pid: number, index: number): number {
    const picture = pictureOf(this.kernel, pid);
    if (picture === undefined) return -E.NOENT;
    return this.inode(pid, index, modeOf(PROCESS_NODES[index]!), picture.uids[1], picture.gids[1]);
  }

  private descriptorInode(pid: number, fd: number): number {
    const file = fd < 0 ? -E.NOENT : this.takeDescriptor(pid, fd);
    if (file <= 0) return -E.NOENT;
    this.kernel.files.release(file);
    const picture = pictureOf(this.kernel, pid);
    if (picture === undefined) return -E.NOENT;
    return this.inode(pid, DESCRIPTOR_BASE + fd, LINK_MODE, picture.uids[1], picture.gids[1]);
  }

  private listNumbers(numbers: readonly number[], kind: number, from: number, list: Listing): number {
    for (const number of numbers) {
      const place = AFTER_NODES + number;
      if (place > from && !list.addText(String(number), place, kind, place)) break;
    }
    return 0;
  }

  /** The table of a process's descriptors stays while the tree lock is held: a process lets go of it before it becomes a zombie. */
  private withTable(pid: number, action: (table: number) => void): void {
    const { ram, locks, table } = this.kernel;
    locks.acquire(table.lock);
    const process = table.processLocked(pid);
    if (process !== 0 && Process.state.get(ram, process) === ProcessState.Live) {
      const lock = Process.lock.addr(process);
      locks.acquire(lock);
      const descriptors = Process.files.peek(ram, process);
      if (descriptors !== 0 && Process.threadCount.get(ram, process) > 0) action(descriptors);
      locks.release(lock);
    }
    locks.release(table.lock);
  }

  private takeDescriptor(pid: number, fd: number): number {
    let file = 0;
    this.withTable(pid, (table) => (file = this.kernel.descriptors.take(table, fd)));
    return file;
  }

  private descriptorsOf(pid: number): number[] {
    const { descriptors } = this.kernel;
    const found: number[] = [];
    this.withTable(pid, (table) => {
      for (let fd = descriptors.nextInUse(table, 0); fd >= 0; fd = descriptors.nextInUse(table, fd + 1)) found.push(fd);
    });
    return found;
  }

  private programOf(process: number): number {
    const { ram, locks } = this.kernel;
    const { inodes } = this.kernel.fs;
    const lock = Process.lock.addr(process);
    locks.acquire(lock);
    const program = Process.program.get(ram, process);
    if (program !== 0) inodes.retain(program);
    locks.release(lock);
    return program === 0 ? -E.NOENT : program;
  }

  /** What a descriptor is open on, in words. */
  private describe(file: number): string {
    const { ram, fs } = this.kernel;
    const inode = OpenFile.inode.get(ram, file);
    if (inode !== 0) return fs.pathOf(inode);
    return OpenFile.kind.get(ram, file) === FileKind.console
      ? '/dev/console'
      : `pipe:[${String(OpenFile.object.get(ram, file))}]`;
  }
}

function modeOf({ kind }: Node): number {
  return kind === Mode.Directory ? DIRECTORY_MODE : kind === Mode.Link ? LINK_MODE : FILE_MODE;
}

/** A decimal number without sign or leading zeros, or -1. */
function numberOf(text: string): number {
  return /^(0|[1-9]\d{0,8})$/.test(text) ? Number(text) : -1;
}
