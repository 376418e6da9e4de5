/**
 * The command that installs a plugin, in processes of its own: on wheels that are written here and on
 * an index that this process serves. `deno task xla` gives the permissions and installs the real one.
 *
 * @module
 */
import { assert, assertEquals } from "../../support/std.ts";
import { crc32 } from "../../../src/base/crc32.ts";
import { zip } from "../../io/build.ts";
import { mayRun } from "./plugin.ts";

/** A wheel with entries that are not compressed. */
function wheelOf(entries: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  return zip(
    Object.entries(entries).map(([name, text]) => {
      const data = new TextEncoder().encode(text);
      return { name, data, crc: crc32(data) };
    }),
  );
}

interface Ran {
  readonly code: number;
  readonly output: string;
}

async function runInstall(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const script = new URL("../../../src/backends/xla/install.ts", import.meta.url);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script.href, ...args],
    env: { NO_COLOR: "1", ...env },
  }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

const PLUGIN = "\x7fELF and the symbol GetPjrtApi\0";

/** A test with a folder of its own. */
function inFolder(name: string, fn: (folder: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !mayRun,
    fn: async () => {
      const folder = await Deno.makeTempDir();
      try {
        await fn(folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

inFolder("the plugin of a wheel is put where findPlugin looks", async (folder) => {
  const wheel = `${folder}/some.whl`;
  await Deno.writeFile(wheel, wheelOf({ "a/other.so": "a library", "a/plugin.so": PLUGIN }));
  const { code, output } = await runInstall(["--wheel", wheel], { XDG_DATA_HOME: folder });
  const file = `${folder}/jacobi/pjrt_cpu.so`;
  assertEquals(code, 0, output);
  assert(output.endsWith(`\nThe plugin is ${file}\n`), output);
  assertEquals(await Deno.readTextFile(file), PLUGIN);
  const again = await runInstall(["cuda13", `--wheel=${wheel}`, "--directory", `${folder}/x`]);
  assertEquals(again.code, 0, again.output);
  assertEquals(await Deno.readTextFile(`${folder}/x/pjrt_cuda13.so`), PLUGIN);
  const left = Array.from(Deno.readDirSync(`${folder}/x`), ({ name }) => name).sort();
  assertEquals(left, ["pjrt_cuda13.so", "pjrt_cuda13.so.json"]);
});

inFolder("what is not the pinned wheel is refused, and nothing is written", async (folder) => {
  // Both forms of an index: JSON, and HTML with addresses relative to the page.
  const name = `lammps_jax_pjrt_cpu-0.11.2-py3-none-manylinux_2_27_${Deno.build.arch}.whl`;
  const pages: Record<string, Response> = {
    "/json/lammps-jax-pjrt-cpu/": Response.json({ files: [{ filename: name, url: "/wheel" }] }, {
      headers: { "content-type": "application/vnd.pypi.simple.v1+json" },
    }),
    "/html/lammps-jax-pjrt-cpu/": new Response(`<a href="../../${name}#sha256=00">${name}</a>`, {
      headers: { "content-type": "text/html" },
    }),
    "/none/lammps-jax-pjrt-cpu/": Response.json({ files: [] }, {
      headers: { "content-type": "application/vnd.pypi.simple.v1+json" },
    }),
    "/wheel": new Response(wheelOf({ "plugin.so": PLUGIN })),
    [`/${name}`]: new Response(wheelOf({ "plugin.so": PLUGIN })),
  };
  const server = Deno.serve({ port: 0, onListen: () => {} }, (request) => {
    const page = pages[new URL(request.url).pathname];
    return page?.clone() ?? new Response("none", { status: 404 });
  });
  const begin = "Cannot install lammps-jax-pjrt-cpu";
  try {
    const index = `http://localhost:${(server.addr as Deno.NetAddr).port}`;
    for (const kind of ["json", "html"]) {
      const env = { PIP_INDEX_URL: `${index}/${kind}/` };
      const { code, output } = await runInstall(["--directory", `${folder}/x`], env);
      assertEquals(code, 1, output);
      assert(
        new RegExp(
          `\n${begin}: the SHA-256 of what was downloaded is [0-9a-f]{64}, expected [0-9a-f]{64}\n$`,
        ).test(output),
        output,
      );
    }
    const none = await runInstall(["--directory", `${folder}/x`], {
      PIP_INDEX_URL: `${index}/none`,
    });
    assertEquals(none, {
      code: 1,
      output: `${begin}: ${index}/none/lammps-jax-pjrt-cpu/ has no wheel ` +
        `lammps_jax_pjrt_cpu-0.11.2-…_${Deno.build.arch}.whl\n`,
    });
    const missing = await runInstall(["--directory", `${folder}/x`], {
      PIP_INDEX_URL: `${index}/missing`,
    });
    assertEquals(missing, {
      code: 1,
      output: `${begin}: ${index}/missing/lammps-jax-pjrt-cpu/ answered 404; download the wheel ` +
        `and name it with --wheel\n`,
    });
  } finally {
    await server.shutdown();
  }
  assertEquals([...Deno.readDirSync(folder)], []);
});

inFolder("wheels without a plugin and wrong arguments are refused", async (folder) => {
  const wheel = `${folder}/some.whl`;
  await Deno.writeFile(wheel, wheelOf({ "a/other.so": "a library", "a/text.txt": PLUGIN }));
  assertEquals(
    (await runInstall(["--wheel", wheel, "--directory", folder])).output.split("\n")[1],
    `Cannot install ${wheel}: of its 1 libraries, 0 name the function GetPjrtApi, expected one`,
  );
  const usage = "Usage: install [cuda13|cuda12|cpu] [--wheel FILE] [--directory DIR]\n";
  for (const args of [["tpu"], ["cpu", "cuda12"], ["--wheel"], ["--other", "x"]]) {
    const at = args.length > 1 && args[0] === "cpu" ? args[1] : args[0];
    assertEquals(await runInstall(args), {
      code: 1,
      output: `Cannot use the argument ${JSON.stringify(at)}. ${usage}`,
    });
  }
});
