import {
  ArgumentError,
  DtypeError,
  full,
  jit,
  metrics,
  scan,
  ShapeError,
  tensor,
  vmap,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import fixture from "../fixtures/metrics.json" with { type: "json" };
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals } from "../support/std.ts";

const ints = (x: readonly unknown[]): Tensor => tensor(x as number[], { dtype: "int32" });
const wide = (x: readonly unknown[]): Tensor => tensor(x as number[], { dtype: "float64" });

Deno.test("metrics of classes are scikit-learn's, evaluated and compiled", () => {
  for (const { classes, predicted, labels, accuracy, matrix, ...values } of fixture.classes) {
    const [given, expected] = [ints(predicted), ints(labels)];
    assertTensorsClose(metrics.accuracy(given, expected), accuracy);
    const counts = metrics.confusionMatrix(given, expected, classes);
    assertEquals(counts.dtype, "int32");
    assertTensorsClose(counts, matrix);
    assertTensorsClose(
      jit((x, y) => metrics.confusionMatrix(x, y, classes))(given, expected),
      matrix,
    );
    for (const average of ["macro", "weighted", "micro", "none"] as const) {
      [metrics.precision, metrics.recall, metrics.f1].forEach((metric, i) => {
        const result = metric(counts, { average });
        assertTensorsClose(result, values[average][i]);
        assertTensorsClose(jit((x: Tensor) => metric(x, { average }))(counts), result);
      });
    }
  }
});

Deno.test("ROC AUC and average precision are scikit-learn's, with ties", () => {
  for (const { scores, labels, rocAuc, averagePrecision } of fixture.scores) {
    for (
      const [metric, expected] of [
        [metrics.rocAuc, rocAuc],
        [metrics.averagePrecision, averagePrecision],
      ] as const
    ) {
      const [given, classes] = [wide(scores), ints(labels)];
      const options = { rtol: 1e-5 };
      assertTensorsClose(metric(given, classes), expected, options);
      assertTensorsClose(metric(given, classes.astype("bool")), expected, options);
      assertTensorsClose(jit(metric)(given, classes), expected, options);
      assertTensorsClose(
        vmap(metric)(given.expandDims(0), classes.expandDims(0)),
        [expected],
        options,
      );
    }
  }
  assert(Number.isNaN(metrics.rocAuc([0.5, 1], [1, 1]).item()));
  assert(Number.isNaN(metrics.rocAuc([0.5, 1], [0, 0]).item()));
  assert(Number.isNaN(metrics.averagePrecision([0.5, 1], [0, 0]).item()));
});

Deno.test("top-k accuracy and R² are scikit-learn's", () => {
  for (const { scores, labels, k, result } of fixture.topK) {
    assertTensorsClose(metrics.topKAccuracy(wide(scores), ints(labels), k), result);
  }
  for (const { predicted, target, result } of fixture.r2) {
    const [given, expected] = [wide(predicted), wide(target)];
    assertTensorsClose(metrics.r2(given, expected), result, { rtol: 1e-10 });
    assertTensorsClose(jit(metrics.r2)(given, expected), result, { rtol: 1e-10 });
  }
});

Deno.test("accuracy takes scores, classes and booleans, of any number of axes", () => {
  assertTensorsClose(metrics.accuracy([[[0, 1], [1, 0]]], ints([[1, 1]])), 0.5);
  assertTensorsClose(metrics.accuracy([true, false], [true, true]), 0.5);
  assertTensorsClose(metrics.accuracy(tensor([3, 1], { dtype: "uint8" }), [3, 2]), 0.5);
  assertTensorsClose(vmap(metrics.accuracy)(ints([[0, 1], [2, 2]]), ints([[0, 1], [2, 3]])), [
    1,
    0.5,
  ]);
});

Deno.test("labels that are no class are left out of the confusion matrix", () => {
  const matrix = metrics.confusionMatrix([0, 1, 1, 2, 0], [0, -100, 1, 0, 7], 2);
  assertTensorsClose(matrix, [[1, 0], [0, 1]]);
});

Deno.test("running metrics of batches are those of all examples, also in a scan", () => {
  const { predicted, labels, classes } = fixture.classes[1];
  const [given, expected] = [ints(predicted), ints(labels)];
  const batches = [[0, 15], [15, 16], [16, labels.length]];
  const accuracy = metrics.meanOf(metrics.accuracy);
  const confusion = metrics.confusion(classes);
  let [mean, matrix] = [accuracy.init(), confusion.init()];
  for (const [start, stop] of batches) {
    const [x, y] = [given.at([start, stop]), expected.at([start, stop])];
    mean = jit(accuracy.update)(mean, x, y);
    matrix = confusion.update(matrix, x, y);
  }
  const whole = metrics.accuracy(given, expected);
  assertTensorsClose(accuracy.result(mean), whole);
  assertTensorsClose(confusion.result(matrix), metrics.confusionMatrix(given, expected, classes));
  const rows = given.reshape([8, 5]);
  const truth = expected.reshape([8, 5]);
  const [carried] = scan(
    (state, [x, y]: [Tensor, Tensor]) => [accuracy.update(state, x, y), null],
    accuracy.init(),
    [rows, truth] as [Tensor, Tensor],
  );
  assertTensorsClose(accuracy.result(carried), whole);
});

Deno.test("a running mean keeps its digits over many values", () => {
  const mean = metrics.mean();
  const [state] = scan(
    (state, x: Tensor) => [mean.update(state, x), null],
    mean.init(),
    full([2e6], 0.1),
  );
  assertTensorsClose(mean.result(state), 0.1);
  assert(Number.isNaN(mean.result(mean.init()).item()));
});

Deno.test("what weighs nothing adds nothing to a mean, and a score that is NaN gives NaN", () => {
  const accuracy = metrics.meanOf(metrics.accuracy);
  const update = jit(accuracy.update);
  let state = update(accuracy.init(), ints([]), ints([]));
  assert(Number.isNaN(accuracy.result(state).item()));
  state = update(state, ints([1, 2]), ints([1, 1]));
  assertTensorsClose(accuracy.result(update(state, ints([]), ints([]))), 0.5);
  for (const f of [metrics.rocAuc, metrics.averagePrecision]) {
    for (const scores of [[NaN, 0.2, 0.3], [0.1, NaN, 0.3], [0.1, 0.2, NaN]]) {
      assert(Number.isNaN(f(scores, [0, 1, 1]).item()));
    }
  }
});

Deno.test("metrics say what does not fit", () => {
  assertRefused(
    () => metrics.accuracy(ints([1, 2]), ints([1, 2, 3])),
    ShapeError,
    "Cannot compute the accuracy of int32[2] with labels int32[3]: expected classes of the labels' " +
      "shape, or scores with one more axis",
  );
  assertRefused(
    () => metrics.accuracy(tensor([1, 2]), ints([1, 2])),
    DtypeError,
    "Cannot compute the accuracy with float32[2] as indices: expected an integer dtype; " +
      'convert with astype("int32")',
  );
  assertRefused(
    () => metrics.topKAccuracy(ints([1, 2]), ints([1, 2]), 1),
    ShapeError,
    "Cannot compute the top-k accuracy of int32[2]: expected scores of classes on the last axis",
  );
  assertRefused(
    () => metrics.confusionMatrix([1], [1], 0),
    ArgumentError,
    "Cannot compute the confusion matrix: expected a positive integer as classes, got 0",
  );
  assertRefused(
    () => metrics.f1([[1, 2]]),
    ShapeError,
    "Cannot compute the F1 score of float32[1,2]: expected a confusion matrix [classes, classes]; " +
      "make one with confusionMatrix",
  );
  assertRefused(
    () => metrics.recall([[1]], { average: "binary" as "macro" }),
    ArgumentError,
    'Cannot compute the recall: expected an average among macro, weighted, micro, none, got "binary"',
  );
  assertRefused(
    () => metrics.rocAuc([1, 2], [1]),
    ShapeError,
    "Cannot compute the ROC AUC of float32[2] with labels int32[1]: expected one score for each label",
  );
  assertRefused(
    () => metrics.r2(1, 2),
    ShapeError,
    "Cannot compute the R² of float32[] and float32[]: expected two tensors of one shape with an axis " +
      "of examples",
  );
  assertRefused(
    () => metrics.mean().update(metrics.mean().init(), [1, 2]),
    ShapeError,
    "Cannot update a running mean with float32[2]: expected a scalar; take its mean first",
  );
  assertRefused(
    () => metrics.confusion(2).update(tensor(0), [0], [0]),
    ArgumentError,
    "Cannot use float32[] as the state of a confusion matrix: expected what init or the last update gave",
  );
  assertRefused(
    () => metrics.meanOf(3 as never),
    ArgumentError,
    "Cannot make a running mean of 3: expected a function",
  );
});
