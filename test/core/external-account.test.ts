import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  buildExternalAccount,
  type ExternalAccount,
  ExternalAccountError,
  parseExternalAccount,
  plainExternalAccount,
} from "../../core/external-account.ts";

describe("an account in another system's words", () => {
  for (const [account, message] of [
    [undefined, "account is not an object"],
    [{ homefolder: "/x" }, 'account has the unknown member "homefolder"'],
    [{ group: 1 }, "group is not text"],
    [{ uuid: {} }, "uuid is not text"],
    [{ create_home_folder: "yes" }, "create_home_folder is not true or false"],
    [{ virtual_folders: [["/a"]] }, "virtual_folders is not a list of pairs of texts"],
    [{ virtual_folders: { "/a": "b" } }, "virtual_folders is not a list of lists"],
    [{ home_folder_structure: "a" }, "home_folder_structure is not a list of texts"],
    [{ permissions: ["allow-read"] }, "permissions is not a list of texts"],
  ] as const) {
    it(`is refused for ${JSON.stringify(account)}`, () => {
      assert.throws(() => parseExternalAccount({ account }), { name: "ExternalAccountError", message });
    });
  }

  it("is refused with anything beside the account", () => {
    assert.throws(() => parseExternalAccount({ account: {}, roles: ["admin"] }), {
      message: 'the answer has the unknown member "roles"',
    });
  });

  it("may have every member null or missing", () => {
    assert.deepEqual(JSON.parse(JSON.stringify(parseExternalAccount({ account: {} }))), plainExternalAccount);
    const nulls = { group: null, home_folder_path: null, virtual_folders: null, permissions: null, uuid: null };
    assert.deepEqual(parseExternalAccount({ account: nulls }), parseExternalAccount({ account: {} }));
  });

  it("is an account or an error in words, whatever the answer", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (answer, account) => {
        for (const said of [answer, { account }]) {
          try {
            parseExternalAccount(said);
          } catch (error) {
            assert.ok(error instanceof ExternalAccountError);
          }
        }
      }),
    );
  });
});

describe("the account that is built of it", () => {
  const build = (changes: Partial<ExternalAccount>, name = "kevin") =>
    buildExternalAccount(name, { ...plainExternalAccount, ...changes }, { group: () => undefined, expiresAtMs: 1 });

  it("has neither roles nor credentials, and its name as its home", () => {
    const { home, roles, passwordHash, publicKeys, external } = build({});
    assert.deepEqual(
      { home, roles, passwordHash, publicKeys, external },
      {
        home: "kevin",
        roles: [],
        passwordHash: undefined,
        publicKeys: [],
        external: true,
      },
    );
  });

  for (const [title, changes, message] of [
    ["a home outside", { home: "/srv/../../etc" }, /^home_folder_path: /],
    ["a folder outside", { folders: [{ path: "/a", prefix: "../b" }] }, /^virtual_folders: /],
    ["the root as a folder", { folders: [{ path: "/", prefix: "b" }] }, /^virtual_folders: /],
    ["a token that does not exist", { permissions: [["allow-all"]] }, /^permissions: /],
    ["a group that does not exist", { group: "x" }, /^group: there is no group "x"$/],
    ["a NUL in a folder", { structure: ["a\0b"] }, /^home_folder_structure: /],
  ] as const) {
    it(`is refused for ${title}`, () => assert.throws(() => build(changes), { name: "ExternalAccountError", message }));
  }

  it("stays in the store, whatever is said", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, home) => {
        try {
          const account = build({ home: home || undefined }, name);
          assert.ok(account.home.split("/").every((segment) => segment !== ".." && segment !== "."));
        } catch (error) {
          assert.ok(error instanceof ExternalAccountError);
        }
      }),
    );
  });
});
