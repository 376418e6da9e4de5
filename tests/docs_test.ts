import * as jacobi from "../mod.ts";
import { assertEquals } from "./support/std.ts";

/** The text between the parentheses that begin at `start`. */
function inParentheses(text: string, start: number): string {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if ("([{".includes(text[i])) depth++;
    if (")]}".includes(text[i]) && --depth === 0) return text.slice(start + 1, i);
  }
  return "";
}

// Documentation generators show `axis?: number`, and hide that the default is `axis = 0`.
Deno.test("parameters that may be left out are declared so, not by a default value", () => {
  const hidden: string[] = [];
  const look = (prefix: string, members: Record<string, unknown>) => {
    for (const [name, member] of Object.entries(members)) {
      if (typeof member === "function") {
        const text = String(member);
        // Classes, and functions made by others, have no parameters to check here.
        if (!text.startsWith("function ")) continue;
        const parameters = inParentheses(text, text.indexOf("("));
        if (/(^|,)\s*\w+ = /.test(parameters)) hidden.push(`${prefix}${name}(${parameters})`);
      } else if (prefix === "" && typeof member === "object" && member !== null) {
        look(`${name}.`, { ...member });
      }
    }
  };
  look("", { ...jacobi });
  assertEquals(hidden, []);
});
