// Hessians and Hessian-vector products
// Second derivatives as a matrix with `hessian`, and matrix-free products with `hvp`.
import { hessian, hvp, linalg, random, tensor } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, image } from "./show.ts";

/** Rosenbrock's function of n numbers. */
function rosenbrock(x: Tensor): Tensor {
  const [head, tail] = [x.at([null, -1]), x.at([1, null])];
  return tail.sub(head.square()).square().mul(100).add(head.sub(1).square()).sum();
}

console.log(hessian(rosenbrock)(tensor([1, 1])));

// Twelve numbers: each term links two neighbours, so the matrix is tridiagonal.
const x = random.normal(random.key(0), [12]);
const H = hessian(rosenbrock)(x);
await image(H, { title: "The Hessian of a chain", colors: "diverging" });

const v = random.normal(random.key(1), [12]);
const [product] = hvp(rosenbrock, [x], [v]);
const difference = H.matmul(v).sub(product).norm().item() / product.norm().item();
check(difference < 1e-5, "hvp(f, x, v) equals H v");
check(H.sub(H.transpose()).abs().max().item() < 1e-2, "the Hessian is symmetric");
check(linalg.eigvalsh(hessian(rosenbrock)(tensor([1, 1]))).min().item() > 0, "(1, 1) is a minimum");
