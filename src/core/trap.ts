/*
 * Why the CPU left guest code. Numbers below 32 are the RISC-V exception codes (privileged specification, table of mcause);
 * those above are ours.
 */

export const Cause = {
  InstructionMisaligned: 0,
  InstructionAccessFault: 1,
  IllegalInstruction: 2,
  Breakpoint: 3,
  LoadMisaligned: 4,
  LoadAccessFault: 5,
  StoreMisaligned: 6,
  StoreAccessFault: 7,
  EnvironmentCall: 8,
  InstructionPageFault: 12,
  LoadPageFault: 13,
  StorePageFault: 15,
  /** The instruction budget of `run` is used up. */
  Budget: 32,
  /** The doorbell of this hart rang. */
  Doorbell: 33,
} as const;

export type Cause = (typeof Cause)[keyof typeof Cause];
