import { posix } from "node:path";
import type { Module } from "./syntax.ts";

interface Layer {
  /** Folders whose files it may import; its own files always. */
  readonly folders: readonly string[];
  /** npm packages; `all` where the layer is not meant to be portable. */
  readonly packages: readonly string[] | "all";
  /** Whether it may import Node's own modules. */
  readonly node: boolean;
}

const product = ["core", "ports", "service", "protocols", "adapters", "lib"];

/** Who may import whom: docs/architecture.md says why. The longest path that fits a file is its layer. */
const layers: Readonly<Record<string, Layer>> = {
  core: { folders: [], packages: ["re2js", "ipaddr.js"], node: false },
  ports: { folders: ["core"], packages: [], node: false },
  service: { folders: ["core", "ports"], packages: [], node: false },
  "protocols/sftp": { folders: ["core", "service"], packages: ["ssh2"], node: true },
  "protocols/ftps": { folders: ["core", "service"], packages: [], node: true },
  "protocols/http": { folders: ["core", "service"], packages: ["aws-lambda", "client-zip", "hono", "zod"], node: true },
  "adapters/node": { folders: ["core", "ports"], packages: "all", node: true },
  "adapters/local": { folders: ["core", "ports", "adapters/node"], packages: "all", node: true },
  "adapters/aws": { folders: ["core", "ports", "adapters/node"], packages: "all", node: true },
  lib: { folders: ["adapters/aws/env.ts"], packages: "all", node: true },
  config: { folders: ["lib"], packages: [], node: false },
  gateway: { folders: product, packages: "all", node: true },
  lambdas: { folders: product, packages: "all", node: true },
  client: { folders: [], packages: [], node: false },
  bin: { folders: [...product, "client", "config", "scripts"], packages: "all", node: true },
  scripts: { folders: [], packages: "all", node: true },
  test: {
    folders: [...product, "client", "gateway", "lambdas", "bin", "config", "scripts"],
    packages: "all",
    node: true,
  },
};

export function importFindings(modules: readonly Module[]): string[] {
  return modules.flatMap((module) => {
    const layer = layerOf(module.path);
    if (layer === undefined) return [`${module.path} is in no folder of the table of imports`];
    return module.imports
      .filter(({ specifier }) => !isAllowed(module.path, specifier, layer))
      .map(({ specifier, line }) => `${module.path}:${line} ${layer} may not import ${specifier}`);
  });
}

/** Each cycle once, starting at the file of it that comes first in the alphabet. */
export function cycleFindings(modules: readonly Module[]): string[] {
  const byPath = new Map(modules.map((module) => [module.path, module]));
  const findings = new Set<string>();
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) findings.add(describeCycle(trail.slice(start)));
    if (start >= 0 || done.has(path)) return;
    for (const { specifier } of byPath.get(path)?.imports ?? []) {
      const target = targetOf(path, specifier);
      if (target !== undefined) visit(target, [...trail, path]);
    }
    done.add(path);
  };
  for (const { path } of modules) visit(path, []);
  return [...findings];
}

function layerOf(path: string): string | undefined {
  return Object.keys(layers).find((folder) => isInside(path, folder));
}

function isAllowed(path: string, specifier: string, layer: string): boolean {
  const { folders, packages, node } = layers[layer] as Layer;
  const target = targetOf(path, specifier);
  if (target !== undefined) return [layer, ...folders].some((folder) => isInside(target, folder));
  if (specifier.startsWith("node:")) return node;
  return packages === "all" || packages.includes(packageOf(specifier));
}

/** The file that a relative import means; undefined for a package. */
function targetOf(path: string, specifier: string): string | undefined {
  return specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : undefined;
}

function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function describeCycle(cycle: readonly string[]): string {
  const first = cycle.indexOf([...cycle].sort()[0] as string);
  const turned = [...cycle.slice(first), ...cycle.slice(0, first)];
  return `${[...turned, turned[0]].join(" → ")} is a cycle`;
}
