/**
 * The TypeScript worker: diagnostics, completions and types of the program in the editor, and its compilation
 * to JavaScript.
 *
 * @module
 */
/// <reference lib="webworker" />
import { createSystem, createVirtualTypeScriptEnvironment } from "@typescript/vfs";
import type { VirtualTypeScriptEnvironment } from "@typescript/vfs";
import blankTypes from "ts-blank-space";
import ts from "typescript";
import type { Completion, Language, Mistake, Transpiled } from "./protocol.ts";

/** Written by the build: the names of the library's entry points, "." and "./nn" and so on. */
declare const ENTRIES: readonly string[];

/** The program's file. */
const MAIN = "/main.ts";

const LIBRARY = "@jacobi/jacobi";

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ["lib.es2023.d.ts", "lib.webworker.d.ts"],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  erasableSyntaxOnly: true,
  verbatimModuleSyntax: true,
  skipLibCheck: true,
  types: [],
};

async function start(): Promise<VirtualTypeScriptEnvironment> {
  const response = await fetch(new URL("types.json", location.href));
  const files = new Map(Object.entries(await response.json() as Record<string, string>));
  files.set(MAIN, "export {};\n");
  return createVirtualTypeScriptEnvironment(createSystem(files), [MAIN, "/show.ts"], ts, options);
}

const environment = start();

function setText(env: VirtualTypeScriptEnvironment, text: string): ts.LanguageService {
  // TypeScript's virtual file system treats an empty file as missing.
  const content = text === "" ? "\n" : text;
  if (env.getSourceFile(MAIN)?.text !== content) env.updateFile(MAIN, content);
  return env.languageService;
}

function mistakeOf(
  { start = 0, length = 1, messageText, category }: ts.Diagnostic,
  most: number,
): Mistake {
  const severities = { 0: "warning", 1: "error", 2: "info", 3: "info" } as const;
  return {
    from: Math.min(start, most),
    to: Math.min(start + length, most),
    message: ts.flattenDiagnosticMessageText(messageText, "\n"),
    severity: severities[category],
  };
}

/** The address of a module's file, or `null` if the page does not have the module. */
function addressOf(specifier: string): string | null {
  if (ENTRIES.includes(specifier.replace(LIBRARY, "."))) {
    const name = specifier.slice(LIBRARY.length + 1).replaceAll("/", "_") || "jacobi";
    return new URL(`modules/${name}.js`, location.href).href;
  }
  if (specifier === "./show.ts") return new URL("modules/show.js", location.href).href;
  return /^(https?|data|blob):/.test(specifier) ? specifier : null;
}

/** The program without types, on the same lines, with its imports replaced by addresses. */
function transpile(text: string): Transpiled {
  const mistakes: Mistake[] = [];
  const { diagnostics = [] } = ts.transpileModule(text, {
    reportDiagnostics: true,
    fileName: MAIN,
    compilerOptions: { ...options, noEmit: false, allowImportingTsExtensions: false },
  });
  mistakes.push(...diagnostics.map((one) => mistakeOf(one, text.length)));
  // Nodes are created without links to their parents and their file.
  const file = ts.createSourceFile(MAIN, text, ts.ScriptTarget.ES2023);
  let code = blankTypes(text, (node) => {
    mistakes.push({
      from: node.getStart(file),
      to: node.end,
      message:
        "Enums, namespaces and parameter properties are not supported: use erasable syntax only",
      severity: "error",
    });
  });
  // From last to first, so that earlier positions stay valid.
  const { importedFiles } = ts.preProcessFile(code, true, true);
  for (const { fileName, pos, end } of importedFiles.toReversed()) {
    const address = addressOf(fileName);
    if (address === null) {
      mistakes.push({
        from: pos,
        to: end + 2,
        message: `Cannot import "${fileName}": expected "${LIBRARY}" or a subpath of it, ` +
          `"./show.ts", or a URL`,
        severity: "error",
      });
    } else {
      // The position is that of the quotation mark.
      code = code.slice(0, pos + 1) + address + code.slice(pos + 1 + fileName.length);
    }
  }
  return mistakes.length > 0 ? { mistakes } : { code };
}

const preferences: ts.UserPreferences = {
  includeCompletionsForModuleExports: true,
  includeCompletionsWithInsertText: true,
  allowIncompleteCompletions: true,
  importModuleSpecifierEnding: "auto",
};

function languageOf(env: VirtualTypeScriptEnvironment): Language {
  return {
    mistakes(text) {
      const service = setText(env, text);
      return [...service.getSyntacticDiagnostics(MAIN), ...service.getSemanticDiagnostics(MAIN)]
        .map((one) => mistakeOf(one, text.length));
    },
    completions(text, at) {
      const found = setText(env, text).getCompletionsAtPosition(MAIN, at, preferences);
      if (found === undefined) return null;
      const word = /[\w$]*$/.exec(text.slice(0, at))![0];
      const entries = found.entries
        .filter(({ name, source }) =>
          name.toLowerCase().startsWith(word.slice(0, 1).toLowerCase()) &&
          // Names that are unrelated to the library are not offered as imports.
          (source === undefined || source.includes(LIBRARY) || source.includes("show"))
        )
        .map(({ name, kind, source }): Completion => ({
          label: name,
          kind,
          ...(source === undefined ? {} : { source }),
        }));
      return { from: at - word.length, entries };
    },
    details(text, at, label, source) {
      const service = setText(env, text);
      const found = env.languageService.getCompletionsAtPosition(MAIN, at, preferences)?.entries
        .find((entry) => entry.name === label && entry.source === source);
      const details = service.getCompletionEntryDetails(
        MAIN,
        at,
        label,
        ts.getDefaultFormatCodeSettings("\n"),
        source,
        preferences,
        found?.data,
      );
      if (details === undefined) return null;
      return {
        type: ts.displayPartsToString(details.displayParts),
        documentation: ts.displayPartsToString(details.documentation),
        edits: (details.codeActions ?? []).flatMap(({ changes }) =>
          changes.flatMap(({ textChanges }) =>
            textChanges.map(({ span, newText }) => ({
              from: span.start,
              to: span.start + span.length,
              insert: newText,
            }))
          )
        ),
      };
    },
    hover(text, at) {
      const info = setText(env, text).getQuickInfoAtPosition(MAIN, at);
      if (info === undefined) return null;
      const { start, length } = info.textSpan;
      return {
        from: start,
        to: start + length,
        type: ts.displayPartsToString(info.displayParts),
        documentation: ts.displayPartsToString(info.documentation),
      };
    },
    transpile,
  };
}

interface Question {
  readonly id: number;
  readonly method: keyof Language;
  readonly args: readonly never[];
}

addEventListener("message", async ({ data }: MessageEvent<Question>) => {
  const { id, method, args } = data;
  try {
    // Transpiling does not wait for types.
    const language = method === "transpile" ? { transpile } : languageOf(await environment);
    const ask = language[method as "transpile"] as (...args: readonly never[]) => unknown;
    postMessage({ id, value: ask(...args) });
  } catch (error) {
    postMessage({ id, error: String(error) });
  }
});
