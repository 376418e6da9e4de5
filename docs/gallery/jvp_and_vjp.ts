// Forward and reverse mode
// Jacobian-vector products with `jvp` and vector-Jacobian products with `vjp`.
import { exp, jacrev, jvp, sin, stack, tensor, vjp } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check } from "./show.ts";

// From three numbers to two.
const f = (x: Tensor) => {
  const [a, b, c] = [x.at(0), x.at(1), x.at(2)];
  return stack([sin(a).mul(b), exp(b).add(c)]);
};

const x = tensor([1, 2, 3]);
const tangent = tensor([1, 0, 2]);
const cotangent = tensor([3, -1]);

const [y, pushed] = jvp(f, [x], [tangent]);
const [, pullback] = vjp(f, x);
const [pulled] = pullback(cotangent);
const jacobian = jacrev(f)(x);

console.log("f(x) =", y);
console.log("Jacobian =", jacobian);
console.log("J · tangent =", pushed);
console.log("cotangent · J =", pulled);

const forward = pushed.dot(cotangent).item();
const reverse = pulled.dot(tangent).item();
check(Math.abs(forward - reverse) < 1e-4, "both modes agree: ū · (J v) = (ū J) · v");
check(jacobian.matmul(tangent).sub(pushed).abs().max().item() < 1e-5, "jvp is J times the tangent");
