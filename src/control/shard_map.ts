/**
 * `shardMap`: a function at every position of a mesh.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { newAxis, runWithin } from "../core/axes.ts";
import { leafToTensor } from "../core/convert.ts";
import { typeOf } from "../core/program.ts";
import { Mesh, Sharding, shardShape } from "../core/sharding.ts";
import { Tensor } from "../core/tensor.ts";
import { currentTrace, WeakScalar } from "../core/trace.ts";
import { broadcastPrefix, flatten, leafPaths, showPath, unflatten } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import type { AnyArgs, TensorsOf } from "../core/tree_types.ts";
import { checkFunction, noteReturned, primalOf } from "../transforms/flatten_function.ts";
import { stage } from "../transforms/stage.ts";
import { canonical } from "./canonical.ts";
import { differenceAlong, meaningOf, paramsOf, runInPlaces } from "./shard_map_primitive.ts";
import { openProgram } from "./stage_body.ts";

/**
 * Shardings for the leaves of a tree: one for all, `null` for none, or a tree prefix of these.
 *
 * @category Devices
 */
export type Shardings =
  | Sharding
  | null
  | readonly Shardings[]
  | { readonly [key: string]: Shardings };

/**
 * Options of `shardMap`.
 *
 * @category Devices
 */
export interface ShardMapOptions {
  /**
   * How arguments are divided: a sharding for all of them, or a list with one entry per argument: a
   * sharding, `null`, or a tree prefix of the argument with these at its leaves. An argument with
   * `null` is replicated on every device, and need not be a tensor.
   */
  readonly inSpecs: Shardings;
  /**
   * How results are assembled: a sharding, `null`, or a tree prefix of the result. Along axes of the
   * mesh that are not named, all devices must have the same result.
   */
  readonly outSpecs: Shardings;
  /** The mesh; by default that of the shardings. */
  readonly mesh?: Mesh;
}

/**
 * A function that runs `f` on every device of a mesh, each on its part of the arguments, with the axes
 * of the mesh as named axes: collectives such as `psum` exchange values between devices.
 *
 * It is defined as `vmap` over all axes of the mesh: arguments are split into parts as specified by
 * their shardings, `f` is mapped over the parts along named axes, and the results are joined. If the
 * mesh has no devices, this is what runs, on one device. On a mesh of devices each device runs `f` on
 * its own part, and collectives are messages between them; arguments on other devices are moved first.
 *
 * Derivatives are those of the whole function and run on the mesh as well: an argument that devices
 * share receives the sum of their cotangents. Within `f`, derivatives are those of all devices
 * together, as in `vmap`: take the mean of gradients with respect to shared values with `pmean`. Values
 * that `f` closes over are replicated on every device.
 *
 * @category Devices
 * @param f A pure function of trees of tensors, written for one device. It is traced as by `jit`.
 * @param options The shardings of arguments and results, whose axes must be divisible into the given
 * number of equal parts.
 * @returns The function of whole arguments and results.
 * @throws {ArgumentError} when there are several meshes or none, or a result differs between devices
 * along an axis that its sharding does not name.
 * @throws {ShapeError} when an argument or a result has too few axes, or one is not divisible.
 * @throws {TreeError} when shardings do not match the arguments or the result.
 *
 * @example Each position with a part of the batch
 * ```ts
 * import { grad, matmul, mesh, pmean, random, shard, shardMap } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const machines = mesh({ data: 4 });
 * const [whole, rows] = [shard(machines), shard(machines, "data")];
 * const loss = (w: Tensor, x: Tensor) => matmul(x, w).square().mean();
 * const step = shardMap(
 *   (w: Tensor, x: Tensor) => w.sub(pmean(grad(loss)(w, x), "data").mul(0.1)),
 *   { inSpecs: [whole, rows], outSpecs: whole },
 * );
 * const [w, x] = [random.normal(random.key(0), [3]), random.normal(random.key(1), [8, 3])];
 * assertTensorsClose(step(w, x), w.sub(grad(loss)(w, x).mul(0.1)), { rtol: 1e-5 });
 * ```
 *
 * @example A matrix product whose second factor is passed around in a ring
 * ```ts
 * import { axisIndex, dynamicSlice, foriLoop, matmul, mesh, ppermute, shard, shardMap } from "@jacobi/jacobi";
 * import { random, zeros } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const ring = mesh({ ring: 4 });
 * const rows = shard(ring, "ring");
 * const around = [0, 1, 2, 3].map((i): [number, number] => [i, (i + 3) % 4]);
 * // Each place has rows of both; those of the second pass by, and meet their columns of the first.
 * const product = shardMap((a: Tensor, b: Tensor) => {
 *   const size = b.shape[0];
 *   const step = (i: Tensor, [sum, b]: readonly [Tensor, Tensor]): [Tensor, Tensor] => {
 *     const from = axisIndex("ring").add(i).mod(4).mul(size);
 *     const columns = dynamicSlice(a, [0, from], [a.shape[0], size]);
 *     return [sum.add(matmul(columns, b)), ppermute(b, "ring", around)];
 *   };
 *   return foriLoop(0, 4, step, [zeros([a.shape[0], b.shape[1]]), b] as const)[0];
 * }, { inSpecs: rows, outSpecs: rows });
 * const [a, b] = [random.normal(random.key(0), [8, 8]), random.normal(random.key(1), [8, 5])];
 * assertTensorsClose(product(a, b), matmul(a, b), { rtol: 1e-4, atol: 1e-5 });
 * ```
 */
export function shardMap<Args extends AnyArgs = Tensor[], Out = Tensor>(
  f: (...args: Args) => Out,
  options: ShardMapOptions,
): (...args: Args) => TensorsOf<Out> {
  checkFunction(f, "shardMap");
  const what = "Cannot apply shardMap";
  const read = readOptions(what, options, ["inSpecs", "outSpecs", "mesh"]);
  const { inSpecs, outSpecs } = read;
  const mesh = findMesh(read, what);
  return (...args) => {
    const { leaves, structure } = flatten(args);
    const specs = prefixSpecs(inSpecs, structure, `Cannot shardMap with these inSpecs`);
    const paths = leafPaths(structure);
    const isArgument = (leaf: unknown, i: number): boolean =>
      leaf instanceof Tensor || specs[i] !== null;
    const whole = mesh.sharding([]);
    const ins = specs.map((spec) => spec ?? whole).filter((_, i) => isArgument(leaves[i], i));
    const inputs = leaves.flatMap((leaf, i) => {
      if (!isArgument(leaf, i)) return [];
      return [
        leaf instanceof Tensor
          ? leaf
          : leafToTensor(leaf, paths[i], "Cannot shardMap over this argument"),
      ];
    });
    const places = paths.filter((_, i) => isArgument(leaves[i], i));
    const values = inputs.map(primalOf);
    const types = values.map(({ dtype, shape }, i) => {
      const place = `Cannot shardMap over argument ${showPath(places[i])} of shape`;
      return { dtype, shape: shardShape(ins[i], shape, place) };
    });
    // One list instead of one argument each, since the number of arguments of a call is limited.
    const onList = (tensors: readonly Tensor[]): unknown => {
      let next = 0;
      const filled = leaves.map((leaf, i) => {
        if (!isArgument(leaf, i)) return leaf;
        const input = tensors[next++];
        return leaf instanceof WeakScalar ? leaf.within(currentTrace(), input) : input;
      });
      return f(...unflatten(structure, filled) as Args);
    };
    const list: Structure = {
      kind: "array",
      children: types.map(() => ({ kind: "leaf" })),
    };
    const axes = Object.entries(mesh.axes).map(([name, size]) => newAxis(name, size));
    const staged = runWithin(
      axes,
      () => stage("shardMap", onList, { kind: "array", children: [list] }, types),
    );
    const { program, captured } = openProgram(staged.program);
    const resultPaths = leafPaths(staged.structure);
    const outs = prefixSpecs(outSpecs, staged.structure, "Cannot shardMap with these outSpecs")
      .map((spec) => spec ?? whole);
    const describe = (i: number): string =>
      `${showType(typeOf(program.results[i]))} at ${showPath(resultPaths[i])} by ${outs[i]}`;
    outs.forEach(({ spec }, i) => {
      if (spec.length <= typeOf(program.results[i]).shape.length) return;
      throw shapeError(`Cannot shardMap to ${describe(i)}: it has too few axes`);
    });
    const params = paramsOf(canonical(program), {
      mesh,
      axes,
      ins: [...captured.map(() => whole), ...ins],
      outs,
    });
    const { differs } = meaningOf(params);
    if (differs !== null) {
      const [result, axis] = differs;
      throw argumentError(`Cannot shardMap to ${describe(result)}: ${differenceAlong(axis)}`);
    }
    const results = runInPlaces(params, [...captured, ...values]);
    return unflatten(staged.structure, noteReturned(results, staged.values)) as TensorsOf<Out>;
  };
}

function isSpec(value: unknown): value is Sharding | null {
  return value === null || value instanceof Sharding;
}

/** One sharding or `null` per leaf, from a tree prefix. */
function prefixSpecs(
  specs: Shardings | undefined,
  structure: Structure,
  what: string,
): readonly (Sharding | null)[] {
  return broadcastPrefix(specs, structure, isSpec, what);
}

/** The mesh of all shardings. */
function findMesh({ inSpecs, outSpecs, mesh }: Partial<ShardMapOptions>, what: string): Mesh {
  const found = mesh === undefined ? [] : [mesh];
  if (mesh !== undefined && !(mesh instanceof Mesh)) {
    throw argumentError(`${what}: expected a mesh, got ${describeValue(mesh)}`);
  }
  for (const [name, specs] of Object.entries({ inSpecs, outSpecs })) {
    if (specs === undefined) {
      throw argumentError(`${what} without ${name}: say how each is divided, null for not at all`);
    }
    for (const leaf of flatten(specs).leaves) {
      if (!(leaf instanceof Sharding)) {
        throw argumentError(
          `${what}: expected shardings, such as shard(mesh, "data"), in ${name}, got ` +
            describeValue(leaf),
        );
      }
      found.push(leaf.mesh);
    }
  }
  const [first, other] = new Set(found);
  if (first === undefined) {
    throw argumentError(`${what} without a mesh: give it, or a sharding over it`);
  }
  if (other !== undefined) {
    throw argumentError(`${what} over two meshes: ${first} and ${other}`);
  }
  return first;
}
