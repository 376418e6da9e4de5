import { InternalError } from "../../../../src/base/errors.ts";
import type { Label } from "../../../../src/backends/wasm/assembler/code.ts";
import type {
  Expression,
  Local,
  ValueType,
} from "../../../../src/backends/wasm/assembler/expression.ts";
import { type Body, Module } from "../../../../src/backends/wasm/assembler/module.ts";
import { f32, i32, i64, v128 } from "../../../../src/backends/wasm/assembler/operations.ts";
import { assertEquals, assertThrows } from "../../../support/std.ts";
import { type Callable, instantiate } from "./instantiate.ts";

const suffix = " (this is a fault in Jacobi; please report it)";
const one = i32.const(1);

/** A module of a single function, ready to be called. */
function compile<const P extends readonly ValueType[], R extends ValueType>(
  parameters: P,
  result: R,
  body: Body<P, R>,
): Callable {
  const module = new Module();
  module.export("run", module.function("run", parameters, result, body));
  return instantiate(module)("run");
}

Deno.test("types of operands are checked by TypeScript, and again when types are data", () => {
  assertThrows(
    // @ts-expect-error a float where an integer belongs
    () => i32.add(one, f32.const(1)),
    InternalError,
    `Cannot apply add to i32, f32: it takes i32, i32${suffix}`,
  );
  assertThrows(
    // @ts-expect-error an operand too few
    () => f32.add(f32.const(1)),
    InternalError,
    `Cannot apply add to f32: it takes f32, f32${suffix}`,
  );
  new Module().function("f", ["i64"], "none", (code, x) => {
    const local = code.local("f32");
    assertThrows(
      // @ts-expect-error a variable of another type
      () => code.set(local, x),
      InternalError,
      `Cannot apply set to i64: it takes f32${suffix}`,
    );
    assertThrows(
      // @ts-expect-error a value, not an effect
      () => code.do(x),
      InternalError,
      `Cannot do what leaves i64 behind: drop it${suffix}`,
    );
    assertThrows(
      () => code.return(x),
      InternalError,
      `Cannot apply return to i64: it takes nothing${suffix}`,
    );
  });
  assertThrows(
    // @ts-expect-error a result of another type
    () => new Module().function("f", [], "f32", () => one),
    InternalError,
    `Cannot apply end to i32: it takes f32${suffix}`,
  );
});

Deno.test("local variables of every type start at zero and keep what they are given", () => {
  const call = compile(["i32"], "i64", (code, x) => {
    const types = ["i32", "i64", "i64", "v128", "f32", "f64", "i32"] as const;
    const locals = types.map((type) => code.local(type as ValueType));
    const sum = locals[1] as Local<"i64">;
    code.set(sum, i64.add(sum, i64.extendI32S(x)));
    const twice = code.let(i64.add(sum, sum));
    code.drop(locals[3]);
    code.set(x, i32.const(1000));
    return i64.add(twice, i64.add(locals[2] as Local<"i64">, i64.extendI32S(x)));
  });
  assertEquals(call(21), 1042n);
});

Deno.test("an expression computes where and as often as it is written", () => {
  const call = compile(["i32"], "i32", (code, x) => {
    const next = i32.add(x, one);
    code.set(x, next);
    code.set(x, next);
    const y = code.local("i32");
    return i32.mul(y.tee(next), i32.sub(y, one));
  });
  assertEquals(call(10), 13 * 12);
});

Deno.test("if, else, and neither", () => {
  const call = compile(["i32"], "i32", (code, x) => {
    const y = code.local("i32");
    code.if(
      i32.ltS(x, i32.const(0)),
      () => code.set(y, i32.const(-1)),
      () => code.if(x, () => code.set(y, one)),
    );
    return y;
  });
  assertEquals([call(-5), call(0), call(5)], [-1, 0, 1]);
});

Deno.test("loops and blocks are left and repeated by branches, across several of them", () => {
  const collatz = compile(["i32"], "i32", (code, x) => {
    const steps = code.local("i32");
    code.block((done) => {
      code.loop((again) => {
        code.branchIf(done, i32.leU(x, one));
        code.set(steps, i32.add(steps, one));
        code.if(i32.and(x, one), () => {
          code.set(x, i32.add(i32.mul(x, i32.const(3)), one));
          code.branch(again);
        });
        code.set(x, i32.shrU(x, one));
        code.branch(again);
      });
    });
    return steps;
  });
  assertEquals([collatz(1), collatz(6), collatz(27)], [0, 8, 111]);
});

Deno.test("a branch from else goes to the right place", () => {
  const call = compile(["i32"], "i32", (code, x) => {
    code.block((outer) => {
      code.block((inner) => {
        code.if(x, () => code.branch(inner), () => code.branch(outer));
      });
      code.return(i32.const(7));
    });
    return i32.const(8);
  });
  assertEquals([call(1), call(0)], [7, 8]);
});

Deno.test("a branch table chooses by number, and its last label for all others", () => {
  const call = compile(["i32"], "i32", (code, x) => {
    code.block((c) => {
      code.block((b) => {
        code.block((a) => code.branchTable(x, [a, b], c));
        code.return(i32.const(10));
      });
      code.return(i32.const(20));
    });
    return i32.const(30);
  });
  assertEquals([0, 1, 2, -1].map((x) => call(x)), [10, 20, 30, 30]);
});

Deno.test("counted loops run for the values below their end, and not at all for none", () => {
  const call = compile(["i32", "i32"], "i32", (code, from, below) => {
    const sum = code.local("i32");
    code.for({ from, below, step: 3 }, (i) => code.set(sum, i32.add(sum, i)));
    return sum;
  });
  assertEquals([call(1, 8), call(1, 7), call(5, 5), call(6, 5)], [1 + 4 + 7, 1 + 4, 0, 0]);
  assertEquals(call(-8, -2), (-8 + -5) | 0, "counters are unsigned: addresses pass 2^31");

  const constant = (from: number, below: number, step: number) =>
    compile([], "i32", (code) => {
      const count = code.local("i32");
      code.for({ from, below, step }, () => code.set(count, i32.add(count, one)));
      return count;
    })();
  assertEquals([constant(0, 10, 1), constant(0, 10, 4), constant(3, 3, 1)], [10, 3, 0]);

  const nested = compile([], "i32", (code) => {
    const sum = code.local("i32");
    code.for({ below: 5 }, (i) => {
      code.for({ below: i }, (j) => code.set(sum, i32.add(sum, i32.mul(i, j))));
    });
    return sum;
  });
  assertEquals(nested(), 35);
});

Deno.test("unreachable traps", () => {
  const call = compile(["i32"], "i32", (code, x) => {
    code.if(x, () => code.unreachable());
    return x;
  });
  assertEquals(call(0), 0);
  assertThrows(() => call(1), WebAssembly.RuntimeError);
});

Deno.test("labels outside their block and of other functions are faults", () => {
  const module = new Module();
  let escaped: Label | undefined;
  module.function("f", [], "none", (code) => {
    code.block((label) => escaped = label);
    assertThrows(
      () => code.branch(escaped as Label),
      InternalError,
      `Cannot branch to a label from outside its block${suffix}`,
    );
    code.loop((label) => {
      module.function("g", [], "none", (other) => {
        assertThrows(
          () => other.branchIf(label, one),
          InternalError,
          `Cannot branch to a label of another function${suffix}`,
        );
      });
    });
  });
});

Deno.test("variables of other functions, and things of other modules, are faults", () => {
  const module = new Module();
  const other = new Module();
  other.memory({ minimum: 1 });
  const memory = other.memory({ minimum: 1 });
  const flag = other.global("i32", one);
  const callee = other.function("callee", [], "i32", () => one);
  module.function("f", ["i32"], "none", (_, x) => {
    module.function("g", [], "none", (code) => {
      const fault = `Cannot use local 0 of another function${suffix}`;
      assertThrows(() => code.drop(i32.add(one, x)), InternalError, fault);
      assertThrows(() => code.set(x, one), InternalError, fault);
      const foreign = `Cannot use a memory, a function or a global of another module${suffix}`;
      assertThrows(() => code.drop(i32.load(one, { memory })), InternalError, foreign);
      assertThrows(() => code.do(memory.fill(one, one, one)), InternalError, foreign);
      assertThrows(() => code.drop(flag), InternalError, foreign);
      assertThrows(() => code.set(flag, one), InternalError, foreign);
      assertThrows(() => code.drop(callee.call()), InternalError, foreign);
    });
  });
});

Deno.test("a function that has ended takes nothing more", () => {
  let finished: ((value: Expression<"i32">) => void) | undefined;
  let store: (() => void) | undefined;
  new Module().function("f", [], "none", (code) => {
    finished = (value) => code.drop(value);
    store = () => code.do(v128.store(one, v128.load(one)));
  });
  const fault = `Cannot add to a function that has ended${suffix}`;
  assertThrows(() => finished?.(one), InternalError, fault);
  assertThrows(() => store?.(), InternalError, fault);
});
