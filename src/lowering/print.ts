/**
 * Lowered programs as readable text: buffers, then tasks, with nests as loops.
 *
 * @module
 */
import { showType } from "../base/shape.ts";
import { showParams } from "../core/print.ts";
import { Concrete } from "../core/tensor.ts";
import type { Affine, LoopNode, Nest } from "./nest.ts";
import type { Spot, Straight } from "./straight_code.ts";
import type { Lowered, Task } from "./tasks.ts";

/** The name of loop `i`: i, j, k, …, then with numbers. */
function counter(i: number): string {
  const letters = "ijklmnpq";
  return i < letters.length ? letters[i] : `i${i}`;
}

/** A sum of terms, omitting those that are 0. */
function sum(offset: number, terms: readonly (readonly [factor: number, name: string])[]): string {
  const shown = terms.filter(([factor]) => factor !== 0).map(([factor, name]) =>
    factor === 1 ? name : `${factor}*${name}`
  );
  if (offset !== 0 || shown.length === 0) shown.push(String(offset));
  return shown.join(" + ").replaceAll("+ -", "- ");
}

function showAffine({ offset, strides }: Affine): string {
  return sum(offset, strides.map((stride, loop) => [stride, counter(loop)]));
}

function showNode(node: LoopNode, names: readonly string[]): string {
  switch (node.kind) {
    case "load": {
      const element = `${names[node.from.buffer]}[${showAffine(node.from)}]`;
      const guards = (node.guards ?? []).map((guard) =>
        `0 <= ${showAffine(guard)} < ${guard.below}`
      );
      return guards.length === 0 ? element : `${element} if ${guards.join(" and ")} else 0`;
    }
    case "constant":
      return `${node.value}`;
    case "given":
      return `given ${node.index}`;
    case "index":
      return showAffine(node.of);
    case "map": {
      const call = `${node.operation}(${node.inputs.map((input) => `v${input}`).join(", ")})`;
      return call + showParams(node.params);
    }
    case "reduce":
      return `${
        node.isCoarse ? "coarse " : node.isGuarded ? "guarded " : ""
      }${node.operation} of v${node.input}` +
        (node.times === undefined ? "" : ` * v${node.times}`) +
        (node.when === undefined ? "" : ` where v${node.when}`);
  }
}

function showNest({ lengths, reduced, nodes, stores }: Nest, names: readonly string[]): string[] {
  const kept = lengths.length - reduced;
  const loops = lengths.map((length, loop) => `${counter(loop)} < ${length}`);
  const head = [
    ...(kept > 0 ? [`for ${loops.slice(0, kept).join(", ")}`] : []),
    ...(reduced > 0 ? [`over ${loops.slice(kept).join(", ")}`] : []),
  ].join(" ");
  return [
    ...(head === "" ? [] : [`  ${head}`]),
    ...nodes.map((node, i) => `    v${i}: ${node.dtype} = ${showNode(node, names)}`),
    ...stores.map(({ node, to }) => `    ${names[to.buffer]}[${showAffine(to)}] = v${node}`),
  ];
}

function showStraight({ values, ops }: Straight, names: readonly string[]): string[] {
  const showSpot = ({ buffer, offset, terms }: Spot): string =>
    `${names[buffer]}[${sum(offset, terms.map(({ index, stride }) => [stride, `v${index}`]))}]`;
  return ops.map((op) => {
    if (op.kind === "copy") return `    ${names[op.to]} = ${names[op.from]}`;
    if (op.kind === "store") return `    ${showSpot(op.to)} = v${op.value}`;
    const value = values[op.value];
    const name = `    v${op.value}`;
    switch (value.kind) {
      case "load":
        return `${name}: ${value.dtype} = ${showSpot(value.from)}`;
      case "constant":
        return `${name}: ${value.dtype} = ${value.value}`;
      case "given":
        return `${name}: ${value.dtype} = given ${value.index}`;
      case "index":
        return `${name} = v${value.input}, less than ${value.below}`;
      case "map":
        return `${name}: ${value.dtype} = ${value.operation}(${
          value.inputs.map((input) => `v${input}`).join(", ")
        })`;
    }
  });
}

/** Prints a lowered program, one task after the other. */
export function printLowered({ buffers, tasks, results }: Lowered): string {
  const name = (buffer: number): string => `b${buffer}`;
  const showTask = (task: Task, i: number): string[] => {
    switch (task.kind) {
      case "nest":
        return [`${i}: ${task.name}`, ...showNest(task.nest, task.buffers.map(name))];
      case "straight":
        return [`${i}: straight code`, ...showStraight(task.code.straight, task.buffers.map(name))];
      case "hand":
        return [`${i}: ${name(task.to)} = ${name(task.from)}`];
      case "kernel": {
        const { equation, inputs, outputs } = task;
        const call = `${equation.primitive.name}(${inputs.map(name).join(", ")})`;
        const left = outputs.length === 0 ? "" : `${outputs.map(name).join(", ")} = `;
        return [`${i}: ${left}${call}${showParams(equation.params)}`];
      }
    }
  };
  return [
    ...buffers.map((buffer, i) => {
      const from = buffer.source === null ? "" : `, argument ${buffer.source}`;
      const alias = buffer.alias === undefined ? "" : `, the memory of ${name(buffer.alias)}`;
      return `${name(i)}: ${showType(buffer)}${from}${alias}`;
    }),
    ...tasks.flatMap(showTask),
    `return ${
      results.map((result) =>
        result instanceof Concrete ? `constant ${showType(result)}` : name(result.buffer)
      ).join(", ")
    }`,
  ].join("\n");
}
