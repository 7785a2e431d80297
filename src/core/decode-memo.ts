/*
 * What instruction words have been decoded to, by word: programs use the same few thousand words again and again, and looking one up is
 * several times cheaper than decoding it. Depends on nothing but the word, so it is never flushed.
 *
 * A 16-bit instruction is known by its half-word: its two low bits are not 11, so it differs from every 32-bit one.
 */

import { type Decoded, decodeLong, decodeShort, isLong } from './isa/decode.ts';

/** Words remembered, a power of two. */
const ENTRIES = 4096;

export class DecodeMemo {
  /** Key + 1, so that 0 means empty; the word 0xffffffff is never remembered. */
  private readonly keys = new Uint32Array(ENTRIES);
  private readonly immediates = new Int32Array(ENTRIES);
  /** op, rd, rs1, rs2: a byte each, the first one lowest. */
  private readonly fields = new Uint32Array(ENTRIES);

  /** Decodes an instruction: `word` is its 32 bits, or its 16 if it is a short one. */
  decode(word: number, into: Decoded): void {
    const key = (word + 1) >>> 0;
    const at = (Math.imul(word, 0x9e3779b1) >>> 20) & (ENTRIES - 1);
    if (this.keys[at] === key && key !== 0) {
      const fields = this.fields[at]!;
      into.op = fields & 0xff;
      into.rd = (fields >>> 8) & 0xff;
      into.rs1 = (fields >>> 16) & 0xff;
      into.rs2 = fields >>> 24;
      into.imm = this.immediates[at]!;
      into.length = isLong(word) ? 4 : 2;
      return;
    }
    if (isLong(word)) decodeLong(word, into);
    else decodeShort(word, into);
    this.keys[at] = key;
    this.fields[at] = into.op | (into.rd << 8) | (into.rs1 << 16) | (into.rs2 << 24);
    this.immediates[at] = into.imm;
  }
}
