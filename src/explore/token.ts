/*
 * The token: a replay (replay-data.ts) as one word that survives shells, mails and bug reports.
 *
 *   hb1.<base64url of: flags (1 byte) · length of the packed data (4 bytes, big-endian) · packed data · checksum (4 bytes)>
 *
 * The packed data is the JSON of the replay with its departures as a flat list, deflated against a dictionary of what such texts are
 * made of, if that is shorter. The checksum is the beginning of the SHA-256 of all before it. The number in front is the version: a program
 * that does not know it says so, instead of replaying something else. A token that has been cut off is told from one that was altered.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { deflateRawSync, inflateRawSync } from 'node:zlib';

import { UsageError } from '../machine/errors.ts';
import { Fields, type Replay, replayFrom, replayFromJson } from './replay-data.ts';

const VERSION = 1;
const DEFLATED = 1;
const HEADER_BYTES = 5;
const CHECKSUM_BYTES = 4;
/** What a token unpacks to at most: nothing that was made here is near it. */
const MAX_BYTES = 2 ** 24;

/** Part of version 1: a change of it is a new version. */
const DICTIONARY = Buffer.from(
  '"kind":"round-robin","quantum":"stdin":""expect":""defect":""seed":"ports":"portMessages":"portMessageBytes":' +
    '{"kind":"late-ipi","nth":,"moments":{"kind":"no-memory","nth":{"kind":"spurious","nth":{"kind":"stall","hart":0,"at":,"moments":' +
    '{"kind":"kill","thread":1,"at":"jit":"always"},"jit":"off"},{"target":{"run":{"kind":"scenario","word":"","args":[]},' +
    '{"target":{"run":{"kind":"program","word":"./","args":[],"sha256":""},"machine":{"cpus":2,"memory":134217728,"jit":"hot"}},' +
    '"strategy":{"kind":"random","seed":},"strategy":{"kind":"pct","seed":1,"depth":3,"steps":},' +
    '"strategy":{"kind":"replay","departures":[0,1,0,1,0]},"faults":[]}',
);

/** Packs a replay into a word. */
export function encodeToken({ target, plan }: Replay): string {
  const { strategy, faults } = plan;
  const packed =
    strategy.kind === 'replay'
      ? { ...strategy, departures: strategy.departures.flatMap(({ hart, at, to }) => [hart, at, to]) }
      : strategy;
  const plain = Buffer.from(JSON.stringify({ ...(target === undefined ? {} : { target }), strategy: packed, faults }));
  const deflated = deflateRawSync(plain, { level: 9, dictionary: DICTIONARY });
  const shorter = deflated.length < plain.length;
  const data = shorter ? deflated : plain;
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = shorter ? DEFLATED : 0;
  header.writeUInt32BE(data.length, 1);
  const body = Buffer.concat([header, data]);
  return `hb${VERSION}.${Buffer.concat([body, checksum(body)]).toString('base64url')}`;
}

/** @throws UsageError that says what is wrong with the token */
export function decodeToken(token: string): Replay {
  const [, version, word] = /^hb(\d+)\.(.*)$/s.exec(token.trim()) ?? [];
  if (version === undefined || word === undefined) throw new UsageError(`not a token: it would begin with hb${VERSION}.`);
  if (Number(version) > VERSION) {
    throw new UsageError(`a token of version ${version}, newer than this program knows (${VERSION}): use the one that made it`);
  }
  if (Number(version) !== VERSION) throw new UsageError(`not a token: there is no version ${version}`);
  const stray = /[^\w-]/.exec(word)?.[0];
  if (stray !== undefined) throw new UsageError(`the token has a character that no token has: ${JSON.stringify(stray)}`);
  const bytes = Buffer.from(word, 'base64url');
  const length = bytes.length < HEADER_BYTES ? NaN : HEADER_BYTES + bytes.readUInt32BE(1) + CHECKSUM_BYTES;
  if (Number.isNaN(length)) throw new UsageError('the token is cut off: copy all of it');
  if (bytes.length < length) {
    const all = Math.ceil((length * 4) / 3);
    throw new UsageError(`the token is cut off: ${word.length} of ${all} characters are there, copy all of it`);
  }
  const body = bytes.subarray(0, length - CHECKSUM_BYTES);
  if (bytes.length > length || !checksum(body).equals(bytes.subarray(body.length))) {
    throw new UsageError('the token has been altered: its checksum differs, copy it again');
  }
  return replayFrom(new Fields(unpack(body[0]!, body.subarray(HEADER_BYTES)), 'the token'));
}

function unpack(flags: number, data: Buffer): unknown {
  try {
    const plain = flags === DEFLATED ? inflateRawSync(data, { dictionary: DICTIONARY, maxOutputLength: MAX_BYTES }) : data;
    return JSON.parse(plain.toString()) as unknown;
  } catch {
    throw new UsageError('the token holds no schedule, though its checksum is right: no version of this program made it');
  }
}

/**
 * What stands behind `replay:` on a command line: a token, or the path of a file with a token or with JSON (replay-data.ts).
 *
 * @throws UsageError
 */
export function loadReplay(word: string): Replay {
  if (/^hb\d+\./.test(word)) return decodeToken(word);
  let text: string;
  try {
    text = readFileSync(word, 'utf8').trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new UsageError(`replay:${shorten(word)}: neither a token nor a file that can be read (${code})`);
  }
  try {
    return text.startsWith('{') ? replayFromJson(text) : decodeToken(text);
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${word}: ${error.message}`);
    throw error;
  }
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest().subarray(0, CHECKSUM_BYTES);
}

function shorten(word: string): string {
  return word.length <= 60 ? word : `${word.slice(0, 59)}…`;
}
