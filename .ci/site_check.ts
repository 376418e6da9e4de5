/**
 * Checks the site built by `site.ts`: every link and anchor between its pages, and, in Chromium, its appearance
 * and whether it works. Screenshots are written to `dist/screenshots`, to be viewed before each release.
 *
 * @module
 */
import { installDriver, serve } from "./chromium.ts";
import { filesIn, target } from "./site.ts";
import { pathOf, root } from "./tools.ts";

const screenshots = new URL("dist/screenshots/", root);

/** Broken links between pages. */
function deadLinks(): string[] {
  const pages = filesIn(target).filter((path) => path.endsWith(".html"));
  const files = new Set(filesIn(target));
  const texts = new Map(pages.map((path) => [path, Deno.readTextFileSync(new URL(path, target))]));
  const anchors = new Map(
    [...texts].map(([path, text]) =>
      [path, new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))] as const
    ),
  );
  const site = "http://site/";
  return [...texts].flatMap(([page, text]) => {
    const links = new Set([...text.matchAll(/ (?:href|src)="([^"]+)"/g)].map(([, link]) => link));
    return [...links].flatMap((link) => {
      const url = new URL(link.replaceAll("&amp;", "&"), site + page);
      if (url.origin !== new URL(site).origin) return [];
      const path = decodeURIComponent(url.pathname).slice(1).replace(/(^|\/)$/, "$1index.html");
      if (!files.has(path)) return [`${page}: there is no ${path}`];
      const anchor = decodeURIComponent(url.hash).slice(1);
      // The playground reads programs, not positions, from the hash.
      const isThere = anchor === "" || anchor.includes("=") || !anchors.has(path) ||
        anchors.get(path)!.has(anchor);
      return isThere ? [] : [`${page}: there is no #${anchor} in ${path}`];
    });
  });
}

/** Faults of the pages in a browser. */
async function faultsInBrowser(): Promise<string[]> {
  const drive = await installDriver();
  Deno.mkdirSync(screenshots, { recursive: true });
  const server = serve(target, false);
  try {
    const wanted = {
      home: "",
      guide: "guide/getting_started.html",
      api: "api/transforms.html",
      symbol: "api/transforms.html#grad",
      errors: "errors.html",
      benchmarks: "benchmarks.html",
      checked: "checked.html",
      gallery: "gallery/",
      program: "gallery/vmap.html",
      playground: "playground/",
    };
    const files = filesIn(target);
    const paths = Object.fromEntries(
      Object.entries(wanted).filter(([, path]) =>
        files.includes(path.replace(/#.*/, "").replace(/(^|\/)$/, "$1index.html"))
      ),
    );
    const module = new URL("site_visits.js", import.meta.url);
    const address = `http://127.0.0.1:${server.addr.port}/`;
    return await drive(module, { address, paths, folder: pathOf(screenshots) }) as string[];
  } finally {
    await server.shutdown();
  }
}

if (import.meta.main) {
  const faults = [...deadLinks(), ...await faultsInBrowser()];
  for (const fault of faults) console.error(fault);
  console.log(`${faults.length} faults; the pictures are in ${pathOf(screenshots)}`);
  if (faults.length > 0) Deno.exit(1);
}
