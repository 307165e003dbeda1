/**
 * `npm run constructs`: the constructs of `lib` as a package for CDK apps of one's own, in `dist/constructs`, as plain
 * JavaScript with its types and with the bundles of the functions: Node runs no TypeScript out of `node_modules`.
 * `npm pack ./dist/constructs` makes one file of it. Has to run on Node 20, as npm may.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = process.argv[2] ?? join(root, "dist/constructs");
const { version, license, dependencies, devDependencies } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
);

rmSync(folder, { recursive: true, force: true });
run(join(root, "scripts/bundle.mjs"), join(folder, "dist"));
// Its image is made of gateway/Dockerfile.
rmSync(join(folder, "dist/gateway"), { recursive: true });
const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
run(compiler, "-p", join(root, "tsconfig.constructs.json"), "--outDir", folder);
for (const file of typesIn(folder)) writeFileSync(file, withCompiledNames(readFileSync(file, "utf8")));
for (const name of ["LICENSE", "docs/aws/constructs.md"]) {
  copyFileSync(join(root, name), join(folder, name === "LICENSE" ? name : "README.md"));
}
writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest(), null, 2)}\n`);

/** Names every construct by its file, and what is put together of them. */
function manifest() {
  const entry = (name) => ({ types: `./lib/${name}.d.ts`, default: `./lib/${name}.js` });
  return {
    name: "ferrygate-constructs",
    version,
    description: "Managed file transfer as constructs of AWS CDK: SFTP, FTPS and HTTPS in front of S3",
    license,
    type: "module",
    exports: {
      "./package.json": "./package.json",
      "./configuration/*": entry("configuration/*"),
      "./ferrygate": entry("ferrygate"),
      "./product-checks": entry("product-checks"),
      "./stacks/*": entry("stacks/*"),
      "./*": entry("constructs/*"),
    },
    dependencies: { "ipaddr.js": dependencies["ipaddr.js"], zod: dependencies.zod },
    peerDependencies: {
      "aws-cdk-lib": `^${devDependencies["aws-cdk-lib"]}`,
      "cdk-nag": `^${devDependencies["cdk-nag"]}`,
      constructs: `^${devDependencies.constructs}`,
    },
    peerDependenciesMeta: { "cdk-nag": { optional: true } },
  };
}

/** Types keep the names of sources, which the compiler rewrites in code only. */
function withCompiledNames(text) {
  return text.replace(/(from "\.[^"]*|import\("\.[^"]*)\.ts"/g, '$1.js"');
}

function typesIn(within) {
  return readdirSync(within, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".d.ts"))
    .map((name) => join(within, name));
}

function run(script, ...args) {
  const { status, error } = spawnSync(process.execPath, [script, ...args], { stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
