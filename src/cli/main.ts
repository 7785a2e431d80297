import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../smp/bundle.ts';
import { Answer, parseOptions, UsageError } from './options.ts';
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string };
    const options = parseOptions(argv, version);
    if (options instanceof Answer) {
      process.stdout.write(options.text);
      return 0;
    }
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`hartbeat: ${error.message}\n`);
    return 64;
  }
}
