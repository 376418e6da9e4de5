// PageRank
// Ranks as a fixed point, differentiated implicitly by a link.
import { jacfwd, jvp, linalg, tensor, whileLoop, zeros } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, table } from "./show.ts";

const PAGES = ["home", "docs", "blog", "shop", "about"];
const N = PAGES.length;
// Row i: the links of page i.
const links = tensor([
  [0, 1, 1, 1, 1],
  [1, 0, 0, 0, 0],
  [1, 1, 0, 0, 0],
  [1, 0, 0, 0, 0],
  [1, 0, 0, 1, 0],
]);

/** One step of a visitor who follows links, or jumps to any page with a probability of 15%. */
const advance = (links: Tensor, ranks: Tensor) =>
  ranks.matmul(links.div(links.sum(1, { keepdims: true }))).mul(0.85).add(0.15 / N);

/** The fixed point, found by iteration and differentiated implicitly. */
const ranksOf = (links: Tensor) =>
  linalg.customRoot(
    (ranks: Tensor) => advance(links, ranks).sub(ranks),
    zeros([N]).add(1 / N),
    (f, start) => whileLoop((r) => f(r).abs().max().greater(1e-7), (r) => r.add(f(r)), start),
    (g, y) => linalg.solve(jacfwd(g)(zeros([N])), y),
  );

const ranks = ranksOf(links);
// A weak link from the blog to the shop.
const change = zeros([N, N]).set([2, 3], 1);
const [, slope] = jvp(ranksOf, [links], [change]);
await table(PAGES.map((page, i) => ({
  page,
  rank: ranks.at(i).item(),
  "change by a link from blog to shop": slope.at(i).item(),
})));

check(Math.abs(ranks.sum().item() - 1) < 1e-5, "ranks sum to one");
check(ranks.sub(advance(links, ranks)).abs().max().item() < 1e-6, "they are a fixed point");
const step = 1e-2;
const moved = ranksOf(links.add(change.mul(step))).sub(ranksOf(links.sub(change.mul(step))));
check(
  moved.div(2 * step).sub(slope).abs().max().item() < 1e-4,
  "finite differences agree with the derivative",
);
