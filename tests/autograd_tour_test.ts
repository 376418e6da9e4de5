import {
  eye,
  grad,
  hessian,
  hvp,
  jacfwd,
  jacrev,
  jvp,
  matmul,
  nn,
  noGrad,
  norm,
  ones,
  square,
  stopGradient,
  tensor,
  valueAndGrad,
  vjp,
  vmap,
} from "../mod.ts";
import type { NestedArray, Tensor } from "../mod.ts";
import { assertTensorsClose } from "../src/testing/mod.ts";
import tour from "./fixtures/autograd_tour.json" with { type: "json" };
import { assertEquals } from "./support/std.ts";

// The numbers of PyTorch's autograd tutorials and of torch.func, in float64.

const close = { rtol: 1e-13, atol: 1e-15 };

function f64(values: number | NestedArray): Tensor {
  return tensor(values, { dtype: "float64" });
}

Deno.test("an external cotangent is pulled back through Q = 3a³ - b²", () => {
  const { a, b, q, cotangent, da, db } = tour.external;
  const f = (a: Tensor, b: Tensor) => a.pow(3).mul(3).sub(b.square());
  const [value, pullback] = vjp(f, f64(a), f64(b));
  assertTensorsClose(value, f64(q), close);
  assertTensorsClose(pullback(f64(cotangent)), [f64(da), f64(db)], close);
});

Deno.test("the gradient of a mean", () => {
  const { x, out, dx } = tour.mean;
  const [value, gradient] = valueAndGrad((x) => x.add(2).square().mul(3).mean())(f64(x));
  assertTensorsClose(value, f64(out), close);
  assertTensorsClose(gradient, f64(dx), close);
});

Deno.test("a loop that depends on data is differentiated along the path that was taken", () => {
  const { start, y, doublings, cotangent, dx } = tour.doubling;
  let count = 0;
  const [value, pullback] = vjp((x) => {
    let y = x.mul(2);
    for (count = 1; norm(y).item() < 1000; count++) y = y.mul(2);
    return y;
  }, f64(start));
  assertEquals(count, doublings);
  assertTensorsClose(value, f64(y), close);
  assertTensorsClose(pullback(f64(cotangent)), [f64(dx)], close);
});

Deno.test("a linear layer with binary cross entropy on logits", () => {
  const { x, w, b, target, loss, dw, db, dx } = tour.linear;
  const f = (w: Tensor, b: Tensor, x: Tensor) =>
    nn.binaryCrossEntropyWithLogits(matmul(x, w).add(b), f64(target));
  const [value, gradients] = valueAndGrad(f, { argnums: [0, 1, 2] })(f64(w), f64(b), f64(x));
  assertTensorsClose(value, f64(loss), close);
  assertTensorsClose(gradients, [f64(dw), f64(db), f64(dx)], close);
});

Deno.test("the sine has its derivatives at every point", () => {
  const { x, y, dy, d2y } = tour.sine;
  const sine = (x: Tensor) => x.sin();
  for (const [f, expected] of [[sine, y], [grad(sine), dy], [grad(grad(sine)), d2y]] as const) {
    assertTensorsClose(vmap(f)(f64(x)), f64(expected), close);
  }
});

Deno.test("the sine has its first four derivatives at a point", () => {
  let f = (x: Tensor): Tensor => x.sin();
  for (const expected of tour.nested.derivatives) {
    assertTensorsClose(f(f64(tour.nested.x)), f64(expected), close);
    f = grad(f);
  }
});

Deno.test("a detached value is a constant", () => {
  const { x, both, detached } = tour.detach;
  assertTensorsClose(
    grad((x) => x.square().mul(x.square()).sum())(f64(x)),
    f64(both),
    close,
  );
  assertTensorsClose(
    grad((x) => x.square().mul(stopGradient(x.square())).sum())(f64(x)),
    f64(detached),
    close,
  );
});

Deno.test("a region without gradients is a constant", () => {
  const { x, inside, outside } = tour.noGrad;
  assertTensorsClose(grad((x) => x.sub(noGrad(square)(x)))(f64(x)), f64(inside), close);
  assertTensorsClose(grad((x) => x.sub(square(x)))(f64(x)), f64(outside), close);
});

Deno.test("a pullback may be called again, and nothing accumulates", () => {
  const { x, dx } = tour.shared;
  assertTensorsClose(f64(x), eye(4, 5).astype("float64"), close);
  const [y, pullback] = vjp((x) => x.add(1).square().transpose(), f64(x));
  for (let i = 0; i < 2; i++) {
    assertTensorsClose(pullback(ones(y.shape, { dtype: "float64" })), [f64(dx)], close);
  }
});

for (const [name, jacobian] of Object.entries({ jacfwd, jacrev })) {
  Deno.test(`${name} gives the Jacobian for each argument`, () => {
    const { w, b, x, dw, db, dx } = tour.jacobian;
    const f = (w: Tensor, b: Tensor, x: Tensor) => matmul(w, x).add(b).tanh();
    const blocks = jacobian(f, { argnums: [0, 1, 2] })(f64(w), f64(b), f64(x));
    assertTensorsClose(blocks, [f64(dw), f64(db), f64(dx)], { rtol: 1e-13, atol: 1e-15 });
  });
}

Deno.test("the Hessian of a cubic and a product", () => {
  const { x, dx, hessian: expected } = tour.hessian;
  const f = (x: Tensor) => x.pow(3).sum().add(x.prod());
  assertTensorsClose(grad(f)(f64(x)), f64(dx), close);
  assertTensorsClose(hessian(f)(f64(x)), f64(expected), close);
});

Deno.test("a Hessian-vector product", () => {
  const { x, tangent, hvp: expected } = tour.hvp;
  const f = (x: Tensor) => x.sin().sum().add(x.prod());
  assertTensorsClose(hvp(f, [f64(x)], [f64(tangent)]), [f64(expected)], close);
});

Deno.test("a derivative along a direction", () => {
  const { x, tangent, y, dy } = tour.jvp;
  const pair = jvp((x) => x.sin().mul(x.square()), [f64(x)], [f64(tangent)]);
  assertTensorsClose(pair, [f64(y), f64(dy)], close);
});

Deno.test("cotangents of an output tree, and gradients of an input tree", () => {
  const { x, y, cotangents, dx } = tour.vjp;
  const [values, pullback] = vjp((x: Tensor) => [x.sin(), x.cos()], f64(x));
  assertTensorsClose(values, y.map(f64), close);
  assertTensorsClose(pullback(cotangents.map(f64)), [f64(dx)], close);

  const trees = tour.vjpTree;
  const f = ({ a, b }: { a: Tensor; b: Tensor }) => a.sin().sum().mul(b.exp().sum());
  const [value, gradient] = valueAndGrad(f)({ a: f64(trees.x.a), b: f64(trees.x.b) });
  assertTensorsClose(value, f64(trees.y), close);
  assertTensorsClose(gradient, { a: f64(trees.dx.a), b: f64(trees.dx.b) }, close);
});

Deno.test("gradients per sample", () => {
  const { w, xs, targets, grads } = tour.perSample;
  const loss = (w: Tensor, x: Tensor, target: Tensor) => w.dot(x).sub(target).square();
  const perSample = vmap(grad(loss), [null, 0, 0])(f64(w), f64(xs), f64(targets));
  assertTensorsClose(perSample, f64(grads), close);
});
