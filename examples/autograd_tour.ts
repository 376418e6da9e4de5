/**
 * The examples of PyTorch's autograd notebooks, as pure functions. Each result is printed and
 * checked.
 *
 *     deno run examples/autograd_tour.ts
 */
import {
  add,
  grad,
  inspect,
  makeProgram,
  matmul,
  mul,
  nn,
  noGrad,
  norm,
  ones,
  pow,
  random,
  sin,
  square,
  stopGradient,
  sub,
  sum,
  tensor,
  tree,
  valueAndGrad,
  vjp,
} from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { assertTensorsClose } from "@jacobi/jacobi/testing";

function title(text: string): void {
  console.log(`\n${text}\n${"-".repeat(text.length)}`);
}

title("An external cotangent: Q = 3a³ - b², pulled back from [1, 1]");
{
  const a = tensor([2, 3]);
  const b = tensor([6, 4]);
  const [q, pullback] = vjp((a, b) => sub(mul(3, pow(a, 3)), square(b)), a, b);
  const [da, db] = pullback(tensor([1, 1]));
  console.log("Q     =", String(q));
  console.log("dQ/da =", String(da), "= 9a²");
  console.log("dQ/db =", String(db), "= -2b");
  assertTensorsClose(q, [-12, 65]);
  assertTensorsClose(da, [36, 81]);
  assertTensorsClose(db, [-12, -8]);
}

title("The gradient of a mean: z = 3(x + 2)², over ones(2, 2)");
{
  const [value, gradient] = valueAndGrad((x) => mul(3, square(add(x, 2))).mean())(ones([2, 2]));
  console.log("mean(z)   =", String(value));
  console.log("gradient  =", String(gradient));
  assertTensorsClose(value, 27);
  assertTensorsClose(gradient, [[4.5, 4.5], [4.5, 4.5]]);
}

title("A loop that depends on data: double until the norm passes 1000");
{
  const x = random.normal(random.key(0), [3]);
  let doublings = 0;
  const [y, pullback] = vjp((x) => {
    let y = x.mul(2);
    doublings = 1;
    while (norm(y).item() < 1000) {
      y = y.mul(2);
      doublings++;
    }
    return y;
  }, x);
  const [dx] = pullback(tensor([0.1, 1, 0.0001]));
  console.log("x  =", String(x));
  console.log(`y  =`, String(y), `after ${doublings} doublings`);
  console.log("dx =", String(dx));
  assertTensorsClose(y, x.mul(2 ** doublings));
  assertTensorsClose(dx, tensor([0.1, 1, 0.0001]).mul(2 ** doublings));
}

title("One linear layer with binary cross entropy on logits");
{
  const x = ones([5]);
  const y = tensor([0, 0, 0]);
  const params = {
    w: random.normal(random.key(1), [5, 3]),
    b: random.normal(random.key(2), [3]),
  };
  const loss = (p: typeof params) => nn.binaryCrossEntropyWithLogits(add(matmul(x, p.w), p.b), y);
  const [value, gradient] = valueAndGrad(loss)(params);
  console.log("loss    =", String(value));
  console.log("dloss/dw =", String(gradient.w));
  console.log("dloss/db =", String(gradient.b));
  // By hand: the derivative of the mean cross entropy with respect to a logit is (sigmoid(z) - y) / 3.
  const byHand = nn.sigmoid(add(matmul(x, params.w), params.b)).sub(y).div(3);
  assertTensorsClose(gradient.b, byHand);
  assertTensorsClose(gradient.w, x.outer(byHand));
}

title("sin, its derivatives to the fourth order, and the program of its gradient");
{
  const x = 0.5;
  let f = (x: Tensor): Tensor => sin(x);
  for (let order = 0; order <= 4; order++) {
    console.log(`order ${order}: ${f(tensor(x))}`);
    assertTensorsClose(f(tensor(x)), Math.sin(x + order * Math.PI / 2), { atol: 1e-6 });
    f = grad(f);
  }
  const program = makeProgram(grad((x) => sin(x)))(x);
  console.log(inspect.toText(program));
  assertTensorsClose(inspect.countOperations(program).cos, 1);
}

title("Regions without gradients");
{
  const inside = grad((x) => x.sub(noGrad(square)(x)))(3);
  const without = grad((x) => x.sub(square(x)))(3);
  const outside = noGrad(() => grad((x) => square(x))(3))();
  console.log("d/dx (x - noGrad(x²)) at 3 =", String(inside));
  console.log("d/dx (x - x²)         at 3 =", String(without));
  console.log(
    "noGrad around grad(x²) at 3 =",
    String(outside),
    "(a transform ignores one outside)",
  );
  assertTensorsClose(inside, 1);
  assertTensorsClose(without, -5);
  assertTensorsClose(outside, 6);
  const recorded = makeProgram(grad((x) => mul(x, noGrad(() => sin(sin(x)))())))(1);
  const counts = inspect.countOperations(recorded);
  console.log("work under noGrad has no backward pass:", JSON.stringify(counts));
  assertTensorsClose(counts.cos ?? 0, 0);
}

title("Detaching a value");
{
  const x = tensor([1, 2, 3]);
  const both = grad((x) => sum(x.mul(x)))(x);
  const detached = grad((x) => sum(x.mul(stopGradient(x))))(x);
  console.log("d sum(x · x)                =", String(both));
  console.log("d sum(x · stopGradient(x))  =", String(detached));
  assertTensorsClose(both, [2, 4, 6]);
  assertTensorsClose(detached, [1, 2, 3]);
}

title("Which results depend on which inputs");
{
  const x = random.uniform(random.key(3), [5, 5]);
  const y = random.uniform(random.key(4), [5, 5]);
  const z = random.uniform(random.key(5), [5, 5]);
  const f = (z: Tensor) => ({ a: x.add(y), b: x.add(z), c: z.greater(0.5) });
  // Determined from the program, not from values: "0" is the first argument.
  const { differentiable, all } = inspect.dependence(f)(z);
  for (const name of ["a", "b", "c"] as const) {
    const [hasDerivative, depends] = [differentiable[name], all[name]].map((of) => of.length > 0);
    console.log(`${name} depends on z: ${depends}, with a derivative: ${hasDerivative}`);
    assertTensorsClose(hasDerivative, name === "b");
    assertTensorsClose(depends, name !== "a");
  }
}

title("Frozen parameters: only the chosen part is differentiated");
{
  const model = nn.sequential(nn.linear(4, 8), nn.relu, nn.linear(8, 2));
  const [params, state] = model.init(random.key(6));
  const x = random.normal(random.key(7), [3, 4]);
  const [head, frozen] = tree.partition(params, (path) => path.startsWith("2."));
  const loss = (part: typeof head) =>
    model.apply(tree.merge(part, frozen), state, x)[0].square().mean();
  const gradient = grad(loss)(head);
  console.log("gradients for:", tree.paths(gradient).join(", "));
  assertTensorsClose(tree.paths(gradient).length, 2);
}

console.log("\nEvery result is as expected.");
