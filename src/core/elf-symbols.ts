/*
 * The symbol table of an ELF executable, for people who name a function instead of typing its address.
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

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

/** Address of the code symbol of a name, as linked; undefined when the program has none. */
export function findSymbol(bytes: Uint8Array, name: string): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wanted = new TextEncoder().encode(`${name}\0`);
  const sections = readSections(view);
  for (const table of sections) {
    const strings = sections[table.link];
    if (table.type !== SHT_SYMTAB || strings === undefined) continue;
    for (let at = table.offset; at + SYMBOL_BYTES <= table.offset + table.size; at += SYMBOL_BYTES) {
      const isCode = CODE_TYPES.includes(view.getUint8(at + 4) & 0xf) && view.getUint16(at + 6, true) !== SHN_UNDEF;
      const text = view.getUint32(at, true);
      if (!isCode || text + wanted.length > strings.size) continue;
      if (wanted.every((byte, i) => bytes[strings.offset + text + i] === byte)) return u64(view, at + 8);
    }
  }
  return undefined;
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
