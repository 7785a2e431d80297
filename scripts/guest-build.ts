/*
 * Builds the guest programs with the RISC-V cross compiler and tells whether the committed ones belong to their sources.
 *
 *   npm run guest:build    headers, the programs of guest/bin, guest/bin/manifest.json
 *   npm run guest:check    status 1 and a line for everything that is stale, missing or too big; needs no compiler
 *
 * The manifest holds, per program: a hash of its sources, headers and flags (what makes it stale), a hash and the size of the ELF
 * (what is committed), and the names it goes by in the guest's /bin.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { CROSS_COMPILER, crossCompilerMissing } from './cross-compiler.ts';
import { updateHeaders } from './guest-headers.ts';

/** Bytes that the committed programs may have in all. */
const LIMIT = 2.5 * 1024 * 1024;

const guest = fileURLToPath(new URL('../guest/', import.meta.url));

const COMMON_FLAGS =
  '-std=gnu11 -D_GNU_SOURCE -static -march=rv64gc -mabi=lp64d -Wall -Wextra -Werror -ffunction-sections -fdata-sections -Wl,--gc-sections -Wl,--build-id=none -I include';

interface Program {
  readonly name: string;
  /** Relative to guest/. */
  readonly folder: string;
  readonly more: readonly string[];
  readonly flags: string;
  /** A file of lines NAME(applet, …) that gives the names in /bin beside its own. */
  readonly list?: string;
}

/** Examples that are programs of /bin. */
const EXAMPLES = ['echo', 'fifo_demo', 'pipe_demo', 'signal_demo'].map((name) => `examples/${name}.c`);

const programs: readonly Program[] = [
  { name: 'box', folder: 'box', more: EXAMPLES, flags: '-Os -s', list: 'box/applets.h' },
  { name: 'trials', folder: 'trials', more: [], flags: '-O2 -pthread -lm -s' },
  { name: 'agent', folder: 'agent', more: [], flags: '-O2 -s -nostdlib -ffreestanding -fno-tree-loop-distribute-patterns' },
  // With symbols: reports of what was found in them name functions.
  { name: 'races', folder: 'races', more: [], flags: '-O1 -pthread', list: 'races/list.h' },
];

/** What the manifest says of one program. */
export interface ManifestEntry {
  /** SHA-256 over sources, headers and flags. */
  readonly sources: string;
  /** SHA-256 of the ELF. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** Names in the guest's /bin. */
  readonly names: readonly string[];
}

export type Manifest = Readonly<Record<string, ManifestEntry>>;

function filesOf(folder: string, ending: string): string[] {
  return readdirSync(`${guest}${folder}`)
    .filter((file) => file.endsWith(ending))
    .sort()
    .map((file) => `${folder}/${file}`);
}

function compiledFiles(program: Program): string[] {
  return [...filesOf(program.folder, '.c'), ...program.more];
}

function flagsOf(program: Program): string {
  return `${program.flags} ${COMMON_FLAGS}`;
}

/** SHA-256 over everything that the program is made of. */
function sourcesHash(program: Program): string {
  const hash = createHash('sha256').update(flagsOf(program));
  for (const file of [...compiledFiles(program), ...filesOf(program.folder, '.h'), ...filesOf('include', '.h')]) {
    hash.update(`\0${file}\0`).update(readFileSync(guest + file));
  }
  return hash.digest('hex');
}

function namesOf(program: Program): string[] {
  if (program.list === undefined) return [program.name];
  const list = readFileSync(guest + program.list, 'utf8');
  return [program.name, ...[...list.matchAll(/^[A-Z]+\(([\w-]+),/gm)].map((match) => match[1]!)];
}

/** Compiles into a file beside the program, and puts it into its place when all has gone well. */
function compile(program: Program): void {
  const fresh = `bin/.${program.name}.new`;
  const args = [...compiledFiles(program), '-o', fresh, ...flagsOf(program).split(' ')];
  const result = spawnSync(CROSS_COMPILER, args, { cwd: guest, stdio: 'inherit' });
  if (result.error) throw new Error(crossCompilerMissing(result.error.message));
  if (result.status !== 0) throw new Error(`${program.name} does not compile`);
  renameSync(guest + fresh, `${guest}bin/${program.name}`);
}

function describe(program: Program): ManifestEntry {
  const elf = readFileSync(`${guest}bin/${program.name}`);
  return {
    sources: sourcesHash(program),
    sha256: createHash('sha256').update(elf).digest('hex'),
    size: elf.length,
    names: namesOf(program),
  };
}

/** Builds everything. Throws an error whose message says what to do. */
function build(): void {
  for (const file of updateHeaders(true)) console.log(`${file} written`);
  mkdirSync(`${guest}bin`, { recursive: true });
  for (const program of programs) {
    compile(program);
    console.log(`guest/bin/${program.name}: ${String(statSync(`${guest}bin/${program.name}`).size)} bytes`);
  }
  const manifest: Manifest = Object.fromEntries(programs.map((program) => [program.name, describe(program)]));
  writeFileSync(`${guest}bin/manifest.json`, `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** What is wrong with the committed programs, a line each; empty when all is well. `manifest` and `limit` are for tests. */
export function problems(manifest: Manifest = readManifest(), limit: number = LIMIT): string[] {
  const found = updateHeaders(false).map((file) => `${file} differs from src/syscalls/abi.ts`);
  let total = 0;
  for (const program of programs) {
    const path = `guest/bin/${program.name}`;
    const entry = manifest[program.name];
    if (entry === undefined || !existsSync(`${guest}bin/${program.name}`)) {
      found.push(`${path} or its line in the manifest is missing`);
      continue;
    }
    const now = describe(program);
    total += now.size;
    if (now.sources !== entry.sources) found.push(`${path} is stale: its sources, headers or flags have changed`);
    if (now.sha256 !== entry.sha256) found.push(`${path} is not the file that the manifest describes`);
    if (now.names.join() !== entry.names.join()) found.push(`${path}: its names in the manifest are stale`);
  }
  if (total > limit) found.push(`guest/bin holds ${String(total)} bytes of programs; ${String(limit)} are allowed`);
  return found;
}

/** The committed manifest; empty when there is none. */
export function readManifest(): Manifest {
  const path = `${guest}bin/manifest.json`;
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Manifest) : {};
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--check')) {
    const found = problems();
    for (const problem of found) console.error(`guest:check: ${problem}; run npm run guest:build`);
    if (found.length > 0) process.exitCode = 1;
  } else {
    try {
      build();
    } catch (error) {
      console.error(`guest:build: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
  }
}
