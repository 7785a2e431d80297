/*
 * The boot command as a process: to its end, for a program that prints what it has measured (and the same under qemu, or any command); or
 * to its prompt, for what is measured from outside. Every process has a time limit, after which it is ended: a machine that hangs fails
 * its figure, not the benchmark.
 */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

import { projectRoot } from '../src/smp/bundle.ts';

const LIMIT_MS = 120_000;
const PROMPT = '> ';
const TRIALS = join(projectRoot, 'guest/bin/trials');
const QEMU = 'qemu-riscv64';

/** A machine started without npx, in a single process. */
export const NODE: readonly [string, ...string[]] = [process.execPath, '--import', 'tsx', 'src/boot.ts'];
/** As the README has it. */
export const NPX: readonly [string, ...string[]] = ['npx', 'tsx', 'src/boot.ts'];

/** Options for every machine that is started here, beside those that the figure needs: `--boot`. */
const machineOptions: string[] = [];

/** From now on all machines are started with these options as well. */
export function useMachineOptions(options: readonly string[]): void {
  machineOptions.push(...options);
}

/** The option for a machine that translates nothing. */
export const INTERPRET = '--no-jit';

let translates: boolean | undefined;

/** Whether a machine translates unless it is told otherwise: then its command line knows INTERPRET. */
export function hasTranslator(): boolean {
  const [file, ...args] = [...NODE, '--help'];
  translates ??= spawnSync(file, args, { cwd: projectRoot, encoding: 'utf8', timeout: LIMIT_MS }).stdout.includes(INTERPRET);
  return translates;
}

/** Whether the reference is installed. */
export const hasQemu = spawnSync(QEMU, ['--version']).status === 0;

/** The `key=number` lines that a program has printed. */
export type Printed = Readonly<Record<string, number>>;

/** Runs a trial of guest/bin/trials on a machine. */
export function trial(cpus: number, ...args: (string | number)[]): Promise<Printed> {
  return run(machine(cpus, 'trials', args));
}

/** The same program under qemu-riscv64; call only where that is. */
export function reference(...args: (string | number)[]): Promise<Printed> {
  return run(underQemu(TRIALS, args));
}

/** The command that runs a program (a name in /bin, or the path of a file) on a machine. */
export function machine(cpus: number, program: string, args: readonly (string | number)[], options: readonly string[] = []) {
  return [...NODE, '--cpus', String(cpus), ...machineOptions, ...options, program, ...args.map(String)];
}

/** The command that runs a riscv64 executable under qemu. */
export function underQemu(path: string, args: readonly (string | number)[]) {
  return [QEMU, path, ...args.map(String)];
}

/**
 * Runs a command to its end.
 *
 * @param onOutput called when the first output arrives
 * @throws Error unless the command ends with status 0 in time
 */
export function run([file, ...args]: readonly string[], onOutput?: () => void): Promise<Printed> {
  return new Promise((resolve, reject) => {
    const child = spawn(file!, args, { cwd: projectRoot, stdio: ['ignore', 'pipe', 'pipe'], timeout: LIMIT_MS });
    let stdout = '';
    let stderr = '';
    if (onOutput !== undefined) child.stdout.once('data', onOutput);
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (status, signal) => {
      if (status === 0) resolve(values(stdout));
      else reject(new Error(`${args.join(' ')}: ended with ${signal ?? `status ${String(status)}`}: ${stderr.trim()}`));
    });
  });
}

function values(text: string): Printed {
  const pairs = [...text.matchAll(/^(\w+)=([\d.]+)$/gm)];
  return Object.fromEntries(pairs.map(([, key, value]) => [key!, Number(value)]));
}

/** A value that must be there. */
export function value(of: Printed, key: string): number {
  const found = of[key];
  if (found === undefined) throw new Error(`the program printed no ${key}`);
  return found;
}

/** A machine whose shell waits for input. */
export class Prompted {
  private constructor(
    private readonly child: ChildProcess,
    /** From the start of the process until the prompt arrived here, seconds. */
    readonly seconds: number,
  ) {}

  /**
   * Starts the command and waits for the prompt.
   *
   * @param command NODE or NPX
   * @param env added to the environment
   */
  static start(command: typeof NODE, cpus: number, env: NodeJS.ProcessEnv = {}): Promise<Prompted> {
    const [file, ...args] = [...command, '--cpus', String(cpus), ...machineOptions, 'sh', '-i'];
    return new Promise((resolve, reject) => {
      const begin = performance.now();
      const child = spawn(file, args, { cwd: projectRoot, stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
      const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (chunk: Buffer) => {
        stdout += chunk.toString();
        if (!stdout.endsWith(PROMPT)) return;
        clearTimeout(limit);
        resolve(new Prompted(child, (performance.now() - begin) / 1e3));
      });
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      child.on('error', reject);
      child.on('close', () => {
        clearTimeout(limit);
        reject(new Error(`${args.join(' ')}: ended without a prompt: ${stderr.trim()}`));
      });
    });
  }

  /** Process number: of the machine, if it was started with NODE. */
  get pid(): number {
    return this.child.pid!;
  }

  /** Ends the shell, and with it the machine. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.child.once('close', resolve));
    const limit = setTimeout(() => this.child.kill('SIGKILL'), LIMIT_MS);
    this.child.stdin!.end('exit\n');
    await closed;
    clearTimeout(limit);
  }
}
