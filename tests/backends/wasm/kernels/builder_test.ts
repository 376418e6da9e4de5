import { InternalError } from "../../../../src/base/errors.ts";
import type { Builder } from "../../../../src/backends/wasm/kernels/kernel.ts";
import { i32 } from "../../../../src/backends/wasm/assembler/operations.ts";
import type { FunctionReference } from "../../../../src/backends/wasm/assembler/module.ts";
import { assert, assertEquals, assertThrows } from "../../../support/std.ts";
import { testBuilder } from "./support.ts";

interface Params {
  readonly name?: string | undefined;
  readonly values: readonly (number | null | undefined)[];
}

type Constant = FunctionReference<readonly [], "i32">;

function emitLength(builder: Builder, { values }: Params): Constant {
  return builder.module.function("length", [], "i32", () => i32.const(values.length));
}

function emitOther(builder: Builder, params: Params): Constant {
  return emitLength(builder, params);
}

Deno.test("equal parameters give what was written before, whatever their objects", () => {
  const builder = testBuilder();
  const first = builder.once(emitLength, { values: [1, NaN] });
  assert(builder.once(emitLength, { values: [1, NaN] }) === first);
  assert(builder.once(emitOther, { values: [1, NaN] }) !== first);
  assert(testBuilder().once(emitLength, { values: [1, NaN] }) !== first);
});

Deno.test("parameters that differ in anything are written by themselves", () => {
  const builder = testBuilder();
  const all: Params[] = [
    { values: [] },
    { values: [0] },
    { values: [-0] },
    { values: [NaN] },
    { values: [Infinity] },
    { values: [-Infinity] },
    { values: [null] },
    { values: [undefined] },
    { values: [1, 2] },
    { values: [12] },
    { values: [1], name: "1" },
    { values: [1], name: undefined },
    { values: [1] },
  ];
  const made = all.map((params) => builder.once(emitLength, params));
  assertEquals(new Set(made).size, all.length);
});

Deno.test("parameters are plain data: functions and what others have made are refused", () => {
  const builder = testBuilder();
  const made = builder.once(emitLength, { values: [] });
  function emitCall(builder: Builder, { length }: { readonly length: Constant }): Constant {
    return builder.module.function("call", [], "i32", () => length.call());
  }
  assertThrows(
    // @ts-expect-error A function of a module is no plain data.
    () => builder.once(emitCall, { length: made }),
    InternalError,
    "Cannot tell kernels apart by FunctionReference: give plain data",
  );
  function emitMade(_builder: Builder, { make }: { readonly make: () => Constant }): Constant {
    return make();
  }
  assertThrows(
    // @ts-expect-error A closure is no plain data.
    () => builder.once(emitMade, { make: () => made }),
    InternalError,
    "Cannot tell kernels apart by function make: give plain data",
  );
});

Deno.test("an emitter that writes something else the second time is found", () => {
  let count = 0;
  function emitCount(builder: Builder, _params: Params): Constant {
    return builder.module.function("count", [], "i32", () => i32.const(count++));
  }
  assertThrows(
    () => testBuilder().once(emitCount, { values: [2] }),
    Error,
    'emitCount does not write the same again for {"values":[2]}',
  );
  let length = 1;
  function emitLater(builder: Builder, _params: Params): Constant {
    return builder.module.function("later", [], "i32", () => i32.const(length));
  }
  const builder = testBuilder();
  builder.once(emitLater, { values: [] });
  length = 2;
  assertThrows(
    () => builder.once(emitLater, { values: [] }),
    Error,
    'emitLater does not write the same again for {"values":[]}',
  );
});

Deno.test("an emitter made for each call is written for each: closures share nothing", () => {
  const builder = testBuilder();
  const emitters = [1, 2].map((value) =>
    function emitValue(builder: Builder): Constant {
      return builder.module.function("value", [], "i32", () => i32.const(value));
    }
  );
  const [one, two] = emitters.map((emit) => builder.once(emit));
  assert(one !== two);
});
