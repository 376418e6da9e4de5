/**
 * Turns warnings off: tables of programs are traced repeatedly from one line.
 *
 * @module
 */
import { configure } from "../../mod.ts";

configure({ warnings: false });
