/*
 * Programs on their way into a machine: as contents with names, and from there into processes.
 *
 * The machine's own programs are bound once, at power-on, as /bin/<name>. A program of the host is bound for the time of its run, under
 * the word that it was asked for by: so that it can start itself again by its argv[0].
 */

import { E, errnoName } from '../kernel/errno.ts';
import { MAX_IMAGE_NAME } from '../kernel/image-names.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { UsageError } from './errors.ts';
import { type GuestBinary, type Program, readGuestBinaries } from './programs.ts';

/** What every program finds in its environment. */
export const DEFAULT_ENV = { PATH: '/bin', HOME: '/' };

/** Read once for all machines of the process. */
let binaries: GuestBinary[] | undefined;

/** Fills /bin. */
export function bindGuestBinaries(kernel: Kernel): void {
  binaries ??= readGuestBinaries();
  for (const { bytes, names } of binaries) {
    bindAll(
      kernel,
      bytes,
      names.map((name) => `/bin/${name}`),
    );
  }
}

/**
 * Starts a program as the first process of a run.
 *
 * @param word what it was asked for by
 * @param args without argv[0]
 * @returns its pid
 * @throws UsageError when the machine refuses it
 */
export function launch(
  kernel: Kernel,
  program: Program,
  word: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): number {
  const bound = boundName(program, word);
  const path = bound ?? `/bin/${program.name}`;
  const envp = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  if ([path, ...args, ...envp].some((text) => text.includes('\0'))) throw new UsageError(`${word}: a NUL in an argument`);
  if (program.kind === 'host') bindAll(kernel, program.bytes, [path]);
  const pid = kernel.launch(path, [program.kind === 'host' ? word : program.name, ...args], envp);
  if (pid > 0) return pid;
  unbindName(kernel, bound);
  if (pid === -E.NOEXEC) throw new UsageError(`${word} ${kernel.loader.refusal}`);
  throw refusal(word, -pid);
}

/** The name under which a program of the host is bound while it runs; undefined: it has one in /bin. */
export function boundName(program: Program, word: string): string | undefined {
  if (program.kind === 'guest') return undefined;
  return Buffer.byteLength(word) <= MAX_IMAGE_NAME ? word : program.name;
}

/** Takes the name of a host's program away again; processes that run it keep it. */
export function unbind(kernel: Kernel, program: Program, word: string): void {
  unbindName(kernel, boundName(program, word));
}

/** The same by the name itself; nothing if there is none. */
export function unbindName(kernel: Kernel, bound: string | undefined): void {
  if (bound === undefined) return;
  const name = new TextEncoder().encode(bound);
  kernel.ram.u8.set(name, kernel.scratch);
  kernel.names.unbind(kernel.scratch, name.length);
}

function bindAll(kernel: Kernel, bytes: Uint8Array, paths: readonly string[]): void {
  const image = kernel.contents.fromBytes(bytes);
  if (image < 0) throw refusal(paths[0]!, -image);
  let error = 0;
  for (const path of paths) error ||= kernel.names.bindText(path, image, kernel.scratch);
  // The names hold it from here on.
  kernel.contents.release(image);
  if (error < 0) throw refusal(paths[0]!, -error);
}

function refusal(word: string, errno: number): UsageError {
  switch (errno) {
    case E.NOMEM:
      return new UsageError(`${word}: not enough memory in the machine: give it more with --memory`);
    case E['2BIG']:
      return new UsageError(`${word}: its arguments and environment are too long`);
    case E.AGAIN:
      return new UsageError(`${word}: too many processes in the machine`);
    case E.NAMETOOLONG:
      return new UsageError(`${word}: the name is too long`);
    default:
      return new UsageError(`${word}: cannot be started (${errnoName(errno)})`);
  }
}
