import {
  astype,
  equal,
  full,
  grad,
  hessian,
  hvp,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  logicalAnd,
  maximum,
  maxPool,
  mul,
  nn,
  noGrad,
  oneHot,
  ones,
  optim,
  random,
  sin,
  stack,
  stopGradient,
  take,
  tensor,
  TraceError,
  valueAndGrad,
  vjp,
  vmap,
  where,
  zeros,
} from "../mod.ts";
import type { Tensor } from "../mod.ts";
import { assertRefused } from "./support/errors.ts";
import { assert, assertEquals, assertThrows } from "./support/std.ts";

const f64 = (value: number | number[]) => tensor(value, { dtype: "float64" });
const int32 = (value: number | number[]) => tensor(value, { dtype: "int32" });

/** A tensor's type and elements, for bitwise comparisons. */
function bits(x: Tensor): unknown[] {
  return [x.dtype, x.shape, [...x.data()]];
}

/** `f`, compiled, with the number of its traces. */
// deno-lint-ignore no-explicit-any
function counted(f: (...args: any[]) => Tensor) {
  const count = { traced: 0 };
  // deno-lint-ignore no-explicit-any
  const compiled = jit((...args: any[]) => {
    count.traced++;
    return f(...args);
  });
  return { compiled, count };
}

// Numbers in jit

Deno.test("a number means with jit what it means without, whatever it meets", () => {
  const others: unknown[] = [
    tensor([1, 2]),
    f64([1, 2]),
    int32([1, 2]),
    tensor([1, 2], { dtype: "uint32" }),
    tensor([true, false]),
    [1.5, 2],
    Float64Array.of(0.1, 0.2),
    3,
    true,
  ];
  for (const other of others) {
    for (const n of [0.1, 3, 2 ** 31 - 1, -0, Infinity]) {
      for (const f of [mul, maximum, equal, logicalAnd, (a: never, b: never) => stack([b, b, a])]) {
        for (const order of [[0, 1], [1, 0]]) {
          const call = (number: number) => {
            const pair = [other, number];
            return (f as typeof mul)(pair[order[0]] as never, pair[order[1]] as never);
          };
          let expected: Tensor;
          try {
            expected = call(n);
          } catch (error) {
            assertThrows(() => jit(call)(n), TypeError, (error as Error).message);
            continue;
          }
          assertEquals(bits(jit(call)(n)), bits(expected), `${String(other)} and ${n}`);
        }
      }
    }
  }
});

Deno.test("a number is float32 alone, and no result adopts another dtype again", () => {
  const alone = (n: Tensor, x: Tensor) => [n, sin(n), n.mul(n), n.add(1), n.mul(1).mul(x)];
  const results = jit(alone as never)(0.1 as never, f64([1]) as never) as unknown as Tensor[];
  const single = tensor(0.1);
  assertEquals(results.map((result) => result.dtype), [
    "float32",
    "float32",
    "float32",
    "float32",
    "float64",
  ]);
  assertEquals(results[0].item(), Math.fround(0.1));
  assertEquals(results[4].item(), single.item());
});

Deno.test("a learning rate that changes does not trace a step again", () => {
  for (const dtype of ["float32", "float64"] as const) {
    for (const make of [optim.sgd, optim.adam, optim.rmsprop, optim.adagrad]) {
      const params = tensor([1, -2], { dtype });
      const step = (p: Tensor, rate: number) => {
        const optimizer = make(rate);
        return optimizer.update(p.mul(0.3), optimizer.init(p) as never, p)[0] as Tensor;
      };
      const { compiled, count } = counted(step);
      for (const rate of [0.1, 0.01, 1, 0]) {
        const difference = compiled(params, rate).sub(step(params, rate)).abs().max().item();
        assert(difference <= (dtype === "float64" ? 1e-15 : 1e-7), `${make.name}: ${difference}`);
      }
      assertEquals(count.traced, 1);
    }
  }
});

Deno.test("the kind of a number matters only where it meets integers", () => {
  const scaled = counted((x: Tensor, n: number) => x.mul(n));
  for (const n of [1, 0.5, -3, 2 ** 40, NaN]) scaled.compiled(ones([2]), n);
  assertEquals(scaled.count.traced, 1);
  const integers = counted((x: Tensor, n: number) => x.mul(n));
  const x = int32([1, 2]);
  for (const n of [1, 2, 7]) assertEquals(bits(integers.compiled(x, n)), bits(x.mul(n)));
  assertEquals(integers.count.traced, 1);
  for (const n of [0.5, -3, 2.5, -4]) assertEquals(bits(integers.compiled(x, n)), bits(x.mul(n)));
  assertEquals(integers.count.traced, 3);
  assertRefused(
    () => integers.compiled(x, 2 ** 31),
    TypeError,
    "Cannot multiply int32 and 2147483648: int32 holds integers from -2147483648 to 2147483647; " +
      "convert the tensor with astype",
  );
});

Deno.test("the kind that an inner compiled function needs is the outer one's too", () => {
  const inner = jit((x: Tensor, n: number) => x.mul(n));
  const { compiled, count } = counted((x: Tensor, n: number) => inner(x, n));
  const x = int32([1, 2]);
  for (let i = 0; i < 2; i++) {
    for (const n of [3, 0.5]) assertEquals(bits(compiled(x, n)), bits(x.mul(n)));
  }
  assertEquals(count.traced, 2);
});

Deno.test("one number may stand in several places", () => {
  const inner = jit((x: Tensor, n: number, m: number) => x.mul(n).add(f64([1]).mul(m)));
  const outer = jit((x: Tensor, n: number) => inner(x, n, n));
  const x = int32([1, 2]);
  for (const n of [3, 0.5, 4]) {
    assertEquals(bits(outer(x, n)), bits(x.mul(n).add(f64([1]).mul(n))));
  }
});

Deno.test("numbers become elements of any dtype that holds them", () => {
  const cases: [(n: never) => Tensor, number][] = [
    [(n) => tensor(n, { dtype: "float64" }), 0.1],
    [(n) => tensor(n, { dtype: "int32" }), 7],
    [(n) => tensor(n, { dtype: "bool" }), 1e-60],
    [(n) => full([2], n, { dtype: "float64" }), 0.1],
    [(n) => full([2], n), 0.1],
    [(n) => astype(n, "float64"), 0.1],
    [(n) => astype(n, "int32"), 1.75],
    [(n) => f64([1, 2]).set([0], n), 0.1],
    [(n) => int32([1, 2]).addAt([0], n), 5],
    [(n) => take(ones([2, 3]), n, 0), 1],
    [(n) => oneHot(n, 3), 2],
    [(n) => where(tensor([true, false]), n, f64(0)), 0.1],
    [(n) => random.randint(random.key(0), [4], 0, n), 7],
    [(n) => random.randint(random.key(0), [4], 0, n), 2 ** 31],
    [(n) => random.key(n), -5],
    [(n) => random.key(n), 3e9],
    [(n) => random.foldIn(random.key(0), n), -3],
    [(n) => random.bernoulli(random.key(0), n, [8]), 0.3],
  ];
  for (const [f, n] of cases) assertEquals(bits(jit(f)(n as never)), bits(f(n as never)), `${f}`);
  assertRefused(
    () => jit((n: number) => tensor(n, { dtype: "int32" }))(0.5),
    TypeError,
    "Cannot make a tensor: 0.5 is not an integer from -2147483648 to 2147483647, " +
      "as int32 needs; convert with astype or choose another dtype",
  );
});

Deno.test("a tensor in a number's place traces again, and a number in a tensor's", () => {
  const { compiled, count } = counted((x: Tensor, n: Tensor | number) => x.mul(n));
  const x = f64([1]);
  assertEquals(bits(compiled(x, 0.1)), bits(f64([0.1])));
  assertEquals(bits(compiled(x, tensor(0.1))), bits(f64([Math.fround(0.1)])));
  assertEquals(count.traced, 2);
  const only = jit((x: Tensor, n: Tensor | number) => x.mul(n));
  only(x, tensor(2));
  assertEquals(
    only.explain(x, 2),
    "Traced: program 0 does not fit: [1] was float32[], now a number",
  );
});

// Operations that need the value of a number

const hint = "a number traced by jit (name its argument in staticArgnums)";

Deno.test("what needs a number to be known names staticArgnums", () => {
  const x = ones([2, 3]);
  const image = ones([1, 1, 4, 4]);
  const refused: [(n: number) => unknown, string][] = [
    [(n) => x.sum(n), `Cannot sum float32[2,3]: expected an integer axis, got ${hint}`],
    [(n) => x.sum([n]), `Cannot sum float32[2,3]: expected an integer axis, got ${hint}`],
    [
      (n) => x.reshape([n, -1]),
      `Cannot reshape float32[2,3]: axis 0 must be a non-negative integer, got ${hint}`,
    ],
    [(n) => zeros(n), `Cannot make zeros: expected a shape such as [2, 3], got ${hint}`],
    [
      (n) => x.repeat(n),
      `Cannot repeat float32[2,3]: expected a number of repetitions, got ${hint}`,
    ],
    [
      (n) => x.at(n),
      `Cannot index float32[2,3] with ${hint} on axis 0: ` +
      'expected an integer, a slice, null, "...", newAxis or a tensor of integers or booleans',
    ],
  ];
  for (const [f, message] of refused) {
    assertRefused(() => jit(f as never)(1 as never), Error, message);
  }
  const others: ((n: number) => unknown)[] = [
    (n) => x.variance(0, { correction: n }),
    (n) => x.norm(0, { ord: n }),
    (n) => x.transpose([n, 0]),
    (n) => x.split(n, 1),
    (n) => x.roll(n, 0),
    (n) => x.pad([[n, n], [0, 0]]),
    (n) => x.pad([[1, 1], [0, 0]], { value: n }),
    (n) => x.tile(n),
    (n) => x.tril(n),
    (n) => x.at([n, 2]),
    (n) => oneHot(int32([0]), n),
    (n) => maxPool(image, n),
    (n) => nn.conv2d(1, 1, n).init(random.key(0)),
    (n) => nn.linear(n, 1).init(random.key(0)),
    (n) => nn.dropout(n),
    (n) => random.split(random.key(0), n),
    (n) => random.permutation(random.key(0), n),
    (n) => vmap((y: Tensor) => y, n)(x),
    (n) => optim.sgd(0.1, { momentum: n }),
    (n) => jit((y: Tensor) => y, { staticArgnums: n }),
    (n) => tensor([1, 2].slice(n)),
    (n) => [x][n],
    (n) => `${n}`,
    (n) => n > 3 ? x : x.neg(),
    (n) => x.mul(n + 1),
    (n) => Math.sqrt(n),
    (n) => (n as unknown as Tensor).item(),
    (n) => (n as unknown as Tensor).toArray(),
  ];
  for (const f of others) {
    const error = assertThrows(() => jit(f as never)(1 as never), Error);
    assert(error.message.includes("staticArgnums"), `${f}: ${error.message}`);
  }
});

Deno.test("an argument named in staticArgnums is the number itself", () => {
  const seen: unknown[] = [];
  const f = jit((x: Tensor, n: number) => {
    seen.push(n);
    return n > 3 ? x.sum(0) : x.sum(n);
  }, { staticArgnums: 1 });
  assertEquals(bits(f(ones([2, 3]), 1)), bits(tensor([3, 3])));
  assertEquals(bits(f(ones([2, 3]), 4)), bits(tensor([2, 2, 2])));
  assertEquals(seen, [1, 4]);
});

Deno.test("operators and reads on an unknown number are refused by whole messages", () => {
  assertRefused(
    () => jit((n: number) => tensor(n * 2))(1),
    TraceError,
    "Cannot use a number that jit traces with a JavaScript operator: its value is not known yet; " +
      "use add, mul, less and the like, or name its argument in staticArgnums",
  );
  assertRefused(
    () => jit((n: number) => [ones([2])][n])(0),
    TraceError,
    "Cannot use a number that jit traces as text or as a key: its value is not known yet; " +
      "name its argument in staticArgnums",
  );
  assertRefused(
    () => jit((n: Tensor) => tensor(n.item()))(1 as never),
    TraceError,
    "Cannot read the item of a number that jit traces: its value is not known yet; " +
      "name its argument in staticArgnums, or choose between values with where, " +
      "and between computations with cond or whileLoop",
  );
  // A transform inside does not hide the reason why the number is unknown.
  const error = assertThrows(
    () => jit((n: number) => grad((m: Tensor) => m.mul(m.item()))(n as never))(1),
    TraceError,
  );
  assert(error.message.startsWith("Cannot read the item of a number that jit traces"));
});

Deno.test("an array of numbers that jit follows is joined with stack", () => {
  const error = assertThrows(() => jit((list: number[]) => mul(list, f64([1, 1])))([0.1, 0.2]));
  assert((error as Error).message.endsWith("use stack to join tensors"));
  assertEquals(
    bits(jit((list: number[]) => stack([...list, f64(1)]))([0.1, 0.2])),
    bits(f64([0.1, 0.2, 1])),
  );
});

// Derivatives with respect to numbers

const third = 1 / 3;

Deno.test("derivatives by a number lose no digits beside float64", () => {
  const x = f64([1, 2]);
  // 5 n^4 at 1/3, with the sum of the coefficients 3.
  const f = (n: Tensor | number) => x.mul(n).mul(n).mul(n).mul(n).mul(n).sum();
  const [first, second] = [15 * third ** 4, 60 * third ** 3];
  const near = (value: Tensor, expected: number, what: string) => {
    assertEquals(value.dtype, "float64", what);
    assert(
      Math.abs(value.item() - expected) < 1e-14,
      `${what}: ${value.item()} is not ${expected}`,
    );
  };
  for (const g of [f, jit(f)]) {
    const h = g as (n: Tensor) => Tensor;
    const at = third as never;
    for (let i = 0; i < 2; i++) {
      near(grad(h)(at), first, "grad");
      near(valueAndGrad(h)(at)[0], 3 * third ** 5, "value");
      near(jvp(h, [at], [1])[1], first, "jvp");
      near(vjp(h, at)[1](1)[0], first, "vjp");
      near(linearize(h, at)[1](1), first, "linearize");
      near(jacfwd(h)(at), first, "jacfwd");
      near(jacrev(h)(at), first, "jacrev");
      near(hessian(h)(at), second, "hessian");
      near(hvp(h, [at], [1])[0] as Tensor, second, "hvp");
      near(grad(grad(h) as typeof h)(at), second, "grad of grad");
      near(jit(grad(h))(at), first, "jit of grad");
      near(jit(hessian(h))(at), second, "jit of hessian");
      near(vmap(() => grad(h)(at), null, 0, { axisSize: 1 })().at(0), first, "vmap of grad");
    }
  }
});

Deno.test("the gradient of a number is float32 unless the number took part as float64", () => {
  const dtypes = (f: (n: Tensor) => Tensor) => [
    grad(f)(0.1).dtype,
    vjp(f, 0.1 as never)[1](1)[0].dtype,
    grad(jit(f))(0.1).dtype,
    jit(grad(f))(0.1 as never).dtype,
  ];
  const all = (dtype: string) => [dtype, dtype, dtype, dtype];
  assertEquals(dtypes((n) => sin(n)), all("float32"));
  assertEquals(dtypes((n) => n.mul(tensor([1, 2])).sum()), all("float32"));
  assertEquals(dtypes(() => f64(1)), all("float32"));
  assertEquals(dtypes((n) => n.mul(int32(2))), all("float32"));
  assertEquals(dtypes((n) => n.mul(2).mul(f64(2))), all("float32"));
  assertEquals(dtypes((n) => n.mul(f64(2))), all("float64"));
  assertEquals(dtypes((n) => n.mul(f64(2)).add(sin(n))), all("float64"));
});

Deno.test("a number keeps its dtype-less meaning in trees and beside tensors", () => {
  const f = (p: { w: Tensor; scale: Tensor }) => p.w.mul(p.scale).sum();
  const params = { w: f64([1, 2]), scale: 0.1 };
  const [value, gradients] = valueAndGrad(f)(params as never) as unknown as [
    Tensor,
    { w: Tensor; scale: Tensor },
  ];
  assertEquals(value.item(), 0.1 + 0.2);
  assertEquals(bits(gradients.w), bits(f64([0.1, 0.1])));
  assertEquals(bits(gradients.scale), bits(f64(3)));
});

Deno.test("a number that is differentiated by is known to control flow", () => {
  const f = (n: Tensor) => n.item() > 0.3 ? n.mul(f64(2)) : n.mul(f64(3));
  assertEquals(grad(f)(third).item(), 2);
  assertEquals(grad(f)(0.1).item(), 3);
  const seen: unknown[] = [];
  grad((n: Tensor) => {
    seen.push(n.item(), n.dtype, n.toArray(), n.data().constructor.name, String(n));
    return n;
  })(0.1);
  assertEquals(seen, [0.1, "float32", Math.fround(0.1), "Float32Array", "0.1"]);
  assertRefused(
    () => grad((n: Tensor) => ones([2]).sum(n as never).mul(n))(0),
    RangeError,
    "Cannot sum float32[2]: expected an integer axis, got a number traced by grad (read it with item)",
  );
});

Deno.test("stopGradient and noGrad leave a number what it is", () => {
  const x = f64([1]);
  const stopped = (n: Tensor) => x.mul(stopGradient(n)).mul(n).sum();
  assertEquals(grad(stopped)(0.1).item(), 0.1);
  assertEquals(grad(jit(stopped))(0.1).item(), 0.1);
  const without = (n: Tensor) => noGrad((m: Tensor) => x.mul(m))(n).mul(n).sum();
  assertEquals(grad(without)(0.1).item(), 0.1);
});

Deno.test("tangents of a number may be numbers and floats of either precision", () => {
  const f = (n: Tensor) => n.mul(f64(2));
  const at = 0.1 as never;
  for (const tangent of [0.1, f64(0.1)]) {
    assertEquals(jvp(f, [at], [tangent])[1].item(), 0.2);
    assertEquals(linearize(f, at)[1](tangent).item(), 0.2);
  }
  assertEquals(jvp(f, [at], [tensor(0.5)])[1].item(), 1);
  assertEquals(jvp(f, [at], [null])[1].item(), 0);
  assertThrows(() => jvp(f, [at], [int32(1)]), TypeError, "got int32[]; convert with astype");
  assertThrows(() => jvp(f, [at], [tensor([1])]), TypeError, "got float32[1]");
  // A number traced by an outer transform adopts the dtype of its position.
  const outer = (n: Tensor) => jvp((y: Tensor) => y.mul(2), [f64(1)], [n])[1];
  assertEquals(bits(jit(outer)(0.1 as never)), bits(f64(0.2)));
  assertEquals(bits(grad(outer)(0.1)), bits(f64(2)));
});

Deno.test("a number has no meaning after its transform", () => {
  let kept = ones([]);
  grad((n: Tensor) => {
    kept = n;
    return n;
  })(1);
  assertRefused(
    () => sin(kept),
    TraceError,
    "Cannot use float32[] in convert: it was traced by grad, which has ended; " +
      "return values from the function instead of storing them outside it",
  );
});
