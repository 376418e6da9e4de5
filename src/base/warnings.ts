/**
 * Warnings on the console, which can be disabled.
 *
 * @module
 */

let isOn = true;

/** Whether warnings are printed. */
export function configureWarnings(on: boolean): void {
  isOn = on;
}

/** Prints a warning, unless warnings are disabled. */
export function warn(message: string): void {
  if (isOn) console.warn(`Jacobi: ${message}`);
}
