/*
 * How a program is run in a machine, or the one that was under way in a snapshot is gone on with.
 */

import type { HostStreams } from '../devices/console-host.ts';
import type { Plan } from '../smp/schedule/plan.ts';
import type { Program } from './programs.ts';

export interface ResumeOptions {
  /** All the input that the program gets; of one that is resumed, all that comes after what there was. Default: none. */
  readonly stdin?: string | Uint8Array | undefined;
  /** Connects the console to streams (`process`, say) instead: a terminal if they are one. With `stdin` as well, their input is not used. */
  readonly streams?: HostStreams | undefined;
  /** Called when Ctrl-A s is typed at the terminal. */
  readonly onSnapshotKey?: (() => void) | undefined;
  /** Under a schedule: what decides from here on. Default: the plain order; of a program that is resumed, the plan that there is. */
  readonly plan?: Plan | undefined;
}

export interface RunOptions extends ResumeOptions {
  /** Beside PATH and HOME. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** The program, found already. */
  readonly program?: Program | undefined;
}
