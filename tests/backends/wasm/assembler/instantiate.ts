/**
 * From a module under construction to functions that tests call.
 *
 * @module
 */
import type { Module } from "../../../../src/backends/wasm/assembler/module.ts";

/** What passes between JavaScript and WebAssembly: `bigint` for i64, `number` for the rest. */
export type Scalar = number | bigint;

/** An exported function. */
export type Callable = (...args: readonly Scalar[]) => Scalar | undefined;

/** Compiles and instantiates; gives a function that looks up exported functions by name. */
export function instantiate(
  module: Module,
  imports: WebAssembly.Imports = {},
): (name: string) => Callable {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()), imports);
  return (name) => {
    const found = exports[name];
    if (typeof found !== "function") throw new TypeError(`No function is exported as ${name}`);
    return (...args) => found(...args);
  };
}
