import { dispositionsOf, faults, modules } from "../.ci/coming_from.ts";
import { assertEquals } from "./support/std.ts";

Deno.test("the tables of JAX's names hold names of JAX's, each once", () => {
  assertEquals(faults(), []);
});

Deno.test("names of JAX's are found in the namespaces that they belong to", () => {
  const all = Object.fromEntries(modules.map((module) => [
    module,
    Object.fromEntries(dispositionsOf(module)),
  ]));
  const here = (code: string) => ({ kind: "here" as const, code });
  assertEquals(all.jnp.moveaxis, here("moveaxis"));
  assertEquals(all.jnp.logical_and, here("logicalAnd"));
  assertEquals(all.jnp.arctan2, here("atan2"));
  assertEquals(all.lax.erf_inv, here("erfinv"));
  assertEquals(all["jnp.linalg"].slogdet, here("linalg.slogdet"));
  assertEquals(all.tree_util.tree_map, here("tree.map"));
  assertEquals(all.random.PRNGKey, here("random.key"));
  assertEquals(all.jax.new_ref.kind, "without");
});
