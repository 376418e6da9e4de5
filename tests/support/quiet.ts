/**
 * Turns warnings off: tables of programs are traced from one line, again and again.
 *
 * @module
 */
import { configure } from "../../mod.ts";

configure({ warnings: false });
