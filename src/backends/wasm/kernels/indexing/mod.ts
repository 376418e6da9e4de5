/**
 * Elements and blocks whose places are computed: gathers and scatters by tensors of indices
 * (`gather.ts`, `scatter.ts`, `scatter_add.ts`, by loops of `walk.ts` that do what `rows.ts` writes),
 * blocks from computed starts (`slicing.ts`).
 *
 * @module
 */
export { emitGather } from "./gather.ts";
export {
  emitLastOf,
  emitScatterMax,
  emitScatterMin,
  emitScatterOnto,
  emitScatterSet,
} from "./scatter.ts";
export { emitScatterAdd } from "./scatter_add.ts";
export {
  copyWhole,
  emitAddSlice,
  emitBitcast,
  emitDynamicSlice,
  emitHand,
  emitUpdateSlice,
} from "./slicing.ts";
