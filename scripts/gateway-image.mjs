/**
 * `node scripts/gateway-image.mjs FOLDER [DIST]`, behind `npm run bundle`: puts into FOLDER what gateway/Dockerfile
 * copies into the image. `node` is the runtime, `app` the bundled gateway with the packages that bring native code:
 * ssh2 with its ciphers, and CRC-32.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runtime } from "./runtime.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [folder, dist = join(root, "dist")] = process.argv.slice(2);
if (folder === undefined) throw new Error("name the folder to fill");

const app = join(folder, "app");
mkdirSync(app, { recursive: true });
copyFileSync(runtime().path, join(folder, "node"));
cpSync(join(dist, "gateway"), app, { recursive: true });
copyFileSync(join(root, "gateway/health-check.mjs"), join(app, "health-check.mjs"));
writeFileSync(join(app, "package.json"), `${JSON.stringify({ name: "ferrygate-gateway", type: "module" })}\n`);
const [checksum, ...checksumBinaries] = withBinaries("@node-rs/crc32");
if (checksumBinaries.length === 0) throw new Error(`${checksum} has no binary for this machine: npm ci unpacks one`);
for (const name of [...withDependencies("ssh2", root), checksum, ...checksumBinaries]) {
  cpSync(join(root, "node_modules", name), join(app, "node_modules", name), { recursive: true, filter: isNeeded });
}

/** The package and what it depends on, near and far; optional parts that are not installed or not built stay away. */
function withDependencies(name, from, found = new Set()) {
  const manifest = createRequire(join(from, "package.json")).resolve(`${name}/package.json`);
  found.add(name);
  const { dependencies = {} } = JSON.parse(readFileSync(manifest, "utf8"));
  for (const needed of Object.keys(dependencies)) {
    if (!found.has(needed)) withDependencies(needed, dirname(manifest), found);
  }
  return found;
}

/** The package and what npm has unpacked of its binaries, of which each machine takes its own. */
function withBinaries(name) {
  const manifest = join(root, "node_modules", name, "package.json");
  if (!existsSync(manifest)) return [name];
  const { optionalDependencies } = JSON.parse(readFileSync(manifest, "utf8"));
  const isUnpacked = (binary) => existsSync(join(root, "node_modules", binary));
  return [name, ...Object.keys(optionalDependencies).filter(isUnpacked)];
}

/** Of ssh2 neither the sources of the addon nor what was left of its build. */
function isNeeded(path) {
  return (
    !/\/ssh2\/(test|examples|util)(\/|$)|\/crypto\/(src|deps)(\/|$)|\/obj\.target(\/|$)/.test(path) && existsSync(path)
  );
}
