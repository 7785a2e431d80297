/*
 * The kernel's own small operations. They run from a bundle, as a hart does: what tsx adds to a function would count otherwise.
 */

import { join } from 'node:path';

import { bundle, projectRoot } from '../../src/smp/bundle.ts';
import type { Experiment } from '../figure.ts';
import type * as Micro from '../micro.ts';

let loaded: Promise<typeof Micro> | undefined;

export const micro: Experiment = {
  name: 'micro',
  about: 'operations of the kernel, on one thread, uncontended',
  figures: [
    { key: 'micro.lock', title: 'lock: acquire and release', unit: 'ns' },
    { key: 'micro.frame', title: 'frame: allocate and free', unit: 'ns' },
    { key: 'micro.zeroed', title: 'frame: allocate zeroed and free', unit: 'ns' },
    { key: 'micro.copyIn', title: 'user copy: 256 bytes in', unit: 'ns' },
    { key: 'micro.copyOut', title: 'user copy: 256 bytes out', unit: 'ns' },
    { key: 'micro.switch', title: 'context switch: yield, pick, change of address space', unit: 'ns' },
  ],
  measure: async () => {
    loaded ??= load();
    return (await loaded).measureMicro();
  },
};

async function load(): Promise<typeof Micro> {
  const file = await bundle({ name: 'bench-micro', entry: join(projectRoot, 'bench/micro.ts'), externalPackages: true });
  return (await import(file)) as typeof Micro;
}
