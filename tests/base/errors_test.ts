import {
  ArgumentError,
  argumentError,
  AxisError,
  axisError,
  DtypeError,
  dtypeError,
  IndexError,
  indexError,
  InternalError,
  internalError,
  ShapeError,
  shapeError,
  sourceFolder,
  TraceError,
  traceError,
  TreeError,
  treeError,
} from "../../src/base/errors.ts";
import { checkAxis } from "../../src/base/shape.ts";
import { assertRefused, framesOf } from "../support/errors.ts";
import { assert, assertEquals, assertInstanceOf } from "../support/std.ts";

Deno.test("each maker gives its class, with its name and the whole message", () => {
  const makers = [
    [shapeError, ShapeError, "ShapeError", TypeError],
    [dtypeError, DtypeError, "DtypeError", TypeError],
    [treeError, TreeError, "TreeError", TypeError],
    [axisError, AxisError, "AxisError", RangeError],
    [indexError, IndexError, "IndexError", RangeError],
    [argumentError, ArgumentError, "ArgumentError", TypeError],
    [traceError, TraceError, "TraceError", TypeError],
  ] as const;
  for (const [make, type, name, base] of makers) {
    const error = make("Cannot do it");
    assertInstanceOf(error, type);
    assertInstanceOf(error, base);
    assertEquals(error.name, name);
    assertEquals(error.message, "Cannot do it");
    assertEquals(String(error), `${name}: Cannot do it`);
  }
});

Deno.test("an internal error asks for a report", () => {
  const error = internalError("No rule");
  assertInstanceOf(error, InternalError);
  assertEquals(error.message, "No rule (this is a fault in Jacobi; please report it)");
});

Deno.test("an error's first frame is the user's line, however deep the library is", () => {
  const error = assertRefused(
    () => checkAxis(3, 2, "Cannot sum"),
    AxisError,
    "Cannot sum: axis 3 is out of range, expected -2 to 1",
  );
  const [first] = framesOf(error);
  assert(first.includes("errors_test.ts"), first);
});

Deno.test("frames are told apart by the folder of the sources, and not in bundles", () => {
  assertEquals(sourceFolder("file:///a/src/base/errors.ts"), "file:///a/src/");
  assertEquals(
    sourceFolder("https://example.com/b/src/base/errors.js"),
    "https://example.com/b/src/",
  );
  for (const bundle of ["file:///a/dist/app.js", "blob:https://example.com/1-2", undefined]) {
    assertEquals(sourceFolder(bundle), null);
  }
});
