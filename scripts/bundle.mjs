/**
 * `npm run bundle`: a folder for each function, and one for the gateway, with all that they import inside.
 * `lambdas/NAME.ts` becomes `dist/lambdas/NAME/index.mjs`, whose `handler` AWS Lambda calls, and parts beside it that
 * are loaded when they are used; `gateway/main.ts` becomes `dist/gateway/main.mjs`. Prints for each the size of what
 * its start reads, and of what may come later. Has to run on Node 20, as npm may.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

// Packages written for CommonJS use what a module does not have.
const banner = [
  'import { createRequire } from "node:module";',
  "const require = createRequire(import.meta.url);",
  "const __filename = import.meta.filename;",
  "const __dirname = import.meta.dirname;",
].join(" ");

/** @type {import("esbuild").BuildOptions} */
const options = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  outExtension: { ".js": ".mjs" },
  mainFields: ["module", "main"],
  minify: true,
  // Names of classes and functions stand in logs.
  keepNames: true,
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "none",
  // ssh2's optional parts are looked for when the program runs; it does without them.
  external: ["*.node", "cpu-features"],
  define: { "process.env.FERRYGATE_VERSION": JSON.stringify(version) },
  banner: { js: banner },
  metafile: true,
  logLevel: "warning",
};

for (const { path, start, later } of await bundle(process.argv[2] ?? join(root, "dist"))) {
  const sizes = `${kilobytes(start.bytes)} kB ${kilobytes(start.gzipBytes)} kB gzip`;
  console.log(`${path.padEnd(40)} ${sizes} ${kilobytes(later.bytes)} kB when used`);
}

async function bundle(folder) {
  const functions = readdirSync(join(root, "lambdas"))
    .filter((name) => name.endsWith(".ts"))
    .map((name) => basename(name, ".ts"));
  rmSync(join(folder, "lambdas"), { recursive: true, force: true });
  const builds = functions.map((name) => {
    const entryPoints = [{ in: `lambdas/${name}.ts`, out: "index" }];
    return build({ ...options, splitting: true, entryPoints, outdir: join(folder, "lambdas", name) });
  });
  if (existsSync(join(root, "gateway/main.ts"))) {
    rmSync(join(folder, "gateway"), { recursive: true, force: true });
    // ssh2 with its native ciphers stays a package beside the gateway: scripts/gateway-image.mjs.
    const external = [...(options.external ?? []), "ssh2"];
    const entryPoints = ["gateway/main.ts"];
    builds.push(build({ ...options, external, entryPoints, outdir: join(folder, "gateway") }));
  }
  return (await Promise.all(builds)).map(({ metafile }) => sizesOf(metafile.outputs));
}

function sizesOf(outputs) {
  const modules = Object.keys(outputs).filter((path) => path.endsWith(".mjs"));
  const entry = modules.find((path) => /^(?:lambdas|gateway)\//.test(outputs[path].entryPoint ?? ""));
  const read = new Set([entry]);
  // What is added while the set is gone through is gone through too.
  for (const path of read) {
    const imported = outputs[path].imports.filter(({ kind, external }) => kind === "import-statement" && !external);
    for (const { path: chunk } of imported) read.add(chunk);
  }
  const later = modules.filter((path) => !read.has(path));
  return { path: relative("", join(root, entry)), start: sizeOf([...read]), later: sizeOf(later) };
}

function sizeOf(paths) {
  const files = paths.map((path) => readFileSync(join(root, path)));
  const sum = (sizes) => sizes.reduce((total, size) => total + size, 0);
  return {
    bytes: sum(files.map(({ length }) => length)),
    gzipBytes: sum(files.map((file) => gzipSync(file).length)),
  };
}

function kilobytes(bytes) {
  return (bytes / 1000).toFixed(0).padStart(6);
}
