import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { pathSearch } from "../../core/path-search.ts";

describe("the search for a path", () => {
  const paths = ["/d", "/d/a.pdf", "/d/b/c.pdf", "/d/b/c.txt", "/D/a.pdf", "/d2/a", "/d/*"];
  const found = (search: string) => paths.filter(pathSearch(search));

  it("takes * for any characters", () => {
    assert.deepEqual(found("/d/*"), ["/d/a.pdf", "/d/b/c.pdf", "/d/b/c.txt", "/d/*"]);
    assert.deepEqual(found("/*.pdf"), ["/d/a.pdf", "/d/b/c.pdf", "/D/a.pdf"]);
    assert.deepEqual(found("/d*a*"), ["/d/a.pdf", "/d2/a"]);
    assert.deepEqual(found("/d*/b/"), ["/d/b/c.pdf", "/d/b/c.txt"]);
    assert.deepEqual(found("/d2*/b/"), []);
    assert.deepEqual(found("/*"), paths);
  });

  it("takes everything else for itself", () => {
    assert.deepEqual(found("/d"), ["/d"]);
    assert.deepEqual(found("/d/?.pdf"), []);
    assert.deepEqual(found("/d/[a].pdf"), []);
    assert.deepEqual(found("/d/b/"), ["/d/b/c.pdf", "/d/b/c.txt"]);
  });

  it("finds what a regular expression finds", () => {
    const text = fc.string({ unit: fc.constantFrom("/", "a", "b", "*", "?"), maxLength: 8 });
    fc.assert(
      fc.property(text, text, (search, path) => {
        const source = search.replaceAll("?", "\\?").replaceAll("*", ".*") + (search.endsWith("/") ? ".*" : "");
        const isMeant = new RegExp(`^${source}$`, "s").test(path) && !(search.endsWith("/") && path === search);
        assert.equal(pathSearch(search)(path), isMeant);
      }),
    );
  });
});
