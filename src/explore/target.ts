/*
 * What is explored: a scenario of this project or a program, and the machine it runs on.
 *
 * A target is plain data: it goes to workers and into tokens. Paths in it are as the user wrote them, so that a token means the same
 * from the same folder.
 */

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

import type { JitMode } from '../core/jit/translations.ts';
import { UsageError } from '../machine/errors.ts';
import { findProgram, readProgram } from '../machine/programs.ts';
import { projectRoot } from '../smp/bundle.ts';

/** What runs. */
export type Run =
  /** A name under scenarios/ without its suffix, or the path of a TypeScript file. */
  | { readonly kind: 'scenario'; readonly word: string; readonly args: readonly string[] }
  /** A name in the machine's /bin, or a path of the host. `sha256`: the first 16 hexadecimal digits of its file's. */
  | { readonly kind: 'program'; readonly word: string; readonly args: readonly string[]; readonly sha256: string };

/** What of the machine decides how a run goes. What is left out is as the machine has it by default. */
export interface TargetMachine {
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly jit: JitMode;
  /** For the machine's random numbers. */
  readonly seed?: number | undefined;
  readonly ports?: number | undefined;
  readonly portMessages?: number | undefined;
  readonly portMessageBytes?: number | undefined;
  /** Name of the deliberate defect that the kernel is built with: tests of the explorer itself. */
  readonly defect?: string | undefined;
}

/** What a session is opened for. */
export interface SessionTarget {
  readonly run: Run;
  readonly machine: TargetMachine;
  /** Path of a file that the program reads as its input; none: it gets no input. */
  readonly stdin?: string | undefined;
  /** Path of a file with the output that the program must have. */
  readonly expect?: string | undefined;
}

const SCENARIOS = join(projectRoot, 'scenarios');

/** A scenario that the project has. */
export interface ScenarioName {
  readonly name: string;
  /** The first sentence of its file's header. */
  readonly about: string;
}

/** All scenarios of the project, in alphabetical order. */
export function listScenarios(folder = SCENARIOS): ScenarioName[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .map((file) => ({ name: basename(file, '.ts'), about: firstSentence(readFileSync(join(folder, file), 'utf8')) }));
}

/** The file of a scenario, by its name or path. */
export function scenarioFile(word: string, folder = SCENARIOS): string {
  return word.includes('/') || word.endsWith('.ts') ? word : join(folder, `${word}.ts`);
}

/**
 * Finds what a word on the command line means: a scenario first, then a program.
 *
 * @throws UsageError when it is neither
 */
export function findRun(word: string, args: readonly string[], folder = SCENARIOS): Run {
  const file = scenarioFile(word, folder);
  if (statSync(file, { throwIfNoEntry: false })?.isFile() === true && file.endsWith('.ts')) {
    return { kind: 'scenario', word, args };
  }
  if (word.endsWith('.ts')) throw new UsageError(`${word}: no such scenario file`);
  try {
    return { kind: 'program', word, args, sha256: programHash(word) };
  } catch (error) {
    if (!(error instanceof UsageError) || word.includes('/') || existsSync(word)) throw error;
    throw new UsageError(`${word}: neither a scenario (--list shows them) nor a program`);
  }
}

/** What tells one build of a program from another: see {@link Run}. */
export function programHash(word: string): string {
  return createHash('sha256')
    .update(readProgram(findProgram(word)))
    .digest('hex')
    .slice(0, 16);
}

/**
 * A schedule is good only for the program that it was found on, to the instruction.
 *
 * @throws UsageError when the program is another one now, or is not there
 */
export function checkProgram(run: Run): void {
  if (run.kind === 'program' && programHash(run.word) !== run.sha256) {
    throw new UsageError(`${run.word} has changed since this schedule was found on it: build it as it was, or search again`);
  }
}

/** What the comment at the head of a file begins with. */
function firstSentence(text: string): string {
  const [, comment = ''] = /^\s*\/\*+([\s\S]*?)\*\//.exec(text) ?? [];
  const prose = comment.replace(/^\s*\* ?/gm, '').trim();
  const [paragraph = ''] = prose.split(/\n\s*\n/);
  const [sentence = ''] = /^.*?[.:](?=\s|$)/s.exec(paragraph) ?? [paragraph];
  return sentence.replace(/\s+/g, ' ').replace(/[.:]$/, '');
}
