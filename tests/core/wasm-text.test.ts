import { describe, expect, it } from 'vitest';

import {
  block,
  branch,
  call,
  either,
  Label,
  loop,
  rarely,
  select,
  sequence,
  switchTo,
  tailCall,
  tailCallIndirect,
  when,
  yields,
} from '../../src/core/wasm/control.ts';
import { type FunctionBuilder, ModuleBuilder } from '../../src/core/wasm/module.ts';
import type { Expr, Node, ResultType, Stmt } from '../../src/core/wasm/node.ts';
import { Local } from '../../src/core/wasm/node.ts';
import { atomicFence, f32, f64, i32, i64 } from '../../src/core/wasm/ops.ts';
import { formatFunction } from '../../src/core/wasm/text.ts';

/** Text of statements in a function (a: i32, b: i64), without the function's own lines. */
function text(...statements: readonly Node[]): string {
  const func = new ModuleBuilder().func(['i32', 'i64'], 'void');
  func.param('i32', 0, 'a');
  func.param('i64', 1, 'b');
  func.body(statements as readonly Stmt[]);
  return lines(func)
    .slice(1, -1)
    .map((line) => line.slice(1))
    .join('\n');
}

function lines(func: FunctionBuilder<ResultType>, globals: readonly string[] = []): string[] {
  return formatFunction(func.listing, globals);
}

const a = new Local('i32', 0);
const b = new Local('i64', 1);
const note = (remark: string): Stmt => ({ kind: 'note', type: 'void', text: remark });

describe('the text of an operator', () => {
  it.each<[Node, string]>([
    [i32.add(a, a), 'i32.add'],
    [i64.ltU(b, b), 'i64.lt_u'],
    [i64.extend8S(b), 'i64.extend8_s'],
    [i64.extendI32U(a), 'i64.extend_i32_u'],
    [i32.wrap(b), 'i32.wrap_i64'],
    [i64.truncSatF64U(f64.const(1)), 'i64.trunc_sat_f64_u'],
    [f64.promote(f32.const(1)), 'f64.promote_f32'],
    [f32.demote(f64.const(1)), 'f32.demote_f64'],
    [f64.copysign(f64.const(1), f64.const(2)), 'f64.copysign'],
    [i64.load32U(a, 0), 'i64.load32_u'],
    [i64.load8S(a, 300), 'i64.load8_s offset=300'],
    [i32.store16(a, 2, a), 'i32.store16 offset=2'],
    [i32.atomic.load(a, 8), 'i32.atomic.load offset=8'],
    [i64.atomic.store(a, 0, b), 'i64.atomic.store'],
    [i64.atomic.xchg(a, 0, b), 'i64.atomic.rmw.xchg'],
    [i32.atomic.cmpxchg(a, 4, a, a), 'i32.atomic.rmw.cmpxchg offset=4'],
    [atomicFence(), 'atomic.fence'],
    [select(a, b, b), 'select'],
  ])('is the one of the specification (%#)', (node, name) => {
    expect(text(node).startsWith(`(${name}`)).toBe(true);
    expect(text(node)[name.length + 1]).toMatch(/[ )]/);
  });

  it('is known of every builder, and no two have the same', () => {
    const build = (builder: unknown): Node => (builder as (...args: readonly unknown[]) => Node)(a, 0, a, a);
    const names: string[] = [];
    for (const builders of [i32, i64, f32, f64, i32.atomic, i64.atomic]) {
      for (const builder of Object.values(builders)) {
        if (typeof builder !== 'function') continue;
        const node = build(builder);
        // The second operand of two may be the 0 given for an offset: only the operator itself is of interest.
        if (node.kind === 'op' && node.code[0] !== 0xfd) names.push(text({ ...node, args: [] }));
      }
    }
    expect(names.length).toBeGreaterThan(150);
    expect(names.filter((name) => name.startsWith('(bytes'))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('shows all operations that a scalar takes through a vector', () => {
    const x = f64.const(1);
    expect(text(f64.relaxedMadd(x, x, x))).toMatch(
      /^\(f64x2\.extract_lane 0 \(f64x2\.relaxed_madd( \(f64x2\.splat \(f64\.const 1\)\)){3}\)\)$/,
    );
  });

  it('is its bytes when there is no name for it', () => {
    expect(text({ kind: 'op', type: 'void', code: [0xfb, 0x1c], args: [] })).toBe('(bytes fb 1c)');
  });
});

describe('the text of constants', () => {
  it.each<[Expr<ResultType>, string]>([
    [i32.const(4095), 'i32.const 4095'],
    [i32.const(-1), 'i32.const -1'],
    [i32.const(0xffff_ffff), 'i32.const -1'],
    [i64.const(0x10430), 'i64.const 0x10430'],
    [i64.const(-(2n ** 63n)), 'i64.const -0x8000000000000000'],
    [f64.const(-0), 'f64.const -0'],
    [f64.const(-Infinity), 'f64.const -inf'],
    [f32.const(NaN), 'f32.const nan'],
    [f64.const(0.5), 'f64.const 0.5'],
  ])('%# reads as the number', (node, expected) => {
    expect(text(node)).toBe(`(${expected})`);
  });
});

describe('the text of control structures', () => {
  it('names labels, and tells those of one name apart', () => {
    const [outer, inner] = [new Label('exit 1'), new Label('exit 1')];
    expect(text(block(outer, loop(inner, branch(outer, a), branch(inner, a, 1), switchTo(a, [inner], outer))))).toBe(
      [
        '(block $exit_1',
        ' (loop $exit_1.2',
        '  (br_if $exit_1 (local.get $a))',
        '  (br_if (; mostly ;) $exit_1.2 (local.get $a))',
        '  (br_table $exit_1.2 $exit_1 (local.get $a))))',
      ].join('\n'),
    );
  });

  it('shows both arms of a condition, its type and its hint', () => {
    expect(text(either(a, i64.const(1), b))).toBe(
      '(if (result i64) (local.get $a) (then (i64.const 1)) (else (local.get $b)))',
    );
    expect(text(rarely(a, a.set(i32.const(0))))).toBe('(if (; rarely ;) (local.get $a) (then (local.set $a (i32.const 0))))');
  });

  it('puts the statements that make an operand before it', () => {
    expect(text(a.set(i32.add(yields([b.set(i64.const(1))], i32.wrap(b)), a)))).toBe(
      '(local.set $a (i32.add (local.set $b (i64.const 1)) (i32.wrap_i64 (local.get $b)) (local.get $a)))',
    );
  });

  it('breaks what is too long for a line, and closes every parenthesis', () => {
    let deep: Expr<'i64'> = b;
    for (let n = 0; n < 12; n++) deep = i64.add(deep, i64.const(n));
    const shown = text(b.set(deep));
    expect(shown.split('\n').length).toBeGreaterThan(1);
    for (const line of shown.split('\n')) expect(line.length).toBeLessThan(140);
    expect(shown.split('(').length).toBe(shown.split(')').length);
  });

  it('gives a note a line of its own, inside of what it stands in', () => {
    expect(text(when(a, note('in here'), a.set(i32.const(1)), note('last')))).toBe(
      ['(if', ' (local.get $a)', ' (then', '', '  ;; in here', '  (local.set $a (i32.const 1))', '', '  ;; last', ' ))'].join(
        '\n',
      ),
    );
  });
});

describe('the text of a function', () => {
  it('declares what it has, and calls others by name', () => {
    const module = new ModuleBuilder();
    const global = module.importGlobal('hart', 'block', 'i32');
    const imported = module.importFunction('from', 'elsewhere', ['i32'], 'i32');
    const table = module.importTable('hart', 'table', ['i32'], 'i32');
    const func = module.func(['i32'], 'i32', 'f');
    const n = func.param('i32', 0, 'n');
    const kept = func.local('i64', 'kept');
    const other = func.local('i64', 'kept');
    const scratch = func.temp('f64');
    func.body(
      [
        kept.set(other),
        scratch.set(f64.const(0)),
        when(n, tailCall(imported, call(func, global))),
        tailCallIndirect(table, n, global),
      ],
      n,
    );
    expect(lines(func, module.globalNames)).toEqual([
      '(func $f (param $n i32) (result i32)',
      ' (local $kept i64) (local $kept.2 i64) (local $t3 f64)',
      ' (local.set $kept (local.get $kept.2))',
      ' (local.set $t3 (f64.const 0))',
      ' (if (local.get $n) (then (return_call $elsewhere (call $f (global.get $hart.block)))))',
      ' (return_call_indirect 0 (type 0) (global.get $hart.block) (local.get $n))',
      ' (local.get $n)',
      ')',
    ]);
  });

  it('with notes has the same bytes as without', () => {
    const encoded = (...remarks: readonly Stmt[]): Uint8Array => {
      const module = new ModuleBuilder();
      const func = module.func(['i32'], 'i32', 'f');
      const n = func.param('i32', 0);
      func.body([sequence(...remarks, n.set(i32.const(7)), ...remarks)], n);
      return module.encode();
    };
    expect(encoded(note('nothing to see'))).toEqual(encoded());
  });
});
