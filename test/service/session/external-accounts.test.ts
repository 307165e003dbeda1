import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Account } from "../../../core/account.ts";
import { ProvenCertificate, ProvenKey } from "../../../core/credential.ts";
import { FileError } from "../../../core/errors.ts";
import { type ExternalAccount, plainExternalAccount } from "../../../core/external-account.ts";
import { limits } from "../../../core/limits.ts";
import type { PermissionRule } from "../../../core/permission.ts";
import type { AuthenticationAnswer, AuthenticationQuestion } from "../../../ports/external-authentication.ts";
import type { VouchedAccount } from "../../../ports/vouched-accounts.ts";
import { ExternalAccounts, type ExternalAccountsOptions } from "../../../service/session/external-accounts.ts";
import { createMemoryPipeline, createMemoryRuntime, testAccount } from "../../support/memory-ports.ts";

const everything: PermissionRule = { expression: undefined, tokens: ["allow-full-control"], label: "group partners" };
const accepted = (changes: Partial<ExternalAccount> = {}): AuthenticationAnswer => ({
  verdict: "accepted",
  account: { ...plainExternalAccount, permissions: [["allow-full-control"]], ...changes },
});

/** A pipeline behind which another system answers `answer`. */
function rig(local: readonly Account[] = []) {
  const state = {
    answer: accepted() as AuthenticationAnswer,
    isAsked: true,
    groupEnabled: true,
    hasGroup: true,
    local: [...local],
    nowMs: Date.now(),
  };
  const questions: AuthenticationQuestion[] = [];
  const kept = new Map<string, VouchedAccount>();
  const system = {
    ask: async (question: AuthenticationQuestion) => {
      questions.push(question);
      return state.answer;
    },
  };
  const runtime = { ...createMemoryRuntime(), now: () => state.nowMs };
  const options: ExternalAccountsOptions = {
    local: { find: async (name) => state.local.find((account) => account.name === name) },
    source: () => (state.isAsked ? { system, defaultGroup: undefined } : undefined),
    group: (name) =>
      name === "partners" && state.hasGroup
        ? { name, enabled: state.groupEnabled, permissions: [everything] }
        : undefined,
    memory: { load: async () => [...kept.values()], keep: async (account) => void kept.set(account.name, account) },
    runtime,
  };
  const external = new ExternalAccounts(options);
  const pipeline = createMemoryPipeline([], { accounts: external, external, runtime });
  const disconnects: string[] = [];
  const connect = () =>
    pipeline.openSession({
      protocol: "sftp",
      peer: { address: "192.0.2.7", port: 40_000 },
      disconnect: (reason) => disconnects.push(reason),
    });
  return { ...pipeline, state, questions, connect, disconnects, external, options };
}

const login = { kind: "password", username: "kevin", password: "home-alone" } as const;

describe("a login with a name that is not on file", () => {
  it("is decided by the other system, which is asked with the credential", async () => {
    const { connect, questions } = rig();
    const session = connect();
    assert.equal(await session.authenticate(login), true);
    assert.deepEqual(questions, [
      {
        username: "kevin",
        kind: "password",
        content: "home-alone",
        peer: { address: "192.0.2.7", port: 40_000 },
        protocol: "sftp",
      },
    ]);
    await session.makeDirectory("/made");
  });

  it("has the account that the other system describes, its folders made", async () => {
    const { connect, state, services } = rig();
    state.answer = accepted({
      home: "/srv/kevin",
      folders: [{ path: "/shared", prefix: "all/shared" }],
      structure: ["/in/deep"],
      permissions: [["allow-list"], [`/\${USER}/*`, "allow-write"]],
    });
    const session = connect();
    assert.equal(await session.authenticate(login), true);
    for (const objectKey of ["srv/kevin/in/deep", "all/shared", "srv/kevin/kevin"]) {
      assert.equal((await services.objects.stat(objectKey))?.type, "directory", objectKey);
    }
    await assert.rejects(session.makeDirectory("/x"), { code: "permission-denied" });
    assert.deepEqual(session.account?.permissions[1]?.tokens, ["allow-write"]);
  });

  it("has the permissions of the group that the other system names, and the group on record", async () => {
    const { connect, state, services } = rig();
    state.answer = accepted({ permissions: [], group: "partners" });
    const session = connect();
    assert.equal(await session.authenticate(login), true);
    await session.makeDirectory("/x");
    assert.deepEqual(services.accounting.events.at(-1)?.account, { name: "kevin", groups: ["partners"] });
  });

  for (const [title, answer, reason, details] of [
    ["is unknown there too", { verdict: "unknown" }, "unknown-account", undefined],
    [
      "is refused there",
      { verdict: "refused", reason: "refused-externally", details: { code: 7 } },
      "refused-externally",
      { code: 7 },
    ],
    [
      "has a group there that does not exist here",
      accepted({ group: "nobodies" }),
      "external-account-unusable",
      { message: 'group: there is no group "nobodies"' },
    ],
    [
      "has a home there that leaves the store",
      accepted({ home: "../other" }),
      "external-account-unusable",
      { message: "home_folder_path: the prefix has an empty name, . or .. in it" },
    ],
  ] as const) {
    it(`is refused when it ${title}`, async () => {
      const { connect, state, services } = rig();
      state.answer = answer as AuthenticationAnswer;
      const session = connect();
      assert.equal(await session.authenticate(login), false);
      const { type, data } = services.accounting.events.at(-1) ?? {};
      assert.deepEqual([type, data?.reason, data?.external], ["authentication.failed", reason, details]);
      await assert.rejects(session.stat("/"), { code: "permission-denied" });
    });
  }

  it("is refused when the name cannot be a folder", async () => {
    for (const username of ["a/b", "..", "x".repeat(limits.accountNameLength + 1), ""]) {
      const { connect } = rig();
      assert.equal(await connect().authenticate({ ...login, username }), false, username);
    }
  });

  it("is refused when the group is out of force", async () => {
    const { connect, state } = rig();
    state.answer = accepted({ group: "partners" });
    state.groupEnabled = false;
    assert.equal(await connect().authenticate(login), false);
  });

  it("is possible with a key, and asks about a key that is only offered without logging anybody in", async () => {
    const { connect, questions, external } = rig();
    const session = connect();
    assert.equal(await session.publicKeyRefusal("kevin", "AAAA"), undefined);
    assert.equal(await external.find("kevin"), undefined);
    const provenKey = ProvenKey.prove({ algorithm: "ssh-ed25519", blob: "AAAA" }, () => true);
    assert.ok(provenKey);
    assert.equal(await session.authenticate({ kind: "public-key", username: "kevin", provenKey }), true);
    assert.deepEqual(
      questions.map(({ kind, content }) => [kind, content]),
      [
        ["public-key", "AAAA"],
        ["public-key", "AAAA"],
      ],
    );
  });

  it("is possible with a certificate of this name only", async () => {
    const certificate = { commonName: "kevin", sha256: "00", pem: "-----BEGIN CERTIFICATE-----" };
    const provenCertificate = ProvenCertificate.prove(certificate, () => true);
    assert.ok(provenCertificate);
    const { connect, questions } = rig();
    const credential = { kind: "client-certificate", username: "kevin", provenCertificate } as const;
    assert.equal(await connect().authenticate({ ...credential, username: "other" }), false);
    assert.equal(questions.length, 0);
    assert.equal(await connect().authenticate(credential), true);
    assert.equal(questions[0]?.content, certificate.pem);
  });

  it("asks again for every login: neither yes nor no is remembered for the next", async () => {
    const { connect, state, questions } = rig();
    assert.equal(await connect().authenticate(login), true);
    state.answer = { verdict: "unknown" };
    assert.equal(await connect().authenticate(login), false);
    state.answer = accepted();
    assert.equal(await connect().authenticate(login), true);
    assert.equal(questions.length, 3);
  });
});

describe("a name that is on file", () => {
  it("is never asked about elsewhere", async () => {
    const { connect, questions } = rig([testAccount({ name: "kevin" })]);
    const session = connect();
    assert.equal(await session.authenticate(login), false);
    assert.equal(await session.publicKeyRefusal("kevin", "AAAA"), "unknown-public-key");
    assert.equal(await session.authenticate({ ...login, password: "password" }), true);
    assert.deepEqual(questions, []);
  });
});

describe("a session of an account of another system", () => {
  async function live() {
    const parts = rig();
    parts.state.answer = accepted({ group: "partners", permissions: [] });
    const session = parts.connect();
    assert.equal(await session.authenticate(login), true);
    return { ...parts, session };
  }

  it("goes on through reviews, without questions", async () => {
    const { session, registry, disconnects, questions } = await live();
    await registry.review();
    await registry.review();
    assert.deepEqual(disconnects, []);
    assert.equal(questions.length, 1);
    await session.makeDirectory("/x");
  });

  it("is known to the next process, as is its group at that moment", async () => {
    const { options, state } = await live();
    const next = new ExternalAccounts(options);
    assert.equal(await next.find("kevin"), undefined);
    await next.restore();
    assert.deepEqual((await next.find("kevin"))?.groups[0]?.name, "partners");
    state.hasGroup = false;
    assert.equal(await next.find("kevin"), undefined);
  });

  it("begins though it cannot be remembered over a restart", async () => {
    const { options, state } = rig();
    const keep = () => Promise.reject(new FileError("unavailable", "no memory"));
    const external = new ExternalAccounts({ ...options, memory: { ...options.memory, keep } });
    state.answer = accepted();
    const peer = { address: "192.0.2.7", port: 1 };
    assert.equal((await external.authenticate(login, { peer, protocol: "sftp" })).ok, true);
    assert.equal((await external.find("kevin"))?.name, "kevin");
  });

  for (const [title, change] of [
    ["its group is out of force", () => ({ groupEnabled: false })],
    ["its group is gone", () => ({ hasGroup: false })],
    ["no other system is asked any more", () => ({ isAsked: false })],
    ["an account on file has its name", () => ({ local: [testAccount({ name: "kevin" })] })],
    ["its time is over", (nowMs) => ({ nowMs: nowMs + limits.externalAccountMs })],
  ] as readonly (readonly [string, (nowMs: number) => Partial<ReturnType<typeof rig>["state"]>])[]) {
    it(`ends with a review after ${title}`, async () => {
      const parts = await live();
      Object.assign(parts.state, change(parts.state.nowMs));
      await parts.registry.review();
      assert.equal(parts.disconnects.length, 1);
      await assert.rejects(parts.session.stat("/"), { code: "unavailable" });
    });
  }
});
