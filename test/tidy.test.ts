import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { cycleFindings, importFindings } from "./tidy/imports.ts";
import { bareKeyFindings, pathFindings, unfinishedFindings } from "./tidy/names.ts";
import {
  fileLengthFindings,
  functionLengthFindings,
  lineLengthFindings,
  parameterFindings,
  portFindings,
} from "./tidy/sizes.ts";
import { exportFindings, purityFindings, typeEscapeFindings } from "./tidy/style.ts";
import { type Module, parseModule } from "./tidy/syntax.ts";

type Rule = (modules: readonly Module[]) => string[];

const rules: Readonly<Record<string, Rule>> = {
  "every layer imports only what the table allows": importFindings,
  "no file imports itself by a detour": cycleFindings,
  "files and folders are named after what they hold": pathFindings,
  "the word key never stands alone": bareKeyFindings,
  "no comment puts work off": unfinishedFindings,
  "files are short": fileLengthFindings,
  "lines are short": lineLengthFindings,
  "functions are short": functionLengthFindings,
  "functions take few parameters": parameterFindings,
  "ports are narrow": portFindings,
  "nothing is typed any or asserted non-null": typeEscapeFindings,
  "nothing is exported as default or passed on wholesale": exportFindings,
  "the core is pure": purityFindings,
};

const root = fileURLToPath(new URL("..", import.meta.url));
const notOurs = ["node_modules", "data", "dist", "coverage", "cdk.out"];

function sourcePaths(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith(".") || notOurs.includes(entry.name)) return [];
    if (entry.isDirectory()) return sourcePaths(join(folder, entry.name));
    return /\.(ts|mjs)$/.test(entry.name) ? [join(folder, entry.name)] : [];
  });
}

function readModule(file: string): Module {
  return parseModule({ path: relative(root, file).split(sep).join("/"), text: readFileSync(file, "utf8") });
}

/** Reads `path: text` pairs as if they were the project. */
function planted(files: Readonly<Record<string, string>>): Module[] {
  return Object.entries(files).map(([path, text]) => parseModule({ path, text: `${text}\n` }));
}

function functionOf(lineCount: number): string {
  return `export function f() {\n${"g();\n".repeat(lineCount - 2)}}`;
}

describe("the sources", () => {
  const modules = sourcePaths(root).map(readModule);
  for (const [title, findingsOf] of Object.entries(rules)) {
    it(title, () => assert.deepEqual(findingsOf(modules), []));
  }
});

describe("each rule", () => {
  const violations: readonly (readonly [Rule, Readonly<Record<string, string>>, readonly string[]])[] = [
    [importFindings, { "core/a.ts": 'import "node:fs";' }, ["core/a.ts:1 core may not import node:fs"]],
    [importFindings, { "core/a.ts": 'import { z } from "zod";' }, ["core/a.ts:1 core may not import zod"]],
    [
      importFindings,
      { "core/a.ts": 'import type { P } from "../ports/p.ts";' },
      ["core/a.ts:1 core may not import ../ports/p.ts"],
    ],
    [importFindings, { "ports/a.ts": 'import "re2js";' }, ["ports/a.ts:1 ports may not import re2js"]],
    [importFindings, { "service/a/b.ts": 'import "node:os";' }, ["service/a/b.ts:1 service may not import node:os"]],
    [
      importFindings,
      { "service/a.ts": 'export { x } from "../adapters/local/x.ts";' },
      ["service/a.ts:1 service may not import ../adapters/local/x.ts"],
    ],
    [
      importFindings,
      { "protocols/sftp/a.ts": 'type P = import("../../ports/p.ts").P;' },
      ["protocols/sftp/a.ts:1 protocols/sftp may not import ../../ports/p.ts"],
    ],
    [
      importFindings,
      { "protocols/http/a.ts": 'await import("../../adapters/local/x.ts");' },
      ["protocols/http/a.ts:1 protocols/http may not import ../../adapters/local/x.ts"],
    ],
    [
      importFindings,
      { "protocols/ftps/a.ts": 'import { b } from "../sftp/b.ts";' },
      ["protocols/ftps/a.ts:1 protocols/ftps may not import ../sftp/b.ts"],
    ],
    [
      importFindings,
      { "protocols/http/a.ts": 'import "ssh2";' },
      ["protocols/http/a.ts:1 protocols/http may not import ssh2"],
    ],
    [
      importFindings,
      { "adapters/local/a.ts": 'import "../aws/b.ts";' },
      ["adapters/local/a.ts:1 adapters/local may not import ../aws/b.ts"],
    ],
    [
      importFindings,
      { "adapters/node/a.ts": 'import "../local/b.ts";' },
      ["adapters/node/a.ts:1 adapters/node may not import ../local/b.ts"],
    ],
    [
      importFindings,
      { "adapters/local/a.ts": 'import "../../bin/cli.ts";' },
      ["adapters/local/a.ts:1 adapters/local may not import ../../bin/cli.ts"],
    ],
    [
      importFindings,
      { "bin/cli.ts": 'import "../gateway/main.ts";' },
      ["bin/cli.ts:1 bin may not import ../gateway/main.ts"],
    ],
    [importFindings, { "bin/cli.ts": 'import "../test/a.ts";' }, ["bin/cli.ts:1 bin may not import ../test/a.ts"]],
    [importFindings, { "extra/a.ts": "f();" }, ["extra/a.ts is in no folder of the table of imports"]],
    [
      cycleFindings,
      {
        "core/b.ts": 'import "./c.ts";',
        "core/c.ts": 'import type { A } from "./a.ts";',
        "core/a.ts": 'import "./b.ts";',
      },
      ["core/a.ts → core/b.ts → core/c.ts → core/a.ts is a cycle"],
    ],
    [pathFindings, { "core/utils/a.ts": "" }, ['core/utils/a.ts has the word "utils" in its path']],
    [pathFindings, { "core/path-helper.ts": "" }, ['core/path-helper.ts has the word "helper" in its path']],
    [
      bareKeyFindings,
      {
        "core/a.ts":
          "const key = 1;\nfunction f({ k, key }) {}\ng(([k, key = 2]) => {});\ninterface I {\n  key: string;\n}",
      },
      [1, 2, 3, 5].map((line) => `core/a.ts:${line} the word "key" needs another word: objectKey, publicKey, hostKey`),
    ],
    [unfinishedFindings, { "core/a.ts": "f();\n// TODO: g" }, ["core/a.ts:2 says TODO"]],
    [unfinishedFindings, { "core/a.ts": "/** FIXME */\nf();" }, ["core/a.ts:1 says FIXME"]],
    [fileLengthFindings, { "core/a.ts": "\n".repeat(400) }, ["core/a.ts has 401 lines, more than 400"]],
    [fileLengthFindings, { "test/a.test.ts": "\n".repeat(600) }, ["test/a.test.ts has 601 lines, more than 600"]],
    [fileLengthFindings, { "lambdas/a.ts": "\n".repeat(50) }, ["lambdas/a.ts has 51 lines, more than 50"]],
    [
      lineLengthFindings,
      { "core/a.ts": `f(); // ${"a b ".repeat(30)}` },
      ["core/a.ts:1 has 128 characters, more than 120"],
    ],
    [
      functionLengthFindings,
      { "core/a.ts": `const e = () => {};\nfunction g() {}\n${functionOf(71)}` },
      ["core/a.ts:3 a function has 71 lines, more than 70"],
    ],
    [
      functionLengthFindings,
      { "core/a.ts": functionOf(3), "core/b.ts": functionOf(13), "core/c.ts": functionOf(20) },
      ["the median function has 13 lines, more than 12"],
    ],
    [parameterFindings, { "core/a.ts": "function f(a, b, c, d, e) {}" }, ["core/a.ts:1 has 5 parameters, more than 4"]],
    [
      parameterFindings,
      { "core/a.ts": "type F = (a, b, c, d, e) => void;" },
      ["core/a.ts:1 has 5 parameters, more than 4"],
    ],
    [
      portFindings,
      { "ports/a.ts": `interface P { ${"m(): void; ".repeat(8)} readonly n: () => void; }` },
      ["ports/a.ts:1 has 9 methods, more than 8"],
    ],
    [
      typeEscapeFindings,
      { "core/a.ts": "f(x as any);\ng(y!);" },
      ["core/a.ts:1 uses any", "core/a.ts:2 uses the non-null !"],
    ],
    [exportFindings, { "core/a.ts": "export default f;" }, ["core/a.ts:1 has a default export"]],
    [exportFindings, { "core/a.ts": 'f();\nexport * from "./b.ts";' }, ["core/a.ts:2 re-exports a whole module"]],
    [
      exportFindings,
      { "core/index.ts": 'export { b } from "./b.ts";' },
      ["core/index.ts:1 does nothing but re-export"],
    ],
    [purityFindings, { "core/a.ts": "const t = Date.now();" }, ["core/a.ts:1 reads the clock"]],
    [purityFindings, { "core/a.ts": "const t = new Date();" }, ["core/a.ts:1 reads the clock"]],
    [purityFindings, { "core/a.ts": "const d = Math.random();" }, ["core/a.ts:1 rolls dice"]],
    [purityFindings, { "core/a.ts": "async function f() {}" }, ["core/a.ts:1 waits"]],
  ];

  for (const [findingsOf, files, expected] of violations) {
    it(`reports: ${expected.join("; ")}`, () => assert.deepEqual(findingsOf(planted(files)), expected));
  }

  it("lets pass what only looks like a violation", () => {
    const modules = planted({
      "core/base64.ts": "/** A key and a value. */\nexport const at = new Date(0);",
      "core/a.ts": 'import { RE2JS } from "re2js";\nimport type { B } from "./b.ts";\ntype T = Map<1, 2, 3, 4, 5>;',
      "protocols/sftp/a.ts":
        'import ssh2 from "ssh2/lib/x.js";\nserver({ key: hostKey });\nconst { key: hostKey } = x;',
      "adapters/local/a.ts": 'import "../node/b.ts";\nimport "@scope/package/file";\nf(now.key);',
      "test/a.ts": `const digest = "${"a".repeat(128)}";\n${functionOf(100)}`,
    });
    assert.deepEqual(
      Object.values(rules).flatMap((findingsOf) => findingsOf(modules)),
      [],
    );
  });

  it("names the file that it cannot read", () => {
    assert.throws(() => planted({ "core/a.ts": "const = 1;" }), /^SyntaxError: core\/a\.ts cannot be read$/);
  });
});
