/**
 * Straight code: work on few elements, each of which is a local, without loops. Elements go from
 * memory to memory in one function, however many operations are in between.
 *
 * @module
 */
import { encode } from "../base/data.ts";
import { byteSize, type Dtype } from "../base/dtype.ts";
import type { Code } from "../wasm/code.ts";
import type { Local } from "../wasm/expression.ts";
import type { FunctionReference } from "../wasm/module.ts";
import { i32, i32x4 } from "../wasm/operations.ts";
import { type Pointer, times } from "./addresses.ts";
import type { Builder, Kernel } from "./kernel.ts";
import type { Vector } from "./math/operation.ts";
import { isLong } from "./nest/cost.ts";
import {
  constantVector,
  givenVector,
  type Lanes,
  loadSplat,
  packed,
  storeLane,
} from "./nest/lanes.ts";
import { callOperation, prepareOperation } from "./nest/operations.ts";
import { copyWhole } from "./slicing.ts";

/** Doubles may take part anywhere. */
const LANES: Lanes = 2;

/** An element of a buffer. */
export interface Spot {
  /** The number of the buffer. */
  readonly buffer: number;
  /** How many elements from its beginning it stands, before the terms. */
  readonly offset: number;
  /** Checked indices, by the numbers of their values, and how many elements each step of one is. */
  readonly terms: readonly { readonly index: number; readonly stride: number }[];
}

/** A value: one element. */
export type StraightValue =
  | { readonly kind: "load"; readonly dtype: Dtype; readonly from: Spot }
  | { readonly kind: "constant"; readonly dtype: Dtype; readonly value: number }
  /** The number that the program is given in this place at each run. */
  | { readonly kind: "given"; readonly dtype: Dtype; readonly index: number }
  /** An elementwise primitive, by its name, of earlier values. */
  | {
    readonly kind: "map";
    readonly dtype: Dtype;
    readonly operation: string;
    readonly inputs: readonly number[];
    readonly params?: unknown;
  }
  /** An integer as an index; the code traps unless it is less than `below`, and not negative. */
  | { readonly kind: "index"; readonly input: number; readonly below: number };

/** What is done, in order. */
export type StraightOp =
  | { readonly kind: "value"; readonly value: number }
  | { readonly kind: "store"; readonly value: number; readonly to: Spot }
  /** A buffer copied to another one, unless they are the same memory. */
  | { readonly kind: "copy"; readonly from: number; readonly to: number; readonly bytes: number };

/** Straight code on buffers. */
export interface Straight {
  readonly buffers: readonly Dtype[];
  readonly values: readonly StraightValue[];
  readonly ops: readonly StraightOp[];
}

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
        this.#vectors[number] = code.let(loadSplat(value.dtype, address, bytes, LANES));
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
    const ready = dtype === "bool" ? packed(dtype, vector, LANES) : vector;
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
