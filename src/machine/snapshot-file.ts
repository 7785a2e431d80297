/*
 * A snapshot in a file:
 *
 *   0    8 bytes    magic; its line ends tell of a transfer that took the file for text
 *   8    u32        version of this format
 *   12   u32        bytes of the header
 *   16   u64        bytes of the body
 *   24   32 bytes   SHA-256 of the 24 bytes before, the header and the body
 *   56              header: JSON (snapshot-header.ts)
 *                   body: RAM without its zero blocks, the console's input and output; in chunks, each compressed (deflate)
 *
 * All numbers are little-endian. Nothing that a file says is believed before it is checked, and whatever is wrong with it is a UsageError of one
 * line. A file appears under its name when it is complete; an older one is there until then.
 */

import { createHash } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';

import { UsageError } from './errors.ts';
import type { MachineSnapshot } from './machine-snapshot.ts';
import { pack, unpack } from './snapshot-body.ts';
import { checkHeader, headerOf, snapshotFrom } from './snapshot-header.ts';

const MAGIC = Buffer.from('\x89HBSNAP\n', 'latin1');
const VERSION = 1;
const PREFIX_BYTES = 24;
const SUM_BYTES = 32;
const HEADER_AT = PREFIX_BYTES + SUM_BYTES;

/** More than any machine has. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/**
 * Writes a snapshot to a file, in place of one that is there.
 *
 * @returns bytes written
 * @throws UsageError when it cannot be written
 */
export async function writeSnapshot(path: string, snapshot: MachineSnapshot): Promise<number> {
  const { chunks, layout } = await pack(snapshot);
  const header = Buffer.from(JSON.stringify(headerOf(snapshot, layout)));
  const bodyBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  MAGIC.copy(prefix);
  prefix.writeUInt32LE(VERSION, 8);
  prefix.writeUInt32LE(header.length, 12);
  prefix.writeBigUInt64LE(BigInt(bodyBytes), 16);
  await writeWhole(path, [prefix, checksum([prefix, header, ...chunks]), header, ...chunks]);
  return HEADER_AT + header.length + bodyBytes;
}

/**
 * Reads a snapshot from a file.
 *
 * @throws UsageError when there is none, or it is damaged, or of another version
 */
export async function readSnapshot(path: string): Promise<MachineSnapshot> {
  const bytes = await readWhole(path);
  if (bytes.length < MAGIC.length || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new UsageError(`${path} is not a snapshot: give one that --snapshot has written`);
  }
  const cutOff = new UsageError(`${path} is cut off: copy or make it again`);
  if (bytes.length < HEADER_AT) throw cutOff;
  const version = bytes.readUInt32LE(8);
  if (version !== VERSION) {
    const which = version > VERSION ? 'a newer' : 'an older';
    throw new UsageError(`${path} was made by ${which} version of Hartbeat (format ${version}; this one reads ${VERSION})`);
  }
  const bodyAt = HEADER_AT + bytes.readUInt32LE(12);
  const end = bodyAt + Number(bytes.readBigUInt64LE(16));
  if (bytes.length < end) throw cutOff;
  const sum = checksum([bytes.subarray(0, PREFIX_BYTES), bytes.subarray(HEADER_AT)]);
  if (bytes.length > end || !sum.equals(bytes.subarray(PREFIX_BYTES, HEADER_AT))) {
    throw new UsageError(`${path} is damaged: its checksum is wrong: copy or make it again`);
  }
  try {
    const header = checkHeader(JSON.parse(bytes.toString('utf8', HEADER_AT, bodyAt)));
    return snapshotFrom(header, await unpack(bytes.subarray(bodyAt), header.layout));
  } catch (error) {
    // The checksum was right: whoever wrote this was no machine, or the host has not got the memory.
    throw new UsageError(`${path} cannot be used: ${(error as Error).message}`);
  }
}

/**
 * Makes sure that a snapshot can be written to a path, before anybody has worked for it.
 *
 * @throws UsageError
 */
export async function checkWritable(path: string): Promise<void> {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) throw unwritable(path, 'it is there and no regular file');
  const beside = temporary(path);
  try {
    await (await open(beside, 'wx')).close();
  } catch (error) {
    throw unwritable(path, reason(error));
  } finally {
    rmSync(beside, { force: true });
  }
}

let files = 0;

/** A name beside the file that nobody else takes. */
function temporary(path: string): string {
  return `${path}.${String(process.pid)}-${String(files++)}.tmp`;
}

async function writeWhole(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const beside = temporary(path);
  try {
    const file = await open(beside, 'wx');
    try {
      for (const piece of pieces) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw unwritable(path, reason(error));
  }
}

async function readWhole(path: string): Promise<Buffer> {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new UsageError(`${path} is ${stat.isDirectory() ? 'a directory' : 'no file'}: give a snapshot`);
    if (stat.size > MAX_FILE_BYTES) throw new UsageError(`${path} is not a snapshot: it is too large for one`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`cannot read the snapshot ${path}: ${reason(error)}`);
  }
}

function checksum(pieces: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}

function unwritable(path: string, why: string): UsageError {
  return new UsageError(`cannot write a snapshot to ${path}: ${why}`);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ENOSPC: 'no space left',
  EROFS: 'a read-only file system',
  ENAMETOOLONG: 'the name is too long',
};

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ''] ?? message;
}
