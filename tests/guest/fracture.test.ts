/*
 * FractureOS's C++ interface of signals (guest/include/fracture.hpp): it stands over any Linux, so the host's own compiler and kernel will do.
 * (The C interface is the trial `fracture`.)
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';
import { projectRoot } from '../../src/smp/bundle.ts';

const compiler = ['c++', 'g++', 'clang++'].find((name) => spawnSync(name, ['--version']).status === 0);

/** The document's own example, and the rest of the interface. */
const PROGRAM = `
#include <csignal>
#include <cstdio>
#include "fracture.hpp"

static volatile int seen;

static void my_handler(int sig)
{
    seen += sig;
}

int main()
{
    std::setvbuf(stdout, nullptr, _IONBF, 0);
    using fracture::signal::Signal;
    using fracture::signal::SignalManager;
    Signal taken {};
    bool set = fracture::signal::SignalManager::signal(fracture::signal::Signal::SIGINT, my_handler);
    bool sent = fracture::signal::SignalManager::kill(getpid(), fracture::signal::Signal::SIGINT);
    std::printf("%d %d %d\\n", set, sent, seen);
    std::printf("%d %d\\n", SignalManager::signal(Signal::SIGKILL, my_handler), SignalManager::ignore(Signal::SIGSTOP));
    SignalManager::block(Signal::SIGTERM);
    SignalManager::kill(getpid(), Signal::SIGTERM);
    SignalManager::kill(getpid(), Signal::SIGTERM);
    bool first = SignalManager::process(taken), second = SignalManager::process(taken);
    std::printf("%d %d %d\\n", first, second, taken == Signal::SIGTERM);
    SignalManager::ignore(Signal::SIGTERM);
    SignalManager::unblock(Signal::SIGTERM);
    ::raise(SIGTERM);
    SignalManager::restore(Signal::SIGTERM);
    ::raise(SIGTERM);
}
`;

describe('SignalManager', () => {
  it.skipIf(compiler === undefined)('does what the document says (skipped without a C++ compiler)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hartbeat-fracture-'));
    try {
      const source = join(folder, 'program.cpp');
      writeFileSync(source, PROGRAM);
      const flags = ['-std=c++17', '-Wall', '-Wextra', '-Werror', '-I', join(projectRoot, 'guest/include')];
      execFileSync(compiler!, [...flags, source, '-o', join(folder, 'program')]);
      const { stdout, signal } = spawnSync(join(folder, 'program'), { encoding: 'utf8' });
      expect({ stdout, signal }).toEqual({ stdout: '1 1 2\n0 0\n1 0 1\n', signal: 'SIGTERM' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
