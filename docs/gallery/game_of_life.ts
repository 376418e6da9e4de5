// Game of Life
// Neighbours counted by a convolution on a torus; a scan runs the generations.
import { conv, jit, random, scan, tensor } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, image, plot } from "./show.ts";

const kernel = tensor([[[[1, 1, 1], [1, 0, 1], [1, 1, 1]]]]);

/** The next generation of cells `[height, width]`, 0 or 1. */
function next(cells: Tensor): Tensor {
  const torus = cells.pad([[1, 1], [1, 1]], { mode: "wrap" });
  const neighbours = conv(torus.expandDims([0, 1]), kernel).squeeze([0, 1]);
  const isBorn = neighbours.equal(3);
  const stays = neighbours.equal(2).logicalAnd(cells.equal(1));
  return isBorn.logicalOr(stays).astype("float32");
}
const generations = jit((cells: Tensor) =>
  scan((cells) => [next(cells), cells], cells, null, { length: 200 })[1]
);

const start = random.bernoulli(random.key(3), 0.3, [64, 64]).astype("float32");
const history = generations(start);
await image(history.at(tensor([0, 10, 50, 199], { dtype: "int32" })), {
  title: "Generations 0, 10, 50 and 199",
  colors: "gray",
});
await plot({ "living cells": history.sum([1, 2]) });

// A glider moves by one cell in both directions in four generations.
const glider = tensor([[0, 1, 0], [0, 0, 1], [1, 1, 1]]).pad([[2, 7], [2, 7]]);
const moved = generations(glider).at(4);
check(
  moved.sub(glider.roll([1, 1], [0, 1])).abs().max().item() === 0,
  "a glider moves by one cell in four generations",
);
