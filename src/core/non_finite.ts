/**
 * Finds the operation that produces a NaN or an infinity from operands that have none.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { showType } from "../base/shape.ts";
import { noteOrigin } from "./origin.ts";
import type { Inspector, Part } from "./origin.ts";
import type { Concrete } from "./tensor.ts";

/**
 * An operand or a result of an operation.
 *
 * @category Inspection
 */
export interface InspectedValue {
  /** Its type, such as `float32[2,3]`. */
  readonly type: string;
  /** The value itself if it is small, else `null`. */
  readonly value: Concrete | null;
}

/**
 * An operation that produced a NaN or an infinity from operands that had none.
 *
 * @category Inspection
 */
export interface NonFinite {
  /** The name of the operation in programs. */
  readonly operation: string;
  /** The kind of the result: a NaN or an infinity. */
  readonly kind: "NaN" | "Infinity";
  /**
   * The purpose of the operation: computing values (`"forward"`), the gradient (`"backward"`), or
   * tangents in forward mode (`"tangent"`).
   */
  readonly part: Part;
  /** In a derivative, the operation that was being differentiated, if it is known. */
  readonly derivativeOf: string | null;
  /** The scopes in which it was called, by `namedScope`, the outermost first: `attention/scores`. */
  readonly scope: string | null;
  /** The user's line, as `file:line:column`; in a derivative, the line of the differentiated operation. */
  readonly location: string | null;
  /** The operands. */
  readonly inputs: readonly InspectedValue[];
  /** The results. */
  readonly outputs: readonly InspectedValue[];
  /** The location of the first such element: the number of the result, and the index in it. */
  readonly index: readonly [result: number, ...index: number[]];
  /** A summary in one sentence. */
  readonly message: string;
  /** The message, with the operands and the results. */
  toString(): string;
}

/** Which elements to look for. */
export interface NonFiniteOptions {
  /** Whether NaN counts. */
  readonly nans: boolean;
  /** Whether infinities count. */
  readonly infinities: boolean;
}

/** Values of at most this many elements are kept in reports. */
const SMALL = 64;

/** The position of the first element for which `test` holds, or -1. */
function findElement(value: Concrete, test: (element: number) => boolean): number {
  if (!isFloat(value.dtype)) return -1;
  return value.peek((elements) => {
    for (let i = 0; i < elements.length; i++) if (test(elements[i])) return i;
    return -1;
  });
}

function isInfinite(element: number): boolean {
  return element === Infinity || element === -Infinity;
}

/** An inspector that reports each operation that produces the values selected by `options`. */
export function inspectFinite(
  { nans, infinities }: NonFiniteOptions,
  report: (found: NonFinite) => void,
): Inspector {
  const kinds = [
    ...(nans ? [["NaN", Number.isNaN] as const] : []),
    ...(infinities ? [["Infinity", isInfinite] as const] : []),
  ];
  return (primitive, args, results) => {
    // The operations of its program were already inspected, and their operands include its constants.
    if (primitive.derivative.kind === "program") return;
    for (const [kind, test] of kinds) {
      for (let i = 0; i < results.length; i++) {
        const place = findElement(results[i], test);
        if (place < 0) continue;
        // Results computed from an existing infinity or NaN are not reported.
        const isNews = args.every((arg) =>
          findElement(arg, test) < 0 && (kind === "NaN" || findElement(arg, Number.isNaN) < 0)
        );
        if (isNews) report(describe(primitive.name, kind, args, results, i, place));
        break;
      }
    }
  };
}

function describe(
  operation: string,
  kind: NonFinite["kind"],
  args: readonly Concrete[],
  results: readonly Concrete[],
  result: number,
  place: number,
): NonFinite {
  const { part, derivativeOf, location, scope } = noteOrigin();
  const inputs = args.map(keep);
  const outputs = results.map(keep);
  const what = kind === "NaN" ? "NaN" : "an infinity";
  const types = inputs.map(({ type }) => type).join(" and ") || "no operands";
  const purpose = derivativeOf === null || part === "forward"
    ? ""
    : ` (for the derivative of ${derivativeOf})`;
  const where = part === "tangent" ? "among the tangents" : `in the ${part} pass`;
  const message = `${operation} of ${types} made ${what} ${where}${purpose}` +
    (scope === null ? "" : ` in ${scope}`) + (location === null ? "" : ` at ${location}`);
  return Object.freeze({
    operation,
    kind,
    part,
    derivativeOf: part === "forward" ? null : derivativeOf,
    scope,
    location,
    inputs,
    outputs,
    index: [result, ...indexOf(place, results[result].shape)] as const,
    message,
    toString: () =>
      [
        message,
        ...inputs.map((value, i) => `  operand ${i}: ${show(value)}`),
        ...outputs.map((value, i) =>
          `  ${outputs.length === 1 ? "result" : `result ${i}`}: ${show(value)}`
        ),
      ].join("\n"),
  });
}

function keep(value: Concrete): InspectedValue {
  return { type: showType(value), value: value.size <= SMALL ? value : null };
}

function show({ type, value }: InspectedValue): string {
  return value === null ? type : String(value).replaceAll("\n", "\n    ");
}

/** The index of the element at a row-major position. */
function indexOf(place: number, shape: readonly number[]): number[] {
  const index = new Array<number>(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = place % shape[axis];
    place = Math.floor(place / shape[axis]);
  }
  return index;
}
