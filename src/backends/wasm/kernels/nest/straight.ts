/**
 * Straight code: work on few elements, each of which is a local, without loops. Elements are
 * loaded, computed and stored in one function, regardless of the number of operations.
 *
 * @module
 */
import { encode } from "../../../../base/data.ts";
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import type { Code } from "../../assembler/code.ts";
import type { Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32, i32x4 } from "../../assembler/operations.ts";
import { type Pointer, times } from "../addresses.ts";
import type { Builder, Kernel } from "../kernel.ts";
import type { Vector } from "../math/operation.ts";
import { isLong } from "./cost.ts";
import {
  constantVector,
  givenVector,
  isPacked,
  type Lanes,
  loadSplat,
  packed,
  storeLane,
} from "../lanes.ts";
import type {
  Spot,
  Straight,
  StraightOp,
  StraightValue,
} from "../../../../lowering/straight_code.ts";
import { callOperation, prepareOperation } from "./operations.ts";
import { copyWhole } from "../indexing/slicing.ts";

/** Doubles may occur anywhere. */
const LANES: Lanes = 2;

/** Writes straight code, given the addresses of its buffers. */
class StraightWriter {
  readonly #builder: Builder;
  readonly #code: Code;
  readonly #straight: Straight;
  readonly #addresses: readonly Pointer[];
  readonly #vectors: Local<"v128">[] = [];
  readonly #indices: Local<"i32">[] = [];
  readonly #prepared = new Map<string, (...inputs: readonly Vector[]) => Vector>();

  constructor(
    builder: Builder,
    code: Code,
    straight: Straight,
    addresses: readonly Pointer[],
  ) {
    this.#builder = builder;
    this.#code = code;
    this.#straight = straight;
    this.#addresses = addresses;
  }

  write(): void {
    for (const op of this.#straight.ops) {
      if (op.kind === "value") this.#value(op.value);
      else if (op.kind === "copy") {
        const { from, to, bytes } = op;
        copyWhole(this.#builder, this.#code, this.#addresses[to], this.#addresses[from], bytes);
      } else this.#store(op);
    }
  }

  #place({ buffer, offset, terms }: Spot): [address: Pointer, bytes: number] {
    const size = byteSize(this.#straight.buffers[buffer]);
    const address = terms.reduce<Pointer>(
      (sum, { index, stride }) => i32.add(sum, times(this.#indices[index], stride * size)),
      this.#addresses[buffer],
    );
    return [address, offset * size];
  }

  #value(number: number): void {
    const code = this.#code;
    const value = this.#straight.values[number];
    switch (value.kind) {
      case "load": {
        const [address, bytes] = this.#place(value.from);
        this.#vectors[number] = code.let(loadSplat(code, value.dtype, address, bytes, LANES));
        break;
      }
      case "constant":
        this.#vectors[number] = code.let(constantVector(value.dtype, value.value, LANES));
        break;
      case "given": {
        const given = this.#builder.given(value.index, value.dtype);
        this.#vectors[number] = code.let(givenVector(given, LANES));
        break;
      }
      case "map": {
        const inputs = value.inputs.map((input) => this.#vectors[input]);
        this.#vectors[number] = code.let(this.#operation(value)(...inputs));
        break;
      }
      case "index": {
        const index = code.let(i32x4.extractLane(this.#vectors[value.input], 0));
        code.if(i32.geU(index, i32.const(value.below)), () => code.unreachable());
        this.#indices[number] = index;
      }
    }
  }

  #operation(
    { operation, params, inputs, dtype: to }: StraightValue & { readonly kind: "map" },
  ): (...inputs: readonly Vector[]) => Vector {
    const from = inputs.map((input) => dtypeOf(this.#straight.values[input]));
    const applied = { operation, params, from, to, lanes: LANES };
    const key = encode(applied);
    let write = this.#prepared.get(key);
    if (write === undefined) {
      write = isLong(operation)
        ? callOperation(this.#builder, applied)
        : prepareOperation(this.#code, applied);
      this.#prepared.set(key, write);
    }
    return write;
  }

  #store({ value, to }: StraightOp & { readonly kind: "store" }): void {
    const dtype = this.#straight.buffers[to.buffer];
    const [address, bytes] = this.#place(to);
    const vector = this.#vectors[value];
    const ready = isPacked(dtype) ? packed(dtype, vector, LANES) : vector;
    this.#code.do(storeLane(dtype, address, bytes, ready, 0));
  }
}

/** The dtype of a value. */
export function dtypeOf(value: StraightValue): Dtype {
  return value.kind === "index" ? "int32" : value.dtype;
}

/** The kernel of straight code; its buffers are the operands. */
export function emitStraight(
  builder: Builder,
  { straight, inPlace }: {
    readonly straight: Straight;
    readonly inPlace: readonly (readonly [from: number, to: number])[];
  },
): Kernel {
  const count = straight.buffers.length;
  const parameters = Array.from({ length: count + 1 }, () => "i32" as const);
  const run = builder.module.function("straight", parameters, "none", (code, ...places) => {
    new StraightWriter(builder, code, straight, places).write();
  });
  const moved = straight.ops.filter((op) =>
    op.kind === "store" || op.kind === "value" && straight.values[op.value].kind === "load"
  );
  return {
    stages: [{
      name: "straight",
      run: run as unknown as FunctionReference,
      operands: Array.from({ length: count }, (_, i) => i),
      chunks: 1,
    }],
    workspaces: [],
    operations: straight.ops.length - moved.length,
    bytes: 8 * moved.length,
    inPlace,
  };
}
