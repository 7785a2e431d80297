import { describe, expect, it } from 'vitest';
import { INPUT_BYTES, OUTPUT_BYTES, Stream, TerminalSignal } from '../../src/devices/console-layout.ts';
import { Character, LocalMode } from '../../src/devices/termios.ts';
import { Fixture, screen, TERMINAL } from './console-fixture.ts';

const DEL = '\x7f';
const EOF = 'EOF';

/** What is typed, what reads return until they would wait, what the last row of the screen shows. */
const cases: readonly { name: string; typed: string; reads: readonly string[]; shows: string }[] = [
  { name: 'hands over a line at the newline', typed: 'hello\n', reads: ['hello\n'], shows: '' },
  { name: 'takes a carriage return for a newline', typed: 'hello\r', reads: ['hello\n'], shows: '' },
  { name: 'keeps a line that has not ended', typed: 'hello', reads: [], shows: 'hello' },
  { name: 'returns one line for each read', typed: 'a\nb\n\nc\n', reads: ['a\n', 'b\n', '\n', 'c\n'], shows: '' },
  { name: 'erases with DEL', typed: `abc${DEL}${DEL}x\n`, reads: ['ax\n'], shows: '' },
  { name: 'erases with Ctrl-H', typed: 'abc\bd', reads: [], shows: 'abd' },
  {
    name: 'erases nothing before the line',
    typed: `one\n${DEL}${DEL}two${DEL}${DEL}${DEL}${DEL}${DEL}`,
    reads: ['one\n'],
    shows: '',
  },
  { name: 'erases a two-byte character whole', typed: `aé${DEL}b\n`, reads: ['ab\n'], shows: '' },
  { name: 'wipes the one column of an accented letter', typed: `aéö${DEL}${DEL}`, reads: [], shows: 'a' },
  { name: 'wipes both columns of a wide character', typed: `a你好${DEL}`, reads: [], shows: 'a你' },
  { name: 'erases an emoji whole', typed: `x😀${DEL}y\n`, reads: ['xy\n'], shows: '' },
  {
    name: 'leaves the base on the screen when its combining mark is erased',
    typed: `e\u0301${DEL}`,
    reads: [],
    shows: 'e\u0301',
  },
  { name: 'shows control characters as ^X and erases both columns', typed: `a\x01\x1b${DEL}`, reads: [], shows: 'a^A' },
  { name: 'delivers control characters', typed: 'a\x01\x1b[\n', reads: ['a\x01\x1b[\n'], shows: '' },
  { name: 'erases a tab up to where it began', typed: `ab\tc${DEL}${DEL}d`, reads: [], shows: 'abd' },
  { name: 'erases the line with Ctrl-U', typed: 'some words\tand\x15new\n', reads: ['new\n'], shows: '' },
  { name: 'wipes the line with Ctrl-U', typed: 'some 你 words\x15new', reads: [], shows: 'new' },
  { name: 'erases the last word with Ctrl-W', typed: 'ls one_2 two\x17', reads: [], shows: 'ls one_2' },
  { name: 'erases blanks after the word with Ctrl-W', typed: 'ls one   \x17x\n', reads: ['ls x\n'], shows: '' },
  { name: 'takes UTF-8 letters for letters at Ctrl-W', typed: 'ls über\x17x\n', reads: ['ls x\n'], shows: '' },
  { name: 'stops Ctrl-W at the start of the line', typed: 'a\n...\x17\x17b\n', reads: ['a\n', 'b\n'], shows: '' },
  { name: 'reads end of file for Ctrl-D on an empty line', typed: '\x04', reads: [EOF], shows: '' },
  { name: 'reads one end of file for each Ctrl-D', typed: '\x04\x04a\n', reads: [EOF, EOF, 'a\n'], shows: '' },
  { name: 'hands over a part of a line at Ctrl-D, without an end of file', typed: 'ab\x04', reads: ['ab'], shows: 'ab' },
  { name: 'reads end of file at the second Ctrl-D after text', typed: 'ab\x04\x04', reads: ['ab', EOF], shows: 'ab' },
  { name: 'reads end of file after a whole line', typed: 'ab\n\x04', reads: ['ab\n', EOF], shows: '' },
  { name: 'goes on with the line after Ctrl-D', typed: 'ab\x04cd\n', reads: ['ab', 'cd\n'], shows: '' },
  { name: 'erases nothing that Ctrl-D has handed over', typed: `ab\x04${DEL}${DEL}c\n`, reads: ['ab', 'c\n'], shows: '' },
  { name: 'does not take a typed NUL for the end of file', typed: 'a\0b\n', reads: ['a\0b\n'], shows: '' },
  { name: 'drops the line under edit at Ctrl-C', typed: 'oops\x03good\n', reads: ['good\n'], shows: '' },
  { name: 'takes the next byte as it is after Ctrl-V', typed: '\x16\x03a\x16\x7f\n', reads: ['\x03a\x7f\n'], shows: '' },
  { name: 'shows the line again at Ctrl-R', typed: 'ab\x12', reads: [], shows: 'ab' },
  { name: 'shows ^C', typed: 'oops\x03', reads: [], shows: 'oops^C' },
  { name: 'drops what was typed ahead at Ctrl-C', typed: 'one\ntwo\nthr\x03four\n', reads: ['four\n'], shows: '' },
];

describe('the line discipline', () => {
  it.each(cases)('$name', ({ typed, reads, shows }) => {
    const fixture = new Fixture(TERMINAL);
    const length = new TextEncoder().encode(typed).length;
    expect(fixture.type(typed)).toBe(length);
    expect(screen(fixture.shown())).toBe(shows);
    const got: string[] = [];
    for (let text = fixture.read(); text !== null; text = fixture.read()) got.push(text);
    expect(got).toEqual(reads);
  });

  it('erases a tab to the column after the prompt', () => {
    const fixture = new Fixture(TERMINAL);
    fixture.write(Stream.Out, new TextEncoder().encode('a line\nhart$ '));
    fixture.type(`ab\tc${DEL}${DEL}d`);
    expect(screen(fixture.shown())).toBe('hart$ abd');
  });

  it('knows the column after characters have been erased', () => {
    const fixture = new Fixture(TERMINAL);
    fixture.type(`abc${DEL}${DEL}${DEL}x\ty${DEL}${DEL}z`);
    expect(screen(fixture.shown())).toBe('xz');
  });

  it('forgets where lines ended when their place in the ring comes round again', () => {
    const fixture = new Fixture(TERMINAL);
    expect(fixture.type('\n'.repeat(INPUT_BYTES / 2))).toBe(INPUT_BYTES / 2);
    fixture.drain();
    expect(fixture.type('\n'.repeat(INPUT_BYTES / 2))).toBe(INPUT_BYTES / 2);
    fixture.drain();
    for (let lines = 0; lines < INPUT_BYTES; lines++) fixture.read();
    fixture.type('one line\n');
    expect(fixture.read()).toBe('one line\n');
  });

  it('notes signals that are typed, once', () => {
    const fixture = new Fixture(TERMINAL);
    fixture.type('a\x03b\x1a');
    expect(fixture.console.takeSignalsLocked()).toBe(TerminalSignal.Interrupt | TerminalSignal.Suspend);
    expect(fixture.console.takeSignalsLocked()).toBe(0);
    fixture.type('\x1c');
    expect(fixture.console.takeSignalsLocked()).toBe(TerminalSignal.Quit);
  });

  it('stops output at Ctrl-S until Ctrl-Q', () => {
    const fixture = new Fixture(TERMINAL);
    fixture.type('\x13');
    expect([fixture.console.roomLocked(), fixture.write(Stream.Out, new Uint8Array([65]))]).toEqual([0, 0]);
    fixture.type('\x11');
    expect(fixture.write(Stream.Out, new Uint8Array([65]))).toBe(1);
    expect(fixture.shown()).toBe('A');
  });

  it('notes another size of the terminal', () => {
    const fixture = new Fixture(TERMINAL);
    fixture.console.resizeLocked(24, 80);
    expect(fixture.console.takeSignalsLocked()).toBe(0);
    fixture.console.resizeLocked(50, 132);
    expect(fixture.console.takeSignalsLocked()).toBe(TerminalSignal.Resized);
  });

  it('returns a long line in pieces, and the next line only after it', () => {
    const fixture = new Fixture(TERMINAL);
    fixture.type('abcdef\ngh\n');
    expect([fixture.read(4), fixture.read(4), fixture.read(4)]).toEqual(['abcd', 'ef\n', 'gh\n']);
  });

  it('reads no end of file when a read of just the typed length met the Ctrl-D', () => {
    const fixture = new Fixture(TERMINAL);
    fixture.type('abc\x04');
    expect(fixture.read(3)).toBe('abc');
    expect(fixture.read(3)).toBeNull();
  });

  it('keeps the end of file after a line that a read took exactly', () => {
    const fixture = new Fixture(TERMINAL);
    fixture.type('ab\n\x04');
    expect([fixture.read(3), fixture.read(3), fixture.read(3)]).toEqual(['ab\n', EOF, null]);
  });

  it('leaves an end of file alone when a read asks for nothing', () => {
    const fixture = new Fixture(TERMINAL);
    fixture.type('\x04');
    expect(fixture.console.takeLocked(0)).toBe(0);
    expect(fixture.read()).toBe(EOF);
  });

  it('holds 4095 bytes and the newline in a line, and rings the bell for more', () => {
    const fixture = new Fixture(TERMINAL);
    expect(fixture.type('x'.repeat(4096))).toBe(4096);
    expect(fixture.shown()).toBe(`${'x'.repeat(4095)}\x07`);
    fixture.type('\n');
    expect(fixture.read(8192)).toBe(`${'x'.repeat(4095)}\n`);
    expect(fixture.read()).toBeNull();
  });

  it('can erase in a line that is full', () => {
    const fixture = new Fixture(TERMINAL);
    fixture.type(`${'x'.repeat(4200)}${DEL}y\n`);
    expect(fixture.read(8192)).toBe(`${'x'.repeat(4094)}y\n`);
  });

  it('leaves lines with the host when nobody reads, and takes them when somebody does', () => {
    const fixture = new Fixture(TERMINAL);
    const lines = 'a line of text\n'.repeat(3000);
    let typed = 0;
    let read = '';
    let refused = 0;
    while (typed < lines.length) {
      const took = fixture.type(lines.slice(typed, typed + 997));
      typed += took;
      fixture.drain();
      if (took > 0) continue;
      refused++;
      for (let text = fixture.read(); text !== null; text = fixture.read()) read += text;
    }
    for (let text = fixture.read(); text !== null; text = fixture.read()) read += text;
    expect(refused).toBeGreaterThan(1);
    expect(read).toBe(lines);
  });

  it('tells the reader to ring the host when input was left with it, once', () => {
    const fixture = new Fixture(TERMINAL);
    const { console } = fixture;
    fixture.type('x\n'.repeat(INPUT_BYTES));
    fixture.drain();
    expect(console.consumeLocked(console.takeLocked(100))).toBe(true);
    expect(console.consumeLocked(console.takeLocked(100))).toBe(false);
  });

  it('echoes while a program has filled the output, and never takes a byte whose echo is lost', () => {
    const fixture = new Fixture(TERMINAL);
    const flood = new Uint8Array(OUTPUT_BYTES).fill(46);
    while (fixture.write(Stream.Out, flood) > 0);
    const took = fixture.type('y'.repeat(1000));
    expect(took).toBeGreaterThan(0);
    expect(took).toBeLessThan(1000);
    const echoed = fixture.drain().filter(({ stream }) => stream === Stream.Echo);
    expect(echoed.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(took);
    expect(fixture.type('y'.repeat(1000))).toBe(1000);
  });

  it('delivers the line under edit and then end of file for good when the terminal hangs up', () => {
    const fixture = new Fixture(TERMINAL);
    fixture.type('one\npart');
    fixture.console.hangUpLocked();
    expect([fixture.read(), fixture.read(), fixture.read(), fixture.read()]).toEqual(['one\n', 'part', EOF, EOF]);
  });
});

/** The settings of a terminal with some bits of c_lflag taken away. */
function without(fixture: Fixture, bits: number, change: (settings: Uint8Array) => void = () => undefined): void {
  const at = 0x100;
  fixture.console.termios.storeLocked(at);
  fixture.ram.u32[(at >>> 2) + 3]! &= ~bits;
  change(fixture.ram.u8.subarray(at + 17, at + 36));
  fixture.console.setTermiosLocked(at);
}

describe('raw mode', () => {
  it('hands over each byte, the signals included when ISIG is off too', () => {
    const fixture = new Fixture(TERMINAL);
    without(fixture, LocalMode.Canonical | LocalMode.Echo | LocalMode.Signals);
    fixture.type('a\x03\x7f\n');
    expect(fixture.read(2)).toBe('a\x03');
    expect(fixture.read()).toBe('\x7f\n');
    expect(fixture.read()).toBeNull();
    expect([fixture.shown(), fixture.console.takeSignalsLocked()]).toEqual(['', 0]);
  });

  it('keeps the signals when only ICANON is off', () => {
    const fixture = new Fixture(TERMINAL);
    without(fixture, LocalMode.Canonical);
    fixture.type('a\x03b');
    expect(fixture.read()).toBe('b');
    expect(fixture.console.takeSignalsLocked()).toBe(TerminalSignal.Interrupt);
  });

  it('counts as readable when there is the minimum that was asked for', () => {
    const fixture = new Fixture(TERMINAL);
    without(fixture, LocalMode.Canonical, (characters) => (characters[Character.Minimum] = 3));
    fixture.type('ab');
    expect(fixture.console.readableLocked()).toBe(false);
    fixture.type('c');
    expect(fixture.console.readableLocked()).toBe(true);
  });

  it('makes what is under edit readable, and what was not read a line when it ends', () => {
    const fixture = new Fixture(TERMINAL);
    fixture.type('half');
    expect(fixture.read()).toBeNull();
    without(fixture, LocalMode.Canonical);
    expect(fixture.read(2)).toBe('ha');
    without(fixture, 0, (characters) => (characters[Character.Minimum] = 1));
    const back = 0x100;
    fixture.console.termios.storeLocked(back);
    fixture.ram.u32[(back >>> 2) + 3]! |= LocalMode.Canonical;
    fixture.console.setTermiosLocked(back);
    expect(fixture.read()).toBe('lf');
    fixture.type('x\n');
    expect(fixture.read()).toBe('x\n');
  });
});
