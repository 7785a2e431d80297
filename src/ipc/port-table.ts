/*
 * The table of ports: which slots are free, who owns the others, and which port a name means.
 *
 * A plain id is the number of a slot, which comes back when the port is destroyed, the longest-free slot first; a tagged name is
 * id + table size × generation (generation ≥ 1), and never reaches a later owner: a slot whose generations are used up is retired.
 *
 * The table's lock (rank portTable) guards the free list, the list of ports that each process owns, and, together with the port's own
 * lock, owner and generation. Looking a name up takes the port's lock alone and compares the generation under it.
 */

import type { U32Field } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { E } from '../kernel/errno.ts';
import { placed } from '../kernel/oracles/places.ts';
import { Process } from '../kernel/process.ts';
import { Rank } from '../smp/ranks.ts';
import { SEEDED } from '../smp/schedule/build.ts';
import type { Locks } from '../smp/spinlock.ts';
import { Port, PortTableHeader, slotBytes, type PortTuning } from './port-layout.ts';

/** Index of this family in `Process.owned`. */
export const FAMILY = 0;

export class PortTable {
  /** The table's lock. */
  readonly lock: number;
  readonly count: number;
  private readonly stride: number;
  private readonly slots: number;
  private readonly generationLimit: number;

  /** @param base region of `PortTable.bytes` bytes */
  constructor(
    private readonly ram: Ram,
    private readonly locks: Locks,
    private readonly base: number,
    tuning: PortTuning,
  ) {
    this.lock = PortTableHeader.lock.addr(base);
    this.count = tuning.ports;
    this.stride = slotBytes(tuning);
    this.slots = base + PortTableHeader.SIZE;
    // Names are C ints that must not be negative.
    if (SEEDED) {
      placed(PortTableHeader, base, PortTableHeader.SIZE, 1);
      placed(Port, this.slots, this.stride, this.count);
    }
    this.generationLimit = Math.floor((2 ** 31 - this.count) / this.count);
  }

  static bytes(tuning: PortTuning): number {
    return PortTableHeader.SIZE + tuning.ports * slotBytes(tuning);
  }

  /** Makes all ports free, in the order of their numbers. Once, by the host. */
  initialise(): void {
    const { ram, base } = this;
    ram.fill(base, PortTableHeader.SIZE);
    PortTableHeader.lock.init(ram, base, Rank.portTable);
    for (let id = 0; id < this.count; id++) {
      const port = this.at(id);
      ram.fill(port, Port.SIZE);
      Port.lock.init(ram, port, Rank.object);
      Port.id.set(ram, port, id);
      this.appendFreeLocked(port);
    }
  }

  /** Finds the port that a name (id or tagged) means and takes its lock: its address, or -ENOENT without the lock. */
  acquire(name: number): number {
    const { ram, locks } = this;
    // Integer arithmetic: names are unsigned 32-bit numbers.
    const generation = (name / this.count) >>> 0;
    const port = this.at(name - generation * this.count);
    const lock = Port.lock.addr(port);
    locks.acquire(lock);
    const known = Port.owner.get(ram, port) !== 0 && (generation === 0 || generation === Port.generation.get(ram, port));
    if (known) return port;
    locks.release(lock);
    return -E.NOENT;
  }

  release(port: number): void {
    this.locks.release(Port.lock.addr(port));
  }

  /** Takes the longest-free slot off the free list and gives it to a process: its address, or 0. */
  takeLocked(process: number): number {
    const { ram, base } = this;
    const port = PortTableHeader.freeHead.get(ram, base);
    if (port === 0) return 0;
    const next = Port.next.get(ram, port);
    PortTableHeader.freeHead.set(ram, base, next);
    if (next === 0) PortTableHeader.freeTail.set(ram, base, 0);
    PortTableHeader.inUse.set(ram, base, PortTableHeader.inUse.get(ram, base) + 1);
    const head = this.firstOwnedLocked(process);
    Port.next.set(ram, port, head);
    Port.prev.set(ram, port, 0);
    if (head !== 0) Port.prev.set(ram, head, port);
    Process.owned.put(ram, process, FAMILY, port);
    return port;
  }

  /** Takes a slot away from its owner and puts it at the end of the free list. The port's lock is held, too. */
  giveBackLocked(port: number): void {
    const { ram, base } = this;
    const next = Port.next.get(ram, port);
    const prev = Port.prev.get(ram, port);
    if (next !== 0) Port.prev.set(ram, next, prev);
    if (prev !== 0) Port.next.set(ram, prev, next);
    else Process.owned.put(ram, Port.owner.get(ram, port), FAMILY, next);
    Port.owner.set(ram, port, 0);
    PortTableHeader.inUse.set(ram, base, PortTableHeader.inUse.get(ram, base) - 1);
    if (Port.generation.get(ram, port) >= this.generationLimit) Port.retired.set(ram, port, 1);
    else this.appendFreeLocked(port);
  }

  /** The first of a process's ports, or 0. */
  firstOwnedLocked(process: number): number {
    return Process.owned.at(this.ram, process, FAMILY);
  }

  /** The tagged name of a port whose lock is held. */
  taggedLocked(port: number): number {
    return Port.id.get(this.ram, port) + this.count * Port.generation.get(this.ram, port);
  }

  /** Ports in use: a snapshot. */
  inUse(): number {
    return PortTableHeader.inUse.peek(this.ram, this.base);
  }

  /** A counter summed over all ports in use: exact while nothing changes. */
  sum(field: U32Field): number {
    let sum = 0;
    for (let id = 0; id < this.count; id++) {
      const port = this.at(id);
      // Without the locks.
      if (Port.owner.peek(this.ram, port) !== 0) sum += field.peek(this.ram, port);
    }
    return sum;
  }

  private appendFreeLocked(port: number): void {
    const { ram, base } = this;
    const tail = PortTableHeader.freeTail.get(ram, base);
    Port.next.set(ram, port, 0);
    if (tail === 0) PortTableHeader.freeHead.set(ram, base, port);
    else Port.next.set(ram, tail, port);
    PortTableHeader.freeTail.set(ram, base, port);
  }

  private at(id: number): number {
    return this.slots + id * this.stride;
  }
}
