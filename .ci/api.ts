/**
 * The reference of the API, as pages of Markdown: every symbol of every entry point, from its doc comment, on the page
 * of the category that the comment names. `deno run -A .ci/api.ts` checks that all symbols have one.
 *
 * @module
 */
import { pathOf, root, succeed } from "./tools.ts";

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string>>;
}

const manifest: Manifest = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));

/** The categories of each entry point, in the order of the pages. */
const categories: Readonly<Record<string, readonly string[]>> = {
  ".": [
    "Transforms",
    "Custom rules",
    "Control flow",
    "Programs",
    "Debugging",
    "Devices",
    "Collectives",
    "Tensors",
    "Creation",
    "Arithmetic",
    "Elementary functions",
    "Complex numbers",
    "Bits and integers",
    "Comparison and logic",
    "Reductions",
    "Statistics",
    "Shapes",
    "Indexing",
    "Sorting and searching",
    "Products",
    "Windows",
    "Differences and polynomials",
    "Errors",
    "Types of functions and trees",
  ],
  "./nn": [
    "Models",
    "Layers",
    "Pooling",
    "Normalization and dropout",
    "Attention",
    "Recurrent layers",
    "Activations",
    "Losses",
    "Initializers",
  ],
  "./optim": ["Optimizers", "Gradient transformations", "Schedules"],
  "./random": ["Keys", "Distributions"],
  "./linalg": [
    "Factorizations",
    "Systems of equations",
    "Norms and matrix functions",
    "Special matrices",
  ],
  "./fft": ["Fourier transforms"],
  "./signal": ["Signals"],
  "./special": ["Special functions"],
  "./image": ["Images"],
  "./interpolate": ["Interpolation"],
  "./integrate": ["Differential equations"],
  "./optimize": ["Minimization"],
  "./tree": ["Trees"],
  "./io": ["Files"],
  "./train": ["Training"],
  "./data": ["Batches of data"],
  "./metrics": ["Metrics"],
  "./models": ["Ready-made models"],
  "./inspect": ["Inspection"],
  "./testing": ["Testing"],
  "./webgpu": ["WebGPU"],
  "./xla": ["XLA"],
};

/** Namespaces within an entry point, for which `deno doc` only outputs references, and their modules. */
const inner = { "./nn": { initializers: "./src/nn/initializers.ts" } } as const;

// The parts of the output of `deno doc --json` that are used.

interface Place {
  readonly filename: string;
  /** Counted from 0. */
  readonly line: number;
}

interface Tag {
  readonly kind: string;
  readonly name?: string;
  readonly doc?: string;
  readonly tsType?: { readonly repr: string };
}

interface Doc {
  readonly doc?: string;
  readonly tags?: readonly Tag[];
}

interface Member {
  /** Constructors have none. */
  readonly name?: string;
  readonly location: Place;
  readonly jsDoc?: Doc;
  readonly accessibility?: string;
}

interface Declaration {
  readonly kind: string;
  readonly location: Place;
  readonly jsDoc?: Doc;
  readonly def?: {
    readonly target?: Place;
    readonly constructors?: readonly Member[];
    readonly properties?: readonly Member[];
    readonly methods?: readonly Member[];
    readonly params?: readonly { readonly name?: string }[];
  };
}

interface DocumentedModule {
  readonly module_doc?: Doc;
  readonly symbols: readonly {
    readonly name: string;
    readonly declarations: readonly Declaration[];
  }[];
}

/** A public symbol, where it is declared. */
interface Symbol {
  /** Its name in its entry point, including the namespace that contains it. */
  readonly name: string;
  /** The entry point that documents it: the first that exports it. */
  readonly entry: string;
  readonly declarations: readonly Declaration[];
  readonly category: string | undefined;
}

/** An entry point: its symbols by name, including those that are documented elsewhere. */
interface Entry {
  readonly name: string;
  readonly doc: Doc;
  readonly symbols: ReadonlyMap<string, Symbol>;
}

const types = ["interface", "typeAlias"];

const isType = ({ declarations }: Symbol) => declarations.every(({ kind }) => types.includes(kind));

const keyOf = ({ filename, line }: Place) => `${filename}:${line}`;

function tagsOf(symbol: { readonly declarations: readonly Declaration[] }, kind: string): Tag[] {
  return symbol.declarations.flatMap(({ jsDoc }) => jsDoc?.tags ?? [])
    .filter((tag) => tag.kind === kind);
}

/** All entry points with exports, from `deno doc`. */
export async function readEntries(): Promise<Entry[]> {
  const files = Object.values(inner).flatMap((modules) => Object.values(modules));
  const args = ["doc", "--quiet", "--json", ...Object.values(manifest.exports), ...files];
  const { nodes } = JSON.parse(await succeed(Deno.execPath(), args)) as {
    nodes: Record<string, DocumentedModule>;
  };
  const moduleOf = (path: string) => nodes[new URL(path, root).href];
  const known = new Map<string, Symbol>();
  return Object.entries(manifest.exports).map(([name, path]) => {
    const { module_doc: doc = {}, symbols } = moduleOf(path);
    const own = new Map<string, Symbol>();
    const add = (prefix: string, list: DocumentedModule["symbols"]) => {
      // Sorted after the declarations that they refer to.
      const isReference = ({ declarations: [{ kind }] }: typeof list[number]) =>
        +(kind === "reference");
      for (
        const { name: short, declarations } of list.toSorted((a, b) =>
          isReference(a) - isReference(b)
        )
      ) {
        const [first] = declarations;
        // The package's own namespaces are entry points themselves.
        if (first.kind === "namespace") {
          const modules: Readonly<Record<string, string>> = inner[name as keyof typeof inner] ?? {};
          if (short in modules) add(`${short}.`, moduleOf(modules[short]).symbols);
          continue;
        }
        const key = keyOf(first.def?.target ?? first.location);
        const [category] = tagsOf({ declarations }, "category");
        const symbol = known.get(key) ??
          { name: `${prefix}${short}`, entry: name, declarations, category: category?.doc };
        known.set(key, symbol);
        own.set(`${prefix}${short}`, symbol);
      }
    };
    add("", symbols);
    return { name, doc, symbols: own };
  }).filter(({ symbols }) => symbols.size > 0).toSorted((a, b) => rank(a) - rank(b));
}

const rank = ({ name }: Entry) => Object.keys(categories).indexOf(name);

/** Symbols whose category is missing or not one of their entry point's, and examples without a title. */
export function faults(entries: readonly Entry[]): string[] {
  const all = new Set(entries.flatMap(({ symbols }) => [...symbols.values()]));
  return [...all].flatMap((symbol) => {
    const { name, entry, category } = symbol;
    const missing = category === undefined
      ? ["has no @category"]
      : categories[entry]?.includes(category)
      ? []
      : [`has a @category that .ci/api.ts does not list: ${category}`];
    const untitled = tagsOf(symbol, "example").filter(({ doc = "" }) => /^\s*```/.test(doc));
    return [...missing, ...untitled.map(() => "has an @example without a title")]
      .map((fault) => `${importOf(entry)}: ${name} ${fault}`);
  });
}

const importOf = (entry: string) => entry.replace(/^\./, manifest.name);
const shortOf = (entry: string) => entry.slice(2);

/** The file name of a page, without extension. */
function slugOf(entry: string, category?: string): string {
  if (category === undefined || categories[entry].length === 1) {
    return entry === "." ? "index" : shortOf(entry).replaceAll("/", "_");
  }
  const words = `${entry === "." ? "" : `${shortOf(entry)} `}${category}`;
  return words.toLowerCase().replaceAll(/\W+/g, "_");
}

/** The link to a symbol's documentation, from another page of the reference. */
const addressOf = ({ name, entry, category }: Symbol) => `./${slugOf(entry, category)}.md#${name}`;

/** The symbol that a name in an entry point's documentation refers to. */
function resolve(entries: readonly Entry[], entry: string, name: string): Symbol | undefined {
  const [first, ...rest] = name.split(".");
  const member = rest.join(".");
  const places = [
    [entry, name],
    [".", name],
    [`./${first}`, member],
    // A member of a class.
    [entry, first],
    [".", first],
  ];
  return places.map(([place, path]) =>
    entries.find(({ name }) => name === place)?.symbols.get(path)
  ).find((symbol) => symbol !== undefined);
}

/** The separators of code and prose in Markdown: fences, and inline code. */
const code = /(^```[\s\S]*?^```$|`[^`\n]+`)/m;

/** A page of the reference in the making: the entry point, and the names that its texts may refer to. */
class Writer {
  readonly entries: readonly Entry[];
  readonly entry: string;

  constructor(entries: readonly Entry[], entry: string) {
    this.entries = entries;
    this.entry = entry;
  }

  link(symbol: Symbol, text = symbol.name): string {
    return `[\`${text}\`](${addressOf(symbol)})`;
  }

  /** A text of a doc comment: prose is escaped, names of other symbols are linked. */
  prose(text = "", notLinked: readonly string[] = []): string {
    const linked = text.replaceAll(
      /\{@link(?:code|plain)? ([\w.]+)(?:[ |]([^}]*))?\}/g,
      (_, name, words) => `\`${words ?? name}\``,
    );
    return linked.split(code).map((part, i) => {
      if (i % 2 === 0) {
        // Pages of this site, by their paths in the repository.
        return part.replaceAll("<", "&lt;")
          .replaceAll(
            /\bdocs\/([\w/]+\.md)(#\w+)?/g,
            (path, page, anchor = "") => `[${path}](../${page}${anchor})`,
          );
      }
      const [, name = ""] = part.match(/^`([A-Za-z][\w.]{2,})`$/) ?? [];
      const symbol = notLinked.includes(name) ? undefined : resolve(
        this.entries,
        this.entry,
        name,
      );
      const isWhole = symbol?.name === name || symbol !== undefined && name.includes(".");
      return symbol !== undefined && isWhole ? this.link(symbol, name) : part;
    }).join("");
  }

  /** The documentation of one symbol. */
  section(symbol: Symbol, level: string): string {
    const declared = symbol.declarations.filter(({ kind }) => kind !== "reference");
    const signature = declared.map(textOf).join("\n");
    const docs = declared.map(({ jsDoc }) => jsDoc).filter((doc) => doc?.doc !== undefined);
    const parameters = declared.flatMap(({ def }) => def?.params ?? []).map(({ name }) =>
      name ?? ""
    );
    const notLinked = [symbol.name, ...parameters];
    const prose = (text?: string) => this.prose(text, notLinked).trim();
    const list = (kind: string, nameOf: (tag: Tag) => string) =>
      tagsOf(symbol, kind).map((tag) =>
        `- ${nameOf(tag)} ${prose(tag.doc).replaceAll("\n", "\n  ")}`
      ).join("\n");
    const throws = ({ tsType }: Tag) =>
      tsType === undefined ? "" : this.prose(`\`${tsType.repr}\``);
    const blocks: [heading: string, text: string][] = [
      ["", docs.map((doc) => prose(doc?.doc)).join("\n\n")],
      ["Parameters", list("param", ({ name }) => `\`${name}\`:`)],
      ["Returns", tagsOf(symbol, "return").map(({ doc }) => prose(doc)).join("\n\n")],
      ["Throws", list("throws", throws)],
      ...tagsOf(symbol, "example").map(({ doc = "" }): [string, string] => {
        const [title, ...lines] = doc.split("\n");
        return [`Example: ${title}`, lines.join("\n")];
      }),
      ["Types", this.typesIn(signature, symbol)],
    ];
    const shown = blocks.filter(([, text]) => text !== "").map(([heading, text]) =>
      heading === "" ? text : `<p class="heading">${this.escape(heading)}</p>\n\n${text}`
    );
    return [
      `${level} ${symbol.name} {#${symbol.name}}`,
      `\`\`\`ts\n${signature}\n\`\`\``,
      ...shown,
      sourceOf(declared[0].location),
    ].join("\n\n");
  }

  escape(text: string): string {
    return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
      .replaceAll(/`([^`]*)`/g, "<code>$1</code>");
  }

  /** Links to the types in a signature. */
  typesIn(signature: string, symbol: Symbol): string {
    const words = new Set(signature.replaceAll(/\/\*[\s\S]*?\*\//g, "").match(/\b[A-Z]\w+/g));
    return [...words].flatMap((name) => {
      const found = resolve(this.entries, this.entry, name);
      return found === undefined || found === symbol ? [] : [this.link(found)];
    }).join(" ");
  }

  /** The names of some symbols, each a link. */
  names(symbols: readonly Symbol[]): string {
    return symbols.map((symbol) => this.link(symbol)).join(" ");
  }
}

/** The location of a declaration: a link if the address of the sources is known. */
function sourceOf({ filename, line }: Place): string {
  const path = filename.slice(root.href.length);
  const sources = Deno.env.get("SITE_SOURCES");
  const text = `${path}:${line + 1}`;
  return `<p class="source">${
    sources === undefined ? text : `<a href="${sources}/${path}#L${line + 1}">${text}</a>`
  }</p>`;
}

const sources = new Map<string, string[]>();

function linesOf(file: string): string[] {
  const lines = sources.get(file) ?? Deno.readTextFileSync(new URL(file)).split("\n");
  sources.set(file, lines);
  return lines;
}

/**
 * The text of a declaration without the bodies of functions: it ends with a semicolon, before a body, or with the
 * brace that matches its opening one.
 */
function textAt({ filename, line }: Place, isFunction: boolean): string {
  const text = linesOf(filename).slice(line).join("\n");
  const indent = text.match(/^ */)?.[0] ?? "";
  const token = /\/\/.*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|[()[\]{};]/g;
  let depth = 0;
  let end = text.length;
  for (const { 0: word, index } of text.matchAll(token)) {
    const isBody = isFunction && depth === 0 && word === "{" &&
      !/(?:[:|&=(,]|=>|extends|keyof)\s*$/.test(text.slice(0, index));
    if (isBody) {
      end = index;
      break;
    }
    if (/^[([{]$/.test(word)) depth++;
    if (/^[)\]}]$/.test(word)) depth--;
    if (depth === 0 && (word === ";" || word === "}" && !isFunction && isBlock(text))) {
      end = index + 1;
      break;
    }
  }
  return text.slice(0, end).trimEnd().replaceAll(`\n${indent}`, "\n").trimStart();
}

/** Whether a declaration ends with a brace. */
function isBlock(text: string): boolean {
  return /^\s*export (?:abstract )?(?:interface|class)\b/.test(text);
}

/** The displayed text of a declaration. */
function textOf({ kind, location, def = {} }: Declaration): string {
  if (kind !== "class") {
    return textAt(location, kind === "function").replace(/^export (?:declare )?(?:async )?/, "");
  }
  const head = linesOf(location.filename).slice(location.line).join("\n").split("{")[0];
  const { constructors = [], properties = [], methods = [] } = def;
  const members = [...constructors, ...properties, ...methods].flatMap(
    ({ name = "", location, jsDoc: { doc = "" } = {}, accessibility }) => {
      const isInternal = doc.includes("@internal") || /^\[(?!Symbol)/.test(name);
      if (accessibility !== undefined || isInternal) return [];
      const [summary = ""] = doc.split("\n\n");
      const comment = summary === "" ? "" : `/** ${summary.trim().replaceAll("\n", " ")} */\n`;
      const text = textAt(location, true).replace(/;?$/, ";");
      return [`${comment}${text}`.replaceAll(/^/gm, "  ")];
    },
  );
  return `${head.replace(/^export /, "").trim()} {\n${members.join("\n")}\n}`;
}

const front = (title: string, order: number, group?: string) =>
  `---\ntitle: ${JSON.stringify(title)}\norder: ${order}\n` +
  `${group === undefined ? "" : `group: ${JSON.stringify(group)}\n`}outline: [2, 3]\n---\n`;

/** The first sentences of a doc comment, up to a blank line. */
const summaryOf = (text = "") => text.trim().split("\n\n")[0];

/** A page of the reference. Braces are escaped, so that Vue does not interpret them. */
const pageOf = (matter: string, ...parts: string[]) =>
  `${matter}\n::: v-pre\n\n${parts.filter((part) => part !== "").join("\n\n")}\n\n:::\n`;

/** Every page of the reference: its text, by path. */
export function pagesOf(entries: readonly Entry[]): Record<string, string> {
  const pages: Record<string, string> = {};
  let order = 0;
  for (const entry of entries) {
    const { name } = entry;
    const writer = new Writer(entries, name);
    const own = [...new Set(entry.symbols.values())].filter((symbol) => symbol.entry === name)
      .toSorted((a, b) => a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1);
    const all = categories[name].map((category) => ({
      category,
      symbols: own.filter((symbol) => symbol.category === category),
    }));
    const isWhole = all.length === 1;
    const group = name === "." ? manifest.name : isWhole ? "Other modules" : shortOf(name);
    const overview = overviewOf(writer, entry);
    const sections = (symbols: readonly Symbol[]) => {
      const values = symbols.filter((symbol) => !isType(symbol));
      const types = symbols.filter(isType);
      return [
        ...values.map((symbol) => writer.section(symbol, "##")),
        ...(types.length > 0 ? ["## Types {#types}"] : []),
        ...types.map((symbol) => writer.section(symbol, "###")),
      ].join("\n\n");
    };
    const title = name === "." ? "API" : shortOf(name);
    const elsewhere = [...entry.symbols].filter(([, symbol]) => symbol.entry !== name);
    const others = elsewhere.length === 0
      ? ""
      : `Also exported from here: ${
        elsewhere.map(([name, symbol]) => writer.link(symbol, name)).join(" ")
      }`;
    if (isWhole) {
      const matter = front(title, order++, group);
      pages[`api/${slugOf(name)}.md`] = pageOf(matter, overview, others, sections(own));
      continue;
    }
    const lists = all.map(({ category, symbols }) =>
      `## [${category}](./${slugOf(name, category)}.md)\n\n${
        writer.names(symbols.filter((symbol) => !isType(symbol)))
      }`
    );
    const matter = name === "."
      ? front(title, order++)
      : front(`${title}: overview`, order++, group);
    const modules = name === "." ? [modulesList(entries)] : [];
    pages[`api/${slugOf(name)}.md`] = pageOf(matter, overview, others, ...lists, ...modules);
    for (const { category, symbols } of all) {
      const values = symbols.filter((symbol) => !isType(symbol));
      const rows = values.map((symbol) => {
        const { declarations } = symbol;
        // A class may be merged with an interface; of several signatures, the first documented one describes it.
        const declared = declarations.find(({ kind }) => kind === "class") ??
          declarations.find(({ jsDoc }) => jsDoc?.doc);
        if (declared === undefined) throw new Error(`${symbol.name} has no description`);
        // An unclosed parenthesis is left out.
        const text = summaryOf(declared.jsDoc?.doc).split(/(?<=\.)\s|[:;]\s/)[0]
          .replace(/[:;.]?$/, "").replace(/\s*\([^)]*$/, "");
        return `| ${writer.link(symbol)} | ${
          writer.prose(text).replaceAll("\n", " ").replaceAll("|", "\\|")
        } |`;
      });
      pages[`api/${slugOf(name, category)}.md`] = pageOf(
        front(category, order++, group),
        `# ${category} {#top}`,
        importLine(name),
        values.length < 3 ? "" : ["| name | what it is |", "| --- | --- |", ...rows].join("\n"),
        sections(symbols),
      );
    }
  }
  return pages;
}

/** The import statement of an entry point. */
function importLine(entry: string): string {
  if (entry === ".") return `From \`"${manifest.name}"\`.`;
  const short = shortOf(entry);
  return `From \`"${importOf(entry)}"\`${
    /webgpu|xla/.test(entry) ? "" : `, or \`${short}\` of \`"${manifest.name}"\``
  }.`;
}

/** The introduction of an entry point's page: its own documentation. */
function overviewOf(writer: Writer, { name, doc }: Entry): string {
  const examples = (doc.tags ?? []).filter(({ kind }) => kind === "example").map((
    { doc = "" },
  ) => doc.replace(/^(.*)\n/, "**$1**\n\n"));
  return [
    `# ${name === "." ? "API" : shortOf(name)} {#top}`,
    importLine(name),
    writer.prose(doc.doc),
    ...examples,
  ].join("\n\n");
}

function modulesList(entries: readonly Entry[]): string {
  const rows = entries.filter(({ name }) => name !== ".").map(({ name, doc }) =>
    `| [\`${shortOf(name)}\`](./${slugOf(name)}.md) | ${
      new Writer(entries, name).prose(summaryOf(doc.doc)).replaceAll("\n", " ")
    } |`
  );
  return `## Modules\n\n| module | what it holds |\n| --- | --- |\n${rows.join("\n")}`;
}

if (import.meta.main) {
  const entries = await readEntries();
  const missing = faults(entries);
  if (missing.length > 0) {
    console.error(missing.join("\n"));
    Deno.exit(1);
  }
  const text = Object.values(pagesOf(entries)).join("\n");
  const lost = entries.flatMap(({ name, symbols }) =>
    [...symbols.values()].filter((symbol) => !text.includes(` {#${symbol.name}}\n`))
      .map((symbol) => `${importOf(name)}: ${symbol.name} is on no page`)
  );
  if (lost.length > 0) {
    console.error(lost.join("\n"));
    Deno.exit(1);
  }
  const count = entries.reduce((sum, { symbols }) => sum + symbols.size, 0);
  console.log(
    `${count} symbols of ${entries.length} entry points in ${pathOf(root)} are documented`,
  );
}
