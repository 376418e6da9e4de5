import {
  checkpoint,
  grad,
  jit,
  mesh,
  psum,
  scan,
  shard,
  shardMap,
  sin,
  tensor,
} from "../../mod.ts";
import type { Concrete, Tensor } from "../../mod.ts";
import { range } from "../../src/base/shape.ts";
import { assertNear } from "../laws/assertions.ts";
import {
  checkBatch,
  checkFirstOrder,
  checkJit,
  checkNestedBatch,
  checkPrograms,
  checkSame,
  checkSecondOrder,
} from "../laws/laws.ts";
import type { Flat, Maker } from "../laws/laws.ts";
import { distinct, fromValues, makeRandom, real, seedOf } from "../laws/values.ts";
import type { Domain, Random } from "../laws/values.ts";
import { nestedVmap } from "./nested_vmap.ts";
import { randomProgram } from "./shard_map_programs.ts";
import { SHAPES, subjectsOver } from "./shard_map_subjects.ts";
import type { Subject } from "./shard_map_subjects.ts";
import { partOf } from "../support/part.ts";

// A function in every place of a mesh equals the function mapped over the axes of the mesh: values, derivatives
// of any order, batches and compiled code are those of nested vmaps.

const MESH = mesh({ i: 2, j: 3 });

function checkLaws(name: string, subject: Subject, domain: Domain): void {
  const { f, outs, ins } = subject;
  const random: Random = makeRandom(seedOf(name));
  const make: Maker = (random) =>
    SHAPES.map((shape) =>
      fromValues(domain(random, shape.reduce<number>((a, b) => a * b, 1)), "float64", [...shape])
    );
  const list = (x: Tensor, y: Tensor, z: Tensor): Tensor[] => [f(x, y, z)].flat();
  const mapped = shardMap(list, { inSpecs: ins, outSpecs: outs });
  const flat: Flat = ([x, y, z]) => mapped(x, y, z);
  checkSame(flat, nestedVmap(MESH, list, ins, outs), make, random, name);
  checkFirstOrder(flat, make(random), random, name);
  checkSecondOrder(flat, make(random), random, name);
  checkBatch(flat, make, random, 1e-12, name);
  checkNestedBatch(flat, make, random, 1e-12, name);
  checkPrograms(flat, make, random, name);
  checkJit(flat, make, random, name);
}

for (const [name, subject] of Object.entries(subjectsOver(MESH))) {
  Deno.test(`${name} in every place is mapped over the mesh`, () => checkLaws(name, subject, real));
}

for (const [name, subject] of Object.entries(subjectsOver(MESH, true))) {
  Deno.test(`${name} in every place is mapped over the mesh`, () =>
    checkLaws(name, subject, distinct));
}

for (const seed of range(partOf(12))) {
  Deno.test(`a random function in every place is mapped over the mesh (seed ${seed})`, () => {
    const { f, ins, outs } = randomProgram(MESH, makeRandom(seed));
    const random = makeRandom(100 + seed);
    const make: Maker = (random) =>
      ins.map(() => fromValues(distinct(random, 144), "float64", [12, 12]));
    const mapped = shardMap(f, { inSpecs: ins, outSpecs: outs });
    const flat: Flat = ([x, y, z]) => mapped(x, y, z);
    const name = `seed ${seed}`;
    checkSame(flat, nestedVmap(MESH, f, ins, outs), make, random, name);
    checkPrograms(flat, make, random, name);
    const args = make(random);
    const compiled = jit((...args: Tensor[]) => flat(args))(...args);
    assertNear(compiled as Concrete[], flat(args) as Concrete[], 1e-11, name);
  });
}

Deno.test("a function in every place may be compiled there, checkpointed, and stand in loops", () => {
  const [a, b] = [tensor([[1, 2, 3], [4, 5, 6]]).astype("float64"), tensor(0.5).astype("float64")];
  const rows = shard(mesh({ i: 2 }), "i");
  const f = (w: Tensor, x: Tensor) => psum(sin(x.mul(w)).sum(), "i");
  const place = { inSpecs: [null, rows], outSpecs: null };
  const forms = [
    shardMap(f, place),
    jit(shardMap(f, place)),
    shardMap(jit(f), place),
    checkpoint(shardMap(f, place)),
    shardMap(checkpoint(f), place),
  ];
  const loop = (g: (w: Tensor, x: Tensor) => Tensor) => (w: Tensor) =>
    scan((w: Tensor, _: null) => [w.add(g(w, a).mul(0.1)), g(w, a)], w, null, { length: 3 })[0];
  const plain = (w: Tensor, x: Tensor) => sin(x.mul(w)).sum();
  const expected = [loop(plain)(b), grad(loop(plain))(b), grad(grad(loop(plain)))(b)];
  for (const form of forms) {
    const g = form as (w: Tensor, x: Tensor) => Tensor;
    for (const h of [loop(g), jit(loop(g)) as (w: Tensor) => Tensor]) {
      [h(b), grad(h)(b), grad(grad(h))(b)].forEach((value, i) => {
        if (Math.abs(value.item() - expected[i].item()) < 1e-10) return;
        throw new Error(`${i}: ${value} instead of ${expected[i]}`);
      });
    }
  }
});
