import { describe, expect, it } from 'vitest';

import { findSymbol, FunctionTable } from '../../src/core/elf-symbols.ts';

interface Symbol {
  readonly name: string;
  readonly value: number;
  readonly size?: number;
  readonly type: number;
  readonly section: number;
}

const FUNC = 2;
const OBJECT = 1;

/** A file of a header, two sections (symbols and their names) and nothing else. */
function file(symbols: readonly Symbol[]): Uint8Array {
  const names = `\0${symbols.map(({ name }) => `${name}\0`).join('')}`;
  const [symbolsAt, namesAt] = [64, 64 + 24 * symbols.length];
  const headersAt = namesAt + names.length;
  const bytes = new Uint8Array(headersAt + 2 * 64);
  const view = new DataView(bytes.buffer);
  view.setUint32(40, headersAt, true);
  view.setUint16(58, 64, true);
  view.setUint16(60, 2, true);
  symbols.forEach(({ name, value, size = 0, type, section }, index) => {
    const at = symbolsAt + 24 * index;
    view.setUint32(at, names.indexOf(`\0${name}\0`) + 1, true);
    view.setUint8(at + 4, type);
    view.setUint16(at + 6, section, true);
    view.setUint32(at + 8, value, true);
    view.setUint32(at + 16, size, true);
  });
  bytes.set(new TextEncoder().encode(names), namesAt);
  const section = (index: number, type: number, offset: number, size: number): void => {
    const at = headersAt + 64 * index;
    view.setUint32(at + 4, type, true);
    view.setUint32(at + 24, offset, true);
    view.setUint32(at + 32, size, true);
    view.setUint32(at + 40, 1, true);
  };
  section(0, 2, symbolsAt, 24 * symbols.length);
  section(1, 3, namesAt, names.length);
  return bytes;
}

describe('the symbols of a program', () => {
  const bytes = file([
    { name: 'undefined', value: 0x1000, type: FUNC, section: 0 },
    { name: 'table', value: 0x2000, type: OBJECT, section: 1 },
    { name: 'mainly', value: 0x3000, type: FUNC, section: 1 },
    { name: 'main', value: 0x4000, type: FUNC, section: 1 },
    { name: 'label', value: 0x5000, type: 0, section: 1 },
  ]);

  it('gives where code of a name begins', () => {
    expect(findSymbol(bytes, 'main')).toBe(0x4000);
    expect(findSymbol(bytes, 'mainly')).toBe(0x3000);
    expect(findSymbol(bytes, 'label')).toBe(0x5000);
  });

  it('has none for data, for what is defined elsewhere, and for parts of names', () => {
    for (const name of ['table', 'undefined', 'ain', 'mai', 'x', '']) expect(findSymbol(bytes, name)).toBeUndefined();
  });

  it('has none when the file is cut off anywhere, and bears any wrong byte', () => {
    for (let length = 64; length < bytes.length; length++) expect(findSymbol(bytes.slice(0, length), 'main')).toBeUndefined();
    for (let at = 0; at < bytes.length; at++) {
      const spoiled = bytes.slice();
      spoiled[at] = 0xff;
      expect(() => findSymbol(spoiled, 'main')).not.toThrow();
    }
  });
});

describe('the functions of a program', () => {
  const bytes = file([
    { name: '__lock', value: 0x2000, size: 0x40, type: FUNC, section: 1 },
    { name: 'lock', value: 0x2000, size: 0x40, type: FUNC, section: 1 },
    { name: '_start', value: 0x1000, size: 0x10, type: FUNC, section: 1 },
    { name: 'buffer', value: 0x3000, size: 0x100, type: OBJECT, section: 1 },
  ]);

  it('tell which one an address lies in, by its plainest name', () => {
    const functions = new FunctionTable(bytes);
    expect(functions.nameAt(0x2000)).toBe('lock');
    expect(functions.nameAt(0x203e)).toBe('lock+0x3e');
    expect(functions.nameAt(0x1004)).toBe('_start+0x4');
  });

  it('tell nothing of what lies before, between and behind them, or of data', () => {
    const functions = new FunctionTable(bytes);
    for (const address of [0, 0xfff, 0x1010, 0x2040, 0x3010]) expect(functions.nameAt(address)).toBeUndefined();
    expect(new FunctionTable(bytes.slice(0, 100)).nameAt(0x2000)).toBeUndefined();
  });
});
