/**
 * The device that tests of XLA run on. They need leave to load a plugin, and are left out without it;
 * `deno task xla` gives it, and fails where there is no plugin.
 *
 * @module
 */
import { openXla } from "../../../src/backends/xla/mod.ts";
import type { Device } from "../../../src/core/device.ts";

/** Whether plugins may be loaded. */
export const mayLoad: boolean = Deno.permissions.querySync({ name: "ffi" }).state === "granted";

let opened: readonly Device[] | null = null;

/** Four devices on the processor, opened at the first call. */
export function devices(): readonly Device[] {
  return opened ??= openXla({ options: { cpu_device_count: 4 } });
}

/** A test that needs a plugin. */
export function xlaTest(name: string, run: () => void | Promise<void>): void {
  Deno.test({ name, ignore: !mayLoad, fn: run });
}
