/**
 * Elements and blocks whose places are computed: gathers and scatters by tensors of indices
 * (`indexing.ts`), blocks from computed starts (`slicing.ts`).
 *
 * @module
 */
export {
  emitGather,
  emitLastOf,
  emitScatterAdd,
  emitScatterOnto,
  emitScatterSet,
} from "./indexing.ts";
export { copyWhole, emitAddSlice, emitDynamicSlice, emitHand, emitUpdateSlice } from "./slicing.ts";
