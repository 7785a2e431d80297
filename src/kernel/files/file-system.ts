/*
 * File systems beside the memory file system: trees that are made up while they are looked at, such as /proc.
 *
 * One is mounted once, at power-on, by every participant's kernel with the same number (`Tree.register`, `Tree.mount`). Its files are
 * inodes of its own (`Inodes.create` with `system`), made by `lookup` when somebody walks there, and gone with the last reference; what
 * each stands for is in `Inode.node` and `subnode`. All functions are called without a lock held.
 */

/** Takes the entries of a directory for getdents64(2). */
export interface Listing {
  /**
   * One more entry.
   *
   * @param name kernel address of its name
   * @param kind bits of Mode.Kinds
   * @param next where a listing goes on behind it, > 2
   * @returns whether there was room
   */
  add(name: number, length: number, number: number, kind: number, next: number): boolean;
  /** The same for a name that is a string. */
  addText(name: string, number: number, kind: number, next: number): boolean;
}

export interface FileSystem {
  /** The file of that name, with a reference for the caller; -ENOENT. */
  lookup(process: number, directory: number, name: number, length: number): number;
  /** The directory that a directory is in, with a reference. The mounted root is not asked. */
  parent(directory: number): number;
  /** Lists the entries behind `from`, until `list.add` says false. 0 or an errno; `.` and `..` are added by the caller. */
  list(process: number, directory: number, from: number, list: Listing): number;
  /** Copies the target of a link to a kernel address with room for PATH_BYTES: its length or an errno. */
  readLink(process: number, inode: number, to: number): number;
  /** Where a link leads that is more than its text (/proc/self/fd/1): an inode with a reference; 0: follow the text. */
  follow?(process: number, inode: number): number;
  /** Opens a file that is neither directory nor link: an open file that has taken over the reference to the inode, or an errno. */
  open(thread: number, inode: number, flags: number): number;
  /** Copies the name of a directory to a kernel address, for getcwd(2): its length or -ENOENT. */
  name(directory: number, to: number): number;
  /** Corrects what `Inodes.stat` has filled in at a kernel address. */
  stat?(inode: number, at: number): void;
  /** The last reference is gone. */
  released?(inode: number): void;
}

/** File systems that can be registered: numbers 1 … */
export const FileSystemNumber = { Proc: 1 } as const;
