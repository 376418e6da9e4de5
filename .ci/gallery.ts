/**
 * The programs of the gallery, `docs/gallery`, for the playground and the site. Run as a script,
 * it checks that each file is in one category and begins with a title and a sentence.
 *
 * @module
 */
import { categories, describeProgram, type GalleryProgram } from "../docs/gallery/programs.ts";
import { root } from "./tools.ts";

export type { GalleryProgram };

/** The folder of the programs. */
export const galleryFolder: URL = new URL("docs/gallery/", root);

/** Files of the folder that are not programs. */
const support = ["programs.ts", "show.ts"];

/**
 * All programs, in the order of categories.
 *
 * @throws {Error} when a file is in no category, a category names a missing file, or a program
 *   does not begin with a title and a sentence.
 */
export function readGallery(): GalleryProgram[] {
  const programs = Object.entries(categories).flatMap(([category, names]) =>
    names.map((name) =>
      describeProgram(name, category, Deno.readTextFileSync(new URL(`${name}.ts`, galleryFolder)))
    )
  );
  const listed = [...programs.map(({ name }) => `${name}.ts`), ...support].sort();
  const present = [...Deno.readDirSync(galleryFolder)].map(({ name }) => name).sort();
  if (listed.join() !== present.join()) {
    const odd = [...listed, ...present].filter((name) =>
      listed.filter((other) => other === name).length !== 1 || !present.includes(name)
    );
    throw new Error(`Cannot read the gallery: expected each file in one category, got ${odd}`);
  }
  return programs;
}

if (import.meta.main) {
  const programs = readGallery();
  const count = new Set(programs.map(({ category }) => category)).size;
  console.log(`${programs.length} programs in ${count} categories`);
}
