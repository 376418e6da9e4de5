/**
 * Trees: nestings of arrays, plain objects and `null` with leaves at the ends; and trees of tensors as
 * vectors.
 *
 * @module
 */
export * from "../tree.ts";
export * from "./vectors.ts";
