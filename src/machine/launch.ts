/*
 * Programs on their way into a machine: from a word to a process.
 *
 * The machine's own programs are files from power-on (root.ts). A program of the host is put in as a file for the time of its run, where
 * the word that it was asked for by leads to from the root directory: so that it can start itself again by its argv[0].
 */

import { posix } from 'node:path';

import { startProgram } from '../kernel/program-start.ts';
import { E, errnoName } from '../kernel/errno.ts';
import { MAX_NAME } from '../kernel/files/directory-entries.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { PATH_BYTES } from '../kernel/scratch.ts';
import { UsageError } from './errors.ts';
import { FileRefusal, HostFiles } from './host-files.ts';
import type { Program } from './programs.ts';
import { isRooted, OWN_PROGRAMS } from './root.ts';

/** Where programs of a root that the user has given are looked for. */
const ROOT_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', OWN_PROGRAMS];

/** What every program finds in its environment. */
export function environmentOf(kernel: Kernel): Readonly<Record<string, string>> {
  return isRooted(kernel) ? { PATH: ROOT_FOLDERS.join(':'), HOME: '/root' } : { PATH: '/bin', HOME: '/' };
}

/** A program of the root that the user has given, by path or by name; undefined: there is none. */
export function findInRoot(kernel: Kernel, word: string): Program | undefined {
  const files = new HostFiles(kernel);
  const paths = word.includes('/') ? [posix.resolve('/', word)] : ROOT_FOLDERS.map((folder) => `${folder}/${word}`);
  const path = paths.find((one) => files.isProgram(one));
  return path === undefined ? undefined : { kind: 'file', name: posix.basename(path), path };
}

/** A program that has been started. */
export interface Launched {
  readonly pid: number;
  /** Path of the file that a program of the host has been put into; undefined: it is none. */
  readonly bound: string | undefined;
}

/**
 * Starts a program as the first process of a run.
 *
 * @param word what it was asked for by
 * @param args without argv[0]
 * @throws UsageError when the machine refuses it
 */
export function launch(
  kernel: Kernel,
  program: Program,
  word: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Launched {
  const envp = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  if ([word, ...args, ...envp].some((text) => text.includes('\0'))) throw new UsageError(`${word}: a NUL in an argument`);
  const bound = program.kind === 'host' ? bind(kernel, word, program.bytes) : undefined;
  const path = bound ?? pathOf(kernel, program);
  const pid = startProgram(kernel, path, [program.kind === 'guest' ? program.name : word, ...args], envp);
  if (pid > 0) return { pid, bound };
  unbind(kernel, bound);
  if (pid === -E.NOEXEC) throw new UsageError(`${word} ${kernel.loader.refusal || 'is no program'}`);
  throw refusal(word, -pid);
}

function pathOf(kernel: Kernel, program: Program): string {
  if (program.kind === 'file') return program.path;
  return `${isRooted(kernel) ? OWN_PROGRAMS : '/bin'}/${program.name}`;
}

/** Puts a program of the host in as a file; says where. */
function bind(kernel: Kernel, word: string, bytes: Uint8Array): string {
  const files = new HostFiles(kernel);
  const path = placeFor(files, word);
  try {
    files.putFile(path, bytes, 0o755, true);
  } catch (error) {
    unbind(kernel, path);
    throw error instanceof FileRefusal ? refusal(word, error.errno) : error;
  }
  return path;
}

/** Where the word leads to; a place of its own if that is taken, or cannot be. */
function placeFor(files: HostFiles, word: string): string {
  const path = posix.resolve('/', word);
  const bytes = (text: string): number => Buffer.byteLength(text);
  const fits = bytes(path) < PATH_BYTES && path.split('/').every((name) => bytes(name) <= MAX_NAME);
  if (fits && !files.exists(path)) return path;
  const name = bytes(posix.basename(path)) <= MAX_NAME ? posix.basename(path) : 'program';
  for (let n = 0; ; n++) {
    const other = `/run/host/${String(n)}/${name}`;
    if (!files.exists(other)) return other;
  }
}

/** Takes the file of a host's program away again, if it is one; processes that run it keep it. */
export function unbind(kernel: Kernel, bound: string | undefined): void {
  if (bound !== undefined) new HostFiles(kernel).removeForProgram(bound);
}

function refusal(word: string, errno: number): UsageError {
  switch (errno) {
    case E.NOMEM:
    case E.NOSPC:
    case E.NFILE:
      return new UsageError(`${word}: not enough memory in the machine: give it more with --memory`);
    case E['2BIG']:
      return new UsageError(`${word}: its arguments and environment are too long`);
    case E.AGAIN:
      return new UsageError(`${word}: too many processes in the machine`);
    case E.NAMETOOLONG:
      return new UsageError(`${word}: the name is too long`);
    case E.NOENT:
      return new UsageError(`${word}: its interpreter is not there`);
    default:
      return new UsageError(`${word}: cannot be started (${errnoName(errno)})`);
  }
}
