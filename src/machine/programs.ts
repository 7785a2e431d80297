/*
 * What a machine can start: the programs of its own /bin, which are prebuilt under guest/bin, and files of the host.
 *
 * A guest binary is several programs in one file, told apart by the name it is started with; manifest.json lists them.
 */

import { readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

import { describeElf } from '../core/elf.ts';
import { projectRoot } from '../smp/bundle.ts';
import { UsageError } from './errors.ts';

/** One file of guest/bin. */
export interface GuestBinary {
  readonly bytes: Uint8Array;
  /** What it is called in /bin. */
  readonly names: readonly string[];
}

/** A program, found and checked. */
export type Program =
  /** Of the machine's /bin. */
  | { readonly kind: 'guest'; readonly name: string }
  /** A file of the root that the user has given the machine. */
  | { readonly kind: 'file'; readonly name: string; readonly path: string }
  /** Of the host. */
  | { readonly kind: 'host'; readonly name: string; readonly bytes: Uint8Array };

/** What guest/bin/manifest.json says of one binary. */
interface ManifestEntry {
  readonly names: readonly string[];
}

/** The largest program file. */
const MAX_PROGRAM_BYTES = 256 * 2 ** 20;

const folder = join(projectRoot, 'guest/bin');

function readManifest(): Readonly<Record<string, ManifestEntry>> {
  return JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Readonly<Record<string, ManifestEntry>>;
}

/** All binaries of guest/bin. */
export function readGuestBinaries(): GuestBinary[] {
  return Object.entries(readManifest()).map(([file, { names }]) => ({ bytes: readFileSync(join(folder, file)), names }));
}

/** The names in the machine's /bin. */
export function guestNames(): string[] {
  return Object.values(readManifest()).flatMap(({ names }) => names);
}

/**
 * Finds a program: a word without a slash in the machine's /bin first, anything else among the files of the host.
 *
 * @throws UsageError when there is none, or it cannot run here
 */
export function findProgram(word: string): Program {
  const names = guestNames();
  if (!word.includes('/') && names.includes(word)) return { kind: 'guest', name: word };
  if (word.startsWith('/bin/') && names.includes(word.slice(5)) && !exists(word)) return { kind: 'guest', name: word.slice(5) };
  return { kind: 'host', name: basename(word), bytes: readHostProgram(word) };
}

/** The file of a program that has been found. */
export function readProgram(program: Program): Uint8Array {
  if (program.kind === 'host') return program.bytes;
  if (program.kind === 'file') throw new UsageError(`${program.path}: only in the machine`);
  const [file] = Object.entries(readManifest()).find(([, { names }]) => names.includes(program.name))!;
  return readFileSync(join(folder, file));
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function readHostProgram(path: string): Uint8Array {
  const stat = attempt(path, () => statSync(path));
  if (stat.isDirectory()) throw new UsageError(`${path} is a directory, not a program`);
  if (!stat.isFile()) throw new UsageError(`${path} is not a regular file`);
  if (stat.size > MAX_PROGRAM_BYTES) {
    throw new UsageError(`${path} is too large: a program file has at most ${String(MAX_PROGRAM_BYTES / 2 ** 20)}M`);
  }
  const bytes = attempt(path, () => readFileSync(path));
  const outcome = describeElf(bytes);
  if (!outcome.ok) throw new UsageError(`${path} ${outcome.refusal}`);
  return bytes;
}

/** Turns the failures of the file system that a user can cause into one line. */
function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const hint = path.includes('/')
        ? ''
        : `: the machine's /bin has none of that name either; "help" in its shell lists them`;
      throw new UsageError(`${path}: no such file${hint}`);
    }
    if (code === 'EACCES' || code === 'EPERM') throw new UsageError(`${path}: permission denied`);
    if (code === 'ENAMETOOLONG') throw new UsageError('the name of the program is too long');
    if (code === 'ELOOP') throw new UsageError(`${path}: too many symbolic links`);
    throw error;
  }
}
