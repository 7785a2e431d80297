/*
 * The bench of kernel-bench.ts in the seeded build: the test bundles this file and imports the result.
 */

export { PAGE_SIZE } from '../../src/core/ram.ts';
export { Port } from '../../src/ipc/port-layout.ts';
export { Process } from '../../src/kernel/process.ts';
export { Thread } from '../../src/kernel/thread.ts';
export { KernelBench } from './kernel-bench.ts';
