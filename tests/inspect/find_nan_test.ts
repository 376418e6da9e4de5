import {
  checkpoint,
  cond,
  configure,
  customVjp,
  grad,
  hessian,
  inspect,
  jit,
  jvp,
  log,
  NonFiniteError,
  scan,
  tensor,
  vjp,
  vmap,
  where,
  whileLoop,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { isInspecting } from "../../src/core/origin.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "../support/std.ts";

type Found = ReturnType<ReturnType<typeof inspect.findNaN>>;

/** The line after the one that calls this. */
function nextLine(): number {
  const frames = (new Error().stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return Number(frames[1].match(/:(\d+):\d+\)?$/)![1]) + 1;
}

/** The line in this file that a report names. */
function lineOf(found: Found): number {
  return Number(found?.location?.match(/find_nan_test\.ts:(\d+):\d+$/)?.[1]);
}

/** What a report says, in short: operation, kind, part, and what is differentiated. */
function short(found: Found): string {
  if (found === null) return "nothing";
  const { operation, kind, part, derivativeOf } = found;
  return [operation, kind, part, ...(derivativeOf === null ? [] : [derivativeOf])].join(" ");
}

/** The same function eager, and compiled. */
function ways(f: (x: Tensor) => Tensor): ((x: Tensor) => Tensor)[] {
  return [f, jit(f), jit((x: Tensor) => jit(f)(x))];
}

Deno.test("the first operation that makes an infinity is found with its line", () => {
  const line = nextLine();
  const f = (x: Tensor) => x.log().mul(2).sum();
  for (const g of ways(f)) {
    const found = inspect.findNaN(g)(tensor([1, 0, 2]));
    assertEquals(short(found), "log Infinity forward");
    assertEquals(lineOf(found), line);
    assertEquals(found!.index, [0, 1]);
    assertEquals(found!.inputs.map(({ type }) => type), ["float32[3]"]);
    assertEquals(found!.inputs[0].value!.toArray(), [1, 0, 2]);
    assertEquals(found!.outputs[0].value!.toArray()[1 as never], -Infinity);
  }
});

Deno.test("reports read as sentences", () => {
  const [forward, backward] = [
    inspect.findNaN(log)(tensor([1, -1])),
    inspect.findNaN(grad((x: Tensor) => x.sqrt().sum()))(tensor([0])),
  ];
  const at = (found: Found) => ` at ${found!.location}`;
  assertEquals(forward!.message, `log of float32[2] made NaN in the forward pass${at(forward)}`);
  assertEquals(
    String(forward),
    `${forward!.message}\n  operand 0: tensor([ 1., -1.])\n  result: tensor([ 0., nan])`,
  );
  assertEquals(
    backward!.message,
    "div of float32[1] and float32[1] made an infinity in the backward pass " +
      `(for the derivative of sqrt)${at(backward)}`,
  );
});

Deno.test("values of more than a few elements stay out of reports", () => {
  const found = inspect.findNaN((x: Tensor) => x.log())(tensor(new Float32Array(65)));
  assertEquals([found!.inputs[0].value, found!.outputs[0].value], [null, null]);
  assertEquals(
    String(found).split("\n").slice(1),
    ["  operand 0: float32[65]", "  result: float32[65]"],
  );
});

Deno.test("what has no NaN and no infinity is clean", () => {
  const f = (x: Tensor) => x.square().sum().sqrt();
  for (const g of [...ways(f), ...ways(grad(f))]) {
    assertEquals(inspect.findNaN(g)(tensor([3, 4])), null);
    assertEquals(inspect.findNaN(vmap(g))(tensor([[3, 4], [1, 2]])), null);
  }
});

Deno.test("an infinity that was there is no news, the NaN made of it is", () => {
  const mask = tensor([-Infinity, 0]);
  const masked = (x: Tensor) => x.add(mask).exp().sum().log();
  assertEquals(inspect.findNaN(masked)(tensor([1, 2])), null);
  assertEquals(inspect.findNaN(jit(masked))(tensor([1, 2])), null);
  const looped = (x: Tensor) =>
    scan((carry: Tensor) => [carry.add(mask), null], x, null, { length: 2 })[0] as Tensor;
  assertEquals(inspect.findNaN(jit(looped))(tensor([1, 2])), null);
  const found = inspect.findNaN((x: Tensor) => x.add(mask).mul(0))(tensor([1, 2]));
  assertEquals(short(found), "mul NaN forward");
  assertEquals(inspect.findNaN((x: Tensor) => x.mul(2))(tensor([NaN, Infinity])), null);
});

Deno.test("infinities are left out on request", () => {
  const f = (x: Tensor) => x.log().sub(x.log());
  assertEquals(short(inspect.findNaN(f)(tensor([0]))), "log Infinity forward");
  assertEquals(short(inspect.findNaN(f, { infinities: false })(tensor([0]))), "sub NaN forward");
});

Deno.test("in the backward pass, the line is that of what is differentiated", () => {
  const line = nextLine();
  const norm = (x: Tensor) => x.square().sum().sqrt();
  const batch = tensor([[3, 4], [0, 0]]);
  const gradients = [
    ...ways(grad(norm)),
    grad(jit(norm)),
    grad(checkpoint(norm)),
    jit(grad(checkpoint(norm))),
    (x: Tensor) => vjp(norm, x)[1](1),
  ];
  for (const g of gradients) {
    const found = inspect.findNaN(g)(tensor([0, 0]));
    assertEquals(short(found), "div Infinity backward sqrt");
    assertEquals(lineOf(found), line);
  }
  for (const g of [vmap(grad(norm)), jit(vmap(grad(norm)))]) {
    const found = inspect.findNaN(g)(batch);
    assertEquals(short(found), "div Infinity backward sqrt");
    assertEquals(lineOf(found), line);
    assertEquals(found!.index, [0, 1]);
  }
});

Deno.test("tangents are told from values", () => {
  const line = nextLine();
  const root = (x: Tensor) => x.sqrt();
  const found = inspect.findNaN((x: Tensor) => jvp(root, [x], [x.add(1)]))(tensor([0]));
  assertEquals(short(found), "div Infinity tangent sqrt");
  assertEquals(lineOf(found), line);
  const second = inspect.findNaN(hessian((x: Tensor) => root(x).sum()))(tensor([0]));
  assertEquals(lineOf(second), line);
});

Deno.test("loops and branches are looked into, forward and backward", () => {
  const first = nextLine() + 1;
  const run = (xs: Tensor) =>
    scan((carry: Tensor, x: Tensor) => [carry.sub(x).log(), carry], tensor(3), xs)[0] as Tensor;
  const second = nextLine() + 1;
  const roots = (xs: Tensor) =>
    scan((carry: Tensor, x: Tensor) => [carry.add(x).sqrt(), null], tensor(0), xs)[0] as Tensor;
  for (const f of [run, jit(run), grad(run), jit(grad(run))]) {
    const found = inspect.findNaN(f)(tensor([1, 1, 1]));
    assertEquals(short(found), "log NaN forward");
    assertEquals(lineOf(found), first);
  }
  for (const f of [grad(roots), jit(grad(roots)), grad(jit(roots))]) {
    const found = inspect.findNaN(f)(tensor([0, 1]));
    assertEquals(short(found), "div Infinity backward sqrt");
    assertEquals(lineOf(found), second);
  }
  const third = nextLine();
  const halves = (x: Tensor) => whileLoop((v) => v.less(5), (v) => v.div(0), x) as Tensor;
  assertEquals(lineOf(inspect.findNaN(jit(halves))(tensor(1))), third);
  const fourth = nextLine();
  const f = (x: Tensor) => cond(x.less(1), (x) => x.sqrt(), (x) => x, x) as Tensor;
  assertEquals(lineOf(inspect.findNaN(grad(f))(tensor(0))), fourth);
  assertEquals(inspect.findNaN(grad(f))(tensor(2)), null);
});

Deno.test("in a rule that the user gave, the line is the rule's", () => {
  const line = nextLine() + 1;
  const backward = (x: Tensor, cotangent: Tensor): [Tensor] => [
    x.log().mul(cotangent),
  ];
  const f = customVjp((x: Tensor) => x.sin(), (x: Tensor) => [x.sin(), x], backward);
  const use = (x: Tensor) => f(x) as Tensor;
  for (const g of [grad(use), jit(grad(use)), grad(jit(use))]) {
    const found = inspect.findNaN(g)(tensor(0));
    assertEquals(short(found), "log Infinity backward customVjp");
    assertEquals(lineOf(found), line);
  }
});

Deno.test("a loop that is long enough to be compiled is looked into", () => {
  const run = jit((xs: Tensor) =>
    scan((carry: Tensor, x: Tensor) => [carry.add(x.log()), null], tensor(0), xs)[0] as Tensor
  );
  const xs = new Float32Array(6000).fill(1);
  assertEquals(inspect.findNaN(run)(tensor(xs)), null);
  xs[5990] = 0;
  assertEquals(short(inspect.findNaN(run)(tensor(xs))), "log Infinity forward");
});

Deno.test("jitted functions keep static arguments, numbers and results as they are", () => {
  let result: unknown;
  const f = jit((x: Tensor, axis: number, rate: number) => ({ y: x.sum(axis).mul(rate), z: 2 }), {
    staticArgnums: 1,
  });
  const run = (x: Tensor) => result = f(x, 0, 0.5);
  assertEquals(inspect.findNaN(run)(tensor([[1, 2], [3, 4]])), null);
  assertEquals(JSON.stringify(result), '{"y":[2,3],"z":2}');
});

Deno.test("a report survives what the function makes of it, an error comes through", () => {
  const swallow = (x: Tensor) => {
    try {
      return x.log();
    } catch {
      throw new Error("swallowed");
    }
  };
  assertEquals(short(inspect.findNaN(swallow)(tensor(0))), "log Infinity forward");
  const fails = () => {
    throw new RangeError("mine");
  };
  assertThrows(() => inspect.findNaN(fails)(), RangeError, "mine");
  assertEquals(isInspecting(), false);
});

Deno.test("values that are selected away are reported where they are made", () => {
  const f = (x: Tensor) => where(x.greater(0), x.log(), 0).sum();
  assertEquals(short(inspect.findNaN(f)(tensor([-1]))), "log NaN forward");
});

Deno.test("findNaN refuses what it cannot run", () => {
  assertRefused(
    () => inspect.findNaN(7 as never),
    TypeError,
    "Cannot apply findNaN to 7: expected a function",
  );
  assertRefused(
    () => inspect.findNaN(log, { infinities: 1 as never }),
    TypeError,
    "Cannot apply findNaN: infinities must be true or false, got 1",
  );
  assertRefused(
    () => inspect.findNaN(() => Promise.resolve(1))(),
    TypeError,
    "Cannot apply findNaN to an async function: expected its result, got a Promise; " +
      "await what it needs before the call and pass that as an argument",
  );
});

Deno.test("debugNaNs makes NaN an error at its operation, and debugInfinities infinities", () => {
  const f = jit((x: Tensor) => x.log().sub(x.log()));
  const x = tensor([0]);
  f(x);
  try {
    configure({ debugNaNs: true });
    const error = assertThrows(() => f(x), NonFiniteError) as Error;
    assertInstanceOf(error, RangeError);
    const [, place] = error.message.match(/ at (\S+);/)!;
    assert(error.stack!.split("\n")[1].includes(place), error.stack);
    assertEquals(
      error.message,
      `Cannot continue: sub of float32[1] and float32[1] made NaN in the forward pass at ${place}; ` +
        "its operands had none (configure({ debugNaNs: false }) turns this check off)",
    );
    configure({ debugNaNs: false, debugInfinities: true });
    assertThrows(
      () => f(x),
      NonFiniteError,
      "Cannot continue: log of float32[1] made an infinity in the forward pass",
    );
    assertEquals(short(inspect.findNaN(f, { infinities: false })(x)), "sub NaN forward");
    assertThrows(() => f(x), NonFiniteError);
  } finally {
    configure({ debugNaNs: false, debugInfinities: false });
  }
  assertEquals(isInspecting(), false);
  assertEquals(f(x).toArray(), [NaN]);
  assertRefused(
    () => configure({ debugNaNs: 1 as never }),
    TypeError,
    "Cannot configure: debugNaNs must be true or false, got 1",
  );
});
