import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Account } from "../../../core/account.ts";
import { ProvenKey } from "../../../core/credential.ts";
import { compileExpression } from "../../../core/expression.ts";
import { limits } from "../../../core/limits.ts";
import type { PermissionRule, PermissionToken } from "../../../core/permission.ts";
import type { NamedEntry } from "../../../ports/object-store.ts";
import { createMemoryObjectStore } from "../../support/memory-object-store.ts";
import { createMemoryPipeline, testAccount } from "../../support/memory-ports.ts";
import { loggedIn } from "../../support/session.ts";

const rule = (expression: string | undefined, ...tokens: PermissionToken[]): PermissionRule => ({
  expression: expression === undefined ? undefined : compileExpression(expression),
  tokens,
  label: `rule ${expression}`,
});

const publicKey = { algorithm: "ssh-ed25519", blob: "AAAA", comment: "" };

function connected(accounts: Account[]) {
  const pipeline = createMemoryPipeline(accounts);
  const peer = { address: "192.0.2.7", port: 40_000 };
  return { ...pipeline, session: pipeline.openSession({ protocol: "sftp", peer, disconnect: () => {} }) };
}

describe("Session.authenticate", () => {
  it("says that an account has too many sessions, and does not take it for a wrong password", async () => {
    const { openSession, services } = createMemoryPipeline();
    const connection = { protocol: "sftp", peer: { address: "192.0.2.7", port: 1 }, disconnect: () => {} } as const;
    const open = () =>
      openSession(connection).authenticate({ kind: "password", username: "tester", password: "password" });
    for (let count = 0; count < limits.sessionsPerAccount; count += 1) assert.equal(await open(), true);
    await assert.rejects(open(), { code: "unavailable" });
    assert.equal(services.accounting.events.at(-1)?.data.reason, "too-many-sessions");
  });

  const login = { kind: "password", username: "tester", password: "password" } as const;
  const proven = ProvenKey.prove(publicKey, () => true);
  assert.ok(proven);

  for (const [title, account, credential, reason] of [
    ["an unknown name", testAccount({ name: "other" }), login, "unknown-account"],
    ["a wrong password", testAccount(), { ...login, password: "no" }, "wrong-password"],
    ["an account without a password", testAccount({ passwordHash: undefined }), login, "wrong-password"],
    ["a disabled account", testAccount({ enabled: false }), login, "account-disabled"],
    ["an expired account", testAccount({ expiresAtMs: 1 }), login, "account-expired"],
    ["another address", testAccount({ sources: ["198.51.100.0/24"] }), login, "source-refused"],
    [
      "a key that is not on file",
      testAccount(),
      { kind: "public-key", username: "tester", provenKey: proven },
      "unknown-public-key",
    ],
  ] as const) {
    it(`refuses ${title} and says why in the record only`, async () => {
      const { session, services } = connected([account]);
      assert.equal(await session.authenticate(credential), false);
      const event = services.accounting.events.at(-1);
      assert.deepEqual(
        [event?.type, event?.data.reason, event?.account?.name],
        ["authentication.failed", reason, "tester"],
      );
      await assert.rejects(session.stat("/"), { code: "permission-denied" });
    });
  }

  it("accepts a proven key that is on file", async () => {
    const { session } = connected([testAccount({ publicKeys: [publicKey] })]);
    assert.equal(await session.authenticate({ kind: "public-key", username: "tester", provenKey: proven }), true);
  });

  it("leaves no trace of a key that was only offered", async () => {
    const { session, services } = connected([testAccount({ publicKeys: [publicKey] })]);
    assert.equal(await session.publicKeyRefusal("tester", "AAAA"), undefined);
    assert.equal(await session.publicKeyRefusal("tester", "BBBB"), "unknown-public-key");
    assert.equal(await session.publicKeyRefusal("nobody", "AAAA"), "unknown-account");
    assert.equal(session.account, undefined);
    assert.deepEqual(
      services.accounting.events.map(({ type }) => type),
      ["session.started"],
    );
  });

  it("makes no proven key from a signature that does not verify", () => {
    assert.equal(
      ProvenKey.prove(publicKey, () => false),
      undefined,
    );
  });

  it("makes the folders that rules name", async () => {
    const permissions = [
      rule(undefined, "allow-list"),
      rule("/inbox/*", "allow-write"),
      rule("/no/*", "deny-full-control"),
    ];
    const { session } = await loggedIn([testAccount({ permissions })]);
    const page = await (await session.list("/")).next();
    assert.deepEqual(
      page?.map(({ name }) => name),
      ["inbox"],
    );
  });
});

describe("Session", () => {
  it("records a refusal with its rule and does nothing", async () => {
    const { session, services } = await loggedIn([testAccount({ permissions: [rule("/in/*", "allow-write")] })]);
    await assert.rejects(session.makeDirectory("/in/../out"), { code: "permission-denied", rule: "no rule matched" });
    await assert.rejects(session.download("/in/x"), { code: "permission-denied", rule: "rule /in/*" });
    const denied = services.accounting.events.filter(({ type }) => type === "access.denied");
    assert.deepEqual(
      denied.map(({ data }) => [data.path, data.action]),
      [
        ["/out", "create-folder"],
        ["/in/x", "read"],
      ],
    );
  });

  it("asks for rename at both ends", async () => {
    const permissions = [rule("/a*", "allow-full-control"), rule("/b*", "allow-write"), rule(undefined, "allow-list")];
    const { session } = await loggedIn([testAccount({ permissions })]);
    const upload = await session.upload("/a1", { mode: "replace" });
    await upload.commit();
    await assert.rejects(session.rename("/a1", "/b1", { overwrite: false }), {
      code: "permission-denied",
      rule: "rule /b*",
    });
    await session.rename("/a1", "/a2", { overwrite: false });
  });

  it("shows only folders to those who may only traverse", async () => {
    const all = testAccount({ name: "all", home: "shared" });
    const passer = testAccount({ name: "passer", home: "shared", permissions: [rule(undefined, "allow-traverse")] });
    const { openSession, session } = await loggedIn([all, passer]);
    await session.makeDirectory("/folder");
    await (await session.upload("/file", { mode: "replace" })).commit();
    const peer = { address: "192.0.2.8", port: 1 };
    const second = openSession({ protocol: "sftp", peer, disconnect: () => {} });
    await second.authenticate({ kind: "password", username: "passer", password: "password" });
    const page = await (await second.list("/")).next();
    assert.deepEqual(
      page?.map(({ name }) => name),
      ["folder"],
    );
    assert.equal((await second.stat("/folder")).type, "directory");
    await assert.rejects(second.stat("/file"), { code: "permission-denied" });
    await assert.rejects(second.stat("/missing"), { code: "permission-denied" });
  });

  it("shows virtual folders beside the home and lets nobody touch them", async () => {
    const folders = [
      { path: "/shared", prefix: "common" },
      { path: "/deep/er", prefix: "deep" },
    ];
    const { session } = await loggedIn([testAccount({ folders })]);
    await (await session.upload("/shared/a", { mode: "replace" })).commit();
    await (await session.upload("/deep/er/b", { mode: "replace" })).commit();
    const names = (await (await session.list("/")).next())?.map(({ name }) => name);
    assert.deepEqual(names, ["deep", "shared"]);
    assert.equal((await session.stat("/deep")).type, "directory");
    for (const path of ["/", "/shared", "/deep", "/deep/er"]) {
      await assert.rejects(session.removeDirectory(path), { code: "permission-denied" });
      await assert.rejects(session.rename(path, "/elsewhere", { overwrite: true }), { code: "permission-denied" });
      await assert.rejects(session.upload(path, { mode: "replace" }), { code: "not-a-file" });
    }
  });

  it("shows the time of what a virtual folder stands for, and of the first below one without", async () => {
    const modified: Readonly<Record<string, number>> = { common: 1_000, deep: 2_000 };
    const objects = createMemoryObjectStore();
    const stat = async (objectKey: string) => {
      const modifiedAtMs = modified[objectKey];
      if (modifiedAtMs === undefined) return objects.stat(objectKey);
      return { type: "directory", size: 0, modifiedAtMs, etag: "" } as const;
    };
    const folders = [
      { path: "/shared", prefix: "common" },
      { path: "/deep/er", prefix: "deep" },
    ];
    const { session } = await loggedIn([testAccount({ folders })], { objects: { ...objects, stat } });
    const times = (entries: readonly NamedEntry[] = []) =>
      Object.fromEntries(entries.map(({ name, modifiedAtMs }) => [name, modifiedAtMs]));
    const expected = { deep: 2_000, shared: 1_000 };
    assert.deepEqual(times((await session.listPage("/", { limit: 10 })).entries), expected);
    assert.deepEqual(times(await (await session.list("/")).next()), expected);
    assert.equal((await session.stat("/deep")).modifiedAtMs, 2_000);
  });

  it("aborts what is open when it ends and works no more", async () => {
    const { session, services, types } = await loggedIn();
    const upload = await session.upload("/half", { mode: "replace" });
    await upload.append(new Uint8Array(10));
    await session.end("lost-carrier");
    assert.deepEqual(types().slice(-2), ["transfer.aborted", "session.ended"]);
    assert.deepEqual(await services.objects.stagedUploads(), []);
    await assert.rejects(session.stat("/"), { code: "unavailable" });
  });
});

describe("SessionRegistry.review", () => {
  for (const [title, changes, cause] of [
    ["disabled", { enabled: false }, "admin-reset"],
    ["expired", { expiresAtMs: 1 }, "session-timeout"],
    ["bound to another address", { sources: ["198.51.100.1"] }, "admin-reset"],
  ] as const) {
    it(`ends the sessions of an account that is ${title}`, async () => {
      const accounts = [testAccount()];
      const { registry, services, disconnects } = await loggedIn(accounts);
      await registry.review();
      assert.equal(registry.count, 1);
      accounts[0] = testAccount(changes);
      await registry.review();
      assert.equal(registry.count, 0);
      assert.equal(services.accounting.events.at(-1)?.data.cause, cause);
      assert.equal(disconnects.length, 1);
    });
  }

  it("puts changed permissions in force for a session that goes on", async () => {
    const accounts = [testAccount()];
    const { registry, session } = await loggedIn(accounts);
    accounts[0] = testAccount({ permissions: [] });
    await registry.review();
    await assert.rejects(session.list("/"), { code: "permission-denied" });
  });
});
