/*
 * What the bundler reads instead of a source file.
 *
 * In our own sources SEEDED (schedule/build.ts) is made the literal that it stands for, of the same length, so that positions stay. With it
 * the bundler leaves out what only the other build imports, and the engine's parser drops the branch: a constant of another module
 * would cost both of them more.
 *
 * Edits replace a piece of text in one file. They are how tests build a kernel with a defect: the sources themselves have none.
 */

/** Replaces `find`, which occurs exactly once in the file. */
export interface SourceEdit {
  /** From the project's folder, with slashes: src/smp/shootdown.ts. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Where the word itself is meant: its definition, and this file, which is in the bundle of the command line. */
const LITERAL = ['src/smp/schedule/build.ts', 'src/smp/source-edits.ts'];

/**
 * The text of a source for a bundle.
 *
 * @throws Error when an edit of this file does not fit
 */
export function sourceText(file: string, text: string, seeded: boolean, edits: readonly SourceEdit[]): string {
  let result = text;
  for (const edit of edits) {
    if (edit.file !== file) continue;
    const parts = result.split(edit.find);
    if (parts.length !== 2) {
      throw new Error(
        `${file}: an edit wants this text exactly once, it is there ${String(parts.length - 1)} times: ${edit.find}`,
      );
    }
    result = parts.join(edit.replace);
  }
  if (LITERAL.includes(file) || !result.includes('SEEDED')) return result;
  const literal = String(seeded).padEnd('SEEDED'.length);
  return result.replace(/^(?!import ).*\bSEEDED\b.*$/gm, (line) =>
    isComment(line) || isImported(line) ? line : line.replace(/\bSEEDED\b/g, literal),
  );
}

function isComment(line: string): boolean {
  return /^\s*(\/\/|\*|\/\*)/.test(line);
}

/** A line of an import that takes several. */
function isImported(line: string): boolean {
  return /^\s*SEEDED,?$/.test(line);
}
