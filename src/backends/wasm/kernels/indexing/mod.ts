/**
 * Elements and blocks at computed positions: gathers and scatters by tensors of indices
 * (`gather.ts`, `scatter.ts`, `scatter_add.ts`, with the loops of `walk.ts` around the code of
 * `rows.ts`), and blocks from computed starts (`slicing.ts`).
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
