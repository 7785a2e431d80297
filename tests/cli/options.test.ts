import { describe, expect, it } from 'vitest';

import { type BootOptions, parseOptions } from '../../src/cli/options.ts';
import { Answer } from '../../src/cli/parse.ts';
import { UsageError } from '../../src/machine/errors.ts';

function parse(...argv: string[]): BootOptions {
  const options = parseOptions(argv, '1.2.3');
  if (options instanceof Answer) throw new Error('an answer, no options');
  return options;
}

describe('the command line', () => {
  it('has the defaults of the specification', () => {
    expect(parse()).toEqual({
      cpus: 2,
      memory: 128 * 2 ** 20,
      ports: 32,
      portMessages: 16,
      portMessageBytes: 256,
      trace: undefined,
      logLevel: 'trace',
      stats: false,
      jit: 'hot',
      dumpTranslation: undefined,
      seed: undefined,
      program: undefined,
      args: [],
    });
  });

  it('takes each option', () => {
    const line = '--cpus 64 --memory 64M --ports 8 --port-messages 4 --port-message-bytes 64 --log-level info --stats --seed 7';
    expect(parse(...line.split(' '))).toMatchObject({
      cpus: 64,
      memory: 64 * 2 ** 20,
      ports: 8,
      portMessages: 4,
      portMessageBytes: 64,
      logLevel: 'info',
      stats: true,
      seed: 7,
    });
  });

  it.each([
    ['1048576', 2 ** 20],
    ['512K', 2 ** 19],
    ['1.5G', 1.5 * 2 ** 30],
    ['32m', 2 ** 25],
    ['32MiB', 2 ** 25],
  ])('reads %s as a size', (text, bytes) => {
    expect(parse('--memory', text).memory).toBe(bytes);
  });

  it('leaves what follows the program to the program', () => {
    expect(parse('--cpus', '3', 'prog', '--cpus', 'x', '--trace', '--help', '--', '-1')).toMatchObject({
      cpus: 3,
      trace: undefined,
      program: 'prog',
      args: ['--cpus', 'x', '--trace', '--help', '--', '-1'],
    });
  });

  it('translates hot code, all code or none', () => {
    expect(parse().jit).toBe('hot');
    expect(parse('--jit=always').jit).toBe('always');
    expect(parse('--jit', 'hot', 'prog')).toMatchObject({ jit: 'hot', program: 'prog' });
    expect(parse('--no-jit', 'prog')).toMatchObject({ jit: 'off', program: 'prog' });
    expect(() => parse('--jit=never')).toThrow(/^--jit never: Allowed choices are hot, always \(see --help\)$/);
  });

  it('takes the place whose translation is to be shown', () => {
    expect(parse('--dump-translation', '10628', 'prog')).toMatchObject({ dumpTranslation: '10628', program: 'prog' });
    expect(parse('--dump-translation=main', 'prog', 'x')).toMatchObject({ dumpTranslation: 'main', args: ['x'] });
    expect(() => parse('--dump-translation')).toThrow('--dump-translation needs a value, <address> (see --help)');
  });

  it('takes a program whose name looks like an option after --', () => {
    expect(parse('--', '--cpus', '2')).toMatchObject({ program: '--cpus', args: ['2'] });
  });

  it('takes the file of the trace only with an equals sign', () => {
    expect(parse('--trace', 'prog')).toMatchObject({ trace: '', program: 'prog' });
    expect(parse('--trace=a.ndjson', 'prog')).toMatchObject({ trace: 'a.ndjson', program: 'prog' });
    expect(parse('--log-level', '--trace'.slice(2), '--trace')).toMatchObject({ trace: '', logLevel: 'trace' });
  });

  it.each([
    [['--cpus', '0'], '--cpus 0: a whole number from 1 to 64 (see --help)'],
    [['--cpus', '65'], '--cpus 65: a whole number from 1 to 64 (see --help)'],
    [['--cpus', '2.5'], '--cpus 2.5: a whole number from 1 to 64 (see --help)'],
    [['--cpus', '-1'], '--cpus -1: a whole number from 1 to 64 (see --help)'],
    [['--cpus'], '--cpus needs a value, <n> (see --help)'],
    [['--memory', 'lots'], '--memory lots: a number of bytes, or one with K, M or G, such as 64M (see --help)'],
    [['--memory', '2G'], '--memory 2G: a machine has less than 2G (see --help)'],
    [['--port-message-bytes', '257'], '--port-message-bytes 257: a whole number from 1 to 256 (see --help)'],
    [['--seed', '-1'], '--seed -1: a whole number from 0 to 4294967295 (see --help)'],
    [['--cpu', '3'], "unknown option '--cpu' (Did you mean --cpus?) (see --help)"],
    [['-x'], "unknown option '-x' (see --help)"],
  ])('refuses %j in one line', (argv, message) => {
    expect(() => parse(...argv)).toThrow(new UsageError(message));
  });

  it('names the levels when it refuses one', () => {
    expect(() => parse('--log-level', 'loud')).toThrow(
      /^--log-level loud: Allowed choices are trace, debug, .*silent \(see --help\)$/,
    );
  });

  it.each(['--help', '-h'])('answers %s with every option', (option) => {
    const answer = parseOptions([option], '1.2.3') as Answer;
    for (const name of [
      '--cpus',
      '--memory',
      '--ports',
      '--trace[=file]',
      '--log-level',
      '--stats',
      '--jit',
      '--no-jit',
      '--dump-translation',
      '--seed',
      '[program [args...]]',
    ]) {
      expect(answer.text).toContain(name);
    }
  });

  it('answers --version', () => {
    expect(parseOptions(['--version'], '1.2.3')).toEqual(new Answer('1.2.3\n'));
  });
});
