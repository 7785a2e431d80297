import { spawn, spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('./console-process.mjs', import.meta.url));

function start(mode: string): ReturnType<typeof spawn> {
  return spawn(process.execPath, [script, mode], { stdio: ['pipe', 'pipe', 'pipe'] });
}

function exitOf(child: ReturnType<typeof spawn>): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
}

describe('a process with a console', () => {
  it('copies piped input to its output whole and exits at the end', () => {
    const input = Array.from({ length: 20_000 }, (_, i) => `line ${String(i)}\n`).join('');
    const result = spawnSync(process.execPath, [script, 'echo'], { input, maxBuffer: 2 ** 24 });
    expect(result.status).toBe(0);
    expect(result.stdout.toString() === input).toBe(true);
    expect(result.stderr.toString()).toBe('');
  });

  it('ends when the reader of an endless output goes away', async () => {
    const child = start('flood');
    const exit = exitOf(child);
    child.stdout!.once('data', () => child.stdout!.destroy());
    child.stderr!.on('data', (chunk: Buffer) => expect(chunk.toString()).toBe(''));
    expect(await exit).toBe(32);
  });

  it('shows output while it runs, before input ends', async () => {
    const child = start('echo');
    const exit = exitOf(child);
    child.stdin!.write('now\n');
    const first = await new Promise<string>((resolve) =>
      child.stdout!.once('data', (chunk: Buffer) => resolve(chunk.toString())),
    );
    expect(first).toBe('now\n');
    child.stdin!.end();
    expect(await exit).toBe(0);
  });

  const hasTerminals = spawnSync('script', ['--version']).status === 0;
  it.skipIf(!hasTerminals)('gives the terminal back as it was when it crashes', async () => {
    const command = `stty -g; ${process.execPath} ${script} crash; stty -g`;
    const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'pipe'] });
    let shown = '';
    let typed = false;
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
      if (typed || !shown.includes('ready')) return;
      typed = true;
      child.stdin.write('x\r');
    });
    // When all of its output has come, too.
    await new Promise((closed) => child.on('close', closed));
    // The terminal's echo may stand before them in their line.
    const modes = [...shown.matchAll(/[0-9a-f]+(:[0-9a-f]+){8,}/g)].map(([mode]) => mode);
    expect(shown).toContain('on purpose');
    expect(modes.length).toBe(2);
    expect(modes[1]).toBe(modes[0]);
  });
});
