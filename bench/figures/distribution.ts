/*
 * Debian's busybox, unchanged: a pipeline of three of its programs, against the same command under qemu-riscv64, the host's processes and pipes
 * behind it. Once as the user waits for it, power-on included, and once less the time of a machine that only starts the shell.
 */

import { join } from 'node:path';

import { distributionRoot } from '../../scripts/distribution-root.ts';
import { hasQemu, machine, run, underQemu } from '../command.ts';
import type { Experiment, Samples } from '../figure.ts';

const PIPELINE = 'seq 100000 | sort -rn | head -1';

export const distribution: Experiment = {
  name: 'busybox',
  about: `busybox sh -c '${PIPELINE}'`,
  figures: [
    { key: 'busybox.command', title: `busybox: ${PIPELINE}`, unit: 's' },
    { key: 'busybox.qemu', title: 'the same, qemu-riscv64', unit: 's' },
    { key: 'busybox.ratio', title: 'whole command / qemu-riscv64', unit: '×', target: ['≤', 3] },
    { key: 'busybox.running', title: 'without power-on / qemu-riscv64', unit: '×', target: ['≤', 3] },
  ],
  measure: async (): Promise<Samples> => {
    const root = hasQemu ? distributionRoot() : undefined;
    if (root === undefined) return {};
    const shell = (script: string): readonly string[] => machine(2, '/bin/sh', ['-c', script], ['--root', root]);
    const command = await seconds(shell(PIPELINE));
    const powerOn = await seconds(shell('true'));
    const reference = await seconds(underQemu(join(root, 'bin/busybox'), ['sh', '-c', PIPELINE]));
    return {
      'busybox.command': command,
      'busybox.qemu': reference,
      'busybox.ratio': command / reference,
      'busybox.running': (command - powerOn) / reference,
    };
  },
};

async function seconds(command: readonly string[]): Promise<number> {
  const begin = performance.now();
  await run(command);
  return (performance.now() - begin) / 1e3;
}
