/*
 * How many different interleavings a campaign has seen, and whether more of the same will find others.
 *
 * Two figures say that: the share of new ones among the last runs, and the Good–Turing estimate of the chance that the next run is a new
 * one: the share of the runs whose interleaving has been seen only once so far (Good 1953). Interleavings are kept as 64-bit hashes in an
 * open hash table, exactly, up to a limit; what comes beyond it is counted no more, and the report says so.
 */

/** Interleavings that are kept: with 9 bytes each in a table that is at most half full. */
const LIMIT = 2 ** 22;
const FIRST_SLOTS = 2 ** 10;
/** How many of the last runs the share of new ones is taken from. */
const WINDOW = 1000;

export interface CoverageReport {
  readonly runs: number;
  /** Different interleavings among them. */
  readonly distinct: number;
  /** Whether more than can be kept were seen: there are at least as many as `distinct` says. */
  readonly more: boolean;
  /** Share of the last runs (at most 1000) that were new, 0 to 1; undefined: none yet, or beyond what can be kept. */
  readonly fresh: number | undefined;
  /** Estimated chance that the next run is a new one, 0 to 1; undefined likewise. */
  readonly unseen: number | undefined;
}

export class Coverage {
  private slots = FIRST_SLOTS;
  /** Hashes, two words each; how often each was seen (0: a free slot), up to 2. */
  private keys = new Uint32Array(2 * FIRST_SLOTS);
  private counts = new Uint8Array(FIRST_SLOTS);
  private runs = 0;
  private distinct = 0;
  private once = 0;
  private more = false;
  /** Of the last runs, whether they were new: a ring. */
  private readonly window = new Uint8Array(WINDOW);
  private fresh = 0;
  private high = 0;
  private low = 0;

  /** @param limit how many interleavings are kept at most */
  constructor(private readonly limit = LIMIT) {}

  /** Counts a run. */
  add(interleaving: string): void {
    const place = this.runs++ % WINDOW;
    this.fresh -= this.window[place]!;
    const isNew = this.see(interleaving) ? 1 : 0;
    this.window[place] = isNew;
    this.fresh += isNew;
  }

  report(): CoverageReport {
    const { runs, distinct, more } = this;
    const known = runs > 0 && !more;
    return {
      runs,
      distinct,
      more,
      fresh: known ? this.fresh / Math.min(runs, WINDOW) : undefined,
      unseen: known ? this.once / runs : undefined,
    };
  }

  private see(interleaving: string): boolean {
    this.hash(interleaving);
    const slot = this.find(this.high, this.low);
    const count = this.counts[slot]!;
    if (count === 0) {
      if (this.distinct === this.limit) {
        this.more = true;
        return false;
      }
      this.fill(slot, this.high, this.low, 1);
      this.distinct++;
      this.once++;
      if (2 * this.distinct > this.slots) this.grow();
      return true;
    }
    if (count === 1) {
      this.counts[slot] = 2;
      this.once--;
    }
    return false;
  }

  private find(high: number, low: number): number {
    const mask = this.slots - 1;
    let slot = low & mask;
    while (this.counts[slot] !== 0 && (this.keys[2 * slot] !== high || this.keys[2 * slot + 1] !== low))
      slot = (slot + 1) & mask;
    return slot;
  }

  private fill(slot: number, high: number, low: number, count: number): void {
    this.keys[2 * slot] = high;
    this.keys[2 * slot + 1] = low;
    this.counts[slot] = count;
  }

  private grow(): void {
    const { keys, counts } = this;
    this.slots *= 2;
    this.keys = new Uint32Array(2 * this.slots);
    this.counts = new Uint8Array(this.slots);
    counts.forEach((count, old) => {
      if (count === 0) return;
      const high = keys[2 * old]!;
      const low = keys[2 * old + 1]!;
      this.fill(this.find(high, low), high, low, count);
    });
  }

  /** Two independent FNV-1a hashes, each mixed at the end (the finaliser of MurmurHash3). */
  private hash(text: string): void {
    let high = 0x811c9dc5;
    let low = 0x9747b28c;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      high = Math.imul(high ^ unit, 0x01000193);
      low = Math.imul(low ^ unit, 0x5bd1e995);
    }
    this.high = mix(high);
    this.low = mix(low);
  }
}

function mix(word: number): number {
  let value = word;
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
