/*
 * The boot command: `npx tsx src/boot.ts [options] [program [args…]]`.
 *
 * Transpiling a hundred files at each start would take longer than booting the machine, so the command line proper (cli/main.ts) runs
 * from a bundle, as the harts do. This file and what it imports is all that tsx sees.
 */

import { join } from 'node:path';

import type * as Main from './cli/main.ts';
import { bundle, projectRoot } from './smp/bundle.ts';

const entry = join(projectRoot, 'src/cli/main.ts');
const file = await bundle({ name: 'boot', entry, externalPackages: true });
// A bundle outside of the project (which is read-only then) would not find the packages.
const { main } = (await import(file.startsWith(projectRoot) ? file : entry)) as typeof Main;
process.exitCode = await main(process.argv.slice(2));
