/*
 * Histories and their pictures as files: the only file of this folder that reaches the host.
 */

import { readFile, writeFile } from 'node:fs/promises';

import type { Explanation } from './explain.ts';
import { historyFromJson, historyToJson, type History } from './json.ts';
import type { Model } from './operation.ts';
import { explanationPicture } from './picture.ts';

/** Writes a history as JSON (json.ts). */
export async function saveHistory(path: string, history: History): Promise<void> {
  await writeFile(path, historyToJson(history));
}

/** Reads a history; throws HistoryFormatError for a file that is none. */
export async function loadHistory(path: string): Promise<History> {
  return historyFromJson(await readFile(path, 'utf8'));
}

/** Writes the picture of a violation as SVG (picture.ts). */
export async function savePicture<State>(path: string, model: Model<State>, explanation: Explanation<State>): Promise<void> {
  await writeFile(path, explanationPicture(model, explanation));
}
