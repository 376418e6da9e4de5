import fc from "fast-check";
import { jit } from "../../../../src/jit.ts";
import { allocate, DTYPES } from "../../../../src/base/dtype.ts";
import type { Dtype } from "../../../../src/base/dtype.ts";
import { ArgumentError, MemoryError, memoryError } from "../../../../src/base/errors.ts";
import { Concrete, type Tensor } from "../../../../src/core/tensor.ts";
import type { Type } from "../../../../src/core/tensor.ts";
import {
  add,
  complex,
  cumsum,
  exp,
  imag,
  lgamma,
  logicalNot,
  matmul,
  mul,
  neg,
  real,
  sin,
  take,
  tensor,
  transpose,
} from "../../../../src/functions/mod.ts";
import { fft, rfft } from "../../../../src/fft.ts";
import { reshape } from "../../../../src/primitives/structure.ts";
import { viewOf } from "../../../../src/backends/wasm/memory/linear_memory.ts";
import {
  configureMemory,
  memoryUsage,
  withPins,
} from "../../../../src/backends/wasm/memory/blocks.ts";
import {
  addressOf,
  donate,
  giveRecipes,
  newResident,
  takeBlock,
} from "../../../../src/backends/wasm/memory/memory.ts";
import { emptyMemory } from "./support.ts";
import { assertRefused } from "../../../support/errors.ts";
import { assert, assertEquals } from "../../../support/std.ts";
import { partOf } from "../../../support/part.ts";

const MEBIBYTE = 2 ** 20;
const START = memoryUsage().window;
/** So many elements of float32 take one MiB. */
const SIZE = 2 ** 18;
const TYPE: Type = { dtype: "float32", shape: [SIZE] };

const addOne = jit((x: Tensor) => add(x, 1));
const consume = jit((x: Tensor) => mul(x, -1), { donateArgnums: 0 });

/** Runs `f` with an empty memory, under a limit if one is given. */
function withMemory(limit: number | null, f: () => void): void {
  emptyMemory();
  if (limit !== null) configureMemory({ limit });
  try {
    f();
  } finally {
    configureMemory({});
  }
}

/** Different numbers, some of them special. */
function make(dtype: Dtype = "float32", size: number = SIZE): Concrete {
  const elements = allocate(dtype, size);
  for (let i = 0; i < size; i++) elements[i] = dtype === "bool" ? i % 3 & 1 : i % 1000 - 300;
  if (dtype.startsWith("float")) elements.set([Infinity, -Infinity, -0, 1e-40], 5);
  return new Concrete(dtype, [size], elements);
}

function filled(value: number): Concrete {
  return new Concrete("float32", [SIZE], new Float32Array(SIZE).fill(value));
}

function bytesOf(x: Tensor): Uint8Array {
  return new Uint8Array(x.data().buffer);
}

/** How often something was computed again since the window was reset. */
function recomputations(): number {
  return Math.log2(memoryUsage().window / START);
}

Deno.test("a dropped result is computed again, bit for bit", () => {
  withMemory(null, () => {
    const places = tensor(Int32Array.from({ length: 512 }, (_, i) => 37 * i % 512));
    const functions: readonly [(x: Tensor) => Tensor, readonly Dtype[]][] = [
      [(x) => add(x, 1), ["float32", "float64", "int32", "uint32"]],
      [(x) => mul(sin(exp(x)), 3), ["float32", "float64"]],
      [lgamma, ["float32"]],
      [neg, ["int32"]],
      [logicalNot, DTYPES.filter((dtype) => dtype === "bool")],
      [(x) => transpose(x.reshape([512, -1])), ["float32", "int32"]],
      [(x) => cumsum(x, 0), ["float32", "int32"]],
      [(x) => x.set([3], 7), ["float32", "int32"]],
      [(x) => take(x.reshape([512, -1]), places, 0), ["float32", "int32"]],
      [(x) => matmul(x.at([0, 512]).reshape([-1, 1]), x.at([0, 512]).reshape([1, -1])), ["int32"]],
    ];
    for (const [f, dtypes] of functions) {
      for (const dtype of dtypes) {
        for (const g of [f, jit(f)]) {
          configureMemory({});
          const x = make(dtype);
          const y = g(x) as Concrete;
          const before = bytesOf(y);
          const { residents } = memoryUsage();
          emptyMemory();
          assertEquals([memoryUsage().residents, memoryUsage().droppable], [0, 0]);
          assertEquals(bytesOf(y), before);
          assert(recomputations() === 1 || g === f && residents === 0, `${f} of ${dtype}`);
          assertEquals(bytesOf(y), before);
          assert(recomputations() <= 1);
        }
      }
    }
  });
});

Deno.test("several results of a program are dropped, and each of them is computed again", () => {
  const sumAndProduct = jit((x: Tensor) => [add(x, 1), mul(x, 2), x.at([0, 3])] as const);
  const makers: readonly ((x: Tensor) => readonly Tensor[])[] = [
    (x) => sumAndProduct(x.reshape([-1])),
    ...[fft, rfft].map((transform) => {
      const f = jit((x: Tensor) => transform(x));
      return (x: Tensor) => {
        const y = f(x);
        return [real(y), imag(y)];
      };
    }),
  ];
  withMemory(null, () => {
    for (const dtype of ["float32", "float64"] as const) {
      for (const run of makers) {
        configureMemory({});
        const all = run(make(dtype).reshape([-1, 256]));
        const large = all.slice(0, 2);
        const before = all.map(bytesOf);
        emptyMemory();
        assertEquals(memoryUsage().residents, 0);
        assertEquals(large.map(bytesOf), before.slice(0, 2));
        // The argument and both, and nothing of what was made beside the one that was wanted.
        assertEquals([recomputations(), memoryUsage().residents], [2, 3]);
        assertEquals(all.map(bytesOf), before);
        assertEquals(recomputations(), 2);
      }
    }
  });
});

Deno.test("a loop over dead transforms finds its memory again", () => {
  withMemory(null, () => {
    const x = complex(make(), make()).reshape([-1, 1024]);
    const transform = jit((x: Tensor) => fft(x));
    const kept: Tensor[] = [];
    for (let i = 0; i < 300; i++) {
      const y = transform(x);
      if (i % 100 === 7) kept.push(y);
      const { held, window } = memoryUsage();
      assert(held <= window + 4 * MEBIBYTE);
    }
    const expected = transform(x).data();
    for (const y of kept) assertEquals(y.data(), expected);
  });
});

Deno.test("what takes long for each byte of its result is copied", () => {
  withMemory(null, () => {
    const x = make().reshape([512, 512]);
    const functions: readonly ((x: Tensor) => Tensor)[] = [
      (x) => x.matmul(x),
      (x) => x.sort(1),
      (x) => exp(sin(exp(sin(exp(sin(x)))))),
    ];
    for (const f of functions) {
      const y = jit(f)(x);
      const before = bytesOf(y);
      assertEquals(memoryUsage().droppable, 0);
      emptyMemory();
      assertEquals(bytesOf(y), before);
      assertEquals(recomputations(), 0);
    }
  });
});

Deno.test("a small part of a large tensor does not keep it", () => {
  withMemory(null, () => {
    const x = make("float32", 16 * SIZE).reshape([4096, 1024]);
    for (const count of [64, 512]) {
      const places = tensor(Int32Array.from({ length: count }, (_, i) => 3 * i));
      const rows = jit((x: Tensor) => take(x, places, 0));
      const slice = jit((x: Tensor) => x.at([0, count]));
      for (const f of [rows, slice]) {
        configureMemory({});
        const y = f(x);
        const before = bytesOf(y);
        assertEquals(memoryUsage().droppable > 0, count === 512);
        emptyMemory();
        assertEquals(bytesOf(y), before);
      }
    }
  });
});

Deno.test("every way to read a dropped result computes it again", () => {
  const readers: readonly ((y: Concrete) => unknown)[] = [
    (y) => y.data()[7],
    (y) => y.elements[7],
    (y) => y.peek((elements) => elements[7]),
    (y) => y.storage.elements[7],
    (y) => String(y),
    (y) => (y.toArray() as number[])[7],
    (y) => withPins(() => viewOf("float32", addressOf(y), SIZE)[7]),
    (y) => addOne(y).data()[7],
    (y) => (reshape(y, [SIZE, 1]) as Concrete).elements[7],
  ];
  for (const read of readers) {
    withMemory(null, () => {
      const y = addOne(filled(1)) as Concrete;
      const before = read(y);
      const z = addOne(filled(1)) as Concrete;
      emptyMemory();
      assertEquals(read(z), before);
      assertEquals(recomputations(), 1);
    });
  }
});

Deno.test("a loop over dead results stays in a small memory, and the living are right", () => {
  withMemory(null, () => {
    const x = make();
    const kept: Tensor[] = [];
    for (let i = 0; i < 500; i++) {
      const y = addOne(x);
      if (i % 100 === 7) kept.push(y);
      const { held, droppable, window } = memoryUsage();
      assert(droppable <= window && held <= window + 4 * MEBIBYTE);
    }
    assertEquals(recomputations(), 0);
    const expected = x.data().map((element) => element + 1);
    for (const y of kept) assertEquals(y.data(), expected);
    assertEquals(recomputations(), 5);
  });
});

Deno.test("the window grows as long as dropped values are wanted again, up to the limit", () => {
  withMemory(256 * MEBIBYTE, () => {
    const x = filled(0);
    const plus = jit((x: Tensor, y: Tensor) => add(x, y));
    const steps = 40;
    for (let round = 0; round < 5; round++) {
      const before = recomputations();
      const results = Array.from({ length: steps }, (_, i) => plus(x, tensor(i)));
      results.forEach((y, i) => assertEquals(y.data()[SIZE - 1], i));
      // From the second round on everything has room.
      assertEquals(recomputations() - before, round === 0 ? Math.log2(256 * MEBIBYTE / START) : 0);
      emptyWindow();
    }
    assertEquals(memoryUsage().window, 256 * MEBIBYTE);
  });

  /** Uses up the results in the window, so that they cannot be dropped any more. */
  function emptyWindow(): void {
    withPins(() => newResident({ dtype: "bool", shape: [200 * MEBIBYTE] }));
  }
});

Deno.test("arguments that are donated stay what they were for results", () => {
  for (const isDropped of [false, true]) {
    withMemory(null, () => {
      const x = make();
      const expected = x.data().map((element) => element + 1);
      const y = addOne(x);
      if (isDropped) emptyMemory();
      const z = consume(x);
      assertRefused(
        () => x.data(),
        ArgumentError,
        `Cannot use float32[${SIZE}]: it was donated as args[0] of an anonymous function (call ${
          1 + Number(isDropped)
        }); ` +
          "use what that call returned, or keep a copy from before it: copy(x), tree.map(copy, params)",
      );
      assertEquals(z.data()[0], 300);
      emptyMemory();
      assertEquals(y.data(), expected);
      assertEquals(recomputations(), isDropped ? 1 : 0);
      assertEquals(z.data()[SIZE - 1], -((SIZE - 1) % 1000 - 300));
    });
  }
});

Deno.test("small arguments and captured tensors may be donated too", () => {
  withMemory(null, () => {
    const x = filled(1);
    const small = new Concrete("float32", [1], Float32Array.of(2));
    const large = filled(4);
    const tiny = new Concrete("float32", [512], new Float32Array(512).fill(8));
    const f = jit((x: Tensor, s: Tensor) =>
      add(add(add(x, s), large).reshape([-1, 512]), tiny).reshape([-1])
    );
    const y = f(x, small);
    const z = f(x, small);
    assertEquals(y.data()[3], 15);
    emptyMemory();
    for (const donated of [x, small, large, tiny]) consume(donated);
    emptyMemory();
    assert(y.data().every((element) => element === 15));
    assert(z.data().every((element) => element === 15));
    assertEquals(recomputations(), 2);
  });
});

Deno.test("an argument gives its memory to a result while nothing is computed from it again", () => {
  withMemory(null, () => {
    const x = filled(1);
    const y = addOne(x);
    const address = withPins(() => addressOf(x));
    withPins(() => {
      addressOf(x);
      donate(x, "x");
      assertEquals(takeBlock(x)?.address, address);
    });
    assertEquals(memoryUsage().droppable, 0);
    assertEquals(y.data()[0], 2);
    // While it may be needed to compute something again, it is not given away; afterwards it is.
    for (const isRead of [false, true]) {
      const from = filled(3);
      const to = addOne(from);
      emptyMemory();
      if (isRead) to.data();
      withPins(() => {
        addressOf(from);
        donate(from, "x");
        assertEquals(takeBlock(from) !== null, isRead);
      });
      assertEquals(to.data()[0], 4);
    }
  });
});

Deno.test("results that share elements are dropped and come back together", () => {
  withMemory(null, () => {
    const x = make();
    const [a, b] = jit((x: Tensor) => {
      const y = add(x, 1);
      return [y, y.reshape([2, -1])];
    })(x);
    const c = b.reshape([4, -1]);
    const before = a.data();
    emptyMemory();
    assertEquals(c.data(), before);
    assertEquals([a.data(), b.data(), b.shape], [before, before, [2, SIZE / 2]]);
    assertEquals(recomputations(), 1);
    // From now on it is copied.
    emptyMemory();
    assertEquals(a.data(), before);
    assertEquals(recomputations(), 0);
  });
});

Deno.test("a chain of results is never computed again for more than one step", () => {
  withMemory(64 * MEBIBYTE, () => {
    const chain: Tensor[] = [filled(0)];
    for (let i = 1; i <= 21; i++) chain.push(addOne(chain[i - 1]));
    emptyMemory();
    // Every other one could be dropped.
    assertEquals(chain[21].data()[5], 21);
    assert(recomputations() <= 1);
    chain.forEach((x, i) => assert(x.data().every((element) => element === i)));
    configureMemory({});
    let deepest = 0;
    let depth = 0;
    let made = 0;
    const step = (x: Concrete): Concrete => {
      const compute = ([from]: readonly Concrete[]): Concrete => {
        deepest = Math.max(deepest, ++depth);
        made++;
        const view = addressOf(from);
        const { tensor, address } = newResident(TYPE, true);
        viewOf("float32", address, SIZE)[0] = viewOf("float32", view, SIZE)[0] + 1;
        depth--;
        return tensor;
      };
      return withPins(() => {
        const y = compute([x]);
        giveRecipes([y], [x], (args) => [compute(args)]);
        return y;
      });
    };
    const all: Concrete[] = [filled(0)];
    for (let i = 1; i <= 100; i++) all.push(step(all[i - 1]));
    emptyMemory();
    assertEquals(made, 100);
    all.forEach((x, i) => assertEquals(x.peek((elements) => elements[0]), i));
    assertEquals(made, 150);
    assertEquals(deepest, 1);
  });
});

Deno.test("a synchronous chain of any length runs in a bounded memory", () => {
  withMemory(64 * MEBIBYTE, () => {
    let x: Tensor = filled(0);
    let most = 0;
    for (let i = 1; i <= 2000; i++) {
      x = addOne(x);
      assert(memoryUsage().held <= 64 * MEBIBYTE);
      if (i % 100 === 0) most = Math.max(most, Deno.memoryUsage().rss);
    }
    assert(x.data().every((element) => element === 2000));
    assert(most < 2 ** 31, `${most} bytes resident`);
  });
});

Deno.test("an argument that is used again and again is copied, so that its results need not be", () => {
  withMemory(null, () => {
    const x = addOne(filled(1));
    const first = addOne(x);
    assertEquals(memoryUsage().droppable, MEBIBYTE + 64);
    const results = [1, 2, 3].map(() => addOne(x));
    assertEquals(memoryUsage().droppable, 3 * (MEBIBYTE + 64));
    emptyMemory();
    for (const y of [first, ...results]) assertEquals(y.data()[9], 3);
    assertEquals(recomputations(), 3);
    assertEquals(x.data()[9], 2);
  });
});

Deno.test("arguments are computed again before the program that needs them", () => {
  withMemory(8 * MEBIBYTE, () => {
    const x = make();
    const expected = x.data();
    const inputs = [1, 2, 3, 4].map(() => addOne(x));
    const sum = jit((a: Tensor, b: Tensor) => add(a, b));
    const twice = jit((a: Tensor) => add(add(a, inputs[2]), inputs[3]));
    emptyMemory();
    configureMemory({ limit: 8 * MEBIBYTE });
    // Also where the program is the one that computes its own argument again.
    assertEquals(addOne(inputs[0]).data(), expected.map((element) => element + 2));
    assertEquals(sum(inputs[0], inputs[1]).data(), expected.map((element) => (element + 1) * 2));
    // What a program has captured counts as an argument.
    const y = twice(x);
    const result = expected.map((element) => element + 1 + element + (element + 1));
    emptyMemory();
    assertEquals(y.data(), result);
    emptyMemory();
    assertEquals(y.data(), result);
  });
});

Deno.test("a value is computed again while a program runs, whose blocks stay in their places", () => {
  withMemory(8 * MEBIBYTE, () => {
    const x = filled(1);
    const dropped = [addOne(x), addOne(x)] as Concrete[];
    emptyMemory();
    configureMemory({ limit: 8 * MEBIBYTE });
    const own = filled(5);
    withPins(() => {
      const address = addressOf(own);
      const ofX = addressOf(x);
      const addresses = dropped.map(addressOf);
      assertEquals(new Set([address, ofX, ...addresses]).size, 4);
      const { tensor } = newResident({ dtype: "float32", shape: [3 * SIZE] });
      assertEquals([addressOf(own), addressOf(x)], [address, ofX]);
      assertEquals(dropped.map(addressOf), addresses);
      for (const at of addresses) {
        assert(viewOf("float32", at, SIZE).every((element) => element === 2));
      }
      assert(viewOf("float32", address, SIZE).every((element) => element === 5));
      assertEquals(tensor.size, 3 * SIZE);
    });
  });
});

Deno.test("what was dropped is still there under a lower limit", () => {
  withMemory(null, () => {
    const y = addOne(filled(1)) as Concrete;
    const z = addOne(filled(2)) as Concrete;
    emptyMemory();
    const limit = 65536;
    configureMemory({ limit });
    assert(y.data().every((element) => element === 2));
    assertEquals([memoryUsage().residents, memoryUsage().limit], [0, limit]);
    assert(z.elements.every((element) => element === 3));
    assertEquals([memoryUsage().residents, memoryUsage().limit], [0, limit]);
    assert(memoryUsage().held < limit);
    assertRefused(
      () => addOne(y),
      MemoryError,
      "Cannot make room for float32[262144] in linear memory: it takes 1048640 bytes, 128 are " +
        "held by what is running, 65536 are allowed; work on less at once or raise memoryLimit " +
        "with configure",
    );
    assert(y.data().every((element) => element === 2));
  });
});

Deno.test("without room for it, computing again fails clearly and can be tried again", () => {
  withMemory(8 * MEBIBYTE, () => {
    const x = filled(1);
    let fails = true;
    const rerun = () => {
      if (fails) throw memoryError("There is no room");
      return [newResident(TYPE).tensor];
    };
    const { tensor, address } = newResident(TYPE);
    viewOf("float32", address, SIZE)[0] = 5;
    giveRecipes([tensor], [x], rerun);
    emptyMemory();
    configureMemory({ limit: 8 * MEBIBYTE });
    for (let i = 0; i < 2; i++) {
      assertRefused(
        () => tensor.data(),
        MemoryError,
        "Cannot compute 262144 elements of float32 again that were dropped to make room: " +
          "There is no room",
      );
      assertEquals(memoryUsage().limit, 8 * MEBIBYTE);
    }
    fails = false;
    assertEquals(tensor.data().length, SIZE);
    assertEquals(recomputations(), 0);
  });
});

/** A tensor and what it should hold. */
interface Known {
  readonly tensor: Tensor;
  readonly model: Float32Array;
}

Deno.test("whatever is kept, donated, read and dropped, values are what they were", () => {
  const length = 5000;
  const lengths = { minLength: 20, maxLength: 80 };
  const ramp = Float32Array.from({ length }, (_, i) => i % 97);
  const captured = new Concrete("float32", [length], ramp.slice());
  const f = {
    addOne,
    half: jit((x: Tensor) => mul(x, 0.5)),
    plus: jit((x: Tensor, y: Tensor) => add(x, y)),
    capturing: jit((x: Tensor) => add(x, captured)),
    withSmall: jit((x: Tensor) => [add(x, 2), x.at([0, 4])] as const),
    both: jit((x: Tensor) => [add(x, 4), mul(x, 2)] as const),
    giving: jit((x: Tensor) => add(x, 3), { donateArgnums: 0 }),
    givingOne: jit((x: Tensor, y: Tensor) => add(x, y), { donateArgnums: 0 }),
  };
  const one = fc.nat({ max: 7 });
  const step = fc.oneof(
    fc.record({ do: fc.constant("fresh" as const), a: one, b: one }),
    fc.record({
      do: fc.constantFrom(
        ...["addOne", "half", "plus", "capturing", "withSmall", "both"] as const,
        ...["giving", "givingOne"] as const,
      ),
      a: one,
      b: one,
    }),
    fc.record({
      do: fc.constantFrom(...["share", "read", "elements", "address", "empty", "limit"] as const),
      a: one,
      b: one,
    }),
  );
  fc.assert(
    fc.property(fc.array(step, lengths), fc.boolean(), (steps, isTiny) => {
      emptyMemory();
      const limit = isTiny ? 2 * 65536 : 4 * 65536;
      configureMemory({ limit });
      const fresh = (n: number): Known => {
        const model = map(ramp, (element) => element + n);
        // Without a copy on the heap.
        const { tensor, address } = newResident({ dtype: "float32", shape: [length] });
        viewOf("float32", address, length).set(model);
        return { tensor, model };
      };
      const check = ({ tensor, model }: Known) => assertEquals(tensor.data<Float32Array>(), model);
      // `Float32Array.from` takes ten times as long.
      const map = (x: Float32Array, g: (element: number, i: number) => number) => x.map(g);
      const pool: (Known | null)[] = Array.from({ length: 8 }, (_, i) => fresh(i));
      steps.forEach((step, n) => {
        const [x, y] = [pool[step.a], pool[step.b]];
        const put = (tensor: Tensor, model: Float32Array) => pool[step.b] = { tensor, model };
        if (step.do === "fresh") return pool[step.b] = fresh(n);
        if (step.do === "empty") {
          emptyMemory();
          return configureMemory({ limit });
        }
        if (step.do === "limit") {
          return configureMemory({ limit: (2 + step.a) * 65536 });
        }
        if (x === null) return;
        if (step.do === "addOne") put(f.addOne(x.tensor), map(x.model, (e) => e + 1));
        if (step.do === "half") put(f.half(x.tensor), map(x.model, (e) => e * 0.5));
        if (step.do === "capturing") {
          put(f.capturing(x.tensor), map(x.model, (e, i) => e + ramp[i]));
        }
        if (step.do === "withSmall") {
          const [large, small] = f.withSmall(x.tensor);
          assertEquals(small.data(), x.model.slice(0, 4));
          put(large, map(x.model, (e) => e + 2));
        }
        if (step.do === "both") {
          const [sum, product] = f.both(x.tensor);
          put(sum, map(x.model, (e) => e + 4));
          pool[step.a] = { tensor: product, model: map(x.model, (e) => e * 2) };
        }
        if (step.do === "plus" && y !== null) {
          put(f.plus(x.tensor, y.tensor), map(x.model, (e, i) => e + y.model[i]));
        }
        if (step.do === "giving" || step.do === "givingOne") {
          const { tensor, model } = x;
          const isGone = pool.map((known) => known !== null && known.tensor === tensor);
          if (step.do === "giving") put(f.giving(tensor), map(model, (e) => e + 3));
          else if (y !== null && y.tensor !== tensor) {
            put(f.givingOne(tensor, y.tensor), map(model, (e, i) => e + y.model[i]));
          } else return;
          isGone.forEach((gone, i) => {
            if (gone && i !== step.b) pool[i] = null;
          });
        }
        if (step.do === "share") put(x.tensor.reshape([50, 100]).reshape([length]), x.model);
        if (step.do === "read") check(x);
        if (step.do === "elements") assertEquals((x.tensor as Concrete).elements, x.model);
        if (step.do === "address") {
          const tensor = x.tensor as Concrete;
          withPins(() =>
            assertEquals(Float32Array.from(viewOf("float32", addressOf(tensor), length)), x.model)
          );
        }
        assert(memoryUsage().held <= memoryUsage().limit);
      });
      for (const known of pool) if (known !== null) check(known);
      assertEquals(captured.data(), ramp);
    }),
    { seed: 1, numRuns: partOf(200) },
  );
  configureMemory({});
});
