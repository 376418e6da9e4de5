/**
 * Finds the work after reduced loops that is needed only where a test holds: the arms of `select`
 * nodes that depend on reductions for which the loops are run again there.
 *
 * @module
 */
import type { Nest } from "../../../../lowering/nest.ts";
import { inputsOf } from "../../../../lowering/simplify_nest.ts";

/** For each node, the number of the test outside of which its value is not read, if there is one. */
export function gatesOf({ nodes, stores }: Nest): readonly (number | undefined)[] {
  const tests = new Set(nodes.flatMap((node) => node.kind === "reduce" ? node.when ?? [] : []));
  const gates: (number | undefined)[] = nodes.map(() => undefined);
  if (tests.size === 0) return gates;

  /** The test that an operation makes from others. */
  const testOf = (operation: string, ...inputs: readonly number[]): number =>
    nodes.findIndex((node) =>
      node.kind === "map" && node.operation === operation &&
      node.inputs.length === inputs.length && node.inputs.every((input, i) => input === inputs[i])
    );
  /** The test combined with the enclosing one, if loops are run again for it. */
  const within = (outer: number | undefined, test: number): number | undefined => {
    const both = outer === undefined ? test : testOf("and", outer, test);
    return tests.has(both) ? both : outer;
  };
  /** The enclosing test of a test that is made from two. */
  const around = (test: number): number | undefined => {
    const node = nodes[test];
    const isBoth = node.kind === "map" && node.operation === "and";
    return isBoth && tests.has(node.inputs[0]) ? node.inputs[0] : undefined;
  };
  /** Records where the inputs of a node that is needed under `gate` are read. */
  const readsOf = (
    node: (typeof nodes)[number],
    gate: number | undefined,
  ): readonly (number | undefined)[] => {
    if (node.kind === "reduce" && node.when !== undefined) {
      const { when } = node;
      return inputsOf(node).map((input) => input === when ? around(when) : when);
    }
    if (node.kind === "map" && node.operation === "select") {
      const [test] = node.inputs;
      return [gate, within(gate, test), within(gate, testOf("not", test))];
    }
    return inputsOf(node).map(() => gate);
  };

  const isRead = nodes.map((_, i) => stores.some(({ node }) => node === i));
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    const read = node.kind === "reduce" ? node.when : isRead[i] ? gates[i] : undefined;
    // A node that comes before the test is computed in any case.
    const own = read !== undefined && read < i ? read : undefined;
    gates[i] = own;
    const reads = readsOf(node, own);
    inputsOf(node).forEach((input, k) => {
      // A node with two readers under different tests is computed in any case.
      gates[input] = isRead[input] && gates[input] !== reads[k] ? undefined : reads[k];
      isRead[input] = true;
    });
  }
  return gates;
}
