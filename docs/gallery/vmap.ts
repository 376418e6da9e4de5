// Batching with vmap
// Write a function for one example; `vmap` adds the batch axis.
import { grad, matmul, random, tensor, vmap } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, image } from "./show.ts";

/** The cosine of the angle between two vectors. */
const cosine = (a: Tensor, b: Tensor) => a.dot(b).div(a.norm().mul(b.norm()));

const vectors = random.normal(random.key(0), [30, 8]);

// All pairs: one vmap for rows, one for columns; null leaves an argument unmapped.
const pairs = vmap(vmap(cosine, [null, 0]), [0, null])(vectors, vectors);
await image(pairs, { title: "Cosines of all pairs", range: [-1, 1], colors: "diverging" });

const lengths = vectors.norm(1, { keepdims: true });
const unit = vectors.div(lengths);
check(
  pairs.sub(matmul(unit, unit.transpose())).abs().max().item() < 1e-5,
  "two vmaps equal one matrix product",
);

// It composes with grad: a gradient for each example.
const slopes = vmap(grad((x: Tensor) => x.pow(3).sum()))(tensor([[1, 2], [3, 4]]));
console.log("gradients, one by one:", slopes);
