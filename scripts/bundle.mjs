/**
 * `npm run bundle`: one file for each function and for the gateway, with all that it imports inside. `lambdas/NAME.ts`
 * becomes `dist/lambdas/NAME/index.mjs`, whose `handler` AWS Lambda calls; `gateway/main.ts` becomes
 * `dist/gateway/main.mjs`. Prints what was written and its size. Has to run on Node 20, as npm may.
 */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
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

const outputs = await bundle(process.argv[2] ?? join(root, "dist"));
for (const { path, bytes, gzipBytes } of outputs) {
  console.log(`${path.padEnd(40)} ${kilobytes(bytes)} kB ${kilobytes(gzipBytes)} kB gzip`);
}

async function bundle(folder) {
  const functions = readdirSync(join(root, "lambdas"))
    .filter((name) => name.endsWith(".ts"))
    .map((name) => basename(name, ".ts"));
  rmSync(join(folder, "lambdas"), { recursive: true, force: true });
  const entries = functions.map((name) => ({ in: `lambdas/${name}.ts`, out: `${name}/index` }));
  const built = [await build({ ...options, entryPoints: entries, outdir: join(folder, "lambdas") })];
  if (existsSync(join(root, "gateway/main.ts"))) {
    rmSync(join(folder, "gateway"), { recursive: true, force: true });
    // ssh2 with its native ciphers stays a package beside the gateway: scripts/gateway-image.mjs.
    const external = [...(options.external ?? []), "ssh2"];
    const entryPoints = ["gateway/main.ts"];
    built.push(await build({ ...options, external, entryPoints, outdir: join(folder, "gateway") }));
  }
  return built.flatMap(({ metafile }) => Object.keys(metafile.outputs).filter(isModule).map(sizeOf));
}

function isModule(path) {
  return path.endsWith(".mjs");
}

function sizeOf(path) {
  const file = join(root, path);
  return { path: relative("", file), bytes: statSync(file).size, gzipBytes: gzipSync(readFileSync(file)).length };
}

function kilobytes(bytes) {
  return (bytes / 1000).toFixed(0).padStart(6);
}
