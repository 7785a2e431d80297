/*
 * The symbol table of an ELF executable, for people who name a function instead of typing its address, and for reports that name the
 * function of an address.
 *
 * Programs run without it, and many have none: whatever is wrong with a table, or missing, means that there is no such symbol.
 * The file is one that parseElf (elf.ts) accepts: little-endian ELF64. gABI chapter 4, "Sections" and "Symbol Table".
 */

const SECTION_HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;
const SHT_SYMTAB = 2;
const SHN_UNDEF = 0;
/** Types of symbols that can be where code begins: NOTYPE (labels of assembly), FUNC. */
const CODE_TYPES: readonly number[] = [0, 2];

/** Longer names are cut. */
const MAX_NAME = 200;

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

interface CodeSymbol {
  /** As linked. */
  readonly address: number;
  /** Bytes; 0: unknown. */
  readonly size: number;
  /** Where its name begins in the file, and where the names end. */
  readonly name: number;
  readonly end: number;
}

/** Address of the code symbol of a name, as linked; undefined when the program has none. */
export function findSymbol(bytes: Uint8Array, name: string): number | undefined {
  const wanted = new TextEncoder().encode(`${name}\0`);
  for (const { address, name, end } of codeSymbols(bytes)) {
    if (name + wanted.length <= end && wanted.every((byte, i) => bytes[name + i] === byte)) return address;
  }
  return undefined;
}

/** The functions of a program, to find the one that an address lies in. */
export class FunctionTable {
  /** In order of address, each address once. */
  private readonly functions: { readonly address: number; readonly size: number; readonly name: string }[] = [];

  constructor(bytes: Uint8Array) {
    const all = [...codeSymbols(bytes)]
      .filter(({ size }) => size > 0)
      .map(({ address, size, name, end }) => ({ address, size, name: textAt(bytes, name, end) }))
      .sort((a, b) => a.address - b.address || plainness(a.name) - plainness(b.name));
    for (const one of all) if (one.address !== this.functions.at(-1)?.address) this.functions.push(one);
  }

  /** The function of an address, as linked, with how far in it is: `main+0x1c`; undefined: in none that is known. */
  nameAt(address: number): string | undefined {
    let low = 0;
    let high = this.functions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.functions[middle]!.address <= address) low = middle + 1;
      else high = middle;
    }
    const found = this.functions[low - 1];
    if (found === undefined || address >= found.address + found.size) return undefined;
    return address === found.address ? found.name : `${found.name}+0x${(address - found.address).toString(16)}`;
  }
}

/** Of several names of one function the one with the fewest underscores in front is best known, then the shortest. */
function plainness(name: string): number {
  return 1000 * (name.length - name.replace(/^_+/, '').length) + name.length;
}

function* codeSymbols(bytes: Uint8Array): Generator<CodeSymbol> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sections = readSections(view);
  for (const table of sections) {
    const strings = sections[table.link];
    if (table.type !== SHT_SYMTAB || strings === undefined) continue;
    for (let at = table.offset; at + SYMBOL_BYTES <= table.offset + table.size; at += SYMBOL_BYTES) {
      const isCode = CODE_TYPES.includes(view.getUint8(at + 4) & 0xf) && view.getUint16(at + 6, true) !== SHN_UNDEF;
      const text = view.getUint32(at, true);
      if (!isCode || text >= strings.size) continue;
      const name = strings.offset + text;
      yield { address: u64(view, at + 8), size: u64(view, at + 16), name, end: strings.offset + strings.size };
    }
  }
}

function textAt(bytes: Uint8Array, start: number, limit: number): string {
  let end = start;
  while (end < limit && bytes[end] !== 0) end++;
  return String.fromCharCode(...bytes.subarray(start, Math.min(end, start + MAX_NAME)));
}

/** The sections that lie within the file; one that does not is an empty one. */
function readSections(view: DataView): Section[] {
  const table = u64(view, 40);
  const count = view.getUint16(60, true);
  if (view.getUint16(58, true) !== SECTION_HEADER_BYTES || table + count * SECTION_HEADER_BYTES > view.byteLength) return [];
  return Array.from({ length: count }, (_, index) => {
    const at = table + index * SECTION_HEADER_BYTES;
    const offset = u64(view, at + 24);
    const size = u64(view, at + 32);
    const inside = offset + size <= view.byteLength;
    return {
      type: inside ? view.getUint32(at + 4, true) : 0,
      offset,
      size: inside ? size : 0,
      link: view.getUint32(at + 40, true),
    };
  });
}

function u64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true);
}
