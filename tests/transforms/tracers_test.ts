/** What traced values allow and refuse: escapes, operators, control flow. */
import {
  add,
  grad,
  hvp,
  jit,
  jvp,
  linearTranspose,
  makeProgram,
  matmul,
  mul,
  ShapeError,
  tensor,
  TraceError,
  vjp,
  vmap,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { evaluateProgram } from "../../src/core/program.ts";
import { assertRefused, framesOf } from "../support/errors.ts";
import { assert, assertEquals, assertThrows } from "../support/std.ts";

const f64 = (values: Parameters<typeof tensor>[0]) => tensor(values, { dtype: "float64" });

/** A value that each transform traced and that got out of it, by the transform's name. */
function escapees(): Record<string, Tensor> {
  const escaped: Record<string, Tensor> = {};
  const keep = (name: string) => (x: Tensor) => {
    escaped[name] = x.mul(2);
    return x;
  };
  grad(keep("grad"))(f64(3));
  jvp(keep("jvp"), [f64(3)], [f64(1)]);
  vjp(keep("vjp"), f64(3));
  vmap(keep("vmap"))(f64([3]));
  makeProgram(keep("makeProgram"))(f64(3));
  linearTranspose(keep("linearTranspose"), f64(3));
  return escaped;
}

function refusal(name: string, use: string, type = "float64[]"): string {
  return `Cannot use ${type} in ${use}: it was traced by ${name}, which has ended; ` +
    "return values from the function instead of storing them outside it";
}

Deno.test("an escaped value cannot be computed with", () => {
  for (const [name, leak] of Object.entries(escapees())) {
    assertRefused(() => add(leak, 1), TraceError, refusal(name, "add"));
    assertRefused(() => mul(f64(2), leak), TraceError, refusal(name, "mul"));
    assertRefused(() => leak.sqrt(), TraceError, refusal(name, "sqrt"));
  }
});

Deno.test("an escaped value cannot be used in another transform", () => {
  for (const [name, leak] of Object.entries(escapees())) {
    const f = (x: Tensor) => x.mul(leak);
    assertRefused(() => grad(f)(f64(1)), TraceError, refusal(name, "mul"));
    assertRefused(() => jvp(f, [f64(1)], [f64(1)]), TraceError, refusal(name, "mul"));
    assertRefused(() => vjp(f, f64(1)), TraceError, refusal(name, "mul"));
    assertRefused(() => vmap(f)(f64([1, 2])), TraceError, refusal(name, "broadcast"));
    assertRefused(() => makeProgram(f)(f64(1)), TraceError, refusal(name, "mul"));
    assertRefused(() => grad((x) => x.square())(leak), TraceError, refusal(name, "square"));
    assertRefused(() => hvp((x) => x.square(), [leak], [1]), TraceError, refusal(name, "square"));
  }
});

Deno.test("an escaped value cannot be returned from another transform", () => {
  for (const [name, leak] of Object.entries(escapees())) {
    const f = (_x: Tensor) => leak;
    const use = (transform: string) => refusal(name, `the result of ${transform}`);
    assertRefused(() => grad(f)(f64(1)), TraceError, use("grad"));
    assertRefused(() => jvp(f, [f64(1)], [f64(1)]), TraceError, use("jvp"));
    assertRefused(() => vjp(f, f64(1)), TraceError, use("vjp"));
    assertRefused(() => vmap(f, 0, null)(f64([1, 2])), TraceError, use("vmap"));
    assertRefused(() => makeProgram(f)(f64(1)), TraceError, use("makeProgram"));
    assertRefused(() => linearTranspose(f, f64(1)), TraceError, use("linearTranspose"));
    assertRefused(
      () => grad((x: Tensor) => [x, { leak }] as const, { hasAux: true })(f64(1)),
      TraceError,
      refusal(name, "an auxiliary result"),
    );
  }
});

Deno.test("a value of an inner transform cannot be used in the outer one", () => {
  const f = (x: Tensor) => {
    let inner = x;
    grad((y) => inner = y.mul(x))(x);
    return inner.mul(x);
  };
  assertRefused(() => grad(f)(f64(3)), TraceError, refusal("grad", "mul"));
  const g = (x: Tensor) => {
    let inner = x;
    vmap((y) => inner = y.mul(x))(f64([1, 2]));
    return inner.mul(x);
  };
  assertRefused(() => grad(g)(f64(3)), TraceError, refusal("vmap", "mul"));
});

Deno.test("a pullback, a pushforward and a program end with the transform whose values they hold", () => {
  let pullback: ((ct: unknown) => unknown) | undefined;
  grad((x) => {
    [, pullback] = vjp((y) => y.mul(x), x);
    return x;
  })(f64(3));
  assertRefused(() => pullback!(1), TraceError, refusal("grad", "mul"));
  let program = makeProgram((x: Tensor) => x)(1);
  vmap((x) => {
    program = makeProgram((y: Tensor) => y.mul(x))(f64(1));
    return x;
  })(f64([3]));
  assertRefused(
    () => evaluateProgram(program, [f64(1)]),
    TraceError,
    refusal("vmap", "mul"),
  );
});

Deno.test("JavaScript operators on traced values are refused", () => {
  const message = (name: string, type = "float64[]") =>
    `Cannot use a JavaScript operator on ${type} while ${name} traces it: use add, mul, less ` +
    "and the like, or x.item() to branch on a value that is known";
  const operators: ((x: number) => unknown)[] = [
    (x) => x * 2,
    (x) => x + 1,
    (x) => -x,
    (x) => x > 0,
    (x) => x == 3,
    (x) => Math.sin(x),
    (x) => Number(x),
  ];
  for (const operator of operators) {
    const f = (x: Tensor) => {
      operator(x as unknown as number);
      return x;
    };
    assertRefused(() => grad(f)(f64(3)), TraceError, message("grad"));
    assertRefused(() => jvp(f, [f64(3)], [f64(1)]), TraceError, message("jvp"));
    assertRefused(() => vmap(f)(f64([3])), TraceError, message("vmap"));
    assertRefused(() => makeProgram(f)(f64(3)), TraceError, message("makeProgram"));
  }
});

Deno.test("known values print and can be read under grad, jvp and vjp", () => {
  const seen: unknown[] = [];
  const f = (x: Tensor) => {
    seen.push(x.sum().item(), x.toArray(), Array.from(x.data()), String(x), `${x.sum()}`);
    return x.sum();
  };
  const expected = [
    3,
    [1, 2],
    [1, 2],
    "tensor([1., 2.], dtype=float64)",
    "tensor(3., dtype=float64)",
  ];
  grad(f)(f64([1, 2]));
  jvp(f, [f64([1, 2])], [f64([1, 1])]);
  vjp(f, f64([1, 2]));
  grad((x) => grad(f)(x).sum())(f64([1, 2]));
  assertEquals(seen, [...expected, ...expected, ...expected, ...expected]);
});

Deno.test("reading a value does not give away the library's own", () => {
  const x = f64([1, 2]);
  grad((y) => {
    y.data().fill(99);
    (y.toArray() as number[])[0] = 99;
    return y.sum();
  })(x);
  assertEquals(x.toArray(), [1, 2]);
});

Deno.test("branching on known values works under every derivative", () => {
  const f = (x: Tensor): Tensor => Number(x.item()) > 0 ? x.square() : x.mul(-3);
  for (const [at, slope] of [[2, 4], [-2, -3]]) {
    assertEquals(grad(f)(f64(at)).item(), slope);
    assertEquals(jvp(f, [f64(at)], [f64(1)])[1].item(), slope);
    assertEquals(vjp(f, f64(at))[1](1)[0].item(), slope);
    assertEquals(grad((x) => grad(f)(x))(f64(at)).item(), at > 0 ? 2 : 0);
  }
  const collatz = (x: Tensor) => {
    let steps = 0;
    for (let n = Number(x.item()); n > 1; n = n % 2 === 0 ? n / 2 : 3 * n + 1) steps++;
    return x.mul(steps);
  };
  assertEquals(grad(collatz)(f64(6)).item(), 8);
});

Deno.test("asking where a traced value is names where that is known", () => {
  for (const key of ["device", "sharding"] as const) {
    const f = (x: Tensor) => {
      x[key];
      return x.sum();
    };
    const message = (name: string, type: string) =>
      `Cannot tell the ${key} of ${type} while ${name} traces it: it is known when it runs; ` +
      "see that of the arguments or of the results";
    assertRefused(() => jit(f)(f64([3])), TraceError, message("jit", "float64[1]"));
    assertRefused(() => jit(grad(f))(f64([3])), TraceError, message("jit", "float64[1]"));
    assertEquals(grad(f)(f64([3])).toArray(), [1]);
  }
});

Deno.test("reading a value that is not known names what to use instead", () => {
  const message = (purpose: string, name: string, type: string) =>
    `Cannot ${purpose} ${type} while ${name} traces it: its value is not known yet; choose between ` +
    "values with where, and between computations with cond or whileLoop";
  const reads: [string, (x: Tensor) => unknown][] = [
    ["read the item of", (x) => x.item()],
    ["read the elements of", (x) => x.toArray()],
    ["read the data of", (x) => x.data()],
  ];
  for (const [purpose, read] of reads) {
    const f = (x: Tensor) => {
      read(x);
      return x;
    };
    assertRefused(() => vmap(f)(f64([3])), TraceError, message(purpose, "vmap", "float64[]"));
    assertRefused(
      () => makeProgram(f)(f64(3)),
      TraceError,
      message(purpose, "makeProgram", "float64[]"),
    );
    // A derivative does not make known what was unknown around it.
    assertRefused(
      () => vmap((x: Tensor) => grad(f)(x))(f64([3])),
      TraceError,
      message(purpose, "vmap", "float64[]"),
    );
    assertRefused(
      () => makeProgram((x: Tensor) => jvp(f, [x], [1])[1])(f64(3)),
      TraceError,
      message(purpose, "makeProgram", "float64[]"),
    );
    assertRefused(
      () => grad((x) => vmap(f)(x).sum())(f64([3])),
      TraceError,
      message(purpose, "vmap", "float64[]"),
    );
  }
  assertRefused(
    () => vmap((x) => x.sum().item() ? x : x)(f64([[1, 2]])),
    TraceError,
    message("read the item of", "vmap", "float64[]"),
  );
});

Deno.test("values that are the same for all examples stay known under vmap", () => {
  const scale = f64(3);
  const f = (x: Tensor, y: Tensor) => Number(y.add(scale).item()) > 0 ? x.mul(y) : x;
  assertEquals(vmap(f, [0, null])(f64([1, 2]), f64(10)).toArray(), [10, 20]);
});

Deno.test("traced values print as their type where their value is not known", () => {
  const seen: string[] = [];
  const f = (x: Tensor) => {
    seen.push(String(x), `${x}`, Deno.inspect({ x }));
    return x;
  };
  vmap(f)(f64([[1, 2]]));
  makeProgram(f)(f64([1, 2]));
  assertEquals(seen, [
    "Traced(float64[2], vmap)",
    "Traced(float64[2], vmap)",
    "{ x: Traced(float64[2], vmap) }",
    "Traced(float64[2], makeProgram)",
    "Traced(float64[2], makeProgram)",
    "{ x: Traced(float64[2], makeProgram) }",
  ]);
});

Deno.test("exceptions at any depth leave nothing behind", () => {
  const boom = () => {
    throw new Error("boom");
  };
  const runs: (() => unknown)[] = [
    () => grad(boom as never)(1 as never),
    () => jvp(boom as never, [], []),
    () => vmap(boom as never)(f64([1]) as never),
    () => makeProgram(boom)(1),
    () => linearTranspose(boom as never),
    () =>
      grad((x) => vmap((y: Tensor) => jvp((_z: Tensor) => boom(), [y], [1])[1])(x.reshape([1])))(1),
    () => grad((x) => x.mul(f64([1, 2])).reshape([3]))(1),
  ];
  for (const run of runs) {
    let threw = false;
    try {
      run();
    } catch {
      threw = true;
    }
    assert(threw);
    assertEquals(add(1, 2).item(), 3);
    assertEquals(grad((x) => x.square())(3).item(), 6);
  }
});

Deno.test("the first frame of an error is the user's line, under any number of transforms", () => {
  const fails = (x: Tensor) => x.add(f64([1, 2, 3])).sum();
  // A function of the library under so many transforms that no frame of ours is near the top.
  // deno-lint-ignore no-explicit-any
  let deep: any = matmul;
  for (let i = 0; i < 8; i++) deep = vmap(deep);
  const ones = f64(1).reshape([1, 1, 1, 1, 1, 1, 1, 1]);
  const runs: (() => unknown)[] = [
    () => fails(f64([1, 2])),
    () => grad(fails)(f64([1, 2])),
    () => vmap(vmap(grad(fails)))(f64([[[1, 2]]])),
    () => makeProgram((x: Tensor) => grad(fails)(x))(f64([1, 2])),
    () => deep(ones, ones),
  ];
  for (const run of runs) {
    const error = assertThrows(run, ShapeError);
    assert(framesOf(error)[0].includes("tracers_test.ts"), error.stack);
  }
});
