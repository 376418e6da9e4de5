/**
 * The signature for which a program is traced: the structure, dtypes and shapes of its arguments, and
 * everything else on which tracing depends. A call runs a program whose signature it matches.
 *
 * @module
 */
import { encode, type Snapshot } from "../base/data.ts";
import { defaultFloat, describeValue, numberKind } from "../base/dtype.ts";
import type { FloatDtype } from "../base/dtype.ts";
import { sameShape, showType } from "../base/shape.ts";
import { axesInScope, sameScope, showScope } from "../core/axes.ts";
import type { NamedAxis } from "../core/axes.ts";
import { leafToInput } from "../core/convert.ts";
import { Tensor } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { WeakScalar } from "../core/trace.ts";
import { firstDifference, flatten, leafPaths, showPath } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import { primalOf } from "../transforms/flatten_function.ts";

/** The properties that decide whether a program is valid for a call. */
export interface Signature<Leaf, Static> {
  /** The structure of the arguments, excluding static ones. */
  readonly structure: Structure;
  readonly leaves: readonly Leaf[];
  readonly statics: readonly Static[];
  /** The named axes in scope, which the program may work across. */
  readonly axes: readonly NamedAxis[];
  /** The default floating-point dtype while the function was traced. */
  readonly floats: FloatDtype;
}

/** An input of a program that is a JavaScript number in calls. */
export interface NumberInput {
  /** The required kind of the number, if tracing depended on it; `null` for any. */
  readonly kind: string | null;
  /** Whether it is combined with integers of less than 32 bits. */
  readonly isNarrow: boolean;
  /** Whether the program uses it as float64. */
  readonly isWide: boolean;
}

/** A leaf in a signature: the type of a tensor, a number of some kind, or the value of a boolean. */
type KnownLeaf = Type | NumberInput | boolean;

/** The signature of a program. */
export type KnownSignature = Signature<KnownLeaf, Snapshot>;

/** A call's signature, and the tensors that are the inputs of the program. */
export interface Call {
  readonly signature: Signature<Tensor | boolean, unknown>;
  readonly inputs: Tensor[];
  /** The path of each leaf. */
  readonly paths: () => readonly (readonly (string | number)[])[];
}

/** Reads the arguments of a call; those in `statics` become part of the program. */
export function readCall(args: readonly unknown[], statics: readonly number[]): Call {
  const dynamic = args.map((arg, i) => statics.includes(i) ? null : arg);
  const { leaves, structure } = flatten(dynamic);
  let known: (string | number)[][] | undefined;
  const paths = () => known ??= leafPaths(structure);
  const read = leaves.map((leaf, i) =>
    leaf instanceof Tensor || typeof leaf === "boolean" ? leaf : leafToInput(
      leaf,
      typeof leaf === "number" ? [] : paths()[i],
      "Cannot call a jitted function with these arguments (staticArgnums names those of other kinds)",
    )
  );
  const inputs = read.filter((leaf) => leaf instanceof Tensor).map(primalOf);
  return {
    signature: {
      structure,
      leaves: read,
      statics: statics.map((i) => args[i]),
      axes: axesInScope(),
      floats: defaultFloat(),
    },
    inputs,
    paths,
  };
}

/** The reason why a program is not valid for a call, or `null` if it is. */
export function difference(
  entry: KnownSignature,
  { structure, leaves, statics, axes, floats }: Call["signature"],
  paths: Call["paths"],
): string | null {
  const wrong = statics.findIndex((value, i) => !entry.statics[i].matches(value));
  if (wrong >= 0) return staticDifference(entry.statics[wrong], statics[wrong]);
  if (entry.floats !== floats) {
    return `the default dtype was ${entry.floats}, now ${floats}`;
  }
  if (!sameScope(entry.axes, axes)) {
    return `the named axes in scope were ${showScope(entry.axes)}, now ${showScope(axes)}`;
  }
  const found = firstDifference(entry.structure, structure) ??
    orderDifference(entry.structure, structure, []);
  if (found !== null) return found;
  for (let i = 0; i < leaves.length; i++) {
    const [before, now] = [entry.leaves[i], leaves[i]];
    if (!fits(before, now)) {
      return `${showPath(paths()[i])} was ${showInput(before)}, now ${showLeaf(now, before)}`;
    }
  }
  return null;
}

/** The difference of a static argument from its previous value. */
function staticDifference(snapshot: Snapshot, value: unknown): string {
  const { path, before, now } = snapshot.difference(value);
  const place = path.length === 0 ? "" : ` at ${showPath(path)}`;
  const [was, is] = [before, now].map((one) => shorten(encode(one, describeValue)));
  return was !== is
    ? `a static argument${place} was ${was}, now ${is}`
    : `a static argument${place} is another object than before; functions, instances of classes ` +
      `and large data are compared by identity`;
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** Whether a program traced for `before` can be run with `now`. */
function fits(before: KnownLeaf, now: Tensor | boolean): boolean {
  if (typeof before === "boolean" || typeof now === "boolean") return before === now;
  if (isNumberInput(before)) {
    return now instanceof WeakScalar &&
      (before.kind === null || before.kind === numberKind(now.peekNumber(), before.isNarrow));
  }
  return !(now instanceof WeakScalar) && before.dtype === now.dtype &&
    sameShape(before.shape, now.shape);
}

/** Whether a leaf is a number in calls. */
export function isNumberInput(leaf: KnownLeaf): leaf is NumberInput {
  return typeof leaf === "object" && "kind" in leaf;
}

/** Where two equal structures list an object's keys in different orders, which functions can observe. */
function orderDifference(
  before: Structure,
  now: Structure,
  path: readonly (string | number)[],
): string | null {
  if (!("children" in before) || !("children" in now)) return null;
  if (before.kind === "object" && now.kind === "object") {
    const [first, second] = [before.order, now.order];
    if (first.some((key, i) => key !== second[i])) {
      return `the keys at ${showPath(path)} were ${first.join(", ")}, now ${second.join(", ")}`;
    }
  }
  for (let i = 0; i < before.children.length; i++) {
    const key = before.kind === "object" ? before.keys[i] : i;
    const found = orderDifference(before.children[i], now.children[i], [...path, key]);
    if (found !== null) return found;
  }
  return null;
}

function showInput(leaf: KnownLeaf): string {
  if (typeof leaf === "boolean") return String(leaf);
  if (!isNumberInput(leaf)) return showType(leaf);
  return leaf.kind === null ? "a number" : `${leaf.kind}, beside integers`;
}

function showLeaf(leaf: Tensor | boolean, before: KnownLeaf): string {
  if (typeof leaf === "boolean") return String(leaf);
  if (!(leaf instanceof WeakScalar)) return showType(leaf);
  const isKind = isNumberInput(before) && before.kind !== null;
  return isKind ? numberKind(leaf.peekNumber(), before.isNarrow) : "a number";
}
