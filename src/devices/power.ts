/*
 * The power switch: ends the machine with an exit status. The first who turns it off decides the status; a crashed machine stays so.
 *
 * The status is written before the host's bell rings, and the host reads it after that.
 */

import type { Ram } from '../core/ram.ts';
import { BootPage, MachineState } from '../smp/boot-page.ts';
import { HostCall, type HostBell } from '../smp/host-bell.ts';

export class Power {
  constructor(
    private readonly ram: Ram,
    private readonly bootPage: number,
    private readonly bell: HostBell,
  ) {}

  /** The machine runs from now on; false when it has been turned off or has crashed already. */
  on(): boolean {
    const { ram, bootPage } = this;
    return BootPage.state.compareExchange(ram, bootPage, MachineState.Booting, MachineState.Running) === MachineState.Booting;
  }

  /**
   * Turns the machine off: the host stops all harts.
   *
   * @param status what the boot command exits with
   * @returns false when somebody was first: nothing has changed then
   */
  off(status: number): boolean {
    const { ram, bootPage } = this;
    for (const from of [MachineState.Running, MachineState.Booting]) {
      if (BootPage.state.compareExchange(ram, bootPage, from, MachineState.Halting) !== from) continue;
      BootPage.exitStatus.set(ram, bootPage, status);
      this.bell.ring(HostCall.Stop);
      return true;
    }
    return false;
  }

  /** One of MachineState. */
  get state(): number {
    return BootPage.state.load(this.ram, this.bootPage);
  }

  /** What `off` was given; to be read once the bell has rung Stop. */
  get status(): number {
    return BootPage.exitStatus.get(this.ram, this.bootPage);
  }
}
