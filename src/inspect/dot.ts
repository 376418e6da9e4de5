/**
 * Programs as pictures, in the language of Graphviz.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import type { Part } from "../core/origin.ts";
import { letters, showConstant, showParam } from "../core/print.ts";
import { Program, Variable } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import { checkIsProgram } from "./text.ts";

/**
 * Options of `toDot` and `toSvg`.
 *
 * @category Inspection
 */
export interface DotOptions {
  /** Text above the picture; none by default. */
  readonly title?: string;
  /** Whether edges show the types of values; `true` by default. */
  readonly types?: boolean;
  /**
   * The depth to which nested programs are drawn: 0 draws only the outermost. By default all are drawn.
   */
  readonly depth?: number;
}

/** The fill colour of an operation by its purpose, and the text in the legend. */
const parts: Readonly<Record<Part, { readonly fill: string; readonly legend: string }>> = {
  forward: { fill: "#dce9f7", legend: "forward: values" },
  tangent: { fill: "#dcf1dc", legend: "tangents along with them" },
  backward: { fill: "#fbe3cd", legend: "backward: gradients, and factors for them" },
};

/** The maximum length of an operation's parameters in characters. */
const MOST_PARAMS = 48;

/** The number of nodes from which Graphviz uses a simpler layout, with a limit on its refinement. */
const LARGE = 200;
const PLAIN_LAYOUT = ", nslimit=1, nslimit1=1, mclimit=0.1, splines=line";

/** The maximum length of a user-defined name in characters. */
const MOST_NAME = 200;

/**
 * A program as a graph in the DOT language of Graphviz: a node for each operation, an edge for each
 * value with its type, and a sub-graph for each nested program (of a compiled function, a loop or a
 * branch). Forward and backward operations differ in colour, with a legend if there are both. Constants
 * with one value everywhere are shown in the operations that use them; long parameters are elided.
 *
 * @category Inspection
 * @param program A program from `makeProgram`.
 * @param options A title, whether edges show types, and the depth to which nested programs are drawn.
 * @returns The text of the graph, for any tool that reads DOT; no package is required.
 * @throws {ArgumentError} when `program` is not a program, or an option is not valid.
 *
 * @example The graph of a sine
 * ```ts
 * import { inspect, makeProgram, sin } from "@jacobi/jacobi";
 *
 * const dot = inspect.toDot(makeProgram(sin)(1));
 * if (!dot.includes('n1 [label="sin"]')) throw new Error(dot);
 * ```
 */
export function toDot(program: Program, options?: DotOptions): string {
  checkIsProgram(program, "draw");
  const what = "Cannot draw a program";
  const { title, types = true, depth = Infinity } = readOptions(what, options, [
    "title",
    "types",
    "depth",
  ]);
  if (title !== undefined && typeof title !== "string") {
    throw argumentError(`${what}: title must be text, got ${describeValue(title)}`);
  }
  checkFlag(types, what, "types");
  if (typeof depth !== "number" || !(depth >= 0)) {
    throw argumentError(
      `${what}: depth must be a number that is not negative, got ${describeValue(depth)}`,
    );
  }
  return new Drawing(types, depth).draw(program, title);
}

/** A program that has been drawn. */
interface Drawn {
  /** Its sub-graph. */
  readonly cluster: string;
  /** A node in it, as the target of edges. */
  readonly node: string;
}

class Drawing {
  readonly #types: boolean;
  readonly #depth: number;
  readonly #lines: string[] = [];
  readonly #drawn = new Map<Program, Drawn>();
  readonly #used = new Set<Part>();
  #nodes = 0;
  #clusters = 0;

  constructor(types: boolean, depth: number) {
    this.#types = types;
    this.#depth = depth;
  }

  draw(program: Program, title: string | undefined): string {
    const body = this.#block(() => this.#program(program, 0), 1);
    const legend = this.#used.size > 1 ? this.#block(() => this.#legend(), 1) : [];
    return [
      "digraph program {",
      `  graph [compound=true, fontname="Helvetica", fontsize=11${
        title === undefined ? "" : `, label=${quote(title)}, labelloc=t`
      }${this.#nodes > LARGE ? PLAIN_LAYOUT : ""}]`,
      `  node [shape=box, style="rounded,filled", fillcolor="${parts.forward.fill}", ` +
      `color="#5a6b7d", fontname="Helvetica", fontsize=11, margin="0.16,0.08"]`,
      `  edge [color="#5a6b7d", fontcolor="#5a6b7d", fontname="Helvetica", fontsize=9]`,
      ...body,
      ...legend,
      "}",
    ].join("\n");
  }

  /** The output of `write`, indented. */
  #block(write: () => void, depth: number): string[] {
    const start = this.#lines.length;
    write();
    return this.#lines.splice(start).map((line) => "  ".repeat(depth) + line);
  }

  #node(label: string, attributes = ""): string {
    const name = `n${this.#nodes++}`;
    this.#lines.push(`${name} [label=${quote(label)}${attributes}]`);
    return name;
  }

  /** Draws a program; returns one of its nodes. */
  #program(program: Program, depth: number): string {
    const round = `, shape=ellipse, fillcolor="#ffffff"`;
    const nodes = new Map<Atom, string>();
    program.binders.forEach((variable, i) => {
      nodes.set(variable, this.#node(`${letters(i)}: ${showType(variable.type)}`, round));
    });
    for (const equation of program.equations) {
      const node = this.#equation(equation, depth, nodes);
      equation.outputs.forEach((variable) => nodes.set(variable, node));
    }
    program.results.forEach((atom, i) => {
      const name = program.results.length === 1 ? "result" : `result ${i}`;
      const isShown = !(atom instanceof Variable) && isSplat(atom);
      const node = this.#node(isShown ? `${name}: ${showConstant(atom)}` : name, round);
      if (!isShown) this.#edge(atom, node, nodes);
    });
    return nodes.values().next().value ?? `n${this.#nodes - 1}`;
  }

  /** Draws an equation with the programs in it. */
  #equation(equation: Equation, depth: number, nodes: Map<Atom, string>): string {
    const programs = depth < this.#depth ? namedPrograms(equation.params) : [];
    const { primitive, inputs } = equation;
    if (programs.length === 0) return this.#operation(equation, nodes);
    let node = "";
    const cluster = this.#cluster(primitive.name, () => {
      node = this.#operation(equation, new Map(), false);
      for (const [name, program] of programs) this.#inner(node, name, program, depth + 1);
    });
    this.#lines.push(...cluster.lines);
    this.#edges(inputs, node, nodes);
    return node;
  }

  #operation(equation: Equation, nodes: Map<Atom, string>, hasEdges = true): string {
    const { primitive, inputs, params, origin } = equation;
    const part = origin?.part ?? "forward";
    this.#used.add(part);
    const shown = inputs.some((atom) => !(atom instanceof Variable) && isSplat(atom))
      ? `(${
        inputs.map((atom) =>
          !(atom instanceof Variable) && isSplat(atom) ? showConstant(atom) : "_"
        ).join(", ")
      })`
      : "";
    const label = [primitive.name + shown, ...showParams(params)].join("\n");
    const fill = part === "forward" ? "" : `, fillcolor="${parts[part].fill}"`;
    const node = this.#node(label, fill);
    if (hasEdges) this.#edges(inputs, node, nodes);
    return node;
  }

  /** The edges that lead to an operation. */
  #edges(inputs: readonly Atom[], node: string, nodes: Map<Atom, string>): void {
    for (const atom of inputs) {
      if (atom instanceof Variable || !isSplat(atom)) this.#edge(atom, node, nodes);
    }
  }

  /** An edge from the source of a value. */
  #edge(atom: Atom, node: string, nodes: Map<Atom, string>): void {
    let from = nodes.get(atom);
    if (from === undefined) {
      const label = atom instanceof Variable ? "unbound" : showConstant(atom);
      nodes.set(atom, from = this.#node(label, `, shape=note, style=filled, fillcolor="#f2f2f2"`));
    }
    const type = atom instanceof Variable ? atom.type : atom;
    const label = this.#types ? ` [label=${quote(showType(type))}]` : "";
    this.#lines.push(`${from} -> ${node}${label}`);
  }

  #cluster(
    label: string,
    write: () => void,
  ): { readonly name: string; readonly lines: readonly string[] } {
    const name = `cluster_${this.#clusters++}`;
    const lines = this.#block(write, 1);
    return {
      name,
      lines: [
        `subgraph ${name} {`,
        `  graph [label=${quote(label)}, style=rounded, color="#9aa7b4"]`,
        ...lines,
        "}",
      ],
    };
  }

  /** Draws a nested program, or an edge to it if it is drawn already. */
  #inner(operation: string, name: string, program: Program, depth: number): void {
    let drawn = this.#drawn.get(program);
    if (drawn === undefined) {
      let node = "";
      const cluster = this.#cluster(name, () => node = this.#program(program, depth));
      this.#lines.push(...cluster.lines);
      this.#drawn.set(program, drawn = { cluster: cluster.name, node });
    }
    this.#lines.push(
      `${operation} -> ${drawn.node} [lhead=${drawn.cluster}, style=dashed, arrowhead=none]`,
    );
  }

  #legend(): void {
    const cluster = this.#cluster("legend", () => {
      for (const part of ["forward", "tangent", "backward"] as const) {
        if (!this.#used.has(part)) continue;
        this.#node(parts[part].legend, `, fillcolor="${parts[part].fill}"`);
      }
    });
    this.#lines.push(...cluster.lines);
  }
}

function isSplat(atom: Atom): atom is Concrete {
  return atom instanceof Concrete && atom.held === 1;
}

/** The programs among parameters, by the names of the parameters. */
function namedPrograms(params: unknown): (readonly [name: string, program: Program])[] {
  if (typeof params !== "object" || params === null) return [];
  return Object.entries(params).flatMap(([name, value]) => {
    if (value instanceof Program) return [[name, value] as const];
    if (!Array.isArray(value)) return [];
    return value.flatMap((one, i) =>
      one instanceof Program ? [[`${name} ${i}`, one] as const] : []
    );
  });
}

/** An operation's parameters on one line, without programs. */
function showParams(params: unknown): string[] {
  if (params === undefined || params === null) return [];
  const entries = typeof params === "object" && !Array.isArray(params)
    ? Object.entries(params).filter(([, value]) =>
      value !== undefined && !(value instanceof Program) &&
      !(Array.isArray(value) && value.some((one) => one instanceof Program))
    ).map(([name, value]) => `${name}: ${showParam(value)}`)
    : [showParam(params)];
  return entries.length === 0 ? [] : [elide(entries.join(", "), MOST_PARAMS)];
}

function elide(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 3).join("")}...`;
}

/**
 * Text in quotes. Backslashes begin escapes and ampersands begin entities, also within quotes; other
 * control characters are not allowed in a picture.
 */
function quote(text: string): string {
  const escaped = elide(text, MOST_NAME)
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("&", "&amp;")
    .replace(/\r\n?|\n/g, "\\n")
    // deno-lint-ignore no-control-regex
    .replace(/[\u0000-\u001f\u007f\ufffe\uffff]|\p{Surrogate}/gu, "�");
  return `"${escaped}"`;
}
