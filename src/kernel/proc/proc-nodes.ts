/*
 * What there is in /proc, as a table of nodes: the files and directories of the machine by their paths, and those of a process's directory.
 * A node's index is what an inode of /proc carries (`Inode.subnode`), beside the pid (`Inode.node`, 0 for the machine's).
 */

import { Mode } from '../files/stat.ts';
import { MACHINE_FILES } from './machine-texts.ts';
import { PROCESS_FILES } from './process-texts.ts';

export interface Node {
  readonly name: string;
  /** Mode.Directory, Regular or Link. */
  readonly kind: number;
  /** Index of the directory that it is in; the root's is its own. */
  readonly parent: number;
  /** Path below /proc or /proc/PID. */
  readonly path: string;
}

function tree(files: readonly string[], others: readonly { name: string; kind: number }[]): Node[] {
  const nodes: Node[] = [{ name: '', kind: Mode.Directory, parent: 0, path: '' }];
  const directory = (path: string): number => {
    const found = nodes.findIndex((node) => node.path === path && node.kind === Mode.Directory);
    return found >= 0 ? found : add(path, Mode.Directory);
  };
  const add = (path: string, kind: number): number => {
    const slash = path.lastIndexOf('/');
    const parent = slash < 0 ? 0 : directory(path.slice(0, slash));
    return nodes.push({ name: path.slice(slash + 1), kind, parent, path }) - 1;
  };
  for (const path of files) add(path, Mode.Regular);
  for (const { name, kind } of others) add(name, kind);
  return nodes;
}

/** /proc itself, without the processes. Index 0 is its root. */
export const MACHINE_NODES: readonly Node[] = tree(MACHINE_FILES, [
  { name: 'self', kind: Mode.Link },
  { name: 'thread-self', kind: Mode.Link },
]);

/** /proc/PID. Index 0 is that directory. */
export const PROCESS_NODES: readonly Node[] = tree(PROCESS_FILES, [
  { name: 'exe', kind: Mode.Link },
  { name: 'cwd', kind: Mode.Link },
  { name: 'root', kind: Mode.Link },
  { name: 'mounts', kind: Mode.Regular },
  { name: 'fd', kind: Mode.Directory },
  { name: 'task', kind: Mode.Directory },
]);

/** Indices from this on stand for descriptors: /proc/PID/fd/N is DESCRIPTOR_BASE + N. */
export const DESCRIPTOR_BASE = 1000;

/** The index of a name in a directory of a table, or -1. */
export function childOf(nodes: readonly Node[], directory: number, name: string): number {
  return nodes.findIndex((node, index) => index !== 0 && node.parent === directory && node.name === name);
}
