/*
 * What the machine calls itself (uname(2), /proc/version).
 */

/** The Linux whose calls it answers. */
export const RELEASE = '6.1.0';
export const VERSION = '#1 SMP Hartbeat';
export const HOST_NAME = 'hartbeat';
export const MACHINE = 'riscv64';
