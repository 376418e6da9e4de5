// Double pendulum from a Lagrangian
// Equations of motion by gradients and Hessians of the Lagrangian; a grid of pendulums by `vmap`.
import { grad, hessian, jacfwd, jit, linalg, linspace, scan, stack, tensor } from "@jacobi/jacobi";
import { vmap } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, image, plot } from "./show.ts";

/** Kinetic and potential energy of two unit masses on unit rods, for angles q and speeds w. */
function energies(q: Tensor, w: Tensor): [Tensor, Tensor] {
  const [a, b] = [q.at(0), q.at(1)];
  const [u, v] = [w.at(0), w.at(1)];
  const kinetic = u.square().add(v.square().div(2)).add(u.mul(v).mul(a.sub(b).cos()));
  const potential = a.cos().mul(-2).sub(b.cos()).mul(9.81);
  return [kinetic, potential];
}
function lagrangian(q: Tensor, w: Tensor): Tensor {
  const [kinetic, potential] = energies(q, w);
  return kinetic.sub(potential);
}

/** The Euler-Lagrange equation: d/dt (dL/dw) = dL/dq, solved for the acceleration. */
function acceleration(q: Tensor, w: Tensor): Tensor {
  const mass = hessian((w: Tensor) => lagrangian(q, w))(w);
  const mixed = jacfwd((q: Tensor) => grad((w: Tensor) => lagrangian(q, w))(w))(q);
  return linalg.solve(mass, grad((q: Tensor) => lagrangian(q, w))(q).sub(mixed.matmul(w)));
}

const STEP = 0.01;
type State = readonly [Tensor, Tensor];
/** The midpoint method. */
function advance([q, w]: State): State {
  const [qm, wm] = [q.add(w.mul(STEP / 2)), w.add(acceleration(q, w).mul(STEP / 2))];
  return [q.add(wm.mul(STEP)), w.add(acceleration(qm, wm).mul(STEP))];
}
const simulate = (q: Tensor) =>
  scan(
    (state: State): [State, [Tensor, Tensor]] => {
      const [kinetic, potential] = energies(...state);
      return [advance(state), [state[0], kinetic.add(potential)]];
    },
    [q, q.mul(0)] as State,
    null,
    { length: 600 },
  )[1];

const [angles, energy] = jit(simulate)(tensor([2, 1.5]));
await plot({ first: angles.at("...", 0), second: angles.at("...", 1) }, {
  title: "Angles by time",
});
check(energy.sub(energy.at(0)).abs().max().item() < 0.5, "energy is nearly conserved");

// The same for a grid of initial angles: the sensitivity to the initial state makes a picture.
const axis = linspace(-3, 3, 32);
const starts = vmap((b: Tensor) => vmap((a: Tensor) => stack([a, b]))(axis))(axis);
const ends = jit(vmap(vmap((q: Tensor) => simulate(q)[0].at(300, 1))))(starts);
await image(ends.sin(), { title: "The second angle after three seconds", colors: "diverging" });
check(
  ends.at([0, 16]).sub(ends.flip([0, 1]).neg().at([0, 16])).abs().mean().item() < 0.5,
  "the picture is symmetric",
);
