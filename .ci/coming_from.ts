/**
 * The counterparts here of all public names of other libraries, or the reason why there is none: written to
 * `docs/coming_from.md` by `deno run -A .ci/coming_from.ts`, or compared with it by `--check`. A name
 * with a counterpart of the same spelling, except for underscores and case, is found automatically; the tables
 * of `names_of_*.ts` list all others.
 *
 * @module
 */
import * as jacobi from "../mod.ts";
import { jax } from "./names_of_jax.ts";
import { optax } from "./names_of_optax.ts";
import { torch } from "./names_of_torch.ts";

/** The disposition of a name: its counterpart here, the reason why there is none, or neither yet. */
export type Disposition =
  | { readonly kind: "here"; readonly code: string }
  | { readonly kind: "without"; readonly reason: string }
  | { readonly kind: "not yet" };

/** A library, its modules in the order of the page, and the dispositions of their names. */
export interface Library<Module extends string = string> {
  /** Name and version. */
  readonly name: string;
  readonly names: Readonly<Record<Module, readonly string[]>>;
  /** The name of a module as its users write it; the module's own name by default. */
  title?(module: Module): string;
  /** The namespaces to search, in order. */
  readonly places: Readonly<Record<Module, readonly string[]>>;
  /** Names that are spelt differently here, one per line: `theirs: ours`, or code that shows the equivalent. */
  readonly renamed: Readonly<Partial<Record<Module, string>>>;
  /** Names that are planned. */
  readonly planned: Readonly<Partial<Record<Module, string>>>;
  /** Names without a meaning here, by reason. */
  readonly without: Readonly<
    Partial<Record<Module, readonly (readonly [reason: string, names: string])[]>>
  >;
}

/** All libraries, in the order of the page. */
export const libraries: readonly Library[] = [jax, torch, optax];

type Members = Readonly<Record<string, unknown>>;

/** The member of `mod.ts` at a dotted path. */
function resolve(path: string): unknown {
  return path.split(".").filter(Boolean).reduce<unknown>(
    (owner, name) => (owner as Members | undefined)?.[name],
    jacobi as Members,
  );
}

const dtypes = /^"(bool|u?int(8|16|32)|b?float(16|32|64)|complex(64|128))"$/;

/** Whether everything that a piece of code refers to exists: functions, members of tensors, dtypes. */
export function exists(code: string): boolean {
  if (code.startsWith('"')) return dtypes.test(code);
  const called = [...code.matchAll(/[\w.]+(?=\()/g)].map(([name]) => name);
  const [first] = code.match(/^[\w.]+/) ?? [""];
  return [first, ...called].every((name) => {
    if (/^(String|Object\.entries|f)$/.test(name)) return true;
    return name.startsWith("x.")
      ? name.slice(2) in (jacobi.tensor(1) as unknown as Members)
      : name !== "" && resolve(name) !== undefined;
  });
}

/** A name without underscores and capitals, and without the redundant prefix of tree functions. */
function bare(name: string): string {
  return name.replace(/^tree_/, "").replaceAll("_", "").toLowerCase();
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter(Boolean);
}

function readRenamed(text: string): Map<string, string> {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return new Map(lines.map((line) => {
    const at = line.indexOf(": ");
    return [line.slice(0, at), line.slice(at + 2)];
  }));
}

function readWithout(reasons: readonly (readonly [string, string])[]): Map<string, string> {
  return new Map(
    reasons.flatMap(([reason, list]) => wordsOf(list).map((name) => [name, reason] as const)),
  );
}

/** Every name of a module with its disposition. */
export function dispositionsOf(
  { names, places, renamed, without }: Library,
  module: string,
): [name: string, disposition: Disposition][] {
  const codes = readRenamed(renamed[module] ?? "");
  const reasons = readWithout(without[module] ?? []);
  return names[module].map((name) => {
    const reason = reasons.get(name);
    if (reason !== undefined) return [name, { kind: "without", reason }];
    const code = codes.get(name);
    if (code !== undefined) return [name, { kind: "here", code }];
    for (const place of places[module]) {
      const members = Object.keys((resolve(place) ?? {}) as Members);
      const found = members.find((member) => bare(member) === bare(name));
      if (found !== undefined) {
        return [name, { kind: "here", code: place === "" ? found : `${place}.${found}` }];
      }
    }
    return [name, { kind: "not yet" }];
  });
}

/**
 * Errors in a library's tables: names that it does not have, that are in two tables or in none, and
 * code that refers to something that does not exist.
 */
export function faults(library: Library): string[] {
  return modulesOf(library).flatMap((module) => {
    const codes = readRenamed(library.renamed[module] ?? "");
    const reasons = readWithout(library.without[module] ?? []);
    const known = library.names[module];
    return [
      ...[...codes.keys(), ...reasons.keys()]
        .filter((name) => !known.includes(name))
        .map((name) => `${module}.${name} is no name of ${library.name}`),
      ...[...codes.keys()].filter((name) => reasons.has(name))
        .map((name) => `${module}.${name} is both here and not`),
      ...[...codes].filter(([, code]) => !exists(code))
        .map(([name, code]) => `${module}.${name}: there is no ${code}`),
      ...dispositionsOf(library, module).filter(([name, { kind }]) =>
        kind === "not yet" && !wordsOf(library.planned[module] ?? "").includes(name)
      ).map(([name]) => `${module}.${name} is nowhere`),
    ];
  });
}

/** The modules of a library, in the order of the page. */
export function modulesOf({ names }: Library): string[] {
  return Object.keys(names);
}

function cell({ kind, ...rest }: Disposition): string {
  const { code, reason } = rest as { code?: string; reason?: string };
  return kind === "here" ? `\`${code}\`` : kind === "without" ? `none: ${reason}` : "not yet";
}

/** A library's part of the page. */
function partOf(library: Library): string {
  const all = modulesOf(library).map((module) =>
    [library.title?.(module) ?? module, dispositionsOf(library, module)] as const
  );
  const count = (kind: Disposition["kind"]) =>
    all.flatMap(([, rows]) => rows).filter(([, disposition]) => disposition.kind === kind).length;
  const [here, later, none] = [count("here"), count("not yet"), count("without")];
  const tables = all.map(([title, rows]) =>
    `### ${title}\n\n| ${library.name} | here |\n| --- | --- |\n` +
    rows.map(([name, disposition]) =>
      `| \`${name}\` | ${cell(disposition).replaceAll("|", "\\|")} |\n`
    )
      .join("")
  );
  return `## ${library.name}

Of ${here + later + none} names, ${here} are here, ${none} have no meaning here${
    later === 0 ? "" : `, and ${later} are not here yet`
  }.

${tables.join("\n")}`;
}

/** The page. */
export function page(): string {
  return `# Coming from other libraries

What every public name of these libraries is called here, or why it has no counterpart:
${
    libraries.map(({ name }) => name).join(", ")
  }. Names are theirs in camelCase; aliases are not repeated.
\`x\` is a tensor. Arguments of NumPy that are only named become options: \`sum(x, axis, { keepdims: true })\`. A layer
without parameters is used as a function by \`apply\`: \`nn.maxPool2d(2).apply({}, {}, x)\`.

<!-- Written by .ci/coming_from.ts. -->

${libraries.map(partOf).join("\n")}`;
}

if (import.meta.main) {
  const path = new URL("../docs/coming_from.md", import.meta.url);
  if (Deno.args.includes("--check")) {
    if (Deno.readTextFileSync(path) !== page()) {
      console.error("docs/coming_from.md is not up to date: run deno run -A .ci/coming_from.ts");
      Deno.exit(1);
    }
  } else {
    Deno.mkdirSync(new URL(".", path), { recursive: true });
    Deno.writeTextFileSync(path, page());
    for (const library of libraries) {
      for (const module of modulesOf(library)) {
        const missing = dispositionsOf(library, module).filter(([, { kind }]) =>
          kind === "not yet"
        );
        if (missing.length > 0) {
          console.log(`${module}: ${missing.map(([name]) => name).join(" ")}`);
        }
      }
    }
    console.log(page().match(/Of .* yet\.|Of .* here\./g)?.join("\n"));
  }
}
