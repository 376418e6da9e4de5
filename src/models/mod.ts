/**
 * Whole models, as layers: residual networks and multilayer perceptrons.
 *
 * @example A ResNet-18 for ten classes
 * ```ts
 * import { evalShape, models, ones, random } from "@jacobi/jacobi";
 *
 * const model = models.resnet18({ classes: 10 });
 * const logits = evalShape((x) => {
 *   const [params, state] = model.init(random.key(0));
 *   return model.apply(params, state, x)[0];
 * })(ones([1, 3, 64, 64]));
 * if (String(logits) !== "float32[1,10]") throw new Error(String(logits));
 * ```
 *
 * @module
 */
export * from "./mlp.ts";
export * from "./resnet.ts";
