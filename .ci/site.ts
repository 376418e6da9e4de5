/**
 * The documentation site, in `dist/site`: `deno task site` builds it, and with `--serve`
 * serves it. The pages are those of `docs/`, with the API and the gallery added in a copy of that folder.
 *
 * @module
 */
import { pagesOf, readEntries } from "./api.ts";
import { tableOfFixtures } from "./fixtures.ts";
import { readGallery } from "./gallery.ts";
import { serve } from "./chromium.ts";
import { buildPlayground } from "./playground.ts";
import { bundle, install, pathOf, root, succeed } from "./tools.ts";

/** The folder of the built site. */
export const target: URL = new URL("dist/site/", root);

/** The handwritten pages, and VitePress's configuration. */
const docs = new URL("docs/", root);

const packages = { vitepress: "1.6.4" };

/** The copy of `docs/` that VitePress reads, next to its own package. */
const pages = new URL("dist/tools/site/docs/", root);

/** The files of a folder and its subfolders, as paths in it. */
export function filesIn(folder: URL, prefix = ""): string[] {
  return [...Deno.readDirSync(new URL(prefix, folder))].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesIn(folder, `${prefix}${name}/`) : [`${prefix}${name}`]
  ).sort();
}

function write(folder: URL, path: string, contents: string | Uint8Array): void {
  const file = new URL(path, folder);
  Deno.mkdirSync(new URL("./", file), { recursive: true });
  if (typeof contents === "string") Deno.writeTextFileSync(file, contents);
  else Deno.writeFileSync(file, contents);
}

/** A program picture of `docs/pictures`, for comments `<!-- picture: NAME -->` in pages. */
function picture(name: string): string {
  const svg = Deno.readTextFileSync(new URL(`pictures/${name}.svg`, docs));
  // On one line: a block of HTML in a page ends at a blank line.
  return `<figure class="picture" v-pre>${svg.replace(/\s+/g, " ")}</figure>`;
}

/** The pages of the gallery: a list, and one for each program. */
function galleryPages(): Record<string, string> {
  const programs = readGallery();
  const pages = programs.map(({ name, category, title, summary, source }, order) => {
    const text = `---
title: ${JSON.stringify(title)}
group: ${JSON.stringify(category)}
order: ${order}
aside: false
---

# ${title}

${summary}

<p><a class="button" href="../playground/#example=${name}" target="_self">Open in the playground</a></p>

\`\`\`ts
${source.replace(/^(\/\/ .*\n){2}/, "").trim()}
\`\`\`
`;
    return [`gallery/${name}.md`, text] as const;
  });
  const lists = [...new Set(programs.map(({ category }) => category))].map((category) => {
    const cards = programs.filter((program) => program.category === category)
      .map(({ name, title, summary }) =>
        `<a class="card" href="./${name}.html"><strong>${title}</strong> <span>${
          summary.replaceAll(/`([^`]*)`/g, "<code>$1</code>")
        }</span></a>`
      );
    return `## ${category}\n\n<div class="cards">\n${cards.join("\n")}\n</div>`;
  });
  const index = `---
title: Gallery
---

# Gallery

Complete programs. Each runs in the playground, and in a terminal by \`deno run docs/gallery/NAME.ts\`.

${lists.join("\n\n")}
`;
  return { "gallery/index.md": index, ...Object.fromEntries(pages) };
}

/** Assembles the input of VitePress. */
async function assemble(): Promise<void> {
  Deno.mkdirSync(pages, { recursive: true });
  Deno.removeSync(pages, { recursive: true });
  for (const path of filesIn(docs)) {
    // Programs: those of the gallery have pages of their own; the playground is built next to the pages.
    if (/^(gallery|playground)\//.test(path)) continue;
    const file = new URL(path, docs);
    const contents = path.endsWith(".md")
      ? Deno.readTextFileSync(file).replace(
        /<!-- picture: (\w+) -->/g,
        (_comment, name) => picture(name),
      ).replace("<!-- table: fixtures -->", tableOfFixtures)
      : Deno.readFileSync(file);
    write(pages, path, contents);
  }
  const made = { ...pagesOf(await readEntries()), ...galleryPages() };
  for (const [path, text] of Object.entries(made)) write(pages, path, text);
  const library = new URL("public/jacobi.js", pages);
  await bundle(pathOf(new URL("mod.ts", root)), "--minify", `--outfile=${pathOf(library)}`);
}

/** Builds the site; a dead link between its pages is an error. */
export async function build(): Promise<void> {
  const modules = await install("site", packages);
  await assemble();
  const vitepress = pathOf(new URL("vitepress/bin/vitepress.js", modules));
  const folder = new URL("dist/tools/site/", root);
  const args = ["run", "-A", "--no-lock", vitepress, "build", "docs", "--outDir", pathOf(target)];
  console.log(await succeed(Deno.execPath(), args, { cwd: folder }));
  await buildPlayground(new URL("playground/", target));
}

if (import.meta.main) {
  await build();
  if (Deno.args.includes("--serve")) {
    const { addr } = serve(target, false, 8000);
    console.log(`http://${addr.hostname}:${addr.port}/`);
  }
}
