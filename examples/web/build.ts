/**
 * Builds the page into a folder, `dist/web` by default:
 *
 *     deno run -A examples/web/build.ts
 *     deno run -A jsr:@std/http/file-server dist/web
 */
const here = (name: string): string => decodeURIComponent(new URL(name, import.meta.url).pathname);

const folder = Deno.args[0] ?? here("../../dist/web");
Deno.mkdirSync(folder, { recursive: true });
Deno.copyFileSync(here("index.html"), `${folder}/index.html`);
const { success } = await new Deno.Command(Deno.execPath(), {
  args: [
    ...["bundle", "--quiet", "--platform=browser", "--minify"],
    ...["--config", here("../../deno.json"), "--output", `${folder}/main.js`, here("main.ts")],
  ],
}).spawn().status;
if (!success) Deno.exit(1);
