import "../support/quiet.ts";
import fc from "fast-check";
import {
  arange,
  axisIndex,
  checkpoint,
  cond,
  configure,
  customJvp,
  customVjp,
  debugCallback,
  foriLoop,
  grad,
  hessian,
  hvp,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linalg,
  linearTranspose,
  logicalAnd,
  scan,
  stack,
  switchCase,
  tensor,
  vmap,
  whileLoop,
} from "../../mod.ts";
import type { NestedArray, Tensor } from "../../mod.ts";
import { assertNear } from "../laws/assertions.ts";
import { assertEquals, assertThrows } from "../support/std.ts";
import { partOf } from "../support/part.ts";

// Under vmap, an example is unaffected by branches that it does not take and by steps after its last.

const f64 = (values: NestedArray | number) => tensor(values, { dtype: "float64" });
const i32 = (values: NestedArray | number) => tensor(values, { dtype: "int32" });
const table = f64([10, 20, 30]);

type OfOne = (x: Tensor) => Tensor;

/** The results of the examples computed individually. */
function oneAtATime(f: OfOne, xs: Tensor): Tensor {
  return stack(Array.from({ length: xs.shape[0] }, (_, k) => f(xs.at(k))));
}

function assertEach(f: OfOne, xs: Tensor, law: string, isCompiled = true): void {
  const expected = oneAtATime(f, xs);
  assertNear([vmap(f)(xs)], [expected], 1e-12, law);
  if (isCompiled) assertNear([jit(vmap(f))(xs)], [expected], 1e-12, `${law}, compiled`);
}

/** The methods for derivatives of a function of a float scalar, up to the second order. */
const derivatives: Readonly<Record<string, (f: OfOne) => OfOne>> = {
  value: (f) => f,
  grad: (f) => grad(f) as OfOne,
  jvp: (f) => (x) => jvp(f, [x], [f64(1)])[1] as Tensor,
  jacrev: (f) => jacrev(f) as unknown as OfOne,
  hessian: (f) => hessian(f) as unknown as OfOne,
  "grad of grad": (f) => grad(grad(f) as OfOne) as OfOne,
  "jacfwd of jacfwd": (f) => jacfwd(jacfwd(f) as unknown as OfOne) as unknown as OfOne,
  "grad of a tangent": (f) => grad((x: Tensor) => jvp(f, [x], [f64(1)])[1] as Tensor) as OfOne,
};

/**
 * Compares the derivatives of each example, mapped and through the map, with those of single calls. With
 * respect to a shared weight, derivatives are a sum.
 */
function assertDerivatives(
  f: (w: Tensor, x: Tensor) => Tensor,
  w: Tensor,
  xs: Tensor,
  law: string,
  names: readonly string[] = Object.keys(derivatives),
): void {
  for (const name of names) {
    assertEach(derivatives[name]((x) => f(w, x)), xs, `${law}: ${name}`, name === "hessian");
  }
  const isReverse = names.includes("grad");
  const total = (w: Tensor, xs: Tensor) => vmap(f, [null, 0])(w, xs).sum();
  const plain = (w: Tensor, xs: Tensor) => oneAtATime((x) => f(w, x), xs).sum();
  const [dw, dxs] = [w.mul(0).add(0.7), xs.mul(0).add(1.3)];
  const firsts = (g: typeof total) => [
    ...isReverse ? grad(g, { argnums: [0, 1] })(w, xs) as unknown as Tensor[] : [],
    jvp(g, [w, xs], [dw, dxs])[1] as Tensor,
  ];
  const seconds = (g: typeof total) =>
    isReverse
      ? [
        ...hvp(g, [w, xs], [dw, dxs]) as unknown as Tensor[],
        grad((w: Tensor) => grad(g, { argnums: 1 })(w, xs).mul(dxs).sum())(w) as Tensor,
      ]
      : [];
  const expected = [...firsts(plain), ...seconds(plain)];
  assertNear([...firsts(total), ...seconds(total)], expected, 1e-10, `${law}: through the map`);
  const compiled = jit((w: Tensor, xs: Tensor) => {
    const own = (v: Tensor, ys: Tensor) => vmap(f, [null, 0])(v, ys).sum();
    const first = isReverse ? grad(own, { argnums: [0, 1] })(w, xs) as unknown as Tensor[] : [];
    return [...first, jvp(own, [w, xs], [dw, dxs])[1] as Tensor];
  });
  assertNear(compiled(w, xs) as Tensor[], firsts(plain), 1e-10, `${law}: compiled`);
}

Deno.test("an index that only the other branch is safe for is no error", () => {
  const f = (i: Tensor) => cond(i.less(3), (i) => table.at(i), () => f64(-1), i) as Tensor;
  for (const list of [[5], [5, 1], [0, 9, 2, -7], [-1, -2]]) {
    const safe = (i: Tensor) => cond(i.less(0), () => f64(-2), f, i) as Tensor;
    assertEach(safe, i32(list), `at ${list}`);
  }
  const writes = (i: Tensor) =>
    cond(i.less(3), (i) => table.set([i], 1).sum(), () => f64(0), i) as Tensor;
  assertEach(writes, i32([7, 1, 3]), "set");
  const chosen = (i: Tensor) =>
    switchCase(i, [(i) => table.at(i), (i) => table.at(i.add(1)), (i) => f64(0).add(i)], i);
  assertEach(chosen, i32([0, 1, 7]), "switchCase");
  assertEach(chosen, i32([40, 7]), "switchCase, where two branches are nobody's");
});

Deno.test("a mistake of an example that does take the branch is still an error", () => {
  const f = (i: Tensor) => cond(i.greater(0), (i) => table.at(i), () => f64(-1), i) as Tensor;
  for (const g of [vmap(f), jit(vmap(f))]) {
    const message = "Cannot index float64[3] with 5 on axis 0: expected -3 to 2";
    assertThrows(() => g(i32([0, 1, 5])), Error, message);
  }
});

Deno.test("steps of a loop that are some examples' alone fail for none of the others", () => {
  const next = i32([1, 2, 99]);
  const f = (i: Tensor) => whileLoop((i: Tensor) => i.less(3), (i: Tensor) => next.at(i), i);
  assertEach(f, i32([0, 2]), "a chain of indices");
  assertEach(f, i32([7, 8]), "a loop that nobody enters");
  const nested = (x: Tensor) =>
    whileLoop(
      (x: Tensor) => x.greater(1),
      (x: Tensor) =>
        whileLoop((y: Tensor) => y.notEqual(0), (y: Tensor) => y.sub(1), x.floor()).add(x.mul(0.5)),
      x,
    );
  assertEach(nested, f64([0.5, 6.5, -3.25]), "a loop that would not end for those that are done");
});

Deno.test("a loop that would not end for those that do not enter it ends", () => {
  const countdown = (x: Tensor) =>
    whileLoop((y: Tensor) => y.notEqual(1), (y: Tensor) => y.sub(1), x);
  const f = (x: Tensor) => cond(x.greater(0), countdown, (x) => x, x) as Tensor;
  assertEach(f, f64([-0.5]), "nobody enters");
  assertEach(f, f64([-0.5, 4, 0]), "one enters");
  const pairs = vmap(
    vmap((x: Tensor, y: Tensor) => cond(x.greater(y), f, (x) => x.neg(), x) as Tensor, [0, null]),
    [null, 0],
  );
  const [xs, ys] = [f64([-0.5, 4, 0]), f64([-1, 9, 2])];
  const expected = oneAtATime(
    (y) => oneAtATime((x) => x.greater(y).item<boolean>() ? f(x) : x.neg(), xs),
    ys,
  );
  for (const g of [pairs, jit(pairs)]) assertNear([g(xs, ys)], [expected], 0, "of every pair");
});

/** Functions with a derivative, or a value, that is not finite where their branch is not taken. */
const partial: Readonly<Record<string, (w: Tensor, x: Tensor) => Tensor>> = {
  logarithm: (w, x) => x.mul(w).log(),
  root: (w, x) => x.sqrt().mul(w),
  "root of a product": (w, x) => x.mul(w).sqrt().mul(w),
  quotient: (w, x) => w.div(x),
  power: (w, x) => x.pow(w),
  tableAt: (w, x) => table.at(x.astype("int32").mul(2)).mul(w).mul(x),
  system: (w, x) => linalg.solve(stack([stack([x, w]), stack([x.mul(0), w])]), f64([1, 2])).sum(),
  scanned: (w, x) =>
    scan((h: Tensor, y: Tensor) => [h.mul(w).add(y.log()), null], w, stack([x]))[0],
  looped: (w, x) => foriLoop(0, 2, (_, y: Tensor) => y.sqrt().mul(w), x),
  jitted: (w, x) => jit((w: Tensor, x: Tensor) => x.log().mul(w.log()))(w, x),
  checkpointed: (w, x) => checkpoint((x: Tensor) => x.mul(w).log())(x),
  nested: (w, x) =>
    cond(x.greater(0.75), (x) => x.sub(0.75).log().mul(w), (x) => x.log().sub(w), x) as Tensor,
};

for (const [name, g] of Object.entries(partial)) {
  Deno.test(`the derivatives of ${name} are those of the examples that take the branch`, () => {
    const f = (w: Tensor, x: Tensor) =>
      cond(x.greater(0), (x) => g(w, x), (x) => x.mul(3).mul(w), x) as Tensor;
    assertDerivatives(f, f64(1.5), f64([0, 1, 0.5]), name);
    assertDerivatives(f, f64(1.5), f64([0, -2]), `${name}, which nobody takes`);
    // No example takes the branch in which the weight itself has no derivative.
    const only = (w: Tensor, x: Tensor) =>
      cond(x.greater(0), (x) => g(w, x), (x) => x.mul(3), x) as Tensor;
    assertDerivatives(only, f64(0), f64([0, -2]), `${name} at no weight`);
  });
}

Deno.test("a vector or matrix that examples share has the derivative of those that use it", () => {
  const w = f64([[1, 2], [3, 4]]);
  const f = (w: Tensor, x: Tensor) =>
    cond(
      x.sum().greater(0),
      (x) => w.matmul(x).log().sum(),
      (x) => x.mul(w.at(0)).sum(),
      x,
    ) as Tensor;
  const xs = f64([[1, 2], [0, 0], [-1, -1]]);
  const total = (w: Tensor, xs: Tensor) => vmap(f, [null, 0])(w, xs).sum();
  const plain = (w: Tensor, xs: Tensor) => oneAtATime((x) => f(w, x), xs).sum();
  const both = (g: typeof total) => grad(g, { argnums: [0, 1] })(w, xs) as unknown as Tensor[];
  assertNear(both(total), both(plain), 1e-12, "eager");
  const compiled = jit(grad(total, { argnums: [0, 1] }))(w, xs) as unknown as Tensor[];
  assertNear(compiled, both(plain), 1e-12, "compiled");
});

Deno.test("an infinite derivative of one example is not that of the others", () => {
  const f = (x: Tensor) => cond(x.greaterEqual(0), (x) => x.sqrt(), (x) => x.mul(2), x) as Tensor;
  assertEach(grad(f) as OfOne, f64([-1, 0, 4]), "mapped");
  const through = grad((xs: Tensor) => vmap(f)(xs).sum()) as OfOne;
  for (const g of [through, jit(through)]) {
    assertNear([g(f64([-1, 0, 4]))], [f64([2, Infinity, 0.25])], 0, "through the map");
  }
  const shared = (w: Tensor) =>
    vmap((x: Tensor) => cond(x.greater(0), (x) => x.mul(w).sqrt(), (x) => x, x) as Tensor)(
      f64([-1, 0, 4]),
    ).sum();
  assertNear([grad(shared)(f64(0)) as Tensor], [f64(Infinity)], 0, "of what they share");
});

Deno.test("examples that are done with a loop have the derivatives of their last step", () => {
  const roots = (w: Tensor, x: Tensor) =>
    whileLoop((x: Tensor) => x.greater(0.5), (x: Tensor) => x.sub(w).sqrt().mul(w), x);
  const forward = ["value", "jvp", "jacfwd of jacfwd"];
  assertDerivatives(roots, f64(1), f64([1, 4, 0.25, 9]), "roots", forward);
  const reading = (w: Tensor, x: Tensor) =>
    whileLoop(
      ([i]: [Tensor, Tensor]) => i.less(3),
      ([i, y]: [Tensor, Tensor]) => [i.add(1), y.mul(table.at(i)).mul(w)],
      [x.astype("int32"), x] as [Tensor, Tensor],
    )[1];
  assertDerivatives(reading, f64(0.5), f64([1, 0, 7, 2]), "reading", forward);
});

Deno.test("what all branches and steps hand on is not mapped", () => {
  const [xs, v] = [f64([1, -2]), f64([7, 8])];
  type Pair = [Tensor, Tensor];
  const handing: Readonly<Record<string, (x: Tensor, v: Tensor) => Pair>> = {
    cond: (x, v) => cond(x.greater(0), (x, v) => [x, v], (x, v) => [x.mul(2), v], x, v) as Pair,
    switchCase: (x, v) =>
      switchCase(x.astype("int32"), [(x, v) => [x, v], (x, v) => [x.neg(), v]], x, v) as Pair,
    whileLoop: (x, v) =>
      whileLoop(
        ([x]: Pair) => x.less(3),
        ([x, v]: Pair): Pair => [x.add(v.sum()), v],
        [x, v] as Pair,
      ),
    scan: (x, v) =>
      scan(([x, v]: Pair) => [[x.add(1), v] as Pair, null], [x, v] as Pair, null, { length: 2 })[0],
    "cond in whileLoop": (x, v) =>
      whileLoop(
        ([x]: Pair) => x.less(3),
        ([x, v]: Pair) =>
          cond(x.less(0), (x, v) => [x.add(2), v], (x, v) => [x.add(1), v], x, v) as Pair,
        [x, v] as Pair,
      ),
    "whileLoop in scan in cond": (x, v) =>
      cond(
        x.less(0),
        (x, v) =>
          scan(
            ([x, v]: Pair) => [
              whileLoop(
                ([x]: Pair) => x.less(9),
                ([x, v]: Pair): Pair => [x.add(4), v],
                [x, v] as Pair,
              ),
              null,
            ],
            [x, v] as Pair,
            null,
            { length: 2 },
          )[0],
        (x, v) => [x, v],
        x,
        v,
      ) as Pair,
    "whileLoop with a bound": (x, v) =>
      whileLoop(
        ([x]: Pair) => x.less(3),
        ([x, v]: Pair): Pair => [x.add(v.sum()), v],
        [x, v] as Pair,
        { maxSteps: 20 },
      ),
    jit: (x, v) => jit((x: Tensor, v: Tensor): Pair => [x.mul(2), v])(x, v) as Pair,
    checkpoint: (x, v) => checkpoint((x: Tensor, v: Tensor): Pair => [x.mul(2), v.mul(2)])(x, v),
    customJvp: (x, v) =>
      customJvp(
        (x: Tensor, v: Tensor): Pair => [x.mul(v.sum()), v.sin()],
        ([x, v], [dx, dv]): [Pair, Pair] => [
          [x.mul(v.sum()), v.sin()],
          [dx.mul(v.sum()).add(dv.sum().mul(x)), dv.mul(v.cos())],
        ],
      )(x, v) as Pair,
    customVjp: (x, v) =>
      customVjp(
        (x: Tensor, v: Tensor): Pair => [x.mul(2), v.sin()],
        (x: Tensor, v: Tensor): [Pair, Tensor] => [[x.mul(2), v.sin()], v],
        (v: Tensor, [a, b]: Pair) => [a.mul(2), b.mul(v.cos())],
      )(x, v) as Pair,
    "checkpoint in cond": (x, v) =>
      cond(
        x.less(0),
        (x, v) => checkpoint((x: Tensor, v: Tensor): Pair => [x.mul(2), v])(x, v),
        (x, v) => [x, v],
        x,
        v,
      ) as Pair,
  };
  for (const [name, f] of Object.entries(handing)) {
    const expected = Array.from({ length: 2 }, (_, k) => f(xs.at(k), v));
    const mapped = vmap(f, [0, null], [0, null]);
    for (const g of [mapped, jit(mapped)]) {
      const [x, shared] = g(xs, v) as Pair;
      assertNear([x, shared], [stack(expected.map(([x]) => x)), expected[0][1]], 0, name);
    }
    const slope = (v: Tensor) => (mapped(xs, v) as Pair)[1].square().sum();
    assertNear(
      [grad(slope)(v) as Tensor],
      [grad((v: Tensor) => f(xs.at(0), v)[1].square().sum())(v) as Tensor],
      0,
      `${name}: gradient`,
    );
  }
  const swapping = (x: Tensor) =>
    whileLoop(
      ([x]: [Tensor, Tensor, Tensor]) => x.less(3),
      ([x, a, b]: [Tensor, Tensor, Tensor]): [Tensor, Tensor, Tensor] => [x.add(2), b, a],
      [x, f64(1), f64(2)] as [Tensor, Tensor, Tensor],
    );
  const swapped = vmap(swapping)(xs).map((value) => value.toArray());
  assertEquals(swapped, [[3, 4], [2, 2], [1, 1]]);
  assertThrows(
    () => vmap(swapping, 0, [0, null, null])(xs),
    Error,
    "Cannot vmap with outAxes null for float64[] at [1]: it differs between examples; " +
      "give the axis where they should be stacked",
  );
});

Deno.test("a linear function that differs between examples can be transposed", () => {
  const places = i32([0, 9, 2]);
  const f = (xs: Tensor) =>
    vmap((i: Tensor, x: Tensor) =>
      cond(i.less(3), (x) => table.at(i).mul(x), (x) => x.mul(3).neg(), x) as Tensor
    )(places, xs);
  for (const g of [f, jit(f)]) {
    const [pulled] = linearTranspose(g, f64([0, 0, 0]))(f64([1, 10, 100]));
    assertNear([pulled as Tensor], [f64([10, -30, 3000])], 0, "transposed");
    const along = (ts: Tensor) => jvp(g, [f64([1, 2, 3])], [ts])[1].mul(f64([1, 10, 100])).sum();
    assertNear([grad(along)(f64([1, 1, 1]))], [f64([10, -30, 3000])], 0, "by the tangent");
  }
});

/** The printed values. */
function shown(f: () => unknown): unknown[] {
  const seen: unknown[] = [];
  heard = seen;
  f();
  return seen;
}

let heard: unknown[] = [];

function tell(name: string, x: Tensor): void {
  debugCallback((x: Tensor) => heard.push(`${name} ${x.item()}`), x);
}

Deno.test("an example has the effects of what it does itself", () => {
  const f = (x: Tensor) =>
    cond(
      x.greater(0),
      (x) => (tell("up", x), x.mul(2)),
      (x) => (tell("down", x), x.neg()),
      x,
    ) as Tensor;
  const loop = (x: Tensor) =>
    whileLoop(
      (x: Tensor) => (tell("asks", x), x.less(3)),
      (x: Tensor) => (tell("steps", x), x.add(1)),
      x,
    );
  const inner = (x: Tensor) => cond(x.less(2), loop, (x) => x, x) as Tensor;
  const scanned = (x: Tensor) =>
    scan((h: Tensor, y: Tensor) => [f(h.mul(y)), null], x, f64([1, -1]))[0];
  const xs = f64([1, -2, 5]);
  for (const g of [f, loop, inner, scanned, jit(f)]) {
    const expected = shown(() => oneAtATime(g, xs)).toSorted();
    for (const mapped of [vmap(g), jit(vmap(g))]) {
      assertEquals(shown(() => mapped(xs)).toSorted(), expected);
    }
    const moving = (xs: Tensor) => jvp(vmap(g), [xs], [xs])[0] as Tensor;
    assertEquals(shown(() => moving(xs)).toSorted(), expected);
  }
  const slopes = shown(() => oneAtATime(grad(f) as OfOne, xs)).toSorted();
  for (const g of [vmap(grad(f)) as OfOne, jit(vmap(grad(f))) as OfOne]) {
    assertEquals(shown(() => g(xs)).toSorted(), slopes);
  }
  assertEquals(shown(() => grad((xs: Tensor) => vmap(f)(xs).sum())(xs)).toSorted(), slopes);
});

Deno.test("an example that numbers itself has its own effects, too", () => {
  const f = (x: Tensor) =>
    cond(
      x.greater(0),
      (x) => (tell("example", axisIndex("i").astype("float64")), x),
      (x) => scan((x: Tensor) => [x.sub(axisIndex("i")), null], x, null, { length: 1 })[0],
      x,
    ) as Tensor;
  const g = vmap(f, 0, 0, { axisName: "i" });
  for (const mapped of [g, jit(g)]) {
    const seen = shown(() => assertNear([mapped(f64([3, -1, 4]))], [f64([3, -2, 4])], 0, "values"));
    assertEquals(seen, ["example 0", "example 2"]);
  }
});

Deno.test("debugNaNs sees nothing of what examples did not do", () => {
  const f = (x: Tensor) =>
    cond(x.greaterEqual(0), (x) => x.sqrt().add(x.add(1).log()), (x) => x.mul(2), x) as Tensor;
  const loop = (x: Tensor) =>
    whileLoop((x: Tensor) => x.greater(0.5), (x: Tensor) => x.sub(1).sqrt(), x);
  const xs = f64([-1, 0, 4, -3]);
  const done = f64([1, 2.5, 0.25]);
  const slope = (xs: Tensor) => grad((xs: Tensor) => vmap(f)(xs).sum())(xs) as Tensor;
  const work = () => [
    vmap(f)(xs),
    jit(vmap(f))(xs),
    slope(xs),
    jit(slope)(xs),
    vmap(grad(f))(xs) as Tensor,
    vmap(loop)(done),
  ];
  const expected = work();
  configure({ debugNaNs: true });
  try {
    assertNear(work(), expected, 0, "under debugNaNs");
    assertThrows(() => vmap(loop)(f64([1, 0.75])), Error);
  } finally {
    configure({ debugNaNs: false });
  }
});

/** The seed of fast-check: the same functions in every run. */
const SEED = 20_261_130;

/** A random function: an operation on simpler ones. */
interface Node {
  readonly kind: string;
  readonly parts: readonly Node[];
  readonly threshold: number;
}

/** Leaves. */
const leaves: Readonly<Record<string, (w: Tensor, x: Tensor) => Tensor>> = {
  x: (_, x) => x,
  w: (w) => w,
  product: (w, x) => w.mul(x),
  sine: (w, x) => x.sin().add(w),
  constant: () => f64(0.75),
};

/** Functions that are only defined for arguments above a threshold. */
const guarded: Readonly<Record<string, (w: Tensor, y: Tensor, low: number) => Tensor>> = {
  logarithm: (_, y, low) => y.sub(low).log(),
  root: (w, y, low) => y.sub(low).sqrt().mul(w),
  reciprocal: (w, y, low) => w.div(y.sub(low)),
  // Fails for arguments that are not above the threshold.
  entry: (_, y, low) => {
    const place = y.greater(low).astype("int32").sub(1);
    return table.set([place], y).sum();
  },
  // Never ends for arguments that are not above the threshold.
  ladder: (w, y, low) =>
    whileLoop(
      ([n]: [Tensor, Tensor]) => n.notEqual(0),
      ([n, z]: [Tensor, Tensor]): [Tensor, Tensor] => [n.sub(1), z.mul(0.5).add(w)],
      [y.greater(low).astype("int32").mul(2).sub(1), y] as [Tensor, Tensor],
    )[1],
};

function meaning({ kind, parts, threshold }: Node, w: Tensor, x: Tensor): Tensor {
  if (kind in leaves) return leaves[kind](w, x);
  const [first, second] = parts;
  if (kind in guarded) {
    return cond(
      x.greater(threshold),
      (x) => guarded[kind](w, x, threshold).mul(0.1).add(meaning(first, w, x)),
      (x) => meaning(second, w, x),
      x,
    ) as Tensor;
  }
  switch (kind) {
    case "switch":
      return switchCase(
        x.floor().astype("int32"),
        [(x) => meaning(first, w, x), (x) => x.log(), (x) => meaning(second, w, x).sin()],
        x,
      );
    case "scan":
      return scan(
        (h: Tensor, y: Tensor) => [meaning(first, w, h).mul(0.5).tanh().add(y), null],
        meaning(second, w, x),
        f64([0.25, -0.5]),
      )[0];
    // Roots are taken as long as they are defined.
    case "while":
    case "bounded":
      return whileLoop(
        ([i, y]: [Tensor, Tensor]) => i.less(3).logicalAnd(y.greater(threshold)),
        ([i, y]: [Tensor, Tensor]): [Tensor, Tensor] => [
          i.add(1),
          y.sub(threshold).sqrt().add(meaning(first, w, y).mul(0.25)).sub(0.5),
        ],
        [i32(0), meaning(second, w, x)] as [Tensor, Tensor],
        kind === "bounded" ? { maxSteps: 3, checkpoint: threshold === 0 } : undefined,
      )[1];
  }
  return meaning(first, w, meaning(second, w, x).tanh());
}

const { node } = fc.letrec<{ node: Node; leaf: Node; inner: Node }>((tie) => ({
  node: fc.oneof({ depthSize: "small", withCrossShrink: true }, tie("leaf"), tie("inner")),
  leaf: fc.record({
    kind: fc.constantFrom(...Object.keys(leaves)),
    parts: fc.constant([]),
    threshold: fc.constant(0),
  }),
  inner: fc.record({
    kind: fc.constantFrom(...Object.keys(guarded), "switch", "scan", "while", "bounded", "compose"),
    parts: fc.tuple(tie("node"), tie("node")),
    threshold: fc.constantFrom(-0.5, 0, 1),
  }),
}));

function contains(tree: Node, kinds: readonly string[]): boolean {
  return kinds.includes(tree.kind) || tree.parts.some((part) => contains(part, kinds));
}

Deno.test(`a batch of random branches and loops is its examples (seed ${SEED})`, () => {
  const law = (tree: Node, places: readonly number[]) => {
    const f = (w: Tensor, x: Tensor) => meaning(tree, w, x);
    const isLooped = contains(tree, ["while", "ladder"]);
    const names = isLooped ? ["value", "jvp"] : ["value", "grad", "jvp", "hessian"];
    assertDerivatives(f, f64(0.8), f64([...places]), JSON.stringify(tree), names);
  };
  const places = fc.array(fc.constantFrom(-0.5, 0, 1, 1.5, -2, 0.625, 2.25), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(fc.property(node, places, law), { seed: SEED, numRuns: partOf(40) });
});

// A few positions of a carried value, different for each example, are changed without touching the rest.

type Step = (i: Tensor, b: Tensor, x: Tensor) => Tensor;

const fewPlaces: Readonly<Record<string, Step>> = {
  "a place set": (i, b, x) =>
    cond(x.greater(0), (b: Tensor) => b.set([i], b.at(i.add(1)).log()), (b: Tensor) => b, b),
  "a sum in either branch": (i, b, x) =>
    cond(
      x.greater(0),
      (b: Tensor) => b.addAt([i], b.at(i).sqrt()).set([i.add(2)], x.log()),
      (b: Tensor) => b.addAt([i.add(1)], x.square()),
      b,
    ),
  "places that repeat": (i, b, x) => {
    const at = i.add(i32([1, 0, 1]));
    return cond(
      x.greater(0),
      (b: Tensor) => b.set([at], b.at(at).mul(f64([1, 2, 3]))),
      (b) => b,
      b,
    );
  },
  "sums that repeat": (i, b, x) => {
    const at = i.add(i32([1, 0, 1]));
    return cond(x.less(1), (b: Tensor) => b, (b: Tensor) => b.addAt([at], b.at(at).log()), b);
  },
  "a place that is read": (_i, b, x) =>
    cond(
      x.greater(0),
      (b: Tensor) => {
        const at = b.at(0).abs().mul(3).astype("int32").mod(5);
        return b.set([at], b.at(at.add(1)).square());
      },
      (b: Tensor) => b.set([0], 99),
      b,
    ),
  "several branches": (i, b, x) =>
    switchCase(x.mul(2).astype("int32").add(1), [
      (b: Tensor) => b.set([i], b.at(i.add(1)).neg().sqrt()),
      (b: Tensor) => b,
      (b: Tensor) => b.set([[1, 3]], b.at([2, 4]).square()),
      (b: Tensor) => b.addAt([i], x.log()).set([i.add(1)], b.at(i)),
    ], b),
  "a branch of a branch": (i, b, x) =>
    cond(
      x.greater(0),
      (b: Tensor) =>
        cond(
          x.greater(0.6),
          (b: Tensor) => b.set([i], b.at(i).log()),
          (b: Tensor) => b.addAt([i], x.sqrt()),
          b,
        ),
      (b: Tensor) => b,
      b,
    ),
  "a loop in a branch": (i, b, x) =>
    cond(
      x.greater(0),
      (b: Tensor) => foriLoop(0, 3, (j, b) => b.set([j.add(i)], b.at(j).mul(x.log())), b),
      (b: Tensor) => b,
      b,
    ),
  "what a loop reads in a branch": (i, b, x) =>
    b.set(
      [i],
      cond(
        x.greater(0),
        (b: Tensor) => scan((s, j: Tensor) => [s.add(b.at(j).log()), null], x, i32([1, 3, 1]))[0],
        (_b: Tensor) => x,
        b,
      ),
    ),
  "a call in a branch": (i, b, x) =>
    cond(
      x.greater(0),
      (b: Tensor) => jit((b: Tensor, i: Tensor) => b.set([i], b.at(i.add(1)).log()))(b, i),
      (b: Tensor) => b,
      b,
    ),
  "two values that change": (i, b, x) => {
    const [p, q] = cond(
      x.greater(0),
      (p: Tensor, q: Tensor) => [p.set([i], q.at(i).log()), q.addAt([0], p.at(1))] as const,
      (p: Tensor, q: Tensor) => [p, q.set([i.add(1)], 3)] as const,
      b,
      b.mul(2),
    );
    return p.addAt([i], q.at(i.add(1)));
  },
  "values exchanged": (i, b, x) => {
    const [p, q] = cond(
      x.greater(0),
      (p: Tensor, q: Tensor) => [q, p.set([i], q.at(i).log())] as const,
      (p: Tensor, q: Tensor) => [p, q] as const,
      b,
      b.mul(2),
    );
    return p.addAt([i], q.at(i.add(1)));
  },
  "one value for two": (i, b, x) => {
    const [p, q] = cond(
      x.greater(0),
      (b: Tensor) => [b.set([i], b.at(i).log()), b.set([i.add(1)], 2)] as const,
      (b: Tensor) => [b, b] as const,
      b,
    );
    return p.addAt([i], q.at(i.add(1)));
  },
  "the whole besides": (i, b, x) =>
    cond(x.greater(0), (b: Tensor) => b.set([i], b.abs().log().sum()), (b: Tensor) => b, b),
  "part of it in another shape": (i, b, x) =>
    cond(
      x.greater(0),
      (b: Tensor) => b.reshape([4, 3]).set([i.mod(4), [0, 2]], b.at([4, 6]).log()).reshape([12]),
      (b: Tensor) => b.reshape([4, 3]).set([null, i.mod(3)], 0.5).reshape([12]),
      b,
    ),
};

for (const [name, step] of Object.entries(fewPlaces)) {
  Deno.test(`examples change few places of their own: ${name}`, () => {
    const f = (w: Tensor, x: Tensor) =>
      foriLoop(
        1,
        4,
        (i, b) => step(i, b, x),
        arange(1, 13, { dtype: "float64" }).mul(x).mul(w),
      ).mul(arange(12, { dtype: "float64" }).cos()).sum() as Tensor;
    const names = ["value", "grad"];
    assertDerivatives(f, f64(1.5), f64([0.7, -0.4, 0.25, 0]), name, names);
  });
}

Deno.test("steps of loops that end for each example by itself change few places of their own", () => {
  type State = [Tensor, Tensor];
  const f = (w: Tensor, x: Tensor) =>
    whileLoop(
      ([j, b]: State) => logicalAnd(j.less(5), b.at(j).greater(0.3)),
      ([j, b]: State) => [j.add(1), b.set([j], b.at(j.add(1)).sub(0.3).log())] as State,
      [i32(0), arange(1, 13, { dtype: "float64" }).mul(x).mul(w)] as State,
      { maxSteps: 6 },
    )[1].mul(arange(12, { dtype: "float64" }).cos()).sum() as Tensor;
  assertDerivatives(f, f64(1.5), f64([0.7, -0.4, 0.25, 0]), "a bounded loop", [
    "value",
    "grad",
    "jvp",
  ]);
});

Deno.test("examples that take no part keep every bit of what others change", () => {
  const start = f64([-0, 0, NaN, -Infinity, 5e-324, 1, 2, 3]);
  const f = (i: Tensor) =>
    cond(
      i.greater(0),
      (x: Tensor) => x.addAt([i], 1).addAt([i.add(i32([0, 1, 0]))], 2).set([0], 7),
      (x: Tensor) => x,
      start,
    );
  const [kept] = vmap(f)(i32([-1, 3])).toArray() as number[][];
  assertEquals(kept.map((value) => Object.is(value, -0) ? "-0" : value), [
    "-0",
    ...(start.toArray() as number[]).slice(1),
  ]);
});
