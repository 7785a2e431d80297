/*
 * From the name of a program to the file that is loaded: rights, and `#!` (execve(2)).
 *
 * A script names an interpreter, which may be a script in turn; what is run in the end gets in front of the arguments: the interpreter,
 * its one argument if there is one, and the script's name.
 */

import type { Ram } from '../core/ram.ts';
import type { Contents } from './contents.ts';
import { E } from './errno.ts';
import { Inode, type Inodes } from './files/inodes.ts';
import { AT_FDCWD, type Paths } from './files/paths.ts';
import { type Permissions, Want } from './files/permissions.ts';
import { Mode } from './files/stat.ts';
import { Process } from './process.ts';
import type { Users } from './program.ts';

/** What is looked at of a script (BINPRM_BUF_SIZE). */
const LINE_BYTES = 256;
/** Interpreters of interpreters. */
const MAX_INTERPRETERS = 5;

/** Set-group-id without execution for the group would mean something else. */
const SET_GID_PROGRAM = Mode.SetGid | 0o010;

const NEWLINE = 10;
const SPACE = 32;
const TAB = 9;

export class ProgramFiles {
  /** Of the last program found: what replaces argv[0]; empty when it is no script. */
  prefix: Uint8Array[] = [];

  constructor(
    private readonly ram: Ram,
    private readonly contents: Contents,
    private readonly inodes: Inodes,
    private readonly paths: Paths,
    private readonly permissions: Permissions,
  ) {}

  /**
   * Takes a file to be run: from now on nobody can write it.
   *
   * @param inode a reference that is taken over
   * @returns the inode, or -EACCES, -ETXTBSY
   */
  begin(process: number, inode: number): number {
    const { inodes, permissions } = this;
    let error = inodes.kind(inode) !== Mode.Regular ? -E.ACCES : permissions.check(process, inode, Want.Execute);
    if (error === 0 && Inode.content.get(this.ram, inode) === 0) error = -E.ACCES;
    if (error === 0) error = inodes.beginRunning(inode);
    if (error === 0) return inode;
    inodes.release(inode);
    return error;
  }

  /** For whom a program runs that a process executes: with set-user-id and set-group-id programs those of the file. */
  usersOf(process: number, program: number): Users {
    const { ram } = this;
    const mode = Inode.mode.peek(ram, program);
    const setsGid = (mode & SET_GID_PROGRAM) === SET_GID_PROGRAM;
    return {
      uid: Process.uid.peek(ram, process),
      euid: (mode & Mode.SetUid) !== 0 ? Inode.uid.peek(ram, program) : Process.euid.peek(ram, process),
      gid: Process.gid.peek(ram, process),
      egid: setsGid ? Inode.gid.peek(ram, program) : Process.egid.peek(ram, process),
    };
  }

  isLink(inode: number): boolean {
    return this.inodes.kind(inode) === Mode.Link;
  }

  /** Lets go of a file that is not to be run. */
  drop(inode: number): void {
    this.inodes.release(inode);
  }

  /** Ends what `begin` has begun. */
  end(inode: number): void {
    this.inodes.endRunning(inode);
    this.inodes.release(inode);
  }

  /**
   * Goes from a script to its interpreter, as long as it is one; takes over what `begin` has returned.
   *
   * @param name the name that it was found by
   * @returns the inode of what is to be loaded, likewise; or -ENOENT …, -ENOEXEC, -ELOOP
   */
  interpret(process: number, program: number, name: Uint8Array): number {
    this.prefix = [];
    let inode = program;
    let called = name;
    for (let depth = 0; ; depth++) {
      if (depth > MAX_INTERPRETERS) {
        this.end(inode);
        return -E.LOOP;
      }
      const head = this.contents.read(Inode.content.get(this.ram, inode), 0, LINE_BYTES);
      if (head[0] !== HASH || head[1] !== BANG) return inode;
      this.end(inode);
      const line = parseLine(head);
      if (line === undefined) return -E.NOEXEC;
      this.prefix.splice(0, 1, ...line, called);
      called = line[0]!;
      inode = this.open(process, called);
      if (inode < 0) return inode;
    }
  }

  private open(process: number, name: Uint8Array): number {
    this.paths.putBytes(name);
    const inode = this.paths.resolve(process, AT_FDCWD, true);
    return inode < 0 ? inode : this.begin(process, inode);
  }
}

const HASH = 35;
const BANG = 33;

/** Interpreter and argument of a `#!` line; undefined when it is none (as binfmt_script has it). */
function parseLine(head: Uint8Array): Uint8Array[] | undefined {
  const isBlank = (byte: number): boolean => byte === SPACE || byte === TAB;
  const newline = head.indexOf(NEWLINE);
  let end = newline;
  if (end < 0) {
    // Without its end in sight the name of the interpreter must be complete at least.
    end = LINE_BYTES - 1;
    let at = 2;
    while (at < end && isBlank(head[at]!)) at++;
    if (at === end) return undefined;
    while (at < end && !isBlank(head[at]!) && head[at] !== 0) at++;
    if (at === end) return undefined;
  }
  let from = 2;
  while (from < end && isBlank(head[from]!)) from++;
  while (end > from && isBlank(head[end - 1]!)) end--;
  if (from === end) return undefined;
  // A NUL ends the text as well; an empty name is that of the working directory, which cannot be run.
  const nul = head.indexOf(0, from);
  if (nul >= 0 && nul < end) end = nul;
  let nameEnd = from;
  while (nameEnd < end && !isBlank(head[nameEnd]!)) nameEnd++;
  let argument = nameEnd;
  while (argument < end && isBlank(head[argument]!)) argument++;
  const name = head.slice(from, nameEnd);
  return argument === end ? [name] : [name, head.slice(argument, end)];
}
