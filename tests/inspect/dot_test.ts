import {
  cond,
  grad,
  inspect,
  jit,
  jvp,
  makeProgram,
  models,
  nn,
  random,
  scan,
  sin,
  tensor,
  TensorType,
  vmap,
  whileLoop,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { Program } from "../../src/core/program.ts";
import { renderDot } from "../../src/inspect/svg.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../support/std.ts";

const vector = new TensorType("float32", [3]);

/** Whether Graphviz is there: it comes from npm when it is first asked for. */
const hasGraphviz = await renderDot("digraph {}", "canon").then(() => true, () => false);

/** A test that is left out where Graphviz is not there. */
function withGraphviz(name: string, run: () => Promise<void>): void {
  const note = hasGraphviz ? "" : " (needs @viz-js/viz from npm)";
  Deno.test({ name: name + note, ignore: !hasGraphviz, fn: run });
}

const head = [
  "digraph program {",
  '  graph [compound=true, fontname="Helvetica", fontsize=11]',
  '  node [shape=box, style="rounded,filled", fillcolor="#dce9f7", color="#5a6b7d", ' +
  'fontname="Helvetica", fontsize=11, margin="0.16,0.08"]',
  '  edge [color="#5a6b7d", fontcolor="#5a6b7d", fontname="Helvetica", fontsize=9]',
];

/** The lines of a graph below its settings. */
function linesOf(dot: string): string[] {
  const lines = dot.split("\n");
  assertEquals(lines.slice(0, head.length), head);
  assertEquals(lines.at(-1), "}");
  return lines.slice(head.length, -1);
}

Deno.test("a graph has a node for each operation and typed edges, and constants where they are used", () => {
  const weights = tensor([1, 2, 3]);
  const program = makeProgram((x: Tensor) => [sin(x).mul(2).mul(weights).sum(), 7])(vector);
  assertEquals(linesOf(inspect.toDot(program)), [
    '  n0 [label="a: float32[3]", shape=ellipse, fillcolor="#ffffff"]',
    '  n1 [label="sin"]',
    '  n0 -> n1 [label="float32[3]"]',
    '  n2 [label="mul(_, 2)"]',
    '  n1 -> n2 [label="float32[3]"]',
    '  n3 [label="mul"]',
    '  n2 -> n3 [label="float32[3]"]',
    '  n4 [label="constant float32[3]", shape=note, style=filled, fillcolor="#f2f2f2"]',
    '  n4 -> n3 [label="float32[3]"]',
    '  n5 [label="reduceSum\\naxes: [0]"]',
    '  n3 -> n5 [label="float32[3]"]',
    '  n6 [label="result 0", shape=ellipse, fillcolor="#ffffff"]',
    '  n5 -> n6 [label="float32[]"]',
    '  n7 [label="result 1: 7", shape=ellipse, fillcolor="#ffffff"]',
  ]);
});

Deno.test("forward and backward parts differ, and a legend says how", () => {
  const program = makeProgram(grad((x: Tensor) => sin(x)))(1);
  assertEquals(linesOf(inspect.toDot(program, { types: false })), [
    '  n0 [label="a: float32[]", shape=ellipse, fillcolor="#ffffff"]',
    '  n1 [label="cos", fillcolor="#fbe3cd"]',
    "  n0 -> n1",
    '  n2 [label="mul(1, _)", fillcolor="#fbe3cd"]',
    "  n1 -> n2",
    '  n3 [label="result", shape=ellipse, fillcolor="#ffffff"]',
    "  n2 -> n3",
  ]);
  const both = inspect.toDot(makeProgram(grad((x: Tensor) => sin(sin(x))))(1));
  assertEquals(
    both.match(/^ {2}n\d+ \[label="\w+[^"]*"(, fillcolor="#fbe3cd")?\]/gm)!.slice(0, 5),
    [
      '  n1 [label="sin"]',
      '  n2 [label="cos", fillcolor="#fbe3cd"]',
      '  n3 [label="cos", fillcolor="#fbe3cd"]',
      '  n4 [label="mul(1, _)", fillcolor="#fbe3cd"]',
      '  n5 [label="mul", fillcolor="#fbe3cd"]',
    ],
  );
  assertEquals(both.split("\n").slice(-6), [
    "  subgraph cluster_0 {",
    '    graph [label="legend", style=rounded, color="#9aa7b4"]',
    '    n7 [label="forward: values", fillcolor="#dce9f7"]',
    '    n8 [label="backward: gradients, and factors for them", fillcolor="#fbe3cd"]',
    "  }",
    "}",
  ]);
  const pushed = inspect.toDot(makeProgram((x: Tensor) => jvp(sin, [x], [x]))(1));
  assertStringIncludes(pushed, '[label="cos", fillcolor="#dcf1dc"]');
  assertStringIncludes(pushed, "tangents along with them");
});

/** The names of what is computed for gradients, in a program and those in it. */
function partsOf(program: Program): Record<string, number> {
  const counts: Record<string, number> = { forward: 0, tangent: 0, backward: 0 };
  for (const { origin } of program.equations) counts[origin?.part ?? "forward"]++;
  return counts;
}

Deno.test("the parts of a program outlive what is done to it", () => {
  const f = (x: Tensor) => jit((y: Tensor) => sin(y).mul(y).sum())(x);
  for (
    const program of [
      makeProgram(jit(grad(f)))(vector),
      makeProgram(vmap(jit(grad(f))))(new TensorType("float32", [2, 3])),
      makeProgram(grad(f))(vector),
    ]
  ) {
    const { forward, backward } = partsOf(inspect.optimize(program));
    assert(forward >= 1 && backward >= 3, JSON.stringify({ forward, backward }));
  }
  // What is differentiated a second time is a gradient already; the program kept for it is not.
  const second = makeProgram(grad((x: Tensor) => grad(f)(x).sum()))(vector);
  assert(partsOf(second).backward > partsOf(second).forward);
  assert(partsOf(inspect.optimize(makeProgram(f)(vector))).forward === 3);
});

Deno.test("programs within programs are sub-graphs", () => {
  const program = makeProgram((x: Tensor) =>
    scan((carry: Tensor, v: Tensor) => [carry.add(v), carry], tensor(0), x)[0]
  )(vector);
  assertEquals(linesOf(inspect.toDot(program)), [
    '  n0 [label="a: float32[3]", shape=ellipse, fillcolor="#ffffff"]',
    "  subgraph cluster_0 {",
    '    graph [label="scan", style=rounded, color="#9aa7b4"]',
    '    n1 [label="scan(0, _)\\nlength: 3, reverse: false, consts: 0, carry: 1"]',
    "    subgraph cluster_1 {",
    '      graph [label="body", style=rounded, color="#9aa7b4"]',
    '      n2 [label="a: float32[]", shape=ellipse, fillcolor="#ffffff"]',
    '      n3 [label="b: float32[]", shape=ellipse, fillcolor="#ffffff"]',
    '      n4 [label="add"]',
    '      n2 -> n4 [label="float32[]"]',
    '      n3 -> n4 [label="float32[]"]',
    '      n5 [label="result 0", shape=ellipse, fillcolor="#ffffff"]',
    '      n4 -> n5 [label="float32[]"]',
    '      n6 [label="result 1", shape=ellipse, fillcolor="#ffffff"]',
    '      n2 -> n6 [label="float32[]"]',
    "    }",
    "    n1 -> n2 [lhead=cluster_1, style=dashed, arrowhead=none]",
    "  }",
    '  n0 -> n1 [label="float32[3]"]',
    '  n7 [label="result", shape=ellipse, fillcolor="#ffffff"]',
    '  n1 -> n7 [label="float32[]"]',
  ]);
  assertEquals(inspect.toDot(program, { depth: 0 }).includes("subgraph"), false);
});

Deno.test("conditions, bodies and branches have their names, and what is run twice is drawn once", () => {
  const loop = makeProgram((x: Tensor) =>
    whileLoop((v: Tensor) => v.less(5), (v: Tensor) => v.mul(2), x)
  )(1);
  assertEquals(
    inspect.toDot(loop).match(/label="(while|condition|body)", style/g),
    ['label="while", style', 'label="condition", style', 'label="body", style'],
  );
  const choice = makeProgram((x: Tensor) => cond(x.less(0), (x: Tensor) => sin(x), (x) => x, x))(1);
  assertEquals(
    inspect.toDot(choice).match(/label="branches \d"/g),
    ['label="branches 0"', 'label="branches 1"'],
  );
  const f = jit((x: Tensor) => sin(x));
  const twice = inspect.toDot(makeProgram((x: Tensor) => f(f(x)))(1));
  assertEquals(twice.match(/label="sin"/g)!.length, 1);
  assertEquals(twice.match(/lhead=cluster_1/g)!.length, 2);
  assertEquals(twice.match(/label="program"/g)!.length, 1);
});

Deno.test("an empty program, and one of constants alone, are graphs", () => {
  assertEquals(linesOf(inspect.toDot(new Program([], [], []))), []);
  const constants = makeProgram(() => jit(() => tensor(1))())();
  assertStringIncludes(inspect.toDot(constants), "lhead=cluster_1");
});

Deno.test("text is escaped, and long parameters are elided", () => {
  const program = makeProgram((x: Tensor) => x.reshape(new Array(20).fill(1)))(1);
  const dot = inspect.toDot(program, { title: 'a "b" \\N & <c>\nd\u0000' });
  assertStringIncludes(dot, 'label="a \\"b\\" \\\\N &amp; <c>\\nd\ufffd", labelloc=t');
  assertStringIncludes(dot, '[label="reshape\\nshape: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1..."]');
});

Deno.test("what is no program, and wrong options, are refused", async () => {
  const program = makeProgram(sin)(1);
  assertRefused(
    () => inspect.toDot(7 as never),
    TypeError,
    "Cannot draw 7: expected a program; makeProgram(f)(...args) makes one",
  );
  assertRefused(
    () => inspect.toDot(program, { depth: -1 }),
    TypeError,
    "Cannot draw a program: depth must be a number that is not negative, got -1",
  );
  assertRefused(
    () => inspect.toDot(program, { title: 7 as never }),
    TypeError,
    "Cannot draw a program: title must be text, got 7",
  );
  assertRefused(
    () => inspect.toDot(program, { types: 7 as never }),
    TypeError,
    "Cannot draw a program: types must be true or false, got 7",
  );
  await assertRejects(
    () => inspect.toSvg(7 as never),
    TypeError,
    "Cannot draw 7: expected a program",
  );
});

withGraphviz("an image shows operations, types, parts and sub-graphs", async () => {
  const f = grad((x: Tensor) => jit((y: Tensor) => sin(sin(y)).sum())(x));
  const svg = await inspect.toSvg(makeProgram(f)(vector), { title: 'the "title" & <more>' });
  assert(svg.startsWith("<svg") && svg.trimEnd().endsWith("</svg>"));
  assertStringIncludes(svg, "the &quot;title&quot; &amp; &lt;more&gt;");
  for (const text of [">sin<", ">cos<", ">float32[3]<", ">legend<", ">program<", "#fbe3cd"]) {
    assertStringIncludes(svg, text);
  }
  assertEquals(svg.match(/class="cluster"/g)!.length, 5);
});

withGraphviz("Graphviz reads and lays out every kind of graph", async () => {
  const hostile = 'x"];\n n9 [label="\\" & &lt; \u0007 \ud800 ünï';
  const programs = [
    new Program([], [], []),
    makeProgram(() => jit(() => tensor(1))())(),
    makeProgram(vmap((y: Tensor) => y.sum(), 0, 0, { axisName: hostile }))(tensor([1, 2])),
  ];
  for (const program of programs) {
    assertStringIncludes(await inspect.toSvg(program, { title: hostile }), "</svg>");
  }
});

withGraphviz("Graphviz lays out the gradient of ResNet-18", async () => {
  const model = models.resnet18({ classes: 10 });
  const [params, state] = model.init(random.key(0));
  const loss = (p: typeof params, x: Tensor, y: Tensor) =>
    nn.crossEntropy(model.apply(p, state, x, { train: true })[0], y);
  const program = makeProgram(grad(loss))(
    params,
    new TensorType("float32", [2, 3, 32, 32]),
    new TensorType("int32", [2]),
  );
  assert(program.equations.length > 500);
  const svg = await inspect.toSvg(program, { types: false });
  assertEquals(
    svg.match(/class="node"/g)!.length,
    inspect.toDot(program).match(/^ +n\d+ \[/gm)!.length,
  );
});
