import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FileError } from "../../core/errors.ts";
import { FolderMap, FolderMapError, parseStorePrefix } from "../../core/folder-map.ts";
import { childPath, parentOf, parseVirtualPath, rootPath, type VirtualPath } from "../../core/virtual-path.ts";

function mapOf(home: string, folders: Readonly<Record<string, string>> = {}): FolderMap {
  return new FolderMap({ home, folders: Object.entries(folders).map(([path, prefix]) => ({ path, prefix })) });
}

const path = (text: string): VirtualPath => parseVirtualPath(text);

test("a path lies in the innermost virtual folder around it, or else in the home", () => {
  const map = mapOf("acme", { "/share": "common", "/share/in/deep": "other/place", "/all": "" });
  const rows: readonly (readonly [string, string])[] = [
    ["/", "acme"],
    ["/a/b", "acme/a/b"],
    ["/share", "common"],
    ["/share/a", "common/a"],
    ["/share2", "acme/share2"],
    ["/Share/a", "acme/Share/a"],
    ["/share/in", "common/in"],
    ["/share/in/deeper", "common/in/deeper"],
    ["/share/in/deep", "other/place"],
    ["/share/in/deep/a", "other/place/a"],
    ["/all", ""],
    ["/all/a/b", "a/b"],
    ["/x/share/a", "acme/x/share/a"],
  ];
  for (const [virtual, objectKey] of rows) assert.equal(map.objectKeyFor(path(virtual)), objectKey, virtual);
  assert.equal(mapOf("").objectKeyFor(rootPath), "");
  assert.equal(mapOf("").objectKeyFor(path("/a/b")), "a/b");
});

test("virtual folders and the folders on the way to them appear in listings", () => {
  const map = mapOf("acme", { "/b/c/d": "1", "/b/a": "2", "/shared": "3", "/b/c": "4" });
  assert.deepEqual(map.virtualEntriesOf(rootPath), ["b", "shared"]);
  assert.deepEqual(map.virtualEntriesOf(path("/b")), ["a", "c"]);
  assert.deepEqual(map.virtualEntriesOf(path("/b/c")), ["d"]);
  assert.deepEqual(map.virtualEntriesOf(path("/b/c/d")), []);
  assert.deepEqual(map.virtualEntriesOf(path("/other")), []);
});

test("what the configuration makes exist is told from what the store holds", () => {
  const map = mapOf("acme", { "/x/y/z": "1", "/x/y/z/v/w": "2" });
  const rows: readonly (readonly [string, boolean, boolean])[] = [
    ["/", true, false],
    ["/x", true, true],
    ["/x/y", true, true],
    ["/x/y/z", true, false],
    ["/x/y/z/v", true, true],
    ["/x/y/z/v/w", true, false],
    ["/x/y/z/v/w/u", false, false],
    ["/x/yy", false, false],
    ["/a", false, false],
  ];
  for (const [virtual, isRoot, isSynthetic] of rows) {
    assert.equal(map.isVirtualRoot(path(virtual)), isRoot, virtual);
    assert.equal(map.isSynthetic(path(virtual)), isSynthetic, virtual);
  }
  assert.equal(mapOf("acme").isVirtualRoot(rootPath), true);
});

test("the places to provision are the home and the prefixes, each once", () => {
  assert.deepEqual(mapOf("acme", { "/a": "x/y", "/b": "x/y", "/c": "" }).provisionedKeys(), ["acme", "x/y"]);
  assert.deepEqual(mapOf("").provisionedKeys(), []);
});

test("folders are read as paths: slashes and dots do not matter", () => {
  const map = mapOf("/acme/", { "shared/": "/common/", "/a/../b": "b" });
  assert.equal(map.objectKeyFor(path("/x")), "acme/x");
  assert.equal(map.objectKeyFor(path("/shared/x")), "common/x");
  assert.equal(map.objectKeyFor(path("/b/x")), "b/x");
});

test("a folder that cannot be used is named", () => {
  const rows: readonly (readonly [string, Readonly<Record<string, string>>, string | undefined, RegExp])[] = [
    ["a/../b", {}, undefined, /empty name/],
    ["acme", { "/": "x" }, "/", /root cannot be a virtual folder/],
    ["acme", { "/..": "x" }, "/..", /root cannot be a virtual folder/],
    ["acme", { "/a": "x", "/a/": "y" }, "/a/", /\/a is a virtual folder already/],
    ["acme", { "/a": "../x" }, "/a", /empty name/],
    ["acme", { "/a\n": "x" }, "/a\n", /control character/],
  ];
  for (const [home, folders, folder, message] of rows) {
    assert.throws(
      () => mapOf(home, folders),
      (error) => error instanceof FolderMapError && error.folder === folder && message.test(error.message),
    );
  }
});

test("an objectKey over 1,024 bytes is refused", () => {
  const home = ["h".repeat(200), "h".repeat(200), "h".repeat(200)].join("/");
  const names = (bytes: number) => `/${"é".repeat(100)}/${"n".repeat(bytes - 201)}`;
  const map = mapOf(home);
  assert.equal(new TextEncoder().encode(map.objectKeyFor(path(names(421)))).length, 1024);
  assert.throws(() => map.objectKeyFor(path(names(422))), { name: "FileError", code: "invalid-path" });
});

test("what lies in the store is seen at a path that leads there, or not at all", () => {
  const map = mapOf("acme", { "/share": "common", "/share/in/deep": "other/place", "/in": "elsewhere" });
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["acme/a/b", "/a/b"],
    ["acme/in/a", undefined],
    ["common/a", "/share/a"],
    ["common/in/deep/a", undefined],
    ["other/place/a", "/share/in/deep/a"],
    ["other/a", undefined],
    ["acme//a", undefined],
  ];
  for (const [objectKey, seen] of rows) assert.equal(map.pathOf(objectKey), seen, objectKey);
  assert.equal(mapOf("", { "/all": "acme" }).pathOf("acme/a"), "/all/a");
});

test("the server's own folder is no home and at no path", () => {
  for (const text of [".ferrygate", "/.ferrygate/quarantine"]) {
    assert.throws(() => parseStorePrefix(text), /server's own folder/);
    assert.throws(() => mapOf("acme", { "/q": text }), FolderMapError);
    assert.throws(() => mapOf("").objectKeyFor(path(text)), { code: "invalid-path" });
  }
  assert.equal(mapOf("").objectKeyFor(path("/.ferrygate-other")), ".ferrygate-other");
  assert.equal(mapOf("acme").objectKeyFor(path("/.ferrygate")), "acme/.ferrygate");
});

test("a prefix is names joined by slashes", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["", ""],
    ["/", ""],
    ["acme", "acme"],
    ["/acme/", "acme"],
    ["a/b c/é", "a/b c/é"],
    ["...", "..."],
  ];
  for (const [text, prefix] of rows) assert.equal(parseStorePrefix(text), prefix, text);
  const refused = [
    ".",
    "..",
    "a/..",
    "../a",
    "a/./b",
    "a//b",
    "//a",
    "a//",
    "a\0",
    "\ud800",
    "x".repeat(256),
    "a/".repeat(65),
  ];
  for (const text of refused) {
    assert.throws(() => parseStorePrefix(text), { name: "FileError", code: "invalid-path" }, text);
  }
});

const name = fc.constantFrom("a", "b", "c", "aa");
const folderPath = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join("/")}`);
const folders = fc.uniqueArray(fc.record({ path: folderPath, prefix: folderPath }), {
  maxLength: 5,
  selector: (folder) => folder.path,
});
const rawPath = fc
  .array(fc.oneof(name, fc.constantFrom("..", ".", "", "é")), { maxLength: 6 })
  .map((names) => names.join("/"));

test("no path leaves the home or the prefix of its virtual folder", () => {
  fc.assert(
    fc.property(folderPath, folders, rawPath, (home, configured, raw) => {
      const map = new FolderMap({ home, folders: configured });
      const virtual = parseVirtualPath(raw);
      const objectKey = map.objectKeyFor(virtual);
      // The oracle: of all folders around the path, the one that is written longest.
      const [around] = configured
        .filter((folder) => `${virtual}/`.startsWith(`${folder.path}/`))
        .sort((one, other) => other.path.length - one.path.length);
      const prefix = (around?.prefix ?? home).slice(1);
      const below = around ? virtual.slice(around.path.length) : virtual === rootPath ? "" : virtual;
      assert.equal(objectKey, prefix + below);
      assert.ok(objectKey === prefix || objectKey.startsWith(`${prefix}/`));
      for (const segment of objectKey.split("/")) assert.ok(!["", ".", ".."].includes(segment));
    }),
    { numRuns: 1000 },
  );
});

test("walking down what the configuration shows reaches every virtual folder and nothing else", () => {
  fc.assert(
    fc.property(folders, (configured) => {
      const map = new FolderMap({ home: "home", folders: configured });
      const seen = new Set<string>();
      const visit = (folder: VirtualPath): void => {
        seen.add(folder);
        assert.ok(map.isVirtualRoot(folder));
        for (const entry of map.virtualEntriesOf(folder)) visit(childPath(folder, entry));
      };
      visit(rootPath);
      const expected = new Set<string>(["/"]);
      for (const { path: text } of configured) {
        for (let at = parseVirtualPath(text); at !== rootPath; at = parentOf(at)) expected.add(at);
      }
      assert.deepEqual(seen, expected);
      for (const at of seen) {
        const isConfigured = at === "/" || configured.some((folder) => folder.path === at);
        assert.equal(map.isSynthetic(parseVirtualPath(at)), !isConfigured);
      }
    }),
    { numRuns: 500 },
  );
});

test("whatever the text, a prefix is read without dots or refused", () => {
  const fragment = fc.constantFrom("/", ".", "..", "a", "é", "\0", " ", "\\");
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 10 }), (parts) => {
      try {
        const prefix = parseStorePrefix(parts.join(""));
        assert.equal(parseStorePrefix(prefix), prefix);
        if (prefix !== "") for (const segment of prefix.split("/")) assert.ok(!["", ".", ".."].includes(segment));
      } catch (error) {
        assert.ok(error instanceof FileError && error.code === "invalid-path", `${error}`);
      }
    }),
    { numRuns: 1000 },
  );
});
