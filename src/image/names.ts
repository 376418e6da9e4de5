/**
 * Names of modes.
 *
 * @module
 */

/** Whether `value` is the name of an entry, and nothing that becomes one as a string. */
export function isNameIn(table: object, value: unknown): boolean {
  return typeof value === "string" && Object.hasOwn(table, value);
}
