import { dispositionsOf, faults, libraries, modulesOf } from "../.ci/coming_from.ts";
import { jax } from "../.ci/names_of_jax.ts";
import { optax } from "../.ci/names_of_optax.ts";
import { torch } from "../.ci/names_of_torch.ts";
import { assertEquals } from "./support/std.ts";

for (const library of libraries) {
  Deno.test(`the tables for ${library.name} hold names of its own, each once`, () => {
    assertEquals(faults(library), []);
  });
}

Deno.test("names of JAX's are found in the namespaces that they belong to", () => {
  const all = Object.fromEntries(
    modulesOf(jax).map((module) => [
      module,
      Object.fromEntries(dispositionsOf(jax, module)),
    ]),
  );
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

Deno.test("layers and functions of PyTorch's are found by names without capitals", () => {
  const layers = new Map(dispositionsOf(torch, "torch.nn"));
  assertEquals(layers.get("AdaptiveAvgPool2d"), { kind: "here", code: "nn.adaptiveAvgPool2d" });
  const functions = new Map(dispositionsOf(torch, "torch.nn.functional"));
  assertEquals(functions.get("conv2d"), { kind: "here", code: "conv" });
  assertEquals(functions.get("grid_sample"), { kind: "here", code: "image.gridSample" });
});

Deno.test("optimisers and schedules are found by their names in PyTorch and optax", () => {
  const here = (code: string) => ({ kind: "here" as const, code });
  const optimizers = new Map(dispositionsOf(torch, "torch.optim"));
  assertEquals(optimizers.get("LBFGS"), here("optim.lbfgs"));
  assertEquals(optimizers.get("RMSprop"), here("optim.rmsprop"));
  const transforms = new Map(dispositionsOf(optax, "optax"));
  assertEquals(transforms.get("scale_by_adam"), here("optim.scaleByAdam"));
  assertEquals(transforms.get("clip"), here("optim.clipByValue"));
  const contributed = new Map(dispositionsOf(optax, "optax.contrib"));
  assertEquals(contributed.get("reduce_on_plateau"), here("optim.reduceOnPlateau"));
});
