/**
 * The editor: CodeMirror, with information from the TypeScript worker.
 *
 * @module
 */
/// <reference lib="dom" />
import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  type Completion,
  type CompletionContext,
  completionKeymap,
  type CompletionResult,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { javascriptLanguage, typescriptLanguage } from "@codemirror/lang-javascript";
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  LanguageSupport,
  syntaxHighlighting,
} from "@codemirror/language";
import { linter, lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  hoverTooltip,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { Language, Mistake } from "./protocol.ts";

/** The same functions, implemented by a worker. */
export type Asked<T> = {
  [Name in keyof T]: T[Name] extends (...args: infer Args) => infer Out
    ? (...args: Args) => Promise<Out>
    : never;
};

/** Starts the TypeScript worker. */
export function startLanguage(): Asked<Language> {
  const worker = new Worker(new URL("language.js", document.baseURI), { type: "module" });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let count = 0;
  worker.onmessage = ({ data: { id, value, error } }) => {
    const { resolve, reject } = waiting.get(id)!;
    waiting.delete(id);
    if (error === undefined) resolve(value);
    else reject(new Error(error));
  };
  const ask = (method: keyof Language) => (...args: readonly unknown[]) => {
    const answer = Promise.withResolvers<unknown>();
    waiting.set(count, answer);
    worker.postMessage({ id: count++, method, args });
    return answer.promise;
  };
  const names = ["mistakes", "completions", "details", "hover", "transpile"] as const;
  return Object.fromEntries(names.map((name) => [name, ask(name)])) as Asked<Language>;
}

function about(type: string, documentation: string): HTMLElement {
  const box = document.createElement("div");
  box.className = "about";
  const signature = document.createElement("pre");
  signature.textContent = type;
  box.append(signature);
  if (documentation !== "") {
    const text = document.createElement("p");
    text.textContent = documentation;
    box.append(text);
  }
  return box;
}

/** The icons for TypeScript's kinds of symbols. */
const kinds: Readonly<Record<string, string>> = {
  alias: "namespace",
  "local function": "function",
  "local var": "variable",
  const: "variable",
  let: "variable",
  var: "variable",
  parameter: "variable",
  getter: "property",
  module: "namespace",
  "primitive type": "type",
};

const colours = HighlightStyle.define([
  {
    tag: [tags.keyword, tags.operatorKeyword, tags.modifier, tags.controlKeyword],
    color: "var(--keyword)",
  },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--number)" },
  { tag: [tags.comment], color: "var(--comment)" },
  {
    tag: [tags.function(tags.variableName), tags.function(tags.propertyName)],
    color: "var(--name)",
  },
  { tag: [tags.typeName, tags.className, tags.namespace], color: "var(--brand)" },
]);

const look = EditorView.theme({
  "&": { backgroundColor: "var(--page)", color: "var(--text)" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--text)", padding: "12px 0" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": {
    backgroundColor: "var(--page)",
    color: "var(--soft)",
    border: "none",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--brand-soft)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--brand) 28%, transparent) !important",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--page)",
    border: "1px solid var(--line)",
    borderRadius: "6px",
    boxShadow: "0 6px 20px rgb(0 0 0 / 18%)",
  },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--brand-fill)",
    color: "#ffffff",
  },
  ".cm-panels": { backgroundColor: "var(--side)", color: "var(--text)" },
});

/** The page's interface to the editor. */
export interface Editor {
  text(): string;
  /** Replaces the program. */
  setText(text: string): void;
  /** Moves the cursor to the beginning of a line, counted from 1. */
  goTo(line: number): void;
  /** Underlines mistakes until the program changes. */
  underline(mistakes: readonly Mistake[]): void;
  focus(): void;
}

/** Makes the editor. */
export function makeEditor(
  parent: HTMLElement,
  language: Asked<Language>,
  { run, changed }: { readonly run: () => void; readonly changed: () => void },
): Editor {
  const textOf = (state: EditorState) => state.doc.toString();

  async function complete(context: CompletionContext): Promise<CompletionResult | null> {
    const isMember = context.matchBefore(/\.[\w$]*$/) !== null;
    if (!isMember && !context.explicit && context.matchBefore(/[\w$]+$/) === null) return null;
    const text = textOf(context.state);
    const at = context.pos;
    const found = await language.completions(text, at);
    if (found === null || context.aborted) return null;
    const options = found.entries.map(({ label, kind, source }): Completion => ({
      label,
      type: kinds[kind] ?? kind,
      boost: source === undefined ? 1 : 0,
      ...(source === undefined ? {} : {
        detail: "import",
        async apply(view, _completion, from, to) {
          const details = await language.details(text, at, label, source);
          view.dispatch({
            changes: [{ from, to, insert: label }, ...(details?.edits ?? [])],
          });
        },
      }),
      async info() {
        const details = await language.details(text, at, label, source);
        return details === null ? null : about(details.type, details.documentation);
      },
    }));
    return { from: found.from, options, validFor: /^[\w$]*$/ };
  }

  const view = new EditorView({ parent });
  const extensions = [
    lineNumbers(),
    lintGutter(),
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    highlightSelectionMatches(),
    EditorView.contentAttributes.of({
      "aria-label": "Program",
      "aria-description": "Press Escape, then Tab to leave the editor",
    }),
    new LanguageSupport(typescriptLanguage, [
      javascriptLanguage.data.of({ closeBrackets: { brackets: ["(", "[", "{", "'", '"', "`"] } }),
    ]),
    syntaxHighlighting(colours),
    look,
    autocompletion({ override: [complete] }),
    linter(async (view) => [...await language.mistakes(textOf(view.state))], { delay: 600 }),
    hoverTooltip(async (view, at) => {
      const info = await language.hover(textOf(view.state), at);
      if (info === null) return null;
      return {
        pos: info.from,
        end: info.to,
        above: true,
        create: () => ({ dom: about(info.type, info.documentation) }),
      };
    }),
    keymap.of([
      { key: "Mod-Enter", run: () => (run(), true), preventDefault: true },
      { key: "Tab", run: acceptCompletion },
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...completionKeymap,
      indentWithTab,
    ]),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) changed();
    }),
  ];
  const setText = (doc: string) => view.setState(EditorState.create({ doc, extensions }));
  setText("");
  return {
    text: () => textOf(view.state),
    setText,
    goTo(line) {
      const { from } = view.state.doc.line(Math.min(line, view.state.doc.lines));
      view.dispatch({ selection: { anchor: from }, scrollIntoView: true });
      view.focus();
    },
    underline(mistakes) {
      view.dispatch(setDiagnostics(view.state, [...mistakes]));
    },
    focus: () => view.focus(),
  };
}
