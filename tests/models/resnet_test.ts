import { evalShape, models, nn, random, tree, valueAndGrad } from "../../mod.ts";
import type { TensorType } from "../../mod.ts";
import keys from "../fixtures/resnet_keys.json" with { type: "json" };
import { assertSummary, recipeTrees, rounded, uniform } from "../support/recipe.ts";
import type { Entries } from "../support/recipe.ts";
import { assert, assertEquals } from "../support/std.ts";

// torchvision's parameter names and shapes, and PyTorch's numbers for the deeper networks.

const makers = {
  resnet18: models.resnet18,
  resnet34: models.resnet34,
  resnet50: models.resnet50,
};

for (const { name, parameterCount, entries, evalLogits, train } of keys.models) {
  const make = makers[name as keyof typeof makers];
  const sorted = (entries as unknown as Entries).map(([key, shape]) => `${key} [${shape}]`).sort();

  Deno.test(`${name} has torchvision's state_dict keys, shapes and parameter count`, () => {
    const [params, state] = evalShape(make().init)(random.key(0)) as [unknown, unknown];
    const named = [params, state].flatMap((trees) => {
      const leaves = tree.leaves(trees) as unknown as TensorType[];
      return tree.paths(trees).map((path, i) => `${path} [${leaves[i].shape}]`);
    });
    assertEquals(named.sort(), sorted);
    const sizes = (tree.leaves(params) as unknown as TensorType[]).map(({ shape }) =>
      shape.reduce((product, length) => product * length, 1)
    );
    assertEquals(sizes.reduce((sum, size) => sum + size, 0), parameterCount);
  });

  if (name === "resnet18") continue;

  Deno.test(`${name} gives PyTorch's logits, loss and gradients in float64`, () => {
    const model = make({ dtype: "float64" });
    const [params, state] = recipeTrees(model, entries as unknown as Entries, "float64");
    const image = rounded(uniform(keys.inputSeed, 3 * 64 * 64), [1, 3, 64, 64], "float64");
    assertSummary(model.apply(params, state, image)[0], evalLogits, 1e-8, "evalLogits");
    const images = rounded(uniform(keys.inputSeed, 2 * 3 * 64 * 64), [2, 3, 64, 64], "float64");
    const labels = rounded(uniform(keys.labelSeed, 2 * 1000), [2, 1000], "float64");
    const [[loss, logits], gradients] = valueAndGrad((p: typeof params) => {
      const [logits] = model.apply(p, state, images, { train: true });
      return [logits.sub(labels).sum(), logits] as const;
    }, { hasAux: true })(params);
    assertSummary(logits, train.logits, 1e-8, "logits");
    assert(Math.abs(Number(loss) - train.loss) <= 1e-8 * Math.abs(train.loss), `loss ${loss}`);
    const grads = nn.toStateDict(gradients);
    for (const [key, [sum, l2]] of Object.entries(train.grads as Record<string, number[]>)) {
      const data = grads[key].data();
      let [actualSum, squares] = [0, 0];
      for (const x of data) {
        actualSum += x;
        squares += x * x;
      }
      assert(Math.abs(Math.sqrt(squares) - l2) <= 1e-8 * l2, `${key}: l2 ${Math.sqrt(squares)}`);
      assert(Math.abs(actualSum - sum) <= 1e-8 * (Math.abs(sum) + l2), `${key}: sum ${actualSum}`);
    }
  });
}

Deno.test("an mlp has the keys of PyTorch's Sequential and the shapes asked for", () => {
  const model = models.mlp([2, 8, 3]);
  const [params, state] = model.init(random.key(0));
  assertEquals(tree.paths(params), ["0.bias", "0.weight", "2.bias", "2.weight"]);
  const [y] = model.apply(params, state, random.normal(random.key(1), [5, 2]));
  assertEquals(y.shape, [5, 3]);
});
