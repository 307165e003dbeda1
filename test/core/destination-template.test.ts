import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseDestinationTemplate, parseNameTemplate, resolveTemplate } from "../../core/destination-template.ts";
import { FileError } from "../../core/errors.ts";
import { parseVirtualPath, type VirtualPath } from "../../core/virtual-path.ts";

const values = {
  accountName: "acme",
  path: parseVirtualPath("/inbox/Report 7.tar.gz"),
  time: "2026-11-22T09:08:07.065Z",
  captures: ["42", "a/b", "..", ""],
};

function resolved(template: string, path: VirtualPath = values.path): string {
  return resolveTemplate(parseDestinationTemplate(template, 4), { ...values, path });
}

describe("a destination", () => {
  const meanings: readonly (readonly [string, string])[] = [
    ["/outbox/", "/outbox/Report 7.tar.gz"],
    ["/outbox", "/outbox"],
    ["/", "/Report 7.tar.gz"],
    ["/{account.name}/", "/acme/Report 7.tar.gz"],
    ["/out/{file.name}", "/out/Report 7.tar.gz"],
    ["/out/{file.stem}_{1}.{file.extension}", "/out/Report 7.tar_42.gz"],
    ["/{time:yyyy/MM}/{time:dd}/", "/2026/11/22/Report 7.tar.gz"],
    ["/{time:yyyyMMdd-HHmmss.SSS}.x", "/20261122-090807.065.x"],
    ["/a/./b//c/../", "/a/b/Report 7.tar.gz"],
    ["/a/{1}/../b", "/a/b"],
    ["/../../x", "/x"],
    ["/x{4}y", "/xy"],
  ];
  for (const [template, path] of meanings) {
    it(`${template} means ${path}`, () => assert.equal(resolved(template), path));
  }

  it("knows the parts of names with and without an extension", () => {
    for (const [name, stem, extension] of [
      ["a.pdf", "a", "pdf"],
      [".profile", ".profile", ""],
      ["README", "README", ""],
      ["a.", "a", ""],
    ] as const) {
      assert.equal(resolved("/{file.stem}|{file.extension}|", parseVirtualPath(`/${name}`)), `/${stem}|${extension}|`);
    }
  });

  for (const template of ["/out/{2}", "/out/{3}", "/out/{4}", "/{3}/x", "/x/{2}.pdf"]) {
    it(`${template} refuses values that lead out of its folder`, () => {
      assert.throws(() => resolved(template), { name: "FileError", code: "invalid-path" });
    });
  }

  const mistakes: readonly (readonly [string, RegExp])[] = [
    ["outbox/", /begins with \//],
    ["/{file.nam}", /\{file\.nam\} stands for nothing/],
    ["/{}", /\{\} stands for nothing/],
    ["/{toString}", /stands for nothing/],
    ["/{0}", /stands for nothing/],
    ["/{5}", /has 4 groups/],
    ["/{time:}", /lacks a form/],
    ["/{time:yyyy-mm-DD}", /D is no part of a time/],
    ["/a}b", /the \} belongs to no variable/],
    ["/{a{b}}", /the \{ belongs to no variable/],
    ["/a\u0007", /control character/],
    [`/${"x".repeat(256)}`, /over 255 bytes/],
  ];
  for (const [template, message] of mistakes) {
    it(`${JSON.stringify(template.slice(0, 20))} is refused with a reason`, () => {
      assert.throws(() => parseDestinationTemplate(template, 4), { name: "FileError", message });
    });
  }

  it("in the form of a new name is one name", () => {
    const template = parseNameTemplate("{file.stem}.done", 0);
    assert.equal(resolveTemplate(template, values, "/inbox"), "/inbox/Report 7.tar.done");
    for (const name of ["a/b", "/a", "a/", "..", "", "{time:yyyy/MM}"]) {
      assert.throws(() => parseNameTemplate(name, 0), { name: "FileError", code: "invalid-argument" }, name);
    }
  });
});

describe("whatever a client calls its files", () => {
  const awkward = fc.oneof(
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.constantFrom("..", ".", "", "/", "../..", "a/../b", "\0", "%2e%2e", "..\\", "{1}", "a\nb", "/etc/passwd"),
  );
  const pieces = fc.constantFrom("{1}", "{2}", "{file.name}", "{file.stem}", "{account.name}", "-", "x", ".");

  it("a template stays in the folder that its text names, with as many folders as it has", () => {
    fc.assert(
      fc.property(fc.array(pieces, { minLength: 1, maxLength: 4 }), awkward, awkward, (name, first, second) => {
        const source = `/fixed/${name.join("")}/end.txt`;
        const template = parseDestinationTemplate(source, 2);
        try {
          const path = resolveTemplate(template, { ...values, captures: [first, second] });
          const literal = /^[.-]*$/.test(source.split("/")[2] ?? "");
          assert.match(path, literal ? /^\// : /^\/fixed\/[^/]+\/end\.txt$/u);
          assert.ok(!path.split("/").includes(".."));
        } catch (error) {
          assert.ok(error instanceof FileError && error.code === "invalid-path", `${error}`);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("reading a template gives a template or a reason, never anything else", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("/", "{", "}", ".", "1", "time:", "yyyy", "file.name", "x") }),
        (text) => {
          try {
            parseDestinationTemplate(`/${text}`, 1);
          } catch (error) {
            assert.ok(error instanceof FileError, `${error}`);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
