/*
 * The compiler that guest programs are built with, and what to say where it is not installed.
 */

export const CROSS_COMPILER = 'riscv64-linux-gnu-gcc';

const PACKAGES = 'gcc-riscv64-linux-gnu libc6-dev-riscv64-cross';

/** One line that says what to do. */
export function crossCompilerMissing(why: string): string {
  return `${CROSS_COMPILER} does not start (${why}); on Debian: apt-get install ${PACKAGES}`;
}
