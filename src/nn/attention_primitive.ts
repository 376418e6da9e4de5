/**
 * Attention as one operation in programs: a call of the composition, for which a backend may have kernels
 * that do not store the scores. Its derivative keeps the operands alone.
 *
 * @module
 */
import { isHalf, wideDtype } from "../base/dtype.ts";
import { callPrimitive } from "../control/call.ts";
import { canonical } from "../control/canonical.ts";
import { split } from "../control/checkpoint.ts";
import { pullThrough, record } from "../control/programs.ts";
import type { Primitive } from "../core/primitive.ts";
import type { Program } from "../core/program.ts";
import { Concrete, zerosOf } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";
import type { AttentionParams, AttentionPart } from "../passes/control.ts";
import { allFinite } from "../primitives/reduction.ts";
import { convert, moveAxis, reshape } from "../primitives/structure.ts";
import { attentionFormula } from "./attention_formula.ts";
import type { AttentionMasks } from "./attention_formula.ts";

/** What does not depend on the types of the arguments. */
type Settings = Pick<AttentionParams, "scale" | "isCausal" | "args">;

/** The parameters of attention on arguments of these types. */
function paramsFor(types: readonly Type[], { scale, isCausal, args }: Settings): AttentionParams {
  const program = canonical(record(types, (tensors) => {
    const [query, key, value, ...masks] = tensors;
    const names = args.slice(3);
    const own = Object.fromEntries(masks.map((mask, i) => [names[i], mask])) as AttentionMasks;
    return [attentionFormula(query, key, value, scale, { ...own, isCausal })[0]];
  }));
  return { program, scale, isCausal, args, results: ["output"] };
}

/** Cotangents of operands, from some operands and the cotangent of the output. */
const attentionPullPrimitive = {
  ...callPrimitive,
  name: "attentionPull",
} as unknown as Primitive<AttentionParams>;

/** Parameters of `attentionPush`: the arguments after `args` are tangents of these operands. */
interface PushParams extends Settings {
  readonly program: Program;
  readonly tangents: readonly AttentionPart[];
}

/** The tangent of the output, from some operands and tangents of operands. */
const attentionPushPrimitive: Primitive<PushParams> = {
  ...callPrimitive as unknown as Primitive<PushParams>,
  name: "attentionPush",
  derivative: {
    ...callPrimitive.derivative as Primitive<PushParams>["derivative"] & { kind: "program" },
    transpose(cotangents, types, { program, tangents, ...settings }, isLinear, totals) {
      const all = [...settings.args, ...tangents];
      const args = all.filter((_, i) => !isLinear[i]);
      const results = all.filter((_, i) => isLinear[i]);
      return pullThrough([program], cotangents, types, isLinear, totals, ([pull], values) =>
        // Known tangents, totals and missing results occur in derivatives of derivatives alone.
        args.length + 1 === values.length && results.length === pull.results.length &&
          args.length <= settings.args.length
          ? bind(attentionPullPrimitive, values, {
            ...settings,
            program: pull,
            args: [...args, "output"],
            results,
          })
          : bind(callPrimitive, values, { program: pull }));
    },
  },
};

/** The output of attention: query, key and value, then masks. */
const attentionPrimitive: Primitive<AttentionParams> = {
  ...callPrimitive as unknown as Primitive<AttentionParams>,
  name: "attention",
  batch(args, axes, _size, params) {
    const rank = Math.max(...args.map(({ ndim }, i) => axes[i] === null ? ndim : ndim - 1));
    // Leading axes broadcast, so that the mapped axis is the first one of as many axes everywhere.
    const aligned = args.map((arg, i) => {
      const axis = axes[i];
      if (axis === null) return arg;
      const [size, ...own] = moveAxis(arg, axis, 0).shape;
      const ones = Array<number>(rank - own.length).fill(1);
      return reshape(moveAxis(arg, axis, 0), [size, ...ones, ...own]);
    });
    return [[bind(attentionPrimitive, aligned, paramsFor(aligned, params))[0], 0]];
  },
  derivative: {
    ...callPrimitive.derivative as Primitive<AttentionParams>["derivative"] & { kind: "program" },
    linearize(primals, isActive, params) {
      const { linear, needed, moves } = split(params.program, "nothing", isActive);
      return {
        results: bind(attentionPrimitive, primals, params),
        push(tangents) {
          if (!moves[0]) return [null];
          const active = primals.flatMap((primal, i) =>
            isActive[i] ? [tangents[i] ?? zerosOf(primal)] : []
          );
          return bind(attentionPushPrimitive, [...needed.map((i) => primals[i]), ...active], {
            program: linear,
            scale: params.scale,
            isCausal: params.isCausal,
            args: needed.map((i) => params.args[i]),
            tangents: params.args.filter((_, i) => isActive[i]),
          });
        },
      };
    },
  },
};

/**
 * Attention, as `attentionFormula` without dropout. Half floats become float32, and the output is rounded
 * once. Where elements are known, the formula is computed at once.
 *
 * @returns The output `[..., L, V]`.
 */
export function attend(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  scale: number,
  masks: AttentionMasks,
): Tensor {
  const { dtype } = query;
  if (isHalf(dtype)) {
    const [q, k, v] = [query, key, value].map((x) => convert(x, wideDtype(dtype)));
    return convert(attend(q, k, v, scale, masks), dtype);
  }
  const isFused = (dtype === "float32" || dtype === "float64") && query.size > 0 &&
    !(allFinite(query) instanceof Concrete);
  if (!isFused) return attentionFormula(query, key, value, scale, masks)[0];
  const { allowed, bias, isCausal = false } = masks;
  const named = [
    ...(allowed === undefined ? [] : [["allowed", allowed] as const]),
    ...(bias === undefined ? [] : [["bias", bias] as const]),
  ];
  const operands = [query, key, value, ...named.map(([, mask]) => mask)];
  const args: AttentionPart[] = ["query", "key", "value", ...named.map(([name]) => name)];
  return bind(attentionPrimitive, operands, paramsFor(operands, { scale, isCausal, args }))[0];
}

/** The output, and the weights `[..., L, S]` after `drop`, of any floating-point dtype. */
export function attendWithWeights(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  scale: number,
  masks: AttentionMasks,
  drop: (weights: Tensor) => Tensor,
): readonly Tensor[] {
  const { dtype } = query;
  if (!isHalf(dtype)) return attentionFormula(query, key, value, scale, masks, drop);
  const [q, k, v] = [query, key, value].map((x) => convert(x, wideDtype(dtype)));
  return attentionFormula(q, k, v, scale, masks, drop).map((result) => convert(result, dtype));
}
