/**
 * A ResNet-18 with the weights that torchvision draws for it.
 *
 * @module
 */
import { models, random, tree } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import type { TorchRandom } from "./torch_random.ts";

const model = models.resnet18();

/** The trees that `models.resnet18().init` gives. */
export type ResnetTrees = ReturnType<typeof model.init>;

/**
 * The parameters and the state of `torchvision.models.resnet18(weights=None)`: every layer is made with
 * uniform weights first, and those of convolutions are then drawn again, normal with the variance of He et al.,
 * "Delving Deep into Rectifiers" (2015), by the number of outputs.
 */
export function torchResnet18(torch: TorchRandom): ResnetTrees {
  const [params, state] = model.init(random.key(0));
  const shapes = new Map(tree.paths(params).map((path, i) => [path, tree.leaves(params)[i].shape]));
  const convolutions = [...shapes].filter(([, { length }]) => length === 4);
  torch.skip(
    convolutions.reduce((sum, [, shape]) => sum + shape.reduce((size, n) => size * n, 1), 0),
  );
  const fc = torch.layer([1000, 512]);
  const weights = new Map<string, Tensor>(convolutions.map(([path, shape]) => {
    const [outputs, , height, width] = shape;
    return [path, torch.randn(shape).mul(Math.sqrt(2 / (outputs * height * width)))];
  }));
  weights.set("fc.weight", fc.weight).set("fc.bias", fc.bias);
  // Normalisations begin with scale 1, bias 0, mean 0 and variance 1, as Jacobi's do.
  return [tree.mapWithPath((path, leaf) => weights.get(path) ?? leaf, params), state];
}
