import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Access } from '../../src/core/mmu.ts';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import { Fault, Space } from '../../src/kernel/address-space.ts';
import { E } from '../../src/kernel/errno.ts';
import { PIE_BASE, STACK_BOTTOM, STACK_TOP } from '../../src/kernel/mman.ts';
import { buildElf, DATA, PLAIN, TEXT, type TestElf } from './elf-builder.ts';
import { audit } from './vm-audit.ts';
import { makeBench, type Bench } from './vm-bench.ts';

/** Fills with 0xa5, 0xa6, … */
function randomOf(bench: Bench): { fill(address: number, length: number): void } {
  return {
    fill(address, length) {
      for (let i = 0; i < length; i++) bench.ram.u8[address + i] = 0xa5 + i;
    },
  };
}

interface Loaded {
  readonly bench: Bench;
  readonly space: number;
  readonly image: number;
  readonly result: number;
}

function load(bytes: Uint8Array, argv: string[] = ['prog'], envp: string[] = [], frames = 2048): Loaded {
  const bench = makeBench(frames);
  bench.readyToLoad();
  const image = bench.contents.fromBytes(bytes);
  const space = bench.spaces.create();
  const blob = bench.args.fromHost('/bin/prog', argv, envp);
  expect(blob).toBeGreaterThan(0);
  const result = bench.loader.load(space, image, blob, randomOf(bench));
  bench.args.free(blob);
  return { bench, space, image, result };
}

function loadPlain(elf: TestElf = PLAIN, argv?: string[], envp?: string[]): Loaded {
  const loaded = load(buildElf(elf), argv, envp);
  expect(loaded.bench.loader.refusal).toBe('');
  expect(loaded.result).toBe(0);
  return loaded;
}

function byteAt({ bench, space }: Loaded, va: number): number {
  expect(bench.copy.readU8(space, va)).toBe(0);
  return bench.copy.value;
}

function wordAt({ bench, space }: Loaded, va: number): number {
  expect(bench.copy.readU64(space, va)).toBe(0);
  return bench.copy.value;
}

function textAt(loaded: Loaded, va: number): string {
  let text = '';
  for (let at = va; byteAt(loaded, at) !== 0; at++) text += String.fromCharCode(byteAt(loaded, at));
  return text;
}

const fileByte = (offset: number): number => (offset * 3 + 1) & 0xff;

describe('a loaded program', () => {
  it('has the bytes of the file where they belong, and zeroes for its bss', () => {
    const loaded = loadPlain();
    expect(loaded.bench.loader.entry).toBe(0x1_0200);
    for (const at of [200, 4095, 4096, 4999]) expect(byteAt(loaded, TEXT.address + at)).toBe(fileByte(at));
    for (const at of [0, 1, 2999]) expect(byteAt(loaded, DATA.address + at)).toBe(fileByte(DATA.offset + at));
    for (let at = 3000; at < 20000; at += 7) expect(byteAt(loaded, DATA.address + at)).toBe(0);
    audit(loaded.bench, loaded.space);
  });

  it('may write its data but not its code, and execute its code but not its data', () => {
    const { bench, space } = loadPlain();
    const outcome = (va: number, access: Access): Fault => bench.spaces.fault(space, va, access);
    expect(outcome(TEXT.address, Access.Execute)).toBe(Fault.Handled);
    expect(outcome(TEXT.address, Access.Write)).toBe(Fault.AccessError);
    expect(outcome(DATA.address, Access.Write)).toBe(Fault.Handled);
    expect(outcome(DATA.address, Access.Execute)).toBe(Fault.AccessError);
    expect(outcome(STACK_TOP - 1, Access.Execute)).toBe(Fault.AccessError);
    expect(outcome(STACK_BOTTOM, Access.Write)).toBe(Fault.Handled);
    expect(outcome(STACK_BOTTOM - 1, Access.Write)).toBe(Fault.MapError);
  });

  it('shares its code with the image and other processes, but never its data', () => {
    const first = loadPlain();
    const { bench, image } = first;
    const second: Loaded = { ...first, space: bench.spaces.create() };
    const blob = bench.args.fromHost('x', [], []);
    bench.loader.load(second.space, image, blob, randomOf(bench));
    bench.args.free(blob);
    const codeFrame = bench.contents.frameAt(image, 1);
    byteAt(first, TEXT.address + 4096);
    byteAt(second, TEXT.address + 4096);
    expect(bench.frames.references(codeFrame)).toBe(3);
    bench.copy.writeU8(first.space, DATA.address, 99);
    expect(byteAt(first, DATA.address)).toBe(99);
    expect(byteAt(second, DATA.address)).toBe(fileByte(DATA.offset));
    expect(bench.ram.u8[bench.contents.frameAt(image, 2) + 0x388]).toBe(fileByte(DATA.offset));
  });

  it('gets its own copy of a code page that it makes writable, and other harts no longer see the old one', () => {
    const loaded = loadPlain();
    const { bench, space, image } = loaded;
    byteAt(loaded, TEXT.address + 4096);
    expect(bench.mappings.protect(space, TEXT.address, 2 * PAGE_SIZE, 7)).toBe(0);
    const shots = bench.shots.length;
    expect(bench.copy.writeU8(space, TEXT.address + 4096, 1)).toBe(0);
    expect(bench.shots.length).toBe(shots + 1);
    expect(bench.codeShots).toBe(1);
    expect(byteAt(loaded, TEXT.address + 4096)).toBe(1);
    expect(byteAt(loaded, TEXT.address + 4097)).toBe(fileByte(4097));
    expect(bench.ram.u8[bench.contents.frameAt(image, 1)]).toBe(fileByte(4096));
    audit(bench, space);
  });

  it('finds its heap behind its bss', () => {
    const { bench, space } = loadPlain();
    expect(bench.mappings.setBrk(space, 0)).toBe(0x1_9000);
    expect(bench.mappings.setBrk(space, 0x1_9001)).toBe(0x1_9001);
    expect(bench.copy.writeU8(space, 0x1_9fff, 1)).toBe(0);
  });

  it('that is a static PIE lies at its base, entry and headers included', () => {
    const pie = {
      ...PLAIN,
      type: 3,
      entry: 0x200,
      segments: [
        { ...TEXT, address: 0 },
        { ...DATA, address: 0x3388 },
      ],
    };
    const loaded = loadPlain(pie);
    expect(loaded.bench.loader.entry).toBe(PIE_BASE + 0x200);
    expect(byteAt(loaded, PIE_BASE + 4096)).toBe(fileByte(4096));
    expect(auxiliaryOf(loaded).get(3)).toBe(PIE_BASE + 64);
  });

  it('may have bss behind the file bytes of a segment that it cannot write', () => {
    const loaded = loadPlain({ ...PLAIN, segments: [TEXT, { ...DATA, flags: 4 }] });
    expect(byteAt(loaded, DATA.address + 3000)).toBe(0);
    expect(loaded.bench.copy.writeU8(loaded.space, DATA.address, 1)).toBe(-E.FAULT);
    audit(loaded.bench, loaded.space);
  });

  it('may have two segments in one page, as Linux lays them: the later one has it', () => {
    const loaded = loadPlain({
      ...PLAIN,
      segments: [TEXT, { ...DATA, address: TEXT.address + 5000, offset: 5000, memoryBytes: 3000 }],
    });
    expect(byteAt(loaded, TEXT.address + 4996)).toBe(fileByte(4996));
    expect(loaded.bench.copy.writeU8(loaded.space, TEXT.address + 5000, 1)).toBe(0);
  });
});

function auxiliaryOf(loaded: Loaded): Map<number, number> {
  let at = loaded.bench.loader.stackPointer + 8;
  for (let nulls = 0; nulls < 2; at += 8) if (wordAt(loaded, at) === 0) nulls++;
  const vector = new Map<number, number>();
  for (; wordAt(loaded, at) !== 0; at += 16) vector.set(wordAt(loaded, at), wordAt(loaded, at + 8));
  return vector;
}

describe('the initial stack', () => {
  it('is 16-byte aligned and holds arguments and environment, whatever they are', () => {
    const text = fc.string({ maxLength: 20, unit: fc.constantFrom('a', 'Z', '/', ' ', '=') });
    const texts = fc.oneof(fc.array(text, { maxLength: 8 }), fc.array(text, { minLength: 200, maxLength: 900 }));
    fc.assert(
      fc.property(texts, fc.array(text, { maxLength: 8 }), (argv, envp) => {
        const loaded = loadPlain(PLAIN, argv, envp);
        const sp = loaded.bench.loader.stackPointer;
        expect(sp % 16).toBe(0);
        expect(wordAt(loaded, sp)).toBe(argv.length);
        argv.forEach((text, i) => {
          expect(textAt(loaded, wordAt(loaded, sp + 8 + 8 * i))).toBe(text);
        });
        const env = sp + 8 * (argv.length + 2);
        expect(wordAt(loaded, env - 8)).toBe(0);
        envp.forEach((text, i) => {
          expect(textAt(loaded, wordAt(loaded, env + 8 * i))).toBe(text);
        });
        expect(wordAt(loaded, env + 8 * envp.length)).toBe(0);
        expect(wordAt(loaded, env + 8 * envp.length + 8)).toBe(3);
      }),
      { numRuns: 10 },
    );
  });

  it('holds the auxiliary vector that a C library expects', () => {
    const loaded = loadPlain(PLAIN, ['a', 'b'], ['X=1']);
    const vector = auxiliaryOf(loaded);
    const expected = {
      3: 0x1_0040,
      4: 56,
      5: 2,
      6: 4096,
      7: 0,
      8: 0,
      9: 0x1_0200,
      11: 0,
      12: 0,
      13: 0,
      14: 0,
      16: 0x112d,
      17: 100,
      23: 0,
    };
    for (const [tag, value] of Object.entries(expected)) expect(vector.get(Number(tag)), `AT ${tag}`).toBe(value);
    expect(textAt(loaded, vector.get(31)!)).toBe('/bin/prog');
    expect(textAt(loaded, vector.get(15)!)).toBe('riscv64');
    for (let i = 0; i < 16; i++) expect(byteAt(loaded, vector.get(25)! + i)).toBe(0xa5 + i);
  });

  it('does not take arguments of more than a quarter of the stack, nor one of 128 KiB', () => {
    const bench = makeBench();
    const before = bench.inUse();
    const { args } = bench;
    // The name takes 2 bytes, each argument its length, a NUL and 8 for its pointer.
    for (const argv of [['y'.repeat(131_071)], Array<string>(233_016).fill('')]) {
      const fits = args.fromHost('x', argv, []);
      expect(fits).toBeGreaterThan(0);
      args.free(fits);
    }
    expect(args.fromHost('x', ['y'.repeat(131_072)], [])).toBe(-E['2BIG']);
    expect(args.fromHost('x', Array<string>(233_017).fill(''), [])).toBe(-E['2BIG']);
    expect(args.fromHost('y'.repeat(200_000), [], [])).toBe(-E['2BIG']);
    expect(bench.inUse()).toEqual(before);
  });
});

describe('arguments from user memory', () => {
  /** Writes strings and a vector of pointers to them into a space; returns the vector's address. */
  function place(bench: Bench, space: number, at: number, texts: string[]): number {
    let string = at + 8 * (texts.length + 1);
    texts.forEach((text, i) => {
      bench.copy.writeU64(space, at + 8 * i, string);
      for (const byte of new TextEncoder().encode(text)) bench.copy.writeU8(space, string++, byte);
      string++;
    });
    return at;
  }

  it('arrive in a new program, also when strings cross pages', () => {
    const old = loadPlain();
    const { bench } = old;
    const argv = ['echo', 'x'.repeat(9000), '', 'end'];
    const argvAt = place(bench, old.space, STACK_BOTTOM + 3, argv);
    const envpAt = place(bench, old.space, STACK_BOTTOM + 0x8000, ['HOME=/']);
    const blob = bench.args.begin();
    expect(bench.args.setName(blob, new TextEncoder().encode('/bin/echo'))).toBe(0);
    expect(bench.args.fromUser(blob, old.space, argvAt, envpAt, [])).toBe(0);
    const fresh: Loaded = { ...old, space: bench.spaces.create() };
    expect(bench.loader.load(fresh.space, old.image, blob, randomOf(bench))).toBe(0);
    bench.args.free(blob);
    bench.spaces.release(old.space);
    const sp = bench.loader.stackPointer;
    expect(wordAt(fresh, sp)).toBe(4);
    argv.forEach((text, i) => {
      expect(textAt(fresh, wordAt(fresh, sp + 8 + 8 * i))).toBe(text);
    });
    expect(textAt(fresh, wordAt(fresh, sp + 48))).toBe('HOME=/');
    expect(textAt(fresh, auxiliaryOf(fresh).get(31)!)).toBe('/bin/echo');
  });

  it('may be NULL: the program gets one empty argument', () => {
    const loaded = loadPlain();
    const { bench } = loaded;
    const blob = bench.args.begin();
    bench.args.setName(blob, new Uint8Array());
    expect(bench.args.fromUser(blob, loaded.space, 0, 0, [])).toBe(0);
    const fresh: Loaded = { ...loaded, space: bench.spaces.create() };
    expect(bench.loader.load(fresh.space, loaded.image, blob, randomOf(bench))).toBe(0);
    expect(wordAt(fresh, bench.loader.stackPointer)).toBe(1);
    expect(textAt(fresh, wordAt(fresh, bench.loader.stackPointer + 8))).toBe('');
    expect(wordAt(fresh, bench.loader.stackPointer + 24)).toBe(0);
  });

  it('are refused when a pointer is wrong or there is no end, and nothing leaks', () => {
    const { bench, space } = loadPlain();
    const before = bench.inUse();
    const refused = (argv: number, envp: number): number => {
      const blob = bench.args.begin();
      const result = bench.args.fromUser(blob, space, argv, envp, []);
      bench.args.free(blob);
      return result;
    };
    const good = place(bench, space, STACK_BOTTOM, ['a']);
    const bad = STACK_BOTTOM + 0x100;
    bench.copy.writeU64(space, bad, 8);
    for (const pointer of [8, 2 ** 63, 2 ** 64, NaN, STACK_TOP + PAGE_SIZE, bad]) {
      expect(refused(pointer, 0)).toBe(-E.FAULT);
      expect(refused(good, pointer)).toBe(-E.FAULT);
    }
    bench.copy.writeWords(space, bad, 0, 0x8000_0000);
    expect(refused(bad, 0)).toBe(-E.FAULT);
    const long = STACK_BOTTOM + 0x1_0000;
    const ones = bench.frames.alloc();
    bench.ram.fill(ones, PAGE_SIZE, 1);
    for (let i = 0; i < 40; i++) bench.copy.copyOut(space, long + i * PAGE_SIZE, ones, PAGE_SIZE);
    bench.frames.release(ones);
    bench.copy.writeU64(space, bad, long);
    expect(refused(bad, 0)).toBe(-E['2BIG']);
    for (let i = 0; i < 240_000; i++) bench.copy.writeU64(space, long + 8 * i, STACK_BOTTOM + 0x80);
    expect(refused(long, 0)).toBe(-E['2BIG']);
    expect(bench.inUse().areas).toBe(before.areas);
    bench.spaces.release(space);
    bench.contents.release(bench.contents.fromBytes(new Uint8Array(1)));
    expect(bench.inUse().spaces).toBe(0);
  });
});

describe('loading', () => {
  it('refuses what lies where the stack or nothing belongs', () => {
    const at = (address: number): Loaded =>
      load(buildElf({ ...PLAIN, segments: [TEXT, { ...DATA, address: address + 0x388 }] }));
    const low = load(buildElf({ ...PLAIN, entry: 8, segments: [{ ...TEXT, address: 0 }] }));
    expect(low.result).toBe(-E.NOEXEC);
    expect(low.bench.loader.refusal).toMatch(/address 0/);
    for (const loaded of [at(STACK_BOTTOM), at(2 ** 38 - 0x8000)]) {
      expect(loaded.result).toBe(-E.NOEXEC);
      expect(loaded.bench.loader.refusal).toMatch(/stack/);
    }
  });

  it('gives back everything whatever number of frames there is', () => {
    const outcomes = new Set<number>();
    for (let frames = 8; frames < 40; frames++) {
      const bench = makeBench(frames);
      const image = bench.contents.fromBytes(buildElf(PLAIN));
      if (image > 0) {
        const space = bench.spaces.create();
        const blob = bench.args.fromHost('x', ['x'], ['y'.repeat(10_000)]);
        if (space !== 0 && blob > 0) outcomes.add(bench.loader.load(space, image, blob, randomOf(bench)));
        if (blob > 0) bench.args.free(blob);
        if (space !== 0) bench.spaces.release(space);
        bench.contents.release(image);
      }
      expect(bench.inUse()).toEqual({ frames: 0, areas: 0, spaces: 0, contents: 0, locks: 0 });
    }
    expect([...outcomes].sort()).toEqual([-E.NOMEM, 0].sort());
  });

  it('of any mutation of a program loads or refuses it, and leaks nothing', () => {
    const bytes = buildElf(PLAIN);
    const change = fc.tuple(fc.nat(64 + 2 * 56 - 1), fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 255, 0x40)));
    const seen = new Set<number>();
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
        const copy = bytes.slice();
        for (const [at, value] of changes) copy[at] = value;
        const { bench, space, image, result } = load(copy, ['x'], [], 100);
        seen.add(result);
        expect([0, -E.NOEXEC, -E.NOMEM]).toContain(result);
        expect(result === -E.NOEXEC).toBe(bench.loader.refusal !== '');
        // The audit goes page by page, and a mutation may ask for 2^26 of them.
        if (bench.spaces.mappedBytes(space) < 2 ** 30) audit(bench, space);
        bench.spaces.release(space);
        bench.contents.release(image);
        // The content of `readyToLoad` stays: a page.
        expect(bench.inUse()).toEqual({ frames: 1, areas: 0, spaces: 0, contents: 1, locks: 0 });
      }),
      { numRuns: 400 },
    );
    expect(seen).toContain(0);
    expect(seen).toContain(-E.NOEXEC);
  });
});

it('a page that is present counts as resident', () => {
  const { bench, space } = loadPlain();
  const before = Space.residentPages.get(bench.ram, space);
  bench.spaces.fault(space, TEXT.address, Access.Execute);
  expect(Space.residentPages.get(bench.ram, space)).toBe(before + 1);
});
