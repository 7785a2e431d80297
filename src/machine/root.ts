/*
 * The files that a machine has from power-on: its own root directory, or what it adds to one that the user gives (--root).
 */

import { Device } from '../kernel/files/device-files.ts';
import { E } from '../kernel/errno.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { UsageError } from './errors.ts';
import { FileRefusal, HostFiles } from './host-files.ts';
import { type GuestBinary, readGuestBinaries } from './programs.ts';
import { copyRoot } from './root-copy.ts';

/** Where the machine's own programs are, beside those of a root that the user has given. */
export const OWN_PROGRAMS = '/hartbeat/bin';

const DIRECTORIES = [
  ['/bin', 0o755],
  ['/dev', 0o755],
  ['/etc', 0o755],
  ['/home', 0o755],
  ['/proc', 0o555],
  ['/root', 0o700],
  ['/run', 0o755],
  ['/tmp', 0o1777],
  ['/usr', 0o755],
  ['/var', 0o755],
] as const;

const DEVICES = [
  ['/dev/null', Device.Null],
  ['/dev/zero', Device.Zero],
  ['/dev/full', Device.Full],
  ['/dev/random', Device.Random],
  ['/dev/urandom', Device.Urandom],
  ['/dev/tty', Device.Terminal],
  ['/dev/console', Device.Console],
] as const;

const LINKS = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
  ['/var/run', '/run'],
  ['/var/tmp', '/tmp'],
] as const;

const FILES = [
  ['/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n'],
  ['/etc/group', 'root:x:0:\nnogroup:x:65534:\n'],
  ['/etc/hostname', 'hartbeat\n'],
] as const;

/** Read once for all machines of the process. */
let binaries: GuestBinary[] | undefined;

/**
 * Fills the root directory of a new machine.
 *
 * @param directory of the host that is copied in; undefined: the machine has only its own files
 * @throws UsageError when that cannot be
 */
export function fillRoot(kernel: Kernel, directory?: string): void {
  const files = new HostFiles(kernel);
  try {
    if (directory !== undefined) copyRoot(kernel, files, directory);
    for (const [path, mode] of DIRECTORIES) if (!files.exists(path)) files.makeDirectory(path, mode);
    for (const [path, device] of DEVICES) files.putDevice(path, device, path === '/dev/console' ? 0o600 : 0o666);
    for (const [path, target] of LINKS) files.putLink(path, target);
    for (const [path, text] of FILES) if (!files.exists(path)) files.putFile(path, new TextEncoder().encode(text));
    putBinaries(files, directory === undefined ? '/bin' : OWN_PROGRAMS);
  } catch (error) {
    if (!(error instanceof FileRefusal)) throw error;
    const full = error.errno === E.NOSPC || error.errno === E.NOMEM || error.errno === E.NFILE;
    throw new UsageError(full ? 'not enough memory in the machine for its files: give it more with --memory' : error.message);
  }
}

/** Whether the user has given the machine a root directory. */
export function isRooted(kernel: Kernel): boolean {
  return new HostFiles(kernel).exists(OWN_PROGRAMS);
}

function putBinaries(files: HostFiles, folder: string): void {
  binaries ??= readGuestBinaries();
  files.makeDirectory(folder);
  for (const { bytes, names } of binaries) {
    const [first, ...others] = names.map((name) => `${folder}/${name}`);
    files.putFile(first!, bytes, 0o755);
    for (const name of others) files.putName(name, first!);
  }
}
