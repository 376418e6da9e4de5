/**
 * The kernel of a switch: the steps of each branch, of which an index in memory chooses one.
 *
 * @module
 */
import { type Atom, type Equation, type Program, typeOf, Variable } from "../../../core/program.ts";
import type { Pointer } from "../kernels/addresses.ts";
import { type Builder, chunksOf, type Order } from "../kernels/kernel.ts";
import { i32 } from "../assembler/operations.ts";
import { asControl, type ControlEquation } from "../../../passes/control.ts";
import {
  divideOperands,
  isShared,
  type LoopKernel,
  type LoopOptions,
  loopStage,
  MOST_CHUNKS,
  within,
} from "./loop.ts";
import { bytesOf, type Pointers, Region } from "./region.ts";
import { ruleOf } from "../../../lowering/rules.ts";
import { isUpdate } from "../../../passes/kinds.ts";

/** The kernel of a switch; `null` if part of it must be left to the evaluator. */
export function emitSwitch(
  builder: Builder,
  { params: { branches }, inputs, outputs }: ControlEquation & { readonly kind: "switch" },
  { scheduleInner, sharedFrom }: LoopOptions,
): LoopKernel | null {
  const regions: Region[] = [];
  const heirs = heirsOf(branches);
  for (const branch of branches) {
    const region = Region.make(branch, scheduleInner, (i) => heirs[i]);
    if (region === null) return null;
    regions.push(region);
  }
  const workspace = Math.max(...regions.map((region) => region.workspace));
  const workspaces = workspace > 0 ? [workspace] : [];
  const operands = inputs.length + outputs.length + workspaces.length;
  // The chunks of all branches are numbered; those of the others have nothing to do.
  const order: Order = { rounds: 1, parts: regions.flatMap((region) => region.parts) };
  const isDivided = regions.some((region) => isShared(region, sharedFrom)) &&
    chunksOf(order) <= MOST_CHUNKS;
  const name = `switch of ${branches.length}`;
  const chunks = isDivided ? { chunks: chunksOf(order), order } : { chunks: 1 };
  const stage = loopStage(builder, name, operands, chunks, (code, all, chunk) => {
    const places = divideOperands(all, inputs.length, outputs.length);
    const [place, ...args] = places.inputs;
    const index = code.let(i32.load(place));
    const pointers: Pointers = {
      argument: (i) => args[i],
      result: (i) => places.outputs[i],
      workspace: places.workspace,
    };
    let first = 0;
    regions.forEach((region, i) => {
      const chosen = isChosen(index, i, regions.length);
      if (!isDivided) {
        code.if(chosen, () => region.write(code, pointers));
        return;
      }
      const end = first + chunksOf({ rounds: 1, parts: region.parts });
      const own = i32.and(i32.geU(chunk, i32.const(first)), i32.ltU(chunk, i32.const(end)));
      code.if(i32.and(own, chosen), () => {
        code.set(chunk, i32.sub(chunk, i32.const(first)));
        region.writeChunk(code, pointers, chunk);
      });
      first = end;
    });
  });
  return {
    stages: [stage],
    workspaces,
    operations: Math.max(...regions.map((region) => region.operations)),
    bytes: Math.max(...regions.map((region) => region.bytes)),
    inside: regions.flatMap(within),
    // Operands come behind the index, and each branch must leave the place as it should be.
    inPlace: heirs.flatMap((heir, i) =>
      heir !== null && regions.every((region) => region.takesOver(i))
        ? [[1 + heir, inputs.length + i] as const]
        : []
    ),
  };
}

/**
 * For each result of a switch the operand, by number, that most branches hand on as it is or with
 * changes in some places: its memory may become the result's. No two results have the same.
 */
export function heirsOf(branches: readonly Program[]): readonly (number | null)[] {
  const taken = new Set<number>();
  return branches[0].results.map((result, i) => {
    const counts = new Map<number, number>();
    for (const branch of branches) {
      const operand = ancestorOf(branch, branch.results[i]);
      if (operand === null || taken.has(operand)) continue;
      if (bytesOf(branch.binders[operand].type) !== bytesOf(typeOf(result))) continue;
      counts.set(operand, (counts.get(operand) ?? 0) + 1);
    }
    let heir: number | null = null;
    for (const [operand, count] of counts) {
      if (heir === null || count > counts.get(heir)!) heir = operand;
    }
    if (heir !== null) taken.add(heir);
    return heir;
  });
}

/** The binder, by number, that a value is, perhaps with changes in some places. */
function ancestorOf({ binders, equations }: Program, atom: Atom): number | null {
  const producers = new Map<Atom, Equation>();
  for (const equation of equations) {
    equation.outputs.forEach((output) => producers.set(output, equation));
  }
  for (let equation = producers.get(atom); equation; equation = producers.get(atom)) {
    const before = predecessorOf(equation, equation.outputs.indexOf(atom as Variable));
    if (before === null) return null;
    atom = before;
  }
  const operand = atom instanceof Variable ? binders.indexOf(atom) : -1;
  return operand < 0 ? null : operand;
}

/** The input whose memory an output of an equation may take over. */
function predecessorOf(equation: Equation, output: number): Atom | null {
  const { primitive, inputs } = equation;
  if (isUpdate(primitive.name) || ruleOf(primitive.name).kind === "alias") return inputs[0];
  const control = asControl(equation);
  switch (control?.kind) {
    case "scan":
      return output < control.params.carry ? inputs[control.params.consts + output] : null;
    case "while":
      return inputs[control.params.conditionConsts + control.params.bodyConsts + output];
    case "switch": {
      const heir = heirsOf(control.params.branches)[output];
      return heir === null ? null : inputs[1 + heir];
    }
    default:
      return null;
  }
}

/** Whether an index, taken to the nearest one in range, is that of branch `i` of `count`. */
function isChosen(index: Pointer, i: number, count: number): Pointer {
  if (count === 1) return i32.const(1);
  if (i === 0) return i32.leS(index, i32.const(0));
  if (i === count - 1) return i32.geS(index, i32.const(i));
  return i32.eq(index, i32.const(i));
}
