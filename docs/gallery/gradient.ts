// Derivatives with grad
// `grad` returns the derivative of a function; apply it again for higher derivatives.
import { cos, grad, linspace, sin, vmap } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot } from "./show.ts";

// A function of a number, and its first three derivatives.
const f = (x: Tensor) => sin(x.square());
const first = grad(f);
const second = grad(first);
const third = grad(second);

console.log("f'(1) =", first(1));

// grad requires a scalar result; vmap applies it to each element of a vector.
const x = linspace(-2, 2, 200);
await plot(
  { "f": vmap(f)(x), "f'": vmap(first)(x), "f''": vmap(second)(x), "f'''": vmap(third)(x) },
  { x, title: "sin(x²) and its derivatives" },
);

const exact = cos(x.square()).mul(x).mul(2);
const error = vmap(first)(x).sub(exact).abs().max().item();
check(error < 1e-5, "grad(f) equals 2x cos(x²)");
