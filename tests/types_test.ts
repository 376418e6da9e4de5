/**
 * The types of public functions, above all for callers with type parameters of their own.
 *
 * @module
 */
import {
  ArgumentError,
  associativeScan,
  cond,
  debugCallback,
  foriLoop,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  linearTranspose,
  map,
  nn,
  optim,
  random,
  scan,
  switchCase,
  tensor,
  tree,
  valueAndGrad,
  vjp,
  whileLoop,
} from "../mod.ts";
import type { Tensor, Tree } from "../mod.ts";
import { assertRefused } from "./support/errors.ts";
import { assert, assertEquals, assertThrows, assertType } from "./support/std.ts";
import type { IsExact } from "./support/std.ts";

function assertItem(x: Tensor, value: number): void {
  assertEquals(x.item(), value);
}

interface Params {
  readonly w: Tensor;
  readonly layers: { readonly b: Tensor }[];
}

const params: Params = { w: tensor(2), layers: [{ b: tensor(3) }] };

Deno.test("loops can be wrapped by functions of any carried value", () => {
  function rollout<Carry, X, Y>(
    step: (carry: Carry, x: X) => [Carry, Y],
    init: Carry,
    xs: X,
  ): [Carry, Y] {
    return scan(step, init, xs);
  }
  function repeated<Carry>(step: (carry: Carry) => Carry, init: Carry, times: number): Carry {
    return scan((carry, _x) => [step(carry), null], init, null, { length: times })[0];
  }
  function counted<Carry>(step: (carry: Carry) => Carry, init: Carry): Carry {
    return foriLoop(0, 3, (_i, carry) => step(carry), init);
  }
  function until<Carry>(done: (c: Carry) => Tensor, step: (c: Carry) => Carry, init: Carry): Carry {
    return whileLoop((carry) => done(carry).logicalNot(), step, init);
  }
  function prefix<Xs>(combine: (a: Xs, b: Xs) => Xs, xs: Xs): Xs {
    return associativeScan(combine, xs);
  }
  function each<X, Y>(f: (x: X) => Y, xs: X): Y {
    return map(f, xs);
  }
  const double = ({ w, layers }: Params) => ({ w: w.mul(2), layers });
  const [last, ys] = rollout((p: Params, x: Tensor) => [double(p), x], params, tensor([1, 2]));
  assertType<IsExact<typeof last, Params>>(true);
  assertType<IsExact<typeof ys, Tensor>>(true);
  assertItem(last.w, 8);
  assertItem(repeated(double, params, 3).w, 16);
  assertItem(counted(double, params).layers[0].b, 3);
  assertItem(until(({ w }) => w.greater(5), double, params).w, 8);
  assertItem(prefix(([a], [b]) => [a.add(b)], [tensor([1, 2])])[0].at(1), 3);
  assertItem(each((x: Tensor) => x.mul(2), tensor([1, 2])).at(1), 4);
});

Deno.test("branches can be wrapped by functions of any value", () => {
  function choose<T>(first: Tensor, x: T, y: T): T {
    return cond(first, (x, _y) => x, (_x, y) => y, x, y);
  }
  function select<T>(index: Tensor, f: (x: T) => T, g: (x: T) => T, x: T): T {
    return switchCase(index, [f, g], x);
  }
  const other = { ...params, w: tensor(7) };
  const chosen = choose(tensor(false), params, other);
  assertType<IsExact<typeof chosen, Params>>(true);
  assertItem(chosen.w, 7);
  const doubled = ({ w, layers }: Params) => ({ w: w.mul(2), layers });
  const selected = select(tensor(1, { dtype: "int32" }), (p) => p, doubled, params);
  assertType<IsExact<typeof selected, Params>>(true);
  assertItem(selected.w, 4);
  const numbers = cond(true, (x) => x, (x) => x.neg(), 1);
  assertType<IsExact<typeof numbers, Tensor>>(true);
  const out = cond(true, (x) => ({ x, n: 1 }), (x) => ({ x, n: 2 }), tensor(1));
  assertType<IsExact<typeof out, { x: Tensor; n: Tensor }>>(true);
  const third = switchCase(1, [() => 1, () => 2]);
  assertType<IsExact<typeof third, Tensor>>(true);
  assertItem(third, 2);
});

Deno.test("branches and callbacks may leave operands out", () => {
  const [x, y] = [tensor(3), tensor(4)];
  const one = cond(true, (x) => x, (_x, y) => y, x, y);
  assertType<IsExact<typeof one, Tensor>>(true);
  assertItem(one, 3);
  const none = cond(false, (x, _y) => x, () => y, x, y);
  assertType<IsExact<typeof none, Tensor>>(true);
  assertItem(none, 4);
  assertItem(cond(false, (x) => x, (x: Tensor, y: Tensor) => x.mul(y), x, y), 12);
  assertItem(cond(true, (x) => x.neg(), (x, y) => x.mul(y), x, 2), -3);
  assertItem(switchCase(1, [() => x, (x) => x.neg(), (x, y) => x.mul(y)], x, y), -3);
  const pair: Params = cond(true, (p, x) => ({ ...p, w: x }), (p) => p, params, x);
  assertItem(pair.w, 3);
  function choose<T>(first: Tensor, x: T, y: T): T {
    return cond(first, (x) => x, (_x, y) => y, x, y);
  }
  assertItem(choose(tensor(false), params, { ...params, w: y }).w, 4);
  const seen: unknown[] = [];
  debugCallback((x) => seen.push(x.item()), x, y);
  debugCallback(() => seen.push("none"), x, 5);
  assertEquals(seen, [3, "none"]);
  // @ts-expect-error: there is no third operand
  assertThrows(() => cond(true, (_x, _y, z) => z, (x) => x, x, y));
});

Deno.test("loops give tensors where their first value has numbers", () => {
  const [last, ys] = scan(
    ([total, n], x) => [[total.add(x), n.add(1)], { x, one: 1 }],
    [0, tensor(0)],
    tensor([1, 2]),
  );
  assertType<IsExact<typeof last, readonly [Tensor, Tensor]>>(true);
  assertType<IsExact<typeof ys, { x: Tensor; one: Tensor }>>(true);
  assertItem(last[0], 3);
  const [, ones] = scan((carry, _x) => [carry, 1], tensor(0), null, { length: 2 });
  assertType<IsExact<typeof ones, Tensor>>(true);
  assertEquals(ones.toArray(), [1, 1]);
  const [sum] = scan((carry, x) => [carry.add(x), null], tensor(0), new Float32Array([1, 2]));
  assertType<IsExact<typeof sum, Tensor>>(true);
  const loop = whileLoop(({ x }) => x.less(10), ({ x }) => ({ x: x.mul(2) }), { x: 1 });
  assertType<IsExact<typeof loop, { readonly x: Tensor }>>(true);
  assertItem(loop.x, 16);
  const power = foriLoop(0, 3, (_i, y) => y.mul(2), 1);
  assertType<IsExact<typeof power, Tensor>>(true);
  const counts = map((x) => x.size, tensor([1, 2]));
  assertType<IsExact<typeof counts, Tensor>>(true);
});

Deno.test("optimisation steps can be wrapped by functions of any parameters", () => {
  function descend<P>(params: P, grads: P, rate: number): P {
    const updates = tree.map((g) => g.mul(-rate), grads);
    return optim.applyUpdates(params, updates);
  }
  function average<P>(a: P, b: P): P {
    return tree.map((x, y) => x.add(y).div(2), a, b);
  }
  function named<P>(params: P): P {
    return tree.mapWithPath((path, x) => path === "w" ? x.neg() : x, params);
  }
  const next = descend(params, params, 0.5);
  assertType<IsExact<typeof next, Params>>(true);
  assertItem(next.w, 1);
  assertItem(average(params, next).w, 1.5);
  assertItem(named(params).w, -2);
  const fresh = optim.applyUpdates({ w: 1, b: tensor(2) }, { w: 1, b: null });
  assertType<IsExact<typeof fresh, { w: Tensor; b: Tensor }>>(true);
});

Deno.test("training can be wrapped by functions of any parameters", () => {
  function fit<P>(loss: (params: P) => Tensor, params: P, steps: number): P {
    const optimizer = optim.sgd(0.1, { momentum: 0.5 });
    let state = optimizer.init(params);
    for (let i = 0; i < steps; i++) {
      const [, grads] = valueAndGrad(loss)(params);
      const [updates, next] = optimizer.update(tree.map((g) => g.mul(0.5), grads), state, params);
      state = next;
      params = optim.applyUpdates(params, updates);
    }
    return tree.map((p) => p.add(0), params);
  }
  // With a constraint, either one that interfaces satisfy too, or one of types without interfaces.
  function step<P extends object>(loss: (params: P) => Tensor, params: P): P {
    const halved = tree.map((g) => g.mul(-0.5), grad(loss)(params));
    return optim.applyUpdates(tree.map((p) => p.add(0), params), halved);
  }
  function inTree<P extends Tree<Tensor>>(loss: (params: P) => Tensor, params: P): P {
    const halved = tree.map((g) => g.mul(-0.5), grad(loss)(params));
    return optim.applyUpdates(tree.map((p) => p.add(0), params), halved);
  }
  const loss = ({ w, layers: [{ b }] }: Params) => w.sub(1).square().add(b.square());
  const fitted = fit(loss, params, 50);
  assertType<IsExact<typeof fitted, Params>>(true);
  assert(loss(fitted).item() < 1e-3, String(loss(fitted)));
  assertItem(step(loss, params).w, 1);
  const typed = inTree(({ a }: { a: Tensor }) => a.square(), { a: tensor(2) });
  assertType<IsExact<typeof typed, { a: Tensor }>>(true);
  assertItem(typed.a, 0);
  const model = nn.sequential(nn.linear(1, 1), nn.tanh);
  const [start, state] = model.init(random.key(0));
  const trained = fit((p: typeof start) => model.apply(p, state, tensor([1]))[0].sum(), start, 1);
  assertType<IsExact<typeof trained, typeof start>>(true);
  assertEquals(trained[0].weight.shape, [1, 1]);
});

Deno.test("tree.map knows the leaves of concrete trees", () => {
  const shapes = tree.map((x) => x.ndim, params);
  assertType<IsExact<typeof shapes.layers[number]["b"], number>>(true);
  const texts = tree.map((n) => n.toFixed(1), { a: 1, b: [2] });
  assertType<IsExact<typeof texts, { a: string; b: string[] }>>(true);
  assertEquals(texts, { a: "1.0", b: ["2.0"] });
  const mixed = tree.map((x, n) => x.mul(n), { a: tensor(1) }, { a: 3 });
  assertType<IsExact<typeof mixed, { a: Tensor }>>(true);
  assertItem(mixed.a, 3);
  // deno-lint-ignore no-explicit-any
  const any = tree.map((x) => x.anything, { a: { anything: 1 } } as any);
  assertType<IsExact<typeof any.a, number>>(false);
});

Deno.test("functions that return JavaScript values are not differentiated", () => {
  const x = tensor([1, 2]);
  const number = (x: Tensor) => x.square().sum().item();
  const refused = (transform: string, returned: string) =>
    `Cannot take ${transform} of a function that returns ${returned}: a JavaScript value does not ` +
    `depend on the arguments; return a tensor, without item, toArray or data`;
  const five = "the number 5";
  // @ts-expect-error: a number does not depend on the arguments
  assertRefused(() => grad(number)(x), ArgumentError, refused("grad", five));
  // @ts-expect-error: the same
  assertRefused(() => valueAndGrad(number)(x), ArgumentError, refused("valueAndGrad", five));
  // @ts-expect-error: the same
  assertRefused(() => jacrev(number)(x), ArgumentError, refused("jacrev", five));
  // @ts-expect-error: the same
  assertRefused(() => jacfwd(number)(x), ArgumentError, refused("jacfwd", five));
  // @ts-expect-error: the same
  assertRefused(() => hessian(number)(x), ArgumentError, refused("hessian", five));
  // @ts-expect-error: the same
  assertRefused(() => jvp(number, [x], [x]), ArgumentError, refused("jvp", five));
  // @ts-expect-error: the same
  assertRefused(() => vjp(number, x), ArgumentError, refused("vjp", five));
  // @ts-expect-error: the same
  assertRefused(() => linearize(number, x), ArgumentError, refused("linearize", five));
  // @ts-expect-error: the same
  assertRefused(() => linearTranspose(() => 5, x), ArgumentError, refused("linearTranspose", five));
  // @ts-expect-error: a bool does not depend on the arguments
  assertRefused(() => vjp(() => true, x), ArgumentError, refused("vjp", "the boolean true"));
  assertRefused(
    () => vjp((x: Tensor) => ({ y: x, z: [x, x.sum().item()] }), x),
    ArgumentError,
    refused("vjp", "the number 3 at .z[1]"),
  );
  assertRefused(
    () => vjp((x: Tensor) => x.data(), x),
    ArgumentError,
    refused("vjp", "a Float32Array"),
  );
  // Numbers in the auxiliary output are fine.
  const [, aux] = grad((x: Tensor) => [x.sum(), x.sum().item()], { hasAux: true })(x);
  assertEquals(aux as unknown, 3);
});

Deno.test("the data of a tensor has the type of an array that owns its memory", async () => {
  const values: Float32Array = tensor([1, 2]).data();
  const exact: Float32Array<ArrayBuffer> = tensor([1, 2]).data();
  const named = tensor([1, 2], { dtype: "float64" }).data<Float64Array>();
  const owned: Float64Array<ArrayBuffer> = named;
  const any = tensor([1, 2]).data();
  const first: number = any[0];
  const buffer: ArrayBuffer = any.buffer;
  assertEquals([values[1], exact[1], owned[1], first, buffer.byteLength], [2, 2, 2, 1, 8]);
  for (const response of [new Response(any), new Response(tensor([1, 2]).data())]) {
    assertEquals((await response.arrayBuffer()).byteLength, 8);
  }
});

Deno.test("Jacobians and Hessians are trees of trees", () => {
  const loss = ({ w, layers }: Params) => w.square().mul(layers[0].b);
  const first = jacrev(loss)(params);
  assertType<IsExact<typeof first, Params>>(true);
  assertItem(first.w, 12);
  const pair = jacfwd((p: Params) => ({ y: loss(p), z: [p.w] }))(params);
  assertType<IsExact<typeof pair, { readonly y: Params; readonly z: readonly [Params] }>>(true);
  const second = hessian(loss)(params);
  assertItem(second.w.layers[0].b, 4);
  assertItem(second.layers[0].b.w, 4);
  const matrix = hessian((x) => x.square().sum())(tensor([1, 2]));
  assertType<IsExact<typeof matrix, Tensor>>(true);
  const both = jacfwd((x: Tensor, y: Tensor) => x.mul(y), { argnums: [0, 1] })(
    tensor(1),
    tensor(2),
  );
  assertType<IsExact<typeof both, [Tensor, Tensor]>>(true);
});
