/*
 * Builds benchmark programs when they are needed: plain `gcc -O2`, once for the guest and once for the host.
 *
 * The results are kept in the folder of the other things that are built once (cacheFolder), under a name with a hash of sources, flags
 * and compiler, so that a changed program is never confused with its former self.
 */

import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { CROSS_COMPILER, crossCompilerMissing } from '../../scripts/cross-compiler.ts';
import { cacheFolder, projectRoot } from '../../src/smp/bundle.ts';

/** What a program is built for. */
export type Target = 'riscv64' | 'native';

/** Folder of the programs' sources. */
export const SOURCES = join(projectRoot, 'bench/guest');

const TOOLS = {
  riscv64: { compiler: CROSS_COMPILER, flags: ['-static', '-pthread'] },
  native: { compiler: 'gcc', flags: ['-pthread'] },
} as const;
const WARNINGS = ['-Wall', '-Wextra'];
const LIBRARIES = ['-lm'];

/** First line of `--version`; undefined where the compiler is not installed. */
const versions: Readonly<Record<Target, string | undefined>> = {
  riscv64: versionOf(TOOLS.riscv64.compiler),
  native: versionOf(TOOLS.native.compiler),
};

function versionOf(compiler: string): string | undefined {
  const { status, stdout } = spawnSync(compiler, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n')[0] : undefined;
}

/** Whether programs can be built for this target here. */
export function canBuild(target: Target): boolean {
  return versions[target] !== undefined;
}

/** What to say where no guest program can be built. */
export const noCrossCompiler = crossCompilerMissing('it is not installed');

/** Where built programs are kept. */
export function buildFolder(): string {
  const folder = join(cacheFolder(), 'bench');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * Builds a program of one source file, or finds it built already.
 *
 * @param source path of the C file
 * @param level of optimisation
 * @returns path of the executable
 * @throws Error with what the compiler says
 */
export async function build(target: Target, name: string, source: string, level = '-O2'): Promise<string> {
  const { compiler, flags } = TOOLS[target];
  const folder = buildFolder();
  const args = [level, ...flags, ...WARNINGS, '-I', SOURCES];
  const prefix = `${name}-${target}-`;
  const file = `${prefix}${hashOf([versions[target] ?? '', ...args, ...LIBRARIES], source)}`;
  const path = join(folder, file);
  if (existsSync(path)) return path;

  process.stderr.write(`building ${name}, ${target} …\n`);
  const fresh = `${path}.${String(process.pid)}.tmp`;
  await promisify(execFile)(compiler, [...args, source, '-o', fresh, ...LIBRARIES]);
  renameSync(fresh, path);
  for (const other of readdirSync(folder)) {
    const former = other.startsWith(prefix) && /^[0-9a-f]{16}$/.test(other.slice(prefix.length));
    if (former && other !== file) rmSync(join(folder, other), { force: true });
  }
  return path;
}

/** Builds a program of bench/guest. */
export function buildProgram(target: Target, name: string): Promise<string> {
  return build(target, name, join(SOURCES, `${name}.c`));
}

function hashOf(words: readonly string[], source: string): string {
  const hash = createHash('sha256').update(words.join('\0'));
  const headers = readdirSync(SOURCES).filter((file) => file.endsWith('.h'));
  for (const file of [source, ...headers.sort().map((header) => join(SOURCES, header))]) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}
