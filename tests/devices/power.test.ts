import { describe, expect, it } from 'vitest';
import { Ram } from '../../src/core/ram.ts';
import { Power } from '../../src/devices/power.ts';
import { BootPage, MachineState } from '../../src/smp/boot-page.ts';
import { HostBell, HostCall } from '../../src/smp/host-bell.ts';

function machine(): { ram: Ram; bell: HostBell; power: Power } {
  const ram = Ram.allocate(65536);
  const bell = new HostBell(ram, 0);
  return { ram, bell, power: new Power(ram, 0, bell) };
}

describe('the power switch', () => {
  it('ends the machine with the status of the first who turns it off', () => {
    const { bell, power } = machine();
    expect(power.on()).toBe(true);
    expect(power.off(7)).toBe(true);
    expect(power.off(0)).toBe(false);
    expect([power.state, power.status]).toEqual([MachineState.Halting, 7]);
    expect(bell.take()).toBe(HostCall.Stop);
  });

  it('can be turned off before the machine runs, which then does not start', () => {
    const { power } = machine();
    expect(power.off(1)).toBe(true);
    expect(power.on()).toBe(false);
    expect(power.state).toBe(MachineState.Halting);
  });

  it('leaves a crashed machine crashed', () => {
    const { ram, power } = machine();
    power.on();
    BootPage.state.store(ram, 0, MachineState.Crashed);
    expect(power.off(0)).toBe(false);
    expect(power.state).toBe(MachineState.Crashed);
  });
});
