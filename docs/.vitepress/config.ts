/**
 * VitePress's configuration. It runs in the folder that `.ci/site.ts` assembles, beside the pages: the sidebar
 * is made from the `title`, `order` and `group` of their front matter.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { env } from "node:process";

const pages = new URL("../", import.meta.url);

/** What is used of markdown-it. */
interface Markdown {
  readonly renderer: { readonly rules: { fence: Fence } };
  readonly options: { highlight: unknown };
  render(source: string, env: object): string;
}

type Fence = (
  tokens: readonly { readonly info: string; readonly content: string }[],
  at: number,
  ...rest: unknown[]
) => string;

/** Renders a page for the index of the search, which needs no colours. */
function renderForSearch(source: string, env: object, markdown: Markdown): string {
  const { highlight } = markdown.options;
  markdown.options.highlight = null;
  const html = markdown.render(source, env);
  markdown.options.highlight = highlight;
  return html;
}

interface Page {
  readonly title: string;
  readonly link: string;
  readonly order: number;
  /** A heading in the sidebar that pages of a folder share. */
  readonly group: string | undefined;
}

function fieldOf(text: string, name: string): string | undefined {
  const [, matter = ""] = text.match(/^---\n([\s\S]*?)\n---\n/) ?? [];
  return matter.match(new RegExp(`^${name}: *(.*)$`, "m"))?.[1].replace(/^(["'])(.*)\1$/, "$2");
}

/** The pages of a folder, in order; its index comes first. */
function pagesOf(folder: string): Page[] {
  const place = new URL(folder, pages);
  if (!existsSync(place)) return [];
  return readdirSync(place).filter((name) => name.endsWith(".md")).map((name) => {
    const text = readFileSync(new URL(name, place), "utf8");
    return {
      title: fieldOf(text, "title") ?? text.match(/^# (.*)$/m)?.[1] ?? name,
      link: `/${folder}${name.replace(/(index)?\.md$/, "")}`,
      order: Number(fieldOf(text, "order") ?? (name === "index.md" ? -1 : 1000)),
      group: fieldOf(text, "group"),
    };
  }).sort((a, b) => a.order - b.order || (a.title < b.title ? -1 : 1));
}

const itemsOf = (list: readonly Page[]) => list.map(({ title, link }) => ({ text: title, link }));

/** Pages under the headings that they name; those without one come first. */
function grouped(folder: string, heading: string) {
  const list = pagesOf(folder);
  const groups = [...new Set(list.flatMap(({ group }) => group ?? []))];
  return [
    { text: heading, items: itemsOf(list.filter(({ group }) => group === undefined)) },
    ...groups.map((text) => ({
      text,
      collapsed: false,
      items: itemsOf(list.filter(({ group }) => group === text)),
    })),
  ].filter(({ items }) => items.length > 0);
}

const guides = pagesOf("guide/");
const references = itemsOf(pagesOf("").filter(({ link }) => link !== "/"));
const main = [
  { text: "Guide", items: itemsOf(guides) },
  { text: "Reference", items: [...itemsOf(pagesOf("api/").slice(0, 1)), ...references] },
].filter(({ items }) => items.length > 0);

const navigation = [
  { text: "Guide", link: guides[0]?.link, activeMatch: "/guide/" },
  { text: "API", link: pagesOf("api/")[0]?.link, activeMatch: "/api/" },
  { text: "Gallery", link: pagesOf("gallery/")[0]?.link, activeMatch: "/gallery/" },
  // A program of its own beside the site's pages.
  { text: "Playground", link: "/playground/", target: "_self" },
  { text: "Reference", items: references },
].filter(({ link, items }) => link !== undefined || items !== undefined);

export default {
  lang: "en",
  title: "Jacobi",
  description: "Purely functional automatic differentiation for TypeScript",
  base: env.SITE_BASE ?? "/",
  head: [["link", { rel: "icon", type: "image/svg+xml", href: `${env.SITE_BASE ?? "/"}logo.svg` }]],
  // The playground is added after the build.
  ignoreDeadLinks: [/^\/playground\//],
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark" },
    config(markdown: Markdown) {
      const { fence } = markdown.renderer.rules;
      markdown.renderer.rules.fence = (tokens, at, ...rest) =>
        /^js runnable\b/.test(tokens[at].info)
          ? `<Runnable source="${encodeURIComponent(tokens[at].content)}" />`
          : fence(tokens, at, ...rest);
    },
  },
  themeConfig: {
    logo: "/logo.svg",
    nav: navigation,
    sidebar: {
      "/api/": grouped("api/", "API"),
      "/gallery/": grouped("gallery/", "Gallery"),
      "/": main,
    },
    outline: [2, 3],
    search: { provider: "local", options: { detailedView: true, _render: renderForSearch } },
    footer: { message: "Released under the MIT License." },
  },
};
