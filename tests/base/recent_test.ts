import { Recent } from "../../src/base/recent.ts";
import { assertEquals } from "../support/std.ts";

Deno.test("values are made again once others have taken their room, those used last at the end", () => {
  const made: string[] = [];
  const recent = new Recent<string, string>(4, ({ length }) => length);
  const get = (key: string) =>
    recent.get(key, () => {
      made.push(key);
      return key;
    });
  for (const key of ["a", "bb", "a", "cc", "a", "bb", "a", "longer", "longer", "a"]) {
    assertEquals(get(key), key);
  }
  assertEquals(made, ["a", "bb", "cc", "bb", "longer", "a"]);
});
