/*
 * Byte output for WebAssembly binaries: LEB128 integers, IEEE constants, names and length-prefixed vectors.
 *
 * Modules are made at power-on and when code gets hot, never per instruction: plain arrays of bytes are fast enough.
 */

/** Appends an unsigned integer below 2^32. */
export function unsigned(out: number[], value: number): void {
  let rest = value >>> 0;
  while (rest >= 0x80) {
    out.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  out.push(rest);
}

/** Appends a double (or, with 4 bytes, a float) in little-endian order. */
export function float(out: number[], value: number, bytes: 4 | 8): void {
  const view = new DataView(new ArrayBuffer(8));
  if (bytes === 8) view.setFloat64(0, value, true);
  else view.setFloat32(0, value, true);
  for (let i = 0; i < bytes; i++) out.push(view.getUint8(i));
}

/** Appends a name: its length and its characters, which are ASCII here. */
export function name(out: number[], text: string): void {
  unsigned(out, text.length);
  for (let i = 0; i < text.length; i++) out.push(text.charCodeAt(i));
}

/** Appends `bytes` after their number. */
export function sized(out: number[], bytes: readonly number[]): void {
  unsigned(out, bytes.length);
  for (const byte of bytes) out.push(byte);
}
