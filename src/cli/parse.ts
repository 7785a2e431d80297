/*
 * Parsing a command line with commander: whatever is wrong with it is one line, whatever the user only wants to read is a text.
 */

import { type Command, CommanderError } from 'commander';

import { UsageError } from '../machine/errors.ts';
import { oneLine } from './values.ts';

/** The user asked for a text only (--help, --version): the message. */
export class Answer {
  constructor(readonly text: string) {}
}

/**
 * Has a command understand the words of the user.
 *
 * @returns the text that was asked for, if there was one
 * @throws UsageError
 */
export function parseWith(command: Command, argv: readonly string[]): Answer | undefined {
  let text = '';
  command.exitOverride().configureOutput({
    writeOut: (chunk) => {
      text += chunk;
    },
    outputError: () => undefined,
  });
  try {
    command.parse(argv, { from: 'user' });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return new Answer(text);
    throw new UsageError(oneLine(error.message));
  }
}
