import {
  grad,
  hessian,
  hvp,
  inspect,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  linearTranspose,
  makeProgram,
  matmul,
  mul,
  nn,
  noGrad,
  ones,
  optim,
  random,
  sin,
  stack,
  stopGradient,
  tensor,
  TraceError,
  tree,
  TreeError,
  valueAndGrad,
  vjp,
  vmap,
  where,
  zeros,
} from "../mod.ts";
import type { Tensor } from "../mod.ts";
import { checkProgram } from "../src/core/check.ts";
import { flatten } from "../src/core/tree.ts";
import { assertRounded } from "./laws/assertions.ts";
import { checkPasses } from "./laws/laws.ts";
import { assertRefused } from "./support/errors.ts";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "./support/std.ts";

/** Fails unless two trees have the same paths, types and bits. */
function assertSame(actual: unknown, expected: unknown, what = "values"): void {
  assertEquals(tree.paths(actual), tree.paths(expected));
  assertRounded(flatten<Tensor>(actual).leaves, flatten<Tensor>(expected).leaves, 64, what);
}

/** `f`, compiled, with the number of its traces. */
// deno-lint-ignore no-explicit-any
function counted<Args extends any[], Out>(
  f: (...args: Args) => Out,
  options?: Parameters<typeof jit>[1],
) {
  const count = { traced: 0 };
  const compiled = jit((...args: Args) => {
    count.traced++;
    return f(...args);
  }, options);
  return { compiled, count };
}

/** The well-formed program of `f`, before and after every pass. */
// deno-lint-ignore no-explicit-any
function programOf(f: (...args: any[]) => unknown, ...args: unknown[]) {
  const program = makeProgram(f)(...args);
  checkPasses(program, flatten<Tensor>(args).leaves.map((leaf) => tensor(leaf)), "program");
  return program;
}

const x = tensor([0.3, -1.2, 2.5]);

// Caching

Deno.test("a function is traced once for each dtype and shape", () => {
  const { compiled, count } = counted((a: Tensor) => a.mul(a).sum());
  assertSame(compiled(tensor([1, 2])), tensor(5));
  assertSame(compiled(tensor([3, 4])), tensor(25));
  assertEquals(count.traced, 1);
  assertSame(compiled(tensor([1, 2, 3])), tensor(14));
  assertEquals(count.traced, 2);
  assertSame(compiled(tensor([1, 2], { dtype: "float64" })), tensor(5, { dtype: "float64" }));
  assertEquals(count.traced, 3);
  compiled(tensor([[1, 2]]));
  compiled(tensor([1, 2], { dtype: "int32" }));
  assertEquals(count.traced, 5);
  compiled(tensor([5, 6]));
  compiled(tensor([5, 6], { dtype: "int32" }));
  assertEquals(count.traced, 5);
});

Deno.test("a function is traced once for each structure of its arguments", () => {
  const { compiled, count } = counted((a: Record<string, Tensor> | Tensor[]) =>
    Object.values(a).reduce((sum, part) => sum.add(part))
  );
  assertSame(compiled({ a: tensor(1), b: tensor(2) }), tensor(3));
  assertSame(compiled({ a: tensor(3), b: tensor(4) }), tensor(7));
  assertEquals(count.traced, 1);
  assertSame(compiled([tensor(1), tensor(2)]), tensor(3));
  assertSame(compiled({ a: tensor(1), c: tensor(2) }), tensor(3));
  assertSame(compiled({ a: tensor(1) }), tensor(1));
  assertEquals(count.traced, 4);
});

Deno.test("keys in another order are another structure, since a function can tell", () => {
  const first = (o: Record<string, Tensor>) => [Object.values(o)[0], o] as const;
  const { compiled, count } = counted(first);
  const [a, b] = [tensor(1), tensor(2)];
  for (const o of [{ a, b }, { b, a }, { a, b }] as Record<string, Tensor>[]) {
    const [value, same] = compiled(o);
    assertSame(value, Object.values(o)[0]);
    assertEquals(Object.keys(same), Object.keys(o));
  }
  assertEquals(count.traced, 2);
  const nested = jit((list: Record<string, Tensor>[]) => list[0].a);
  nested([{ a, b }]);
  assertEquals(
    nested.explain([{ b, a }]),
    "Traced: program 0 does not fit: the keys at [0][0] were a, b, now b, a",
  );
});

Deno.test("trees of very many leaves are fine", () => {
  const many = Array.from({ length: 200_000 }, (_, i) => tensor(i));
  const f = jit((list: Tensor[]) => list[1].add(list[199_999]));
  assertSame(f(many), tensor(200_000));
  assertSame(f(many), tensor(200_000));
});

Deno.test("a compiled function may call itself with other static arguments", () => {
  const power: (a: Tensor, n: number) => Tensor = jit(
    (a: Tensor, n: number): Tensor => n === 0 ? ones([]) : a.mul(power(a, n - 1)),
    { staticArgnums: 1 },
  );
  assertSame(power(tensor(2), 10), tensor(1024));
  assertSame(grad(power)(tensor(2), 3), tensor(12));
});

Deno.test("optimizers' counters do not trace a step again", () => {
  const schedule = (count: Tensor) => count.mul(0.01).add(0.1);
  for (const optimizer of [optim.adam(0.1), optim.rmsprop(0.1), optim.sgd(schedule)]) {
    type Params = { w: Tensor };
    const step = (p: Params, memory: unknown) => {
      const gradients = grad((q: Params) => q.w.square().sum())(p);
      const [updates, next] = optimizer.update(gradients, memory as never, p);
      return [optim.applyUpdates(p, updates), next] as [Params, unknown];
    };
    const { compiled, count } = counted(step);
    const start: Params = { w: tensor([1, -2]) };
    let [plain, fast] = [0, 1].map((): [Params, unknown] => [start, optimizer.init(start)]);
    for (let i = 0; i < 4; i++) {
      plain = step(...plain);
      fast = compiled(...fast) as [Params, unknown];
      assertSame(fast, plain, `step ${i}`);
    }
    assertEquals(count.traced, 1);
  }
});

Deno.test("more or fewer arguments are another structure", () => {
  const { compiled, count } = counted((...parts: Tensor[]) =>
    parts.reduce((sum, part) => sum.add(part), tensor(0))
  );
  assertSame(compiled(), tensor(0));
  assertSame(compiled(tensor(1)), tensor(1));
  assertSame(compiled(tensor(1), tensor(2)), tensor(3));
  assertSame(compiled(), tensor(0));
  assertEquals(count.traced, 3);
});

Deno.test("numbers are inputs, booleans parts of the program, with the meaning that they have", () => {
  const power = (a: Tensor, n: number, negate: boolean) => negate ? a.pow(n).neg() : a.pow(n);
  const { compiled, count } = counted(power);
  assertSame(compiled(x, 2, false), power(x, 2, false));
  assertSame(compiled(x, 2, false), power(x, 2, false));
  assertSame(compiled(x, 3, false), power(x, 3, false));
  assertEquals(count.traced, 1);
  assertSame(compiled(x, 3, true), power(x, 3, true));
  assertSame(compiled(x, 0.5, true), power(x, 0.5, true));
  assertEquals(count.traced, 2);
});

Deno.test("a number takes the dtype of the tensor that it meets", () => {
  const scaled = jit((a: Tensor, factor: number) => a.mul(factor));
  const integers = tensor([1, 2], { dtype: "int32" });
  assertSame(scaled(integers, 3), tensor([3, 6], { dtype: "int32" }));
  const doubles = tensor([1], { dtype: "float64" });
  assertSame(scaled(doubles, 0.1), tensor([0.1], { dtype: "float64" }));
  assertSame(scaled(tensor([1]), 0.1), tensor([0.1]));
  assertSame(jit((n: number) => tensor(n))(0.1), tensor(0.1));
});

Deno.test("one program serves every number", () => {
  const { compiled, count } = counted((a: Tensor, n: number) => a.mul(n));
  const one = tensor(1);
  for (const n of [0, -0, NaN, Infinity, 0, -0, NaN, Infinity]) {
    assertSame(compiled(one, n), one.mul(n));
  }
  assertEquals(count.traced, 1);
});

Deno.test("typed arrays are inputs, nested arrays are trees of numbers", () => {
  const { compiled, count } = counted((a: Tensor | Float32Array) => mul(a, 2));
  assertSame(compiled(Float32Array.of(1, 2)), tensor([2, 4]));
  assertSame(compiled(Float32Array.of(3, 4)), tensor([6, 8]));
  assertSame(compiled(tensor([5, 6])), tensor([10, 12]));
  assertEquals(count.traced, 1);
  const listed = counted((a: number[]) => stack(a).mul(2));
  assertSame(listed.compiled([1, 2]), tensor([2, 4]));
  assertSame(listed.compiled([3, 4]), tensor([6, 8]));
  assertEquals(listed.count.traced, 1);
});

Deno.test("64 programs are kept, and the one used longest ago makes room", () => {
  const { compiled, count } = counted((a: Tensor) => a.add(1));
  const call = (n: number) => assertSame(compiled(ones([n])), ones([n]).add(1));
  for (let n = 1; n <= 64; n++) call(n);
  for (let n = 1; n <= 64; n++) call(n);
  assertEquals(count.traced, 64);
  // 1 was used longest ago: using it now makes 2 the oldest, which 65 evicts.
  call(1);
  call(65);
  assertEquals(count.traced, 65);
  call(1);
  for (let n = 3; n <= 65; n++) call(n);
  assertEquals(count.traced, 65);
  call(2);
  assertEquals(count.traced, 66);
  assertEquals(compiled.explain(ones([1])).split("\n").length, 64);
});

Deno.test("a signature keeps no tensor", () => {
  const compiled = jit((a: Tensor) => a.mul(2));
  let isOver = false;
  const first = new Proxy(tensor([1, 2]), {
    get(target, name) {
      if (isOver) throw new Error(`${String(name)} of an argument was read after its call`);
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  assertSame(compiled(first), tensor([2, 4]));
  // A signature that held the argument would read its type.
  isOver = true;
  assertSame(compiled(tensor([3, 4])), tensor([6, 8]));
  assertEquals(compiled.explain(tensor([5, 6])), "Cached");
  assertEquals(
    compiled.explain(tensor([5])),
    "Traced: program 0 does not fit: [0] was float32[2], now float32[1]",
  );
});

Deno.test("each compiled function keeps its own programs", () => {
  let traced = 0;
  const f = (a: Tensor) => {
    traced++;
    return a.add(1);
  };
  const [first, second] = [jit(f), jit(f)];
  first(x);
  second(x);
  first(x);
  assertEquals(traced, 2);
});

// explain

Deno.test("explain says what differs, a line for each program", () => {
  type Options = { w: Tensor; b: Tensor } | { w: Tensor };
  const f = jit((p: Options, n: number) => p.w.mul(n));
  const w = tensor([1, 2]);
  assertEquals(f.explain({ w }, 2), "Traced: no program is kept yet");
  f({ w }, 2);
  assertEquals(f.explain({ w }, 2), "Cached");
  assertEquals(f.explain({ w: tensor([5, 6]) }, 2), "Cached");
  const prefix = "Traced: program 0 does not fit: ";
  assertEquals(f.explain({ w }, 3), "Cached");
  assertEquals(f.explain({ w }, true as never), `${prefix}[1] was a number, now true`);
  assertEquals(
    f.explain({ w: tensor([1]) }, 2),
    `${prefix}[0].w was float32[2], now float32[1]`,
  );
  assertEquals(
    f.explain({ w: tensor([1, 2], { dtype: "float64" }) }, 2),
    `${prefix}[0].w was float32[2], now float64[2]`,
  );
  assertEquals(f.explain({ w, b: w }, 2), `${prefix}[0].b is not expected`);
  assertEquals(
    f.explain({ w }, tensor(2) as never),
    `${prefix}[1] was a number, now float32[]`,
  );
  f({ w }, tensor(3) as never);
  assertEquals(
    f.explain({ w }, true as never),
    "Traced: program 0 does not fit: [1] was float32[], now true\n" +
      "Traced: program 1 does not fit: [1] was a number, now true",
  );
  assertEquals(f.explain({ w }, 2), "Cached");
  f({ w }, true as never);
  assertEquals(
    f.explain({ w }, false as never).split("\n")[0],
    "Traced: program 0 does not fit: [1] was true, now false",
  );
});

Deno.test("explain names the kind of a number where it meets integers", () => {
  const f = jit((a: Tensor, n: number) => a.mul(n));
  const integers = tensor([1, 2], { dtype: "int32" });
  f(integers, 3);
  assertEquals(f.explain(integers, 2 ** 31 - 1), "Cached");
  assertEquals(
    f.explain(integers, 0.5),
    "Traced: program 0 does not fit: [1] was an integer from 0 to 2147483647, beside integers, " +
      "now not an integer",
  );
});

Deno.test("explain traces nothing and changes no order", () => {
  const { compiled, count } = counted((a: Tensor) => a.neg());
  compiled.explain(x);
  assertEquals(count.traced, 0);
  for (let n = 1; n <= 64; n++) compiled(ones([n]));
  compiled.explain(ones([1]));
  compiled(ones([65]));
  assert(compiled.explain(ones([1])).startsWith("Traced: program 0"));
});

Deno.test("explain names static arguments", () => {
  const f = jit((a: Tensor, mode: string) => mode === "double" ? a.mul(2) : a, {
    staticArgnums: 1,
  });
  f(x, "double");
  assertEquals(
    f.explain(x, "keep"),
    'Traced: program 0 does not fit: a static argument was "double", now "keep"',
  );
});

// Static arguments

Deno.test("static arguments may be anything: plain data compared by value, all else by identity", () => {
  const modes: Record<string, (a: Tensor) => Tensor> = { sine: sin, twice: (a) => a.mul(2) };
  const byName = counted((a: Tensor, mode: string) => modes[mode](a), { staticArgnums: [1] });
  assertSame(byName.compiled(x, "sine"), sin(x));
  assertSame(byName.compiled(x, "twice"), x.mul(2));
  assertSame(byName.compiled(x, "sine"), sin(x));
  assertEquals(byName.count.traced, 2);
  const byFunction = counted((g: (a: Tensor) => Tensor, a: Tensor) => g(a), { staticArgnums: 0 });
  assertSame(byFunction.compiled(sin, x), sin(x));
  assertSame(byFunction.compiled(modes.twice, x), x.mul(2));
  assertSame(byFunction.compiled(sin, x), sin(x));
  assertEquals(byFunction.count.traced, 2);
  const byObject = counted((a: Tensor, options: { factor: number }) => a.mul(options.factor), {
    staticArgnums: 1,
  });
  const options = { factor: 3 };
  assertSame(byObject.compiled(x, options), x.mul(3));
  assertSame(byObject.compiled(x, options), x.mul(3));
  assertEquals(byObject.count.traced, 1);
  assertSame(byObject.compiled(x, { factor: 3 }), x.mul(3));
  assertEquals(byObject.count.traced, 1);
  assertSame(byObject.compiled(x, { factor: 4 }), x.mul(4));
  assertEquals(byObject.count.traced, 2);
});

Deno.test("static data that differs in anything is traced by itself", () => {
  const { compiled, count } = counted((a: Tensor, data: { read(): number }[]) => {
    return a.mul(data.length);
  }, { staticArgnums: 1 });
  const different: unknown[] = [
    [0],
    [-0],
    [NaN],
    [null],
    [undefined],
    [Infinity],
    [new Map([["k", 2]])],
    [new Map([["k", 3]])],
    [new Float32Array([1])],
    [new Float64Array([1])],
    [sin],
    [Math.sin],
    [{ a: 1, b: 2 }],
    [{ b: 2, a: 1 }],
  ];
  for (const data of different) compiled(x, data as never);
  assertEquals(count.traced, different.length);
  for (const data of different) {
    // The same data in other objects.
    compiled(
      x,
      (typeof (data as unknown[])[0] === "function" ? data : structuredClone(data)) as never,
    );
  }
  assertEquals(count.traced, different.length);
});

Deno.test("static data that is changed in place is traced again", () => {
  const scale = jit((a: Tensor, by: { factors: number[]; table: Float32Array }) => {
    const result = a.mul(by.factors[0] + by.table[0]);
    return result;
  }, { staticArgnums: 1 });
  const by = { factors: [2], table: new Float32Array([0]) };
  assertSame(scale(x, by), x.mul(2));
  by.factors[0] = 3;
  assertEquals(
    scale.explain(x, by),
    "Traced: program 0 does not fit: a static argument at .factors[0] was 2, now 3",
  );
  assertSame(scale(x, by), x.mul(3));
  by.table[0] = 1;
  assertSame(scale(x, by), x.mul(4));
  by.factors[0] = 2;
  by.table[0] = 0;
  assertEquals(scale.explain(x, by), "Cached");
  // The same if the function itself changes it.
  const push = jit((a: Tensor, list: number[]) => a.mul(list.push(1)), { staticArgnums: 1 });
  const list: number[] = [];
  assertSame(push(x, list), x);
  assertSame(push(x, list), x.mul(2));
  assertSame(push(x, []), x);
});

Deno.test("functions and large data are compared by identity, and explain says so", () => {
  const f = jit((a: Tensor, data: unknown) => a.mul((data as unknown[]).length), {
    staticArgnums: 1,
  });
  const large = new Array(5000).fill(1);
  f(x, large);
  assertEquals(f.explain(x, large), "Cached");
  assertEquals(
    f.explain(x, [...large]),
    "Traced: program 0 does not fit: a static argument is another object than before; " +
      "functions, instances of classes and large data are compared by identity",
  );
});

Deno.test("static and donated arguments are counted from the end by negative positions", () => {
  const { compiled, count } = counted((a: Tensor, axes: number[]) => a.sum(axes), {
    staticArgnums: -1,
  });
  const wide = ones([2, 3]);
  assertSame(compiled(wide, [1]), wide.sum([1]));
  assertSame(compiled(wide, [1]), wide.sum([1]));
  assertEquals(count.traced, 1);
  const step = jit((a: Tensor, b: Tensor) => a.add(b), { donateArgnums: [-2] });
  const given = ones([40000]);
  step(given, ones([40000]));
  assertThrows(() => given.add(1), Error, "donated");
  assertRefused(
    () => jit((a: Tensor, _n: number) => a, { staticArgnums: -1, donateArgnums: 1 })(x, 2),
    TypeError,
    "Cannot apply jit with argument 1 both static and donated: " +
      "static arguments are part of the program and have no memory to give",
  );
});

Deno.test("positions of arguments that a function does not have are refused", () => {
  for (const option of ["staticArgnums", "donateArgnums"]) {
    for (const place of [2, -3]) {
      assertRefused(
        () => jit((a: Tensor, b: Tensor) => a.add(b), { [option]: place })(x, x),
        TypeError,
        `Cannot call a jitted function whose ${option} names argument ${place}: ` +
          "expected the position of one of its arguments, 2 of which are given",
      );
    }
  }
  const optional = jit((a: Tensor, by: number = 2) => a.mul(by), { staticArgnums: 1 });
  assertSame(optional(x), x.mul(2));
  assertSame(optional(x, 3), x.mul(3));
  const named = jit(function scale(a: Tensor, { by }: { by: number } = { by: 2 }) {
    return a.mul(by);
  }, { staticArgnums: 1 });
  assertSame(named(x), x.mul(2));
  assertSame(jit(grad(optional), { staticArgnums: 1 })(x.at(0)), jit(grad(optional))(x.at(0)));
});

/** A tensor with settings, a node of trees. */
class Setting {
  readonly value: Tensor;
  readonly data: unknown;

  constructor(value: Tensor, data: unknown) {
    this.value = value;
    this.data = data;
  }
}

tree.register(Setting, {
  flatten: ({ value, data }) => [[value], data],
  unflatten: ([value], data) => new Setting(value as Tensor, data),
});

Deno.test("the data of registered classes is compared by value, exactly", () => {
  const read = (data: unknown): number => {
    if (data instanceof Map) return data.get("k") ?? 0;
    if (typeof data === "function") return data(3);
    if (ArrayBuffer.isView(data)) return (data as Float64Array)[0];
    return data === null ? 7 : Number.isNaN(data) ? 8 : 1 / (data as number);
  };
  const double = (n: number) => 2 * n;
  const triple = (n: number) => 3 * n;
  const { compiled, count } = counted((s: Setting) => s.value.mul(read(s.data)));
  const different = () => [
    new Map([["k", 2]]),
    new Map([["k", 3]]),
    double,
    triple,
    NaN,
    null,
    4,
    Infinity,
    new Float64Array([5]),
    new Float32Array([6]),
    new Float64Array([7]),
  ];
  for (let time = 0; time < 2; time++) {
    for (const data of different()) {
      assertSame(compiled(new Setting(x, data)), x.mul(read(data)));
    }
    assertEquals(count.traced, different().length);
  }
  assertSame(compiled(new Setting(x, -0)), x.mul(-Infinity));
  assertSame(compiled(new Setting(x, 0)), x.mul(Infinity));
});

Deno.test("data of registered classes may change in place, and results do not share it", () => {
  const f = jit((s: Setting) => new Setting(s.value.mul((s.data as number[])[0]), [1, 2]));
  const data = [2];
  assertSame(f(new Setting(x, data)).value as Tensor, x.mul(2));
  data[0] = 3;
  assertSame(f(new Setting(x, data)).value as Tensor, x.mul(3));
  const [one, other] = [f(new Setting(x, data)), f(new Setting(x, data))] as unknown as Setting[];
  (one.data as number[]).push(3);
  assertEquals(other.data, [1, 2]);
  assertEquals((f(new Setting(x, data)) as unknown as Setting).data, [1, 2]);
});

Deno.test("static arguments are handed on as they are, and may be left out", () => {
  const seen: unknown[] = [];
  const f = jit((a: Tensor, ...rest: unknown[]) => {
    seen.push(rest);
    return a;
  }, { staticArgnums: [1, 2] });
  const map = new Map();
  f(x, map, null);
  f(x, undefined, "s");
  f(x, undefined);
  f(x);
  assertEquals(seen.length, 4);
  assertStrictEquals((seen[0] as unknown[])[0], map);
  assertEquals(seen.slice(1), [[undefined, "s"], [undefined], []]);
});

Deno.test("wrong functions and options are refused", () => {
  assertRefused(
    () => jit(3 as never),
    TypeError,
    "Cannot apply jit to 3: expected a function",
  );
  assertRefused(
    () => jit(x as never),
    TypeError,
    "Cannot apply jit to float32[3]: expected a function; pass the function itself, not its result",
  );
  assertRefused(
    () => jit(sin, [1] as never),
    TypeError,
    "Cannot apply jit: expected options such as { staticArgnums }, got [1]",
  );
  assertRefused(
    () => jit(sin, { staticArgs: 1 } as never),
    TypeError,
    'Cannot apply jit: there is no option "staticArgs", the options are staticArgnums, donateArgnums, device',
  );
  for (
    const [argnums, shown] of [
      [0.5, "0.5"],
      [NaN, "NaN"],
      [[0, -0.5], "[0, -0.5]"],
      [["0"], '["0"]'],
      ["0", '"0"'],
      [null, "null"],
      [{}, "object"],
      [[undefined], "[undefined]"],
      [Array(1), "[]"],
    ] as const
  ) {
    assertRefused(
      () => jit(sin, { staticArgnums: argnums as never }),
      TypeError,
      `Cannot apply jit with staticArgnums ${shown}: expected positions of arguments, ` +
        `counted from 0, or from the end if negative`,
    );
  }
});

Deno.test("wrong arguments and results are refused, and nothing is kept of them", () => {
  const f = jit((a: unknown) => a as Tensor);
  assertRefused(
    () => f("x"),
    TypeError,
    "Cannot call a jitted function with these arguments (staticArgnums names those of other kinds): " +
      'expected a tensor or number at [0], got "x"',
  );
  assertThrows(() => f(new Map()), TypeError);
  assertThrows(() => f(undefined), TypeError);
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  assertThrows(() => f(cyclic), TreeError);
  assertEquals(f.explain(x), "Traced: no program is kept yet");
  const bad = jit(() => "text" as unknown as Tensor);
  assertThrows(() => bad(), TypeError, "Cannot return this value from jit");
  assertThrows(
    () => jit((() => Promise.resolve(x)) as never)(),
    TypeError,
    "Cannot apply jit to an async function",
  );
});

// Results

Deno.test("results may be inputs, constants, numbers, and the same value several times", () => {
  const constant = tensor([7, 8]);
  const f = (a: Tensor, b: Tensor) => {
    const product = a.mul(b);
    return { same: a, twice: [product, product], constant, number: 3, none: null, flag: true };
  };
  const compiled = jit(f);
  for (let i = 0; i < 2; i++) {
    const result = compiled(x, x.neg());
    const { same, twice: [first, second], number, none, flag } = result;
    assertSame(same, x);
    assertSame(first, x.mul(x.neg()));
    assertSame(second, first);
    assertSame(result.constant, constant);
    assertSame(number, tensor(3));
    assertStrictEquals(none, null);
    assertSame(flag, tensor(true));
    assertEquals(Object.keys(result), ["same", "twice", "constant", "number", "none", "flag"]);
  }
  const program = programOf(compiled, x, x);
  assertEquals(program.equations.length, 1);
});

Deno.test("derivatives pass results that are inputs, constants and duplicates", () => {
  const f = (a: Tensor, b: Tensor) => [a, a.mul(b), a.mul(b), tensor([1, 2, 3]), b];
  const compiled = jit(f);
  const [a, b] = [x, x.add(1)];
  const cotangents = [1, 2, 3, 4, 5].map((factor) => ones([3]).mul(factor));
  assertSame(vjp(compiled, a, b)[1](cotangents), vjp(f, a, b)[1](cotangents));
  assertSame(jvp(compiled, [a, b], [b, null]), jvp(f, [a, b], [b, null]));
  assertSame(jvp(compiled, [a, b], [null, a]), jvp(f, [a, b], [null, a]));
  const some = [null, ones([3]), null, null, null];
  assertSame(vjp(compiled, a, b)[1](some), vjp(f, a, b)[1](some));
});

Deno.test("empty trees and no arguments are fine", () => {
  assertEquals<unknown>(jit(() => ({}))(), {});
  assertEquals(jit((_: unknown) => [])({}), []);
  assertEquals(jit(() => null)(), null);
  assertSame(jit(() => tensor(3).mul(2))(), tensor(6));
  assertSame(jit((o: { a: [] }) => [o.a, zeros([0, 3]).sum()])({ a: [] }), [[], tensor(0)]);
  assertSame(jit((a: Tensor) => a.sum(0))(zeros([0, 2])), zeros([2]));
});

Deno.test("integers and booleans go in and out", () => {
  const f = (n: Tensor, flag: Tensor, a: Tensor) => ({
    n: n.add(1),
    greater: a.greater(0).logicalAnd(flag),
    chosen: where(flag, a, a.neg()),
    place: a.argmax(),
    picked: a.at(n),
  });
  const args = [
    tensor([2, 0, 0], { dtype: "int32" }),
    tensor([true, false, true]),
    x,
  ] as [Tensor, Tensor, Tensor];
  assertSame(jit(f)(...args), f(...args));
  const cotangent = { n: null, greater: null, chosen: ones([3]), place: null, picked: x };
  assertSame(vjp(jit(f), ...args)[1](cotangent), vjp(f, ...args)[1](cotangent));
  assertSame(jvp(jit(f), args, [null, null, x]), jvp(f, args, [null, null, x]));
});

// Closures

Deno.test("values of an enclosing grad reach a closure, and its program is not kept", () => {
  let factor: Tensor = tensor(1);
  const { compiled, count } = counted((a: Tensor) => a.mul(factor).sin());
  const f = (w: Tensor) => {
    factor = w;
    return compiled(tensor(0.5)).add(compiled(tensor(0.25)));
  };
  const plain = (w: Tensor) => w.mul(0.5).sin().add(w.mul(0.25).sin());
  for (const w of [1, 2, 3]) assertSame(grad(f)(w), grad(plain)(w));
  assertEquals(count.traced, 6);
  assertEquals(compiled.explain(tensor(1)), "Traced: no program is kept yet");
});

Deno.test("values of every enclosing transform reach a closure", () => {
  const make = (wrap: typeof jit | ((f: unknown) => never)) => {
    const f = (w: Tensor) => {
      const inner = (wrap as typeof jit)((a: Tensor) => a.mul(w).sin().add(w));
      return inner(w.square()).add(inner(w)).sum();
    };
    return f;
  };
  const [f, plain] = [make(jit), make(((g: unknown) => g) as never)];
  const near = (actual: unknown, expected: unknown) => {
    const [a, b] = [actual, expected] as [Tensor, Tensor];
    assert(a.sub(b).abs().max().item() < 1e-12, `${a} is not ${b}`);
  };
  const point = tensor([0.3, -1.2], { dtype: "float64" });
  near(f(point), plain(point));
  near(grad(f)(point), grad(plain)(point));
  near(hessian(f)(point), hessian(plain)(point));
  near(vmap(f)(point), vmap(plain)(point));
  near(vmap(grad(f))(point), vmap(grad(plain))(point));
  near(grad((w) => vmap(f)(w).sum())(point), grad((w) => vmap(plain)(w).sum())(point));
  near(jvp(f, [point], [point])[1], jvp(plain, [point], [point])[1]);
  near(jit(f)(point), plain(point));
  near(jit(grad(f))(point), grad(plain)(point));
  near(jit(vmap(grad(f)))(point), vmap(grad(plain))(point));
  near(linearize(f, point)[1](point), linearize(plain, point)[1](point));
  checkProgram(programOf(grad(f), point));
});

Deno.test("a tracer that has outlived its transform is refused inside a compiled function", () => {
  let kept: Tensor = x;
  grad((w) => {
    kept = w;
    return w;
  })(1);
  const f = jit((a: Tensor) => a.mul(kept));
  const message = "Cannot use float32[] in convert: it was traced by grad, which has ended; " +
    "return values from the function instead of storing them outside it";
  assertRefused(() => f(x), TraceError, message);
  assertEquals(f.explain(x), "Traced: no program is kept yet");
  kept = tensor(2);
  assertSame(f(x), x.mul(2));
});

Deno.test("a tracer of jit is refused outside it", () => {
  let kept: Tensor = x;
  jit((a: Tensor) => kept = a.mul(2))(x);
  assertRefused(
    () => kept.add(1),
    TraceError,
    "Cannot use float32[3] in add: it was traced by jit, which has ended; " +
      "return values from the function instead of storing them outside it",
  );
});

Deno.test("what else a function reads or does happens while it is traced", () => {
  let factor = 2;
  const log: string[] = [];
  const f = jit((a: Tensor) => {
    log.push(String(a));
    return a.mul(factor);
  });
  assertSame(f(tensor([1])), tensor([2]));
  factor = 3;
  assertSame(f(tensor([1])), tensor([2]));
  assertSame(f(tensor([1, 1])), tensor([3, 3]));
  assertEquals(log, ["Traced(float32[1], jit)", "Traced(float32[2], jit)"]);
});

// Errors

Deno.test("branching on a traced value is an error that names the ways out", () => {
  const f = jit((a: Tensor) => a.sum().item() > 0 ? a : a.neg());
  const message = "Cannot read the item of float32[] while jit traces it: its value is not known " +
    "yet; choose between values with where, and between computations with cond or whileLoop";
  assertRefused(() => f(x), TraceError, message);
  assertRefused(() => grad((a: Tensor) => f(a).sum())(x), TraceError, message);
  assertRefused(() => vmap(f)(ones([2, 3])), TraceError, message);
});

Deno.test("an error while tracing leaves everything usable and is not kept", () => {
  let fails = true;
  let traced = 0;
  const f = jit((a: Tensor) => {
    traced++;
    const y = sin(a);
    if (fails) throw new RangeError("not today");
    return y;
  });
  for (let i = 0; i < 3; i++) assertThrows(() => f(x), RangeError, "not today");
  assertThrows(() => grad((a: Tensor) => f(a).sum())(x), RangeError, "not today");
  assertThrows(() => vmap(f)(x), RangeError, "not today");
  assertThrows(() => jit((a: Tensor) => f(a))(x), RangeError, "not today");
  assertEquals(traced, 6);
  assertEquals(f.explain(x), "Traced: no program is kept yet");
  assertSame(grad((a: Tensor) => a.sin().sum())(x), x.cos());
  fails = false;
  assertSame(f(x), sin(x));
  fails = true;
  assertSame(f(x.neg()), sin(x.neg()));
});

Deno.test("mistakes in shapes are reported in the words of the operation", () => {
  const f = jit((a: Tensor, b: Tensor) => matmul(a, b));
  let eager = "";
  try {
    matmul(ones([2, 3]), ones([4, 5]));
  } catch (error) {
    eager = (error as Error).message;
  }
  assert(eager.startsWith("Cannot multiply float32[2,3] by float32[4,5]"), eager);
  assertThrows(() => f(ones([2, 3]), ones([4, 5])), Error, eager);
});

Deno.test("errors that depend on values come at every call", () => {
  const f = (a: Tensor, i: Tensor) => a.at(i);
  const compiled = jit(f);
  const wrong = tensor([5], { dtype: "int32" });
  const right = tensor([1], { dtype: "int32" });
  for (let i = 0; i < 2; i++) {
    assertRefused(
      () => compiled(x, wrong),
      RangeError,
      "Cannot index float32[3] with 5 on axis 0: expected -3 to 2",
    );
  }
  assertSame(compiled(x, right), f(x, right));
});

// In and around other transforms

const cubic = (a: Tensor) => a.mul(a).mul(a.sin()).sum();

Deno.test("jit composes with every transform, on either side", () => {
  const f = jit(cubic);
  const points = tensor([[0.3, -1.2, 2.5], [0.1, 0.7, -0.4]]);
  const both = (
    transform: (g: (a: Tensor) => Tensor) => (a: Tensor) => unknown,
    at: Tensor,
    tolerance = 1e-5,
  ) => {
    const expected = flatten<Tensor>(transform(cubic)(at)).leaves;
    const check = (actual: unknown, what: string) => {
      flatten<Tensor>(actual).leaves.forEach((leaf, i) => {
        assertEquals(leaf.shape, expected[i].shape);
        assert(
          leaf.sub(expected[i]).abs().max().item() <= tolerance,
          `${what}: ${leaf} is not ${expected[i]}`,
        );
      });
    };
    const inside = transform(f);
    for (let i = 0; i < 2; i++) check(inside(at), `${transform} of jit`);
    const outside = jit(transform(cubic) as (a: Tensor) => Tensor);
    for (let i = 0; i < 2; i++) check(outside(at), `jit of ${transform}`);
    const around = jit(inside as (a: Tensor) => Tensor);
    for (let i = 0; i < 2; i++) check(around(at), `jit of ${transform} of jit`);
    checkProgram(programOf(around, at));
  };
  both((g) => g, x);
  both((g) => grad(g), x);
  both((g) => grad((a: Tensor) => grad(g)(a).sum()), x);
  both((g) => (a) => valueAndGrad(g)(a), x);
  both((g) => (a) => jvp(g, [a], [a]), x);
  both((g) => (a) => vjp(g, a)[1](2), x);
  both((g) => (a) => linearize(g, a)[1](a), x);
  both((g) => (a) => hvp(g, [a], [a]), x);
  both((g) => hessian(g), x);
  both((g) => jacrev((a: Tensor) => g(a).mul(a)), x);
  both((g) => jacfwd((a: Tensor) => g(a).mul(a)), x);
  both((g) => vmap(g), points);
  both((g) => vmap(grad(g)), points);
  both((g) => grad((a: Tensor) => vmap(g)(a).sum()), points);
  both((g) => vmap((row: Tensor) => vmap(g, null, 0, { axisSize: 2 })(row)), points);
  both((g) => vmap(hessian(g), 1, -1), points.transpose());
});

Deno.test("jit inside jit is one equation of the outer program", () => {
  const inner = jit((a: Tensor) => a.mul(2).sin());
  const outer = jit((a: Tensor) => inner(a).add(inner(a)));
  assertSame(outer(x), x.mul(2).sin().add(x.mul(2).sin()));
  assertEquals(
    String(makeProgram(inner)(x)),
    [
      "program(a: float32[3]) {",
      "  b: float32[3] = call(a) { program: program(a: float32[3]) {",
      "    b: float32[3] = mul(a, 2)",
      "    c: float32[3] = sin(b)",
      "    return (c)",
      "  } }",
      "  return (b)",
      "}",
    ].join("\n"),
  );
  const program = programOf((a: Tensor) => inner(a).add(inner(a)), x);
  assertEquals(inspect.countOperations(program).call, 2);
  const optimized = inspect.countOperations(inspect.optimize(program));
  assertEquals([optimized.call, optimized.sin], [undefined, 1]);
});

Deno.test("an inner function is traced once, however often and where it is called", () => {
  const { compiled, count } = counted(cubic);
  compiled(x);
  jit((a: Tensor) => compiled(a).add(compiled(a.neg())))(x);
  grad(compiled)(x);
  vmap(compiled)(ones([4, 3]));
  vmap(grad(compiled))(ones([4, 3]));
  hessian(compiled)(x);
  assertEquals(count.traced, 1);
});

Deno.test("linear functions are transposed through jit", () => {
  const a = tensor([[1, 2], [3, 4]]);
  const f = (v: { x: Tensor; y: Tensor }) => [matmul(a, v.x).sub(v.y.mul(3)), v.y, zeros([2])];
  const example = { x: zeros([2]), y: zeros([2]) };
  const cotangent = [tensor([1, 10]), tensor([5, 6]), tensor([7, 7])];
  const compiled = jit(f);
  const expected = linearTranspose(f, example)(cotangent);
  assertSame(linearTranspose(compiled, example)(cotangent), expected);
  assertSame(
    jit((ct: Tensor[]) => linearTranspose(compiled, example)(ct))(cotangent),
    expected,
  );
  const partial = [null, tensor([5, 6]), null];
  assertSame(
    linearTranspose(compiled, example)(partial),
    linearTranspose(f, example)(partial),
  );
});

Deno.test("zeros made of zeros do not keep a function from being linear", () => {
  const f = (v: Tensor) => vmap((part: Tensor) => part.add(zeros([3]).at(0)))(v).add(zeros([2]));
  const expected = linearTranspose(f, zeros([2]))(tensor([1, 2]));
  assertSame(linearTranspose(jit(f), zeros([2]))(tensor([1, 2])), expected);
});

Deno.test("functions that are not linear are not transposed through jit", () => {
  const refuse = (f: (v: Tensor) => Tensor | Tensor[], ct: unknown, message: string) => {
    const end = ": the function is not linear in its arguments";
    assertRefused(
      () => linearTranspose(jit(f as (v: Tensor) => Tensor), 1)(ct),
      TypeError,
      `Cannot transpose ${message}${end}`,
    );
  };
  refuse((v) => sin(v), 1, "sin of float32[]");
  refuse((v) => v.mul(v), 1, "mul of float32[] and float32[]");
  refuse((v) => v.add(1), 1, "add of float32[] and float32[]");
  refuse((v) => v.astype("int32").astype("float32"), 1, "convert of int32[]");
  refuse((v) => [v, tensor(3)], [1, 1], "a function that returns the constant float32[]");
  // A constant whose cotangent is zero is not involved.
  assertSame(
    linearTranspose(jit((v: Tensor) => [v, tensor(3)]), 1)([5, null]),
    [tensor(5)],
  );
});

Deno.test("noGrad and stopGradient end derivatives inside and outside", () => {
  const stopped = jit((a: Tensor) => a.mul(stopGradient(a)).sum());
  assertSame(grad(stopped)(x), x);
  const without = jit((a: Tensor) => a.mul(noGrad(sin)(a)).sum());
  assertSame(grad(without)(x), sin(x));
  // The same after the program has been run, and optimised.
  stopped(x);
  without(x);
  assertSame(grad(stopped)(x), x);
  assertSame(jit(grad(stopped))(x), x);
  assertSame(grad(without)(x), sin(x));
  assertSame(vmap(grad(stopped))(x.reshape([3, 1])), x.reshape([3, 1]));
  assertSame(grad(jit(jit(stopped)))(x), x);
  const square = jit((a: Tensor) => a.mul(a).sum());
  assertSame(grad((a: Tensor) => a.sum().mul(noGrad(square)(a)))(x), ones([3]).mul(square(x)));
  assertSame(grad((a: Tensor) => noGrad(square)(a).add(a.sum()))(x), ones([3]));
  assertSame(grad((a: Tensor) => square(stopGradient(a)).add(a.sum()))(x), ones([3]));
  assertSame(noGrad(() => grad(square)(x))(), x.mul(2));
});

Deno.test("a function traced under noGrad keeps its derivative elsewhere", () => {
  const { compiled, count } = counted((a: Tensor) => a.mul(a).sum());
  const f = (a: Tensor) => noGrad(compiled)(a).add(a.sum());
  assertSame(grad(f)(x), ones([3]));
  assertSame(grad(compiled)(x), x.mul(2));
  assertSame(grad(f)(x), ones([3]));
  assertEquals(count.traced, 1);
});

Deno.test("noGrad stops what a compiled closure brings in", () => {
  const f = (w: Tensor) => {
    const inner = jit((a: Tensor) => a.mul(w));
    return noGrad(inner)(tensor(2)).add(inner(tensor(3)));
  };
  assertSame(grad(f)(5), tensor(3));
});

Deno.test("aux passes jit on either side of a gradient", () => {
  const f = (a: Tensor) =>
    [cubic(a), { mean: a.mean(), count: tensor(3, { dtype: "int32" }) }] as [
      Tensor,
      { mean: Tensor; count: Tensor },
    ];
  const expected = valueAndGrad(f, { hasAux: true })(x);
  assertSame(valueAndGrad(jit(f) as unknown as typeof f, { hasAux: true })(x), expected);
  assertSame(jit(valueAndGrad(f, { hasAux: true }))(x), expected);
});

Deno.test("purity: neither arguments nor constants change", () => {
  const constant = tensor([1, 2, 3]);
  const before = [x.toArray(), constant.toArray()];
  const f = jit((a: Tensor) => [a.add(constant), a.set([0], 9), a, constant]);
  const first = f(x);
  f(x.mul(2));
  assertEquals([x.toArray(), constant.toArray()], before);
  assertSame(f(x), first);
});

// Random numbers and whole models

Deno.test("random keys are inputs", () => {
  const f = (key: ReturnType<typeof random.key>) => {
    const [a, b] = random.split(key);
    return [random.normal(a, [3]), random.uniform(b, [2]), random.randint(b, [4], 0, 10)];
  };
  const { compiled, count } = counted(f);
  for (const seed of [0, 1, 2]) assertSame(compiled(random.key(seed)), f(random.key(seed)));
  assertEquals(count.traced, 1);
});

Deno.test("dropout takes its key through jit", () => {
  const layer = nn.dropout(0.5);
  const [params, state] = layer.init(random.key(0));
  const f = (key: ReturnType<typeof random.key>, a: Tensor) =>
    layer.apply(params, state, a, { train: true, key })[0] as Tensor;
  const compiled = jit(f);
  const input = ones([64]);
  const outputs = [0, 1].map((seed) => {
    const output = compiled(random.key(seed), input);
    assertSame(output, f(random.key(seed), input));
    return output;
  });
  assert(!outputs[0].equal(outputs[1]).all().item<boolean>());
});

Deno.test("a training step with batch norm and momentum is compiled whole", () => {
  const model = nn.sequential(nn.linear(3, 8), nn.batchNorm(8), nn.relu, nn.linear(8, 2));
  const [params, state] = model.init(random.key(0));
  const optimizer = optim.sgd(0.1, { momentum: 0.9 });
  const inputs = random.normal(random.key(1), [5, 3]);
  const targets = random.normal(random.key(2), [5, 2]);
  type Params = typeof params;
  type State = typeof state;
  let traced = 0;
  function step(p: Params, s: State, memory: unknown, a: Tensor, b: Tensor) {
    traced++;
    const [[loss, next], gradients] = valueAndGrad((q: Params) => {
      const [out, after] = model.apply(q, s, a, { train: true });
      return [nn.mseLoss(out as Tensor, b), after] as [Tensor, State];
    }, { hasAux: true })(p) as unknown as [[Tensor, State], Params];
    const [updates, newMemory] = optimizer.update(gradients, memory as never, p);
    return [optim.applyUpdates(p, updates), next, newMemory, loss];
  }
  const compiled = jit(step);
  // deno-lint-ignore no-explicit-any
  let [plain, fast]: any[] = [0, 1].map(() => [params, state, optimizer.init(params), null]);
  for (let i = 0; i < 4; i++) {
    plain = step(plain[0], plain[1], plain[2], inputs, targets);
    fast = compiled(fast[0], fast[1], fast[2], inputs, targets);
    assertSame(fast, plain, `step ${i}`);
  }
  assertEquals(traced, 5);
  programOf(compiled, fast[0], fast[1], fast[2], inputs, targets);
});

Deno.test("a donated tensor can be shown, and constants that a program returns stay its own", () => {
  const x = tensor([1, 2, 3]);
  const twice = jit((x: Tensor) => x.mul(2), { donateArgnums: 0 });
  twice(x);
  assertEquals(Deno.inspect({ x }), "{ x: tensor(<donated>, float32[3]) }");
  const captured = tensor([4, 5]);
  for (const make of [jit(() => ones([3])), jit(() => captured)]) {
    const expected = make().toArray();
    twice(make());
    assertEquals(make().toArray(), expected);
  }
  assertEquals(captured.toArray(), [4, 5]);
});
