import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import fc from "fast-check";
import { loadConfiguration } from "../../adapters/node/configuration/load-configuration.ts";
import { limits } from "../../core/limits.ts";
import { passwordHash, Workspace } from "./workspace.ts";

const workspace = new Workspace();
after(() => workspace[Symbol.dispose]());
workspace.write("clear.txt", "secret\n");
workspace.write("empty.txt", "\n");
workspace.write("hash.txt", `${passwordHash}\n`);

/** `=== what is wrong`, the file, `--->`, and what is said about it. */
const cases = readFileSync(new URL("problems.txt", import.meta.url), "utf8")
  .split(/^=== /m)
  .slice(1)
  .map((text) => {
    const [head = "", problems = ""] = text.split("--->\n");
    const end = head.indexOf("\n");
    return { mistake: head.slice(0, end), file: head.slice(end + 1), problems: problems.trimEnd().split("\n") };
  });

suite("each mistake is reported at its place", () => {
  for (const { mistake, file, problems } of cases) {
    test(mistake, () => assert.deepEqual(workspace.problemsOf(file, { HASH: passwordHash }), problems));
  }
});

test("an empty file is reported", () => {
  assert.deepEqual(workspace.problemsOf(""), ["1:1: expected a mapping, found nothing"]);
});

test("lines and columns are right behind a byte order mark and CRLF", () => {
  const expected = ['2:3: unknown key "acounts" — did you mean "accounts"?'];
  assert.deepEqual(workspace.problemsOf("\ufeff{ server: {},\r\n  acounts: [] }\r\n"), expected);
});

test("a file that cannot be read is reported at its beginning", () => {
  const missing = join(workspace.folder, "missing.yaml");
  const folder = join(workspace.folder, "folder.yaml");
  mkdirSync(folder);
  for (const [file, reason] of [
    [missing, `cannot read ${JSON.stringify(missing)}: there is no such file`],
    [folder, `${JSON.stringify(folder)} is a folder`],
  ] as const) {
    const { problems } = mustFail(file);
    assert.deepEqual(problems, [{ file, line: 1, column: 1, message: reason }]);
  }
  rmSync(folder, { recursive: true });
});

test("text that is not UTF-8 and files over the limit are refused", () => {
  assert.deepEqual(workspace.problemsOf(Uint8Array.of(0x61, 0xff)), ["1:1: the file is not UTF-8 text"]);
  const [problem, ...others] = workspace.problemsOf(`#${"x".repeat(limits.configurationBytes)}`);
  assert.match(problem ?? "", /^1:1: .* is over 10485760 bytes$/);
  assert.deepEqual(others, []);
});

test("lists nested without end are refused", () => {
  for (const text of ["[".repeat(5000), "[".repeat(5000) + "]".repeat(5000), "{a: ".repeat(5000)]) {
    assert.ok(
      workspace.problemsOf(text).some((problem) => problem.endsWith("lists and mappings are nested too deeply")),
    );
  }
});

test("more entries than the limits allow are refused", () => {
  const folders = Array.from({ length: limits.foldersPerAccount + 1 }, (_, index) => `/f${index}: f`).join(", ");
  const rules = Array.from({ length: limits.permissionRules + 1 }, () => '["/a", allow-read]').join(", ");
  for (const [text, problem] of [
    [`accounts: [{ name: a, folders: { ${folders} } }]`, "1:32: at most 100 virtual folders are possible"],
    [`groups: [{ name: a, permissions: [${rules}] }]`, "1:4035: the list has more than 200 rules"],
    [`alerts: [${"{}, ".repeat(limits.alertRules)}{}]`, "1:9: at most 1000 entries are possible"],
  ] as const) {
    assert.ok(workspace.problemsOf(text).includes(problem), `${problem} in ${workspace.problemsOf(text).at(0)}`);
  }
});

test("a password in clear text is in no message", () => {
  const texts = ["password: hunter2", "password: [hunter2]", "password: { file: hunter2, evn: x }", "pasword: hunter2"];
  for (const text of texts.filter((candidate) => !candidate.includes("file"))) {
    assert.doesNotMatch(workspace.problemsOf(`accounts:\n  - name: acme\n    ${text}\n`).join("\n"), /hunter2/);
  }
  assert.doesNotMatch(
    workspace.problemsOf('mail: { smtp: "ftp://u:hunter2@h", from: a@example.com }').join("\n"),
    /hunter2/,
  );
});

test("no text makes the loader throw", () => {
  const words = ["accounts:", "server:", "groups", "name", "permissions:", "sftp", "do:", "when", "file", "folders: "];
  const marks = [
    ": ",
    "- ",
    "\n",
    "\n  ",
    "\n    - ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "&a ",
    "*a",
    "!x ",
    "|",
    ">",
    "#",
    "'",
    '"',
  ];
  const values = [
    "acme",
    "true",
    "5",
    "~",
    "/inbox",
    "allow-read",
    "m/(/",
    "\u0000",
    "\ud800",
    "%YAML 1.1\n---\n",
    "? ",
  ];
  const part = fc.oneof(fc.constantFrom(...words, ...marks, ...values), fc.string({ unit: "binary", maxLength: 4 }));
  const text = fc.array(part, { maxLength: 40 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, (content) => {
      const file = workspace.write("random.yaml", content);
      const loaded = loadConfiguration(file, {});
      if (loaded.ok) return;
      assert.ok(loaded.problems.length > 0);
      const lineCount = content.split(/\r\n|\r|\n/).length;
      for (const { line, column, message } of loaded.problems) {
        assert.ok(line >= 1 && line <= lineCount && column >= 1 && message !== "", `${line}:${column}: ${message}`);
      }
    }),
    { numRuns: 500 },
  );
});

function mustFail(file: string) {
  const loaded = loadConfiguration(file, {});
  if (loaded.ok) throw new Error(`${file} was loaded`);
  return loaded;
}
