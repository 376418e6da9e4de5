import {
  ArgumentError,
  exp,
  grad,
  hessian,
  jvp,
  linearize,
  makeProgram,
  noGrad,
  sin,
  square,
  stopGradient,
  tensor,
  valueAndGrad,
  vjp,
  vmap,
} from "../../mod.ts";
import type { Program, Tensor } from "../../mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals, assertStrictEquals, assertThrows } from "../support/std.ts";

const f64 = (values: Parameters<typeof tensor>[0]) => tensor(values, { dtype: "float64" });

function names(program: Program): string[] {
  return program.equations.map(({ primitive }) => primitive.name);
}

Deno.test("a transform obeys a noGrad inside it", () => {
  assertEquals(grad((x) => x.sub(noGrad(square)(x)))(3).item(), 1);
  assertEquals(grad((x) => noGrad(square)(x))(3).item(), 0);
  const [y, tangent] = jvp((x) => noGrad(square)(x).add(x), [f64(3)], [f64(1)]);
  assertEquals([y.item(), tangent.item()], [12, 1]);
  const [, pullback] = vjp((x) => noGrad(square)(x).mul(x), f64(3));
  assertEquals(pullback(1)[0].item(), 9);
  const [, push] = linearize((x) => noGrad(square)(x).mul(x), f64(3));
  assertEquals(push(1).item(), 9);
});

Deno.test("a transform ignores a noGrad around it", () => {
  assertEquals(noGrad(() => grad((x) => x.square())(3))().item(), 6);
  assertEquals(noGrad((x: Tensor) => jvp((y) => y.square(), [x], [1])[1])(tensor(3)).item(), 6);
  const [, pullback] = noGrad((x: Tensor) => vjp((y) => y.square(), x))(tensor(3));
  assertEquals(pullback(1)[0].item(), 6);
  assertEquals(noGrad(() => hessian((x) => x.pow(3))(f64(2)))().item(), 12);
});

Deno.test("noGrad holds for values that the function closes over", () => {
  assertEquals(grad((x) => noGrad(() => x.square())().mul(x))(3).item(), 9);
  const f = (x: Tensor) => {
    const y = x.mul(2);
    const z = noGrad(() => y.mul(x))();
    return z.add(y);
  };
  assertEquals(grad(f)(3).item(), 2);
});

Deno.test("a value made outside keeps its derivative outside", () => {
  const f = (x: Tensor) => {
    const y = x.square();
    noGrad(() => y.mul(100))();
    return y;
  };
  assertEquals(grad(f)(3).item(), 6);
  assertEquals(grad((x) => noGrad(() => x)())(3).item(), 0);
  assertEquals(grad((x) => noGrad((y: Tensor) => y)(x).mul(x))(3).item(), 3);
});

Deno.test("a transform inside a noGrad inside a transform: the inner differentiates, the outer not", () => {
  const f = (x: Tensor) => noGrad(() => grad((y) => x.mul(y).mul(y))(x))();
  const [value, gradient] = valueAndGrad(f)(3);
  assertEquals([value.item(), gradient.item()], [18, 0]);
  const g = (x: Tensor) => noGrad(() => jvp((y) => y.mul(x).mul(y), [x], [1])[1])().mul(x);
  assertEquals(valueAndGrad(g)(3).map((v) => v.item()), [54, 18]);
});

Deno.test("a noGrad in the inner of two transforms holds for both", () => {
  const f = (x: Tensor) => grad((y) => y.mul(noGrad(() => x.mul(y))()))(x);
  assertEquals(valueAndGrad(f)(3).map((v) => v.item()), [9, 0]);
  const g = (x: Tensor) => grad((y) => y.mul(y).mul(noGrad(() => x)()))(x);
  // 2 y c at y = x, c = x held: the outer derivative is 2 c.
  assertEquals(valueAndGrad(g)(3).map((v) => v.item()), [18, 6]);
});

Deno.test("a pullback made inside a noGrad holds as constants what was computed there", () => {
  const f = (x: Tensor) => {
    const [, pullback] = noGrad(() => vjp((y) => sin(y), x))();
    return pullback(1)[0].mul(x);
  };
  const [value, gradient] = valueAndGrad(f)(f64(0.5));
  assertEquals(value.item(), Math.cos(0.5) * 0.5);
  assertEquals(gradient.item(), Math.cos(0.5));
});

Deno.test("noGrad and vmap go through each other", () => {
  const x = f64([1, 2, 3]);
  const f = (x: Tensor) => noGrad(square)(x).mul(x);
  assertEquals(vmap(grad(f))(x).toArray(), [1, 4, 9]);
  assertEquals(grad((x) => vmap(f)(x).sum())(x).toArray(), [1, 4, 9]);
  assertEquals(grad((x) => noGrad(vmap(square))(x).mul(x).sum())(x).toArray(), [1, 4, 9]);
  assertEquals(noGrad(vmap(square))(x).toArray(), [1, 4, 9]);
  assertEquals(vmap(noGrad(grad((x) => x.pow(3))))(x).toArray(), [3, 12, 27]);
});

Deno.test("work under noGrad records nothing", () => {
  const heavy = (x: Tensor) => exp(sin(x)).square();
  const f = (x: Tensor) => noGrad(heavy)(x).mul(x).sum();
  const [, pullback] = vjp(f, f64([1, 2]));
  assertEquals(names(makeProgram((ct: Tensor) => pullback(ct))(f64(1))), ["broadcast", "mul"]);
  const [, push] = linearize((x) => noGrad(heavy)(x), f64([1, 2]));
  assertEquals(names(makeProgram((t: Tensor) => push(t))(f64([1, 1]))), []);
  const [, all] = vjp((x) => noGrad(() => heavy(x).mul(x).sum())(), f64([1, 2]));
  assertEquals(names(makeProgram((ct: Tensor) => all(ct))(f64(1))), []);
});

Deno.test("a traced gradient holds no derivative of what noGrad holds", () => {
  const plain = names(makeProgram(grad((x: Tensor) => sin(x).mul(x)))(1));
  const held = names(makeProgram(grad((x: Tensor) => noGrad(sin)(x).mul(x)))(1));
  assertEquals(plain.filter((name) => name === "cos").length, 1);
  assertEquals(held.filter((name) => name !== "stopGradient"), ["sin", "mul"]);
});

Deno.test("staging a noGrad computes the same", () => {
  const f = (x: Tensor) => grad((y: Tensor) => y.mul(noGrad(square)(y)))(x);
  const program = makeProgram(f)(3);
  assertEquals(String(program).includes("square"), true);
  assertEquals(f(tensor(3)).item(), 9);
});

Deno.test("results of noGrad are handed on as they are, in any tree", () => {
  const out = noGrad((x: Tensor) => ({
    list: [x, null],
    name: "text",
    count: 3,
    integers: x.astype("int32"),
  }))(tensor(2.5));
  assertEquals([out.name, out.count, out.list[1]], ["text", 3, null]);
  assertEquals(out.list[0]!.item(), 2.5);
  assertEquals(out.integers.item(), 2);
  assertStrictEquals(noGrad(() => undefined)(), undefined);
});

Deno.test("control flow on known values works under noGrad", () => {
  const f = (x: Tensor) => {
    const isLarge = noGrad(() => Number(x.square().item()) > 4)();
    return isLarge ? x.mul(10) : x;
  };
  assertEquals(grad(f)(3).item(), 10);
  assertEquals(grad(f)(1).item(), 1);
});

Deno.test("an exception under noGrad ends it", () => {
  const f = (x: Tensor) => {
    assertThrows(() =>
      noGrad(() => {
        throw new Error("boom");
      })()
    );
    return x.square();
  };
  assertEquals(grad(f)(3).item(), 6);
});

Deno.test("an async function has no region that could be without gradient", () => {
  assertRefused(
    // deno-lint-ignore require-await
    () => noGrad(async (x: Tensor) => x.square())(tensor(1)),
    ArgumentError,
    "Cannot apply noGrad to an async function: expected its result, got a Promise; " +
      "await what it needs before the call and pass that as an argument",
  );
  assertRefused(
    () => noGrad(3 as never),
    ArgumentError,
    "Cannot apply noGrad to 3: expected a function",
  );
});

Deno.test("stopGradient makes a constant of a tree's floats", () => {
  assertEquals(grad((x) => x.mul(stopGradient(x)))(3).item(), 3);
  assertEquals(grad(grad((x) => x.mul(stopGradient(x))))(3).item(), 0);
  const f = (x: Tensor) => {
    const { a, n, name } = stopGradient({
      a: [x, null],
      n: tensor([1], { dtype: "int32" }),
      name: "x",
    });
    assertEquals([name, n.toArray()], ["x", [1]]);
    return a[0]!.mul(x);
  };
  assertEquals(grad(f)(3).item(), 3);
  assertEquals(vmap(grad((x) => x.mul(stopGradient(x))))(f64([1, 2])).toArray(), [1, 2]);
  assertEquals(stopGradient(f64([1, 2])).toArray(), [1, 2]);
});
