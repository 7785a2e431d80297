/*
 * The lock order. A hart may take a lock only if its rank is higher than that of every lock it holds; two locks of one rank only in
 * the order of their addresses. Outermost first; what a lock guards stands in the layout of the structure that it lies in.
 *
 *   tree                 process table, parents and children, zombies, waiters for children
 *   └─ process           one process: its threads, its death
 *      └─ descriptors    one descriptor table
 *      └─ namespace      the directory tree: names, links, parents
 *      └─ portTable      free list of ports, the list of ports that a process owns
 *         └─ inode       one file: its size, content and times
 *         └─ object      one IPC object: its queue, its waiters (port, pipe)
 *            └─ console  input and output rings, line editor, readers and writers that wait
 *               └─ poll  one bucket of those who poll files
 *               └─ futex one bucket of futex waiters
 *                  └─ space      one address space: areas, page tables, user copies
 *                     └─ content the pages of one file or shared memory
 *                     └─ timer   the deadlines of one hart
 *                        └─ run  the run queue of one hart
 *                           └─ areas, threads, spaces   free lists of slots
 *                              └─ frames    the free list of frames
 */

export const Rank = {
  tree: 10,
  process: 20,
  descriptors: 24,
  namespace: 26,
  portTable: 30,
  inode: 35,
  object: 40,
  console: 50,
  poll: 55,
  futex: 60,
  space: 70,
  content: 75,
  timer: 80,
  run: 90,
  slots: 100,
  frames: 110,
} as const;

export type Rank = (typeof Rank)[keyof typeof Rank];

/** The name of a rank, for reports. */
export function rankName(rank: number): string {
  return Object.entries(Rank).find(([, value]) => value === rank)?.[0] ?? `rank ${String(rank)}`;
}
