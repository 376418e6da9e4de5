import {
  ArgumentError,
  checkpoint,
  grad,
  hessian,
  inspect,
  jit,
  jvp,
  makeProgram,
  matmul,
  random,
  scan,
  tensor,
  tree,
  valueAndGrad,
  vmap,
  zeros,
} from "../../mod.ts";
import type { Program, Tensor } from "../../mod.ts";
import type { CheckpointPolicy } from "../../src/control/checkpoint.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertIdentical } from "../laws/assertions.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals } from "../support/std.ts";

const width = 64;
const weights = random.normal(random.key(1), [width, width]).div(8);

/** A residual block whose derivative needs several intermediate values. */
function block(x: Tensor): Tensor {
  return matmul(x, weights).tanh().add(x.sin());
}

/** A chain of blocks in groups, each of which is checkpointed. */
function chain(blocks: number, group: number, policy: CheckpointPolicy | null) {
  const run = (x: Tensor) => {
    for (let i = 0; i < group; i++) x = block(x);
    return x;
  };
  const part = policy === null ? run : checkpoint(run, { policy });
  return (x: Tensor) => {
    for (let i = 0; i < blocks / group; i++) x = part(x);
    return x.sum();
  };
}

const x = random.normal(random.key(2), [128, width]);

/** The working memory of a compiled function, in units of a value of the chain. */
function workspaceOf(f: (x: Tensor) => Tensor): number {
  return inspect.kernels(makeProgram(f)(x)).workspace / (x.size * 4);
}

/** The same for a gradient. */
function memoryOf(f: (x: Tensor) => Tensor): number {
  return workspaceOf(grad(f));
}

function countOf(program: Program, name: string): number {
  return program.equations.reduce((count, { primitive, params }) => {
    const inner = Object.values(params ?? {}).filter((value) =>
      value instanceof program.constructor
    );
    return count + Number(primitive.name === name) +
      (inner as Program[]).reduce((sum, one) => sum + countOf(one, name), 0);
  }, 0);
}

Deno.test("a chain of 64 blocks in checkpointed groups needs memory for about its square root", () => {
  const [plain, eight] = [memoryOf(chain(64, 8, null)), memoryOf(chain(64, 8, "nothing"))];
  // Each block keeps two values; a group of eight keeps its own sixteen, and the inputs of the eight groups.
  assert(plain > 110, `${plain} values without checkpoint`);
  assert(eight < 30, `${eight} values with it`);
  // A chain of four times the length needs twice the memory, not four times.
  const four = memoryOf(chain(16, 4, "nothing"));
  assert(eight / four < 2.2, `${four} values for 16 blocks, ${eight} for 64`);
});

Deno.test("second derivatives of checkpointed groups keep as little", () => {
  const ways: Readonly<Record<string, (f: (x: Tensor) => Tensor) => (x: Tensor) => Tensor>> = {
    "grad of a tangent": (f) => grad((x: Tensor) => jvp(f, [x], [x])[1] as Tensor),
    "tangent of grad": (f) => (x) => jvp(grad(f), [x], [x])[1] as Tensor,
    "grad of grad": (f) => grad((x: Tensor) => grad(f)(x).mul(x).sum()),
  };
  for (const [name, derive] of Object.entries(ways)) {
    const [plain, group] = [null, "nothing" as const].map((policy) => {
      return workspaceOf(derive(chain(64, 8, policy)));
    });
    assert(group < plain / 4, `${name}: ${plain} values without checkpoint, ${group} with it`);
  }
});

Deno.test("policies keep what they say", () => {
  const programOf = (policy: CheckpointPolicy | null) =>
    makeProgram(valueAndGrad(chain(4, 2, policy)))(x);
  const counts = (policy: CheckpointPolicy | null) => {
    const program = programOf(policy);
    return ["contract", "tanh", "sin"].map((name) => countOf(program, name));
  };
  // Forward, and backward for the argument, in addition to the recomputation. The last block's
  // results are not needed.
  assertEquals(counts(null), [8, 4, 4]);
  assertEquals(counts("everything"), [8, 4, 4]);
  const [products, tanh] = counts("products");
  assertEquals([products, tanh > 4], [8, true]);
  assert(counts("nothing")[0] > 8, String(counts("nothing")));
  assertEquals(counts((name) => name === "tanh")[1], 4);
  const memory = (["nothing", "products", "everything"] as const).map((policy) =>
    memoryOf(chain(64, 8, policy))
  );
  assert(memory[0] < memory[1] && memory[1] < memory[2], String(memory));
});

Deno.test("the gradient keeps its bits, eager and compiled", () => {
  const expected = grad(chain(6, 3, null))(x);
  for (const policy of ["nothing", "products", "everything"] as const) {
    const f = chain(6, 3, policy);
    assertIdentical([grad(f)(x)], [expected], policy);
    assertTensorsClose(jit(grad(f))(x), expected, { rtol: 1e-3, atol: 1e-4 });
  }
});

Deno.test("the passes do not undo a checkpoint", () => {
  const f = (x: Tensor) => checkpoint((x: Tensor) => x.exp().sin().exp())(x).sum();
  const { exp } = inspect.countOperations(
    inspect.passes(makeProgram(valueAndGrad(f))(tensor([1, 2]))).at(-1)!.program,
  );
  // Two forward; the backward pass recomputes both.
  assertEquals(exp, 4);
});

Deno.test("arguments that the derivative does not need are not kept", () => {
  const f = checkpoint((x: Tensor, y: Tensor) => x.mul(3).add(y.sin()));
  const program = makeProgram(grad((x: Tensor, y: Tensor) => f(x, y).sum()))(x, x);
  const [equation] = program.equations.filter(({ primitive }) => primitive.name === "checkpoint");
  assertEquals(equation.inputs.length, 1);
});

Deno.test("values that a checkpointed function closes over have derivatives", () => {
  const f = (w: Tensor) => checkpoint((x: Tensor) => x.mul(w).sin())(tensor([1, 2])).sum();
  const plain = (w: Tensor) => tensor([1, 2]).mul(w).sin().sum();
  assertTensorsClose(grad(f)(tensor(0.5)), grad(plain)(tensor(0.5)));
  assertTensorsClose(hessian(f)(tensor(0.5)), hessian(plain)(tensor(0.5)));
  assertTensorsClose(jit(vmap(grad(f)))(tensor([0.5, 1])), vmap(grad(plain))(tensor([0.5, 1])));
});

Deno.test("arguments of checkpoint may be trees, numbers and anything else", () => {
  const f = checkpoint((p: { w: Tensor }, power: number, name: string) =>
    name === "cube" ? p.w.pow(power) : p.w
  );
  assertTensorsClose(f({ w: tensor(2) }, 3, "cube"), 8);
  assertTensorsClose(grad((p: { w: Tensor }) => f(p, 3, "cube"))({ w: tensor(2) }).w, 12);
  assertTensorsClose(jit(grad((x: Tensor, n: number) => f({ w: x }, n, "cube")))(tensor(2), 3), 12);
  const wide = checkpoint((x: Tensor, s: number) => x.mul(s));
  assertEquals(wide(tensor(1, { dtype: "float64" }), 0.1).item(), 0.1);
});

Deno.test("a checkpointed step of a scan keeps its carry alone", () => {
  const step = (h: Tensor, x: Tensor) => [h.mul(x).sin().exp().tanh(), null] as const;
  const kept = (f: typeof step) => {
    const program = makeProgram(
      valueAndGrad((h: Tensor) => scan((h, x) => f(h, x), h, zeros([5]))[0]),
    )(tensor(1));
    return program.equations.find(({ primitive }) => primitive.name === "scan")!.outputs.length - 1;
  };
  assert(kept(step) > 1, String(kept(step)));
  assertEquals(kept(checkpoint(step) as typeof step), 1);
});

Deno.test("training with checkpoint follows training without", () => {
  type Params = { w: Tensor[] };
  const start: Params = { w: [0, 1, 2].map((i) => random.normal(random.key(i), [4, 4]).div(2)) };
  const data = random.normal(random.key(9), [8, 4]);
  const train = (
    wrap: (f: (w: Tensor, x: Tensor) => Tensor) => (w: Tensor, x: Tensor) => Tensor,
  ) => {
    const layer = wrap((w, x) => matmul(x, w).tanh());
    const loss = ({ w }: Params) => w.reduce((x, w) => layer(w, x), data).square().mean();
    const step = jit((p: Params) => {
      const gradient = grad(loss)(p);
      return tree.map((a, b) => (a as Tensor).sub((b as Tensor).mul(0.1)), p, gradient) as Params;
    });
    let p = start;
    for (let i = 0; i < 5; i++) p = step(p);
    return p.w[0];
  };
  assertTensorsClose(train((f) => checkpoint(f)), train((f) => f), { rtol: 1e-5, atol: 1e-6 });
});

Deno.test("an unknown policy is refused", () => {
  assertRefused(
    // deno-lint-ignore no-explicit-any
    () => checkpoint((x: Tensor) => x, { policy: "dots" as any }),
    ArgumentError,
    'Cannot apply checkpoint with the policy "dots": ' +
      'expected "nothing", "products", "everything" or a function of an operation\'s name',
  );
});
