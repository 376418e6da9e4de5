import {
  ArgumentError,
  checkpoint,
  cond,
  customVjp,
  debugCallback,
  debugPrint,
  grad,
  hvp,
  inspect,
  jit,
  jvp,
  linearize,
  makeProgram,
  map,
  namedScope,
  noGrad,
  scan,
  tensor,
  vjp,
  vmap,
  whileLoop,
} from "../mod.ts";
import type { Tensor } from "../mod.ts";
import { inlineCalls } from "../src/passes/inline_calls.ts";
import { checkProgram } from "../src/core/check.ts";
import { withoutEffects } from "../src/core/program.ts";
import { assertRefused } from "./support/errors.ts";
import { assertEquals, assertThrows } from "./support/std.ts";

/** The output that `run` prints. */
function printed(run: () => unknown): unknown[] {
  const lines: unknown[] = [];
  const { log } = console;
  console.log = (line: unknown) => lines.push(line);
  try {
    run();
  } finally {
    console.log = log;
  }
  return lines;
}

/** A function that shows two of its values, the second one later. */
function shows(x: Tensor): Tensor {
  const y = x.mul(2);
  debugPrint("y = {}", y);
  const z = y.square().sum();
  debugPrint("z = {}", z);
  return z;
}

const [once, both] = [["y = tensor([2., 4.])", "z = 20"], [
  "y = tensor([2., 4.])",
  "y = tensor([6., 8.])",
  "z = 20",
  "z = 100",
]];

Deno.test("values are shown once for each call, eager and compiled, in order", () => {
  const compiled = jit(shows);
  for (const f of [shows, compiled, jit((x) => compiled(x)), noGrad(shows), checkpoint(shows)]) {
    assertEquals(printed(() => f(tensor([1, 2]))), once);
    assertEquals(printed(() => f(tensor([1, 2]))), once);
  }
});

Deno.test("tracing alone shows nothing", () => {
  assertEquals(printed(() => makeProgram(shows)(tensor([1, 2]))), []);
});

Deno.test("derivatives show values once, in the forward pass", () => {
  const x = tensor([1, 2]);
  const compiled = jit(shows);
  for (const f of [shows, compiled, checkpoint(shows), jit(checkpoint(shows))]) {
    assertEquals(printed(() => grad(f)(x)), once);
    assertEquals(printed(() => jit(grad(f))(x)), once);
    assertEquals(printed(() => jvp(f, [x], [x])), once);
    assertEquals(printed(() => hvp(f, [x], [x])), once);
    assertEquals(printed(() => grad((v: Tensor) => grad(f)(v).sum())(x)), once);
    assertEquals(printed(() => vjp(f, x)[1](1)), once);
    assertEquals(printed(() => linearize(f, x)[1](x)), once);
  }
});

Deno.test("vmap shows each example by itself", () => {
  const batch = tensor([[1, 2], [3, 4]]);
  const columns = tensor([[1, 3], [2, 4]]);
  for (const f of [shows, jit(shows)]) {
    assertEquals(printed(() => vmap(f)(batch)), both);
    assertEquals(printed(() => jit(vmap(f))(batch)), both);
    assertEquals(printed(() => vmap(f, 1)(columns)), both);
    assertEquals(printed(() => vmap(grad(f))(batch)), both);
    assertEquals(printed(() => jit(vmap(grad(f)))(batch)), both);
  }
});

Deno.test("vmap within vmap shows every pair, and what all share once for each", () => {
  const f = (x: Tensor, y: Tensor) => {
    debugPrint("{}, {}", x, y);
    return x.mul(y);
  };
  const outer = vmap(vmap(f, [0, null]), [null, 0]);
  const pairs = ["1, 10", "2, 10", "1, 20", "2, 20"];
  assertEquals(printed(() => outer(tensor([1, 2]), tensor([10, 20]))), pairs);
  assertEquals(printed(() => jit(outer)(tensor([1, 2]), tensor([10, 20]))), pairs);
  const alone = vmap((x: Tensor) => (debugPrint("shared"), x));
  assertEquals(printed(() => alone(tensor([1, 2]))), ["shared"]);
});

Deno.test("an empty batch shows nothing", () => {
  const f = vmap((x: Tensor) => (debugPrint("{}", x), x));
  assertEquals(printed(() => f(tensor([]))), []);
});

Deno.test("loops show each step", () => {
  const running = (xs: Tensor) =>
    scan(
      (carry: Tensor, x: Tensor) => {
        debugPrint("{} + {}", carry, x);
        return [carry.add(x), carry.mul(x)];
      },
      tensor(0),
      xs,
    )[0] as Tensor;
  const steps = ["0 + 1", "1 + 2", "3 + 3"];
  const xs = tensor([1, 2, 3]);
  for (const f of [running, jit(running), grad(running), jit(grad(running))]) {
    assertEquals(printed(() => f(xs)), steps);
  }
  assertEquals(printed(() => jvp(running, [xs], [xs])), steps);
  const each = (xs: Tensor) => map((x: Tensor) => (debugPrint("{}", x), x.neg()), xs);
  assertEquals(printed(() => jit(each)(xs)), ["1", "2", "3"]);
  const doubling = (x: Tensor) =>
    whileLoop((v: Tensor) => v.less(8), (v: Tensor) => {
      debugPrint("v", v);
      return v.mul(2);
    }, x) as Tensor;
  const values = ["v 1", "v 2", "v 4"];
  assertEquals(printed(() => doubling(tensor(1))), values);
  assertEquals(printed(() => jit(doubling)(tensor(1))), values);
  assertEquals(printed(() => jvp(doubling, [tensor(1)], [tensor(1)])), values);
  assertEquals(printed(() => linearize(doubling, tensor(1))[1](1)), values);
});

Deno.test("a loop that is long enough to be compiled shows each step", () => {
  const seen: number[] = [];
  const f = jit((xs: Tensor) =>
    scan(
      (carry: Tensor, x: Tensor) => {
        debugCallback((value) => seen.push(value.item()), carry);
        return [carry.add(x), null];
      },
      tensor(0),
      xs,
    )[0] as Tensor
  );
  assertEquals(f(tensor(new Float32Array(6000).fill(1))).item(), 6000);
  assertEquals(seen, Array.from({ length: 6000 }, (_, i) => i));
});

Deno.test("rules that users give show values where they run", () => {
  const f = customVjp(
    (x: Tensor) => (debugPrint("plain {}", x), x.sin()),
    (x: Tensor) => (debugPrint("forward {}", x), [x.sin(), x]),
    (x: Tensor, cotangent: Tensor) => (debugPrint("backward {}", x), [x.mul(cotangent)]),
  );
  const use = (x: Tensor) => f(x) as Tensor;
  for (const g of [use, jit(use)]) {
    assertEquals(printed(() => g(tensor(1))), ["plain 1"]);
    assertEquals(printed(() => grad(g)(tensor(1))), ["forward 1", "backward 1"]);
    assertEquals(printed(() => jit(grad(g))(tensor(1))), ["forward 1", "backward 1"]);
  }
});

Deno.test("only the branch that is taken shows its values", () => {
  const f = (x: Tensor) =>
    cond(
      x.greater(0),
      (x: Tensor) => (debugPrint("positive {}", x), x.mul(2)),
      (x: Tensor) => (debugPrint("negative {}", x), x.neg()),
      x,
    ) as Tensor;
  for (const g of [f, jit(f), grad(f), jit(grad(f))]) {
    assertEquals(printed(() => g(tensor(3))), ["positive 3"]);
    assertEquals(printed(() => g(tensor(-3))), ["negative -3"]);
  }
});

Deno.test("no pass of the compiler merges, moves or leaves out what shows values", () => {
  const f = (x: Tensor) => {
    debugPrint("same");
    debugPrint("same");
    debugPrint("constant {}", tensor([1, 2]).mul(2));
    scan((carry: Tensor) => (debugPrint("step"), [carry, null]), x, null, { length: 2 });
    return tensor(7);
  };
  const expected = ["same", "same", "constant tensor([2., 4.])", "step", "step"];
  assertEquals(printed(() => jit(f)(tensor(1))), expected);
  const program = makeProgram(f)(tensor(1));
  for (const { program: after } of inspect.passes(program)) {
    checkProgram(after);
    const names = after.equations.map(({ primitive }) => primitive.name);
    assertEquals(names.filter((name) => name === "debugCallback").length, 3);
    assertEquals(names.filter((name) => name === "scan").length, 1);
  }
});

Deno.test("a program without its effects computes the same", () => {
  const program = inlineCalls(makeProgram((x: Tensor) => map(jit(shows), x))(tensor([[1, 2]])));
  const silent = withoutEffects(program);
  checkProgram(silent);
  assertEquals(String(silent).includes("debugCallback"), false);
  assertEquals(withoutEffects(silent), silent);
});

Deno.test("donated arguments do not change the order", () => {
  const order: string[] = [];
  const f = jit((x: Tensor, y: Tensor) => {
    debugCallback(() => order.push("first"), y.sum());
    const z = x.add(y);
    debugCallback((v) => order.push(`second ${v.item()}`), x.sum());
    return z;
  }, { donateArgnums: 0 });
  const size = 20_000;
  const ones = () => tensor(new Float32Array(size).fill(1));
  assertEquals(f(ones(), ones()).data()[0], 2);
  assertEquals(order, ["first", `second ${size}`]);
});

Deno.test("a callback gets its arguments in their trees, as concrete tensors", () => {
  const seen: unknown[] = [];
  const f = (x: Tensor, n: number) => {
    debugCallback(
      (...all: unknown[]) => seen.push(JSON.stringify(all)),
      { b: [x, 1], a: null },
      "label",
      n,
      true,
      new Int32Array([5]),
    );
    return x;
  };
  const expected = '[{"b":[[1,2],1],"a":null},"label",3,true,[5]]';
  f(tensor([1, 2]), 3);
  jit(f)(tensor([1, 2]), 3);
  grad((x: Tensor) => f(x, 3).sum())(tensor([1, 2]));
  assertEquals(seen, [expected, expected, expected]);
});

Deno.test("what a callback returns or computes changes nothing", () => {
  const f = jit((x: Tensor) => {
    debugCallback((v) => v.mul(100), x);
    return x.add(1);
  });
  assertEquals(f(tensor(1)).item(), 2);
});

Deno.test("a callback may call compiled functions, its own among them", () => {
  const seen: number[] = [];
  const f: (x: Tensor) => Tensor = jit((x: Tensor) => {
    const y = x.mul(3);
    debugCallback((v: Tensor) => {
      if (v.item() < 50) seen.push(f(v).item());
    }, y);
    return y.add(1);
  });
  assertEquals(f(tensor(1)).item(), 4);
  assertEquals(seen, [82, 28, 10]);
});

Deno.test("what a callback throws reaches the caller, and the function stays whole", () => {
  let fails = true;
  const f = jit((x: Tensor) => {
    const y = x.mul(3);
    debugCallback(() => {
      if (fails) throw new RangeError("mine");
    }, y);
    return y.add(1);
  });
  assertThrows(() => f(tensor(1)), RangeError, "mine");
  assertThrows(() => grad(f)(tensor(1)), RangeError, "mine");
  assertThrows(() => vmap(f)(tensor([1, 2])), RangeError, "mine");
  fails = false;
  assertEquals(f(tensor(1)).item(), 4);
  assertEquals(grad(f)(tensor(1)).item(), 3);
});

Deno.test("programs print callbacks by name", () => {
  const program = makeProgram((x: Tensor) => {
    debugCallback(function watch() {}, x);
    return x;
  })(1);
  assertEquals(
    String(program),
    "program(a: float32[]) {\n  debugCallback(a) { callback: function watch }\n  return (a)\n}",
  );
});

Deno.test("formats have places for values in order, by number and by name", () => {
  const x = tensor([1, 2]);
  const lines = printed(() => {
    debugPrint("a {} b {}", 1, tensor(0.1));
    debugPrint("{1} {0} {1}", 1, 2);
    debugPrint("{x} and { y }", { x, y: true });
    debugPrint("{{}} {}", 3);
    debugPrint("label", x, { w: [1, null, "text"] });
    debugPrint("nothing");
    debugPrint("{}", {});
    debugPrint("{ x", 5);
  });
  assertEquals(lines, [
    "a 1 b 0.1",
    "2 1 2",
    "tensor([1., 2.]) and true",
    "{} 3",
    "label tensor([1., 2.]) { w: [1, null, text] }",
    "nothing",
    "{}",
    "{ x 5",
  ]);
});

Deno.test("wrong formats and callbacks are refused before anything is traced", () => {
  assertRefused(
    () => debugPrint(tensor(1) as never),
    TypeError,
    'Cannot print by the format float32[]: expected text such as "x = {}"',
  );
  assertRefused(
    () => debugPrint("{} {}", 1),
    TypeError,
    'Cannot print by the format "{} {}": expected at least 2 values for its places, got 1',
  );
  assertRefused(
    () => debugPrint("{}", 1, 2),
    TypeError,
    'Cannot print by the format "{}": it has no place for value 1 of 2',
  );
  assertRefused(
    () => debugPrint("{x}", { y: 1 }),
    TypeError,
    'Cannot print by the format "{x}": there is no value "x"; ' +
      "give one object with an entry for each name",
  );
  assertRefused(
    () => debugCallback(7 as never, 1),
    TypeError,
    "Cannot call back 7: expected a function of the values",
  );
});

Deno.test("scopes name equations, within each other and in derivatives, and end with their function", () => {
  const inner = namedScope("inner", (x: Tensor) => x.sin());
  const f = namedScope("outer", (x: Tensor) => inner(x).mul(x));
  const lines = (program: unknown) =>
    String(program).split("\n").filter((line) => line.includes("//"));
  assertEquals(lines(makeProgram((x: Tensor) => f(x).add(1))(1)).map((line) => line.trim()), [
    "b: float32[] = sin(a) // outer/inner",
    "c: float32[] = mul(b, a) // outer",
  ]);
  const gradient = lines(makeProgram(grad(f))(1));
  assertEquals(
    gradient.some((line) => line.includes("cos") && line.endsWith("// outer/inner")),
    true,
  );
  const failing = namedScope("fails", (): Tensor => {
    throw new Error("mine");
  });
  assertThrows(() => makeProgram(failing)());
  assertEquals(lines(makeProgram((x: Tensor) => x.sin())(1)), []);
  assertRefused(
    () => namedScope("", f),
    ArgumentError,
    'Cannot name a scope "": expected a line of text',
  );
});

Deno.test("reports of NaN say the scope, also of what is compiled and of gradients", () => {
  const root = namedScope("root", (x: Tensor) => x.sqrt());
  const f = (x: Tensor) => root(x.sub(2)).sum();
  for (const g of [f, jit(f), grad(f)]) {
    assertEquals(inspect.findNaN(g as typeof f)(tensor([1]))?.scope, "root");
  }
  const report = inspect.findNaN((x: Tensor) => root(x))(tensor(-1));
  assertEquals(
    report?.message.startsWith("sqrt of float32[] made NaN in the forward pass in root"),
    true,
  );
});
