/*
 * How the host starts a program: as a process without parent, from a file, with the console as its descriptors 0, 1 and 2.
 */

import type { Ram } from '../core/ram.ts';
import type { Random } from '../devices/random.ts';
import type { AddressSpaces } from './address-space.ts';
import type { Arguments } from './arguments.ts';
import { E } from './errno.ts';
import { type ConsoleFiles, STREAMS } from './files/console-file.ts';
import type { Descriptors } from './files/descriptors.ts';
import { Inode } from './files/inodes.ts';
import type { MemoryFiles } from './files/memory-files.ts';
import { AT_FDCWD } from './files/paths.ts';
import { NAME_BYTES } from './process.ts';
import type { ProgramFiles } from './program-files.ts';
import { type ProgramLoader, ROOT } from './program.ts';
import type { Spawner } from './spawn.ts';

/** What it needs of a kernel. */
export interface StartParts {
  readonly ram: Ram;
  readonly fs: MemoryFiles;
  readonly programs: ProgramFiles;
  readonly args: Arguments;
  readonly spaces: AddressSpaces;
  readonly loader: ProgramLoader;
  readonly random: Random;
  readonly descriptors: Descriptors;
  readonly consoleFiles: ConsoleFiles;
  readonly spawner: Spawner;
  /** SCRATCH_BYTES of RAM of this participant. */
  readonly scratch: number;
}

/**
 * Starts a program as a process without parent.
 *
 * @param path of its file
 * @returns its pid, or a negative errno; -ENOEXEC is explained by `loader.refusal`
 */
export function startProgram(parts: StartParts, path: string, argv: readonly string[], envp: readonly string[]): number {
  const { fs, programs, args } = parts;
  const name = new TextEncoder().encode(path);
  fs.paths.putBytes(name);
  let program = fs.paths.resolve(0, AT_FDCWD, true);
  if (program > 0) program = programs.begin(0, program);
  if (program > 0) program = programs.interpret(0, program, name);
  if (program < 0) return program;
  const blob = args.fromHost(path, argv, envp, programs.prefix);
  let result = blob;
  if (blob > 0) {
    result = start(parts, program, blob, path.slice(path.lastIndexOf('/') + 1));
    args.free(blob);
  }
  if (result < 0) programs.end(program);
  return result;
}

function start(parts: StartParts, program: number, blob: number, name: string): number {
  const { ram, spaces, loader, random, descriptors, spawner, scratch } = parts;
  const space = spaces.create();
  if (space === 0) return -E.NOMEM;
  loader.users = ROOT;
  let result = loader.load(space, Inode.content.get(ram, program), blob, random);
  if (result === 0) {
    ram.fill(scratch, NAME_BYTES);
    ram.u8.set(new TextEncoder().encode(name).subarray(0, NAME_BYTES - 1), scratch);
    result = openConsole(parts);
    if (result > 0) {
      const table = result;
      result = spawner.launch(space, table, loader.entry, loader.stackPointer, scratch, program);
      if (result < 0) descriptors.release(table);
    }
  }
  if (result < 0) spaces.release(space);
  return result;
}

/** A descriptor table with the console as 0, 1 and 2; -ENFILE. */
export function openConsole({ descriptors, consoleFiles }: Pick<StartParts, 'descriptors' | 'consoleFiles'>): number {
  const table = descriptors.create();
  if (table === 0) return -E.NFILE;
  for (let stream = 0; stream < STREAMS; stream++) {
    const file = consoleFiles.open(stream);
    if (file === 0) {
      descriptors.release(table);
      return -E.NFILE;
    }
    descriptors.install(table, file, false);
  }
  return table;
}
