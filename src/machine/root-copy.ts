/*
 * A directory of the host, copied into a new machine as its root: directories, files, links with their modes and times. What belongs to the
 * user who copies belongs to root in the machine. Devices, sockets and what cannot be read are left out, and said so.
 */

import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';

import { PAGE_SIZE } from '../core/ram.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { UsageError } from './errors.ts';
import { FileRefusal, type HostFiles } from './host-files.ts';

/** Something of the host's directory, and where it goes. */
interface Item {
  /** Path in the host. */
  readonly from: string;
  /** Path in the machine. */
  readonly to: string;
  readonly stat: Stats;
}

/** Of the machine's memory files may take so much at power-on: programs want some, too. */
const MOST = 3 / 4;
const MAX_FILE_BYTES = 2 ** 32;

/**
 * Copies a directory in.
 *
 * @throws UsageError when there is none, or it is too large: how much memory is needed
 */
export function copyRoot(kernel: Kernel, files: HostFiles, directory: string): void {
  const items = itemsOf(directory);
  checkRoom(kernel, directory, items);
  const skipped: string[] = [];
  /** Files with several names, by device and inode. */
  const known = new Map<string, string>();
  for (const item of items) if (!copyItem(files, item, known)) skipped.push(item.from);
  // Only now: to put something into a directory changes its times.
  for (const { to, stat } of items.reverse()) if (stat.isDirectory()) setAttributes(files, to, stat);
  if (skipped.length === 0) return;
  const more = skipped.length > 1 ? ` and ${String(skipped.length - 1)} more` : '';
  process.stderr.write(
    `hartbeat: ${skipped[0]!}${more}: left out, for only directories, files and links that can be read are copied\n`,
  );
}

/** All that is in a directory, each directory before what is in it. */
function itemsOf(directory: string): Item[] {
  const items: Item[] = [];
  const visit = (from: string, to: string): void => {
    for (const name of attempt(from, () => readdirSync(from)).sort()) {
      const path = join(from, name);
      const item = { from: path, to: `${to}/${name}`, stat: attempt(path, () => lstatSync(path)) };
      items.push(item);
      if (item.stat.isDirectory()) visit(path, item.to);
    }
  };
  if (!attempt(directory, () => lstatSync(join(directory, '.'))).isDirectory())
    throw new UsageError(`--root ${directory}: not a directory`);
  visit(directory, '');
  return items;
}

function checkRoom({ frames, fs, config }: Kernel, directory: string, items: readonly Item[]): void {
  const pages = items.reduce((sum, { stat }) => sum + (stat.isFile() ? Math.ceil(stat.size / PAGE_SIZE) : 0), 0);
  const share = Math.max(
    pages / (frames.freeCount() * MOST),
    items.length / (fs.inodes.count * MOST),
    items.length / (fs.entries.count * MOST),
  );
  if (share <= 1) return;
  const mib = Math.ceil((config.memoryBytes / 2 ** 20) * share * 1.1);
  throw new UsageError(
    `--root ${directory}: ${String(items.length)} files of ${String(Math.ceil((pages * PAGE_SIZE) / 2 ** 20))}M are too much for this memory: give it at least --memory ${String(mib)}M`,
  );
}

/** False: it is something that cannot be copied. */
function copyItem(files: HostFiles, { from, to, stat }: Item, known: Map<string, string>): boolean {
  if (stat.isDirectory()) {
    files.makeDirectory(to, 0o755);
    return true;
  }
  if (stat.isSymbolicLink()) files.putLink(to, readlinkSync(from));
  else if (stat.isFIFO()) files.putFifo(to, stat.mode & 0o7777);
  else if (stat.isFile()) {
    const key = `${String(stat.dev)}:${String(stat.ino)}`;
    const first = known.get(key);
    if (stat.nlink > 1 && first !== undefined) {
      files.putName(to, first);
      return true;
    }
    if (stat.size > MAX_FILE_BYTES) throw new FileRefusal(from, 27);
    const bytes = readOrSkip(from);
    if (bytes === undefined) return false;
    files.putFile(to, bytes);
    known.set(key, to);
  } else return false;
  setAttributes(files, to, stat);
  return true;
}

function setAttributes(files: HostFiles, path: string, stat: Stats): void {
  const mine = stat.uid === process.getuid?.();
  files.setAttributes(path, stat.mode & 0o7777, mine ? 0 : stat.uid, mine ? 0 : stat.gid, stat.mtimeMs / 1000);
}

function readOrSkip(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return undefined;
    throw error;
  }
}

/** Turns what a user can get wrong into one line. */
function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new UsageError(`--root ${path}: no such directory`);
    if (code === 'ENOTDIR') throw new UsageError(`--root ${path}: not a directory`);
    if (code === 'EACCES' || code === 'EPERM') throw new UsageError(`--root ${path}: permission denied`);
    throw error;
  }
}
