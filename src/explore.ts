/*
 * The explore command: `npx tsx src/explore.ts [options] scenario|program [args…]`.
 *
 * As in boot.ts, the command line proper (cli/explore-main.ts) runs from a bundle; this file and what it imports is all that tsx sees.
 */

import { join } from 'node:path';

import type * as Main from './cli/explore-main.ts';
import { bundle, projectRoot } from './smp/bundle.ts';

const entry = join(projectRoot, 'src/cli/explore-main.ts');
const file = await bundle({ name: 'explore', entry, externalPackages: true });
// A bundle outside of the project (which is read-only then) would not find the packages.
const { main } = (await import(file.startsWith(projectRoot) ? file : entry)) as typeof Main;
process.exitCode = await main(process.argv.slice(2));
