/*
 * From the start of the process to the prompt, four harts. The whole command counts: Node, tsx, the transpiled bundles from their
 * cache, the workers, the kernel, the shell. The prompt is asked for with `sh -i` over pipes, for there is no terminal here.
 *
 * Cold means: nothing transpiled yet, as after the first checkout (the host's own file cache is warm). It takes a cache folder of its
 * own, so that machines that others start meanwhile keep theirs.
 */

import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { CACHE_VARIABLE, projectRoot } from '../../src/smp/bundle.ts';
import { NODE, NPX, Prompted } from '../command.ts';
import type { Experiment } from '../figure.ts';

const HARTS = 4;

export const powerOn: Experiment = {
  name: 'boot',
  about: 'power-on to prompt, warm',
  figures: [
    { key: 'boot.npx', title: 'power-on to prompt, 4 harts, npx tsx src/boot.ts', unit: 's', target: ['≤', 0.8] },
    { key: 'boot.node', title: 'the same, node --import tsx src/boot.ts', unit: 's' },
    { key: 'boot.one', title: 'the same, 1 hart', unit: 's' },
    { key: 'boot.many', title: 'the same, 64 harts', unit: 's' },
  ],
  measure: async () => ({
    'boot.npx': await toPrompt(NPX, HARTS),
    'boot.node': await toPrompt(NODE, HARTS),
    'boot.one': await toPrompt(NODE, 1),
    'boot.many': await toPrompt(NODE, 64),
  }),
};

export const powerOnCold: Experiment = {
  name: 'cold',
  about: 'power-on to prompt, nothing transpiled yet',
  maxRuns: 3,
  figures: [{ key: 'boot.cold', title: 'power-on to prompt, 4 harts, first time (cold cache)', unit: 's' }],
  measure: async () => {
    // Inside of the project: packages are found from there.
    const parent = join(projectRoot, 'node_modules/.cache');
    mkdirSync(parent, { recursive: true });
    const folder = mkdtempSync(join(parent, 'hartbeat-bench-'));
    try {
      return { 'boot.cold': await toPrompt(NODE, HARTS, { [CACHE_VARIABLE]: folder, TMPDIR: folder }) };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function toPrompt(command: typeof NODE, cpus: number, env?: NodeJS.ProcessEnv): Promise<number> {
  const machine = await Prompted.start(command, cpus, env);
  await machine.stop();
  return machine.seconds;
}
