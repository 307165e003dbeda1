import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AuthenticationCall,
  type AuthenticationCallAnswer,
  fromCalledAccount,
} from "../../adapters/aws/authentication-call.ts";
import { decide, parsePermissionRules } from "../../core/permission.ts";
import { parseVirtualPath } from "../../core/virtual-path.ts";
import { answerCall } from "../../lambdas/services/answer-call.ts";
import { createMemoryServices, testAccount } from "../support/memory-ports.ts";

const rules = (name: string, ...list: readonly (readonly string[])[]) =>
  parsePermissionRules(list, { owner: name, accountName: "acme" });

const account = testAccount({
  name: "acme",
  publicKeys: [{ algorithm: "ssh-ed25519", blob: "AAAA", comment: "acme" }],
  groups: [
    { name: "partners", enabled: true, permissions: rules("group partners", [`/home/\${USER}/*`, "allow-read"]) },
  ],
  permissions: rules("account acme", ["m/\\.pdf$/i", "allow-write"], ["allow-list"]),
  sources: ["203.0.113.0/24"],
  expiresAtMs: Date.now() + 60_000,
  folders: [{ path: "/shared", prefix: "shared" }],
});

const client = { v: 1, username: "acme", protocol: "sftp", peer: { address: "203.0.113.7", port: 50_123 } } as const;
const password = { kind: "password", password: "password" } as const;
const provenKey = { algorithm: "ssh-ed25519", blob: "AAAA" };

/** Over the wire, as a function is called. */
async function ask(call: AuthenticationCall): Promise<AuthenticationCallAnswer> {
  const services = createMemoryServices([account]);
  return JSON.parse(JSON.stringify(await answerCall(services, JSON.parse(JSON.stringify(call)))));
}

test("a login is decided as everywhere, by password, key and certificate", async () => {
  const login = async (changes: Partial<Extract<AuthenticationCall, { ask: "login" }>>) => {
    const answer = await ask({ ...client, ask: "login", credential: password, ...changes });
    return answer.ok ? "ok" : answer.reason;
  };
  const certificate = { commonName: "acme", sha256: "", pem: "" };
  assert.equal(await login({}), "ok");
  assert.equal(await login({ credential: { kind: "public-key", provenKey } }), "ok");
  assert.equal(await login({ credential: { kind: "client-certificate", provenCertificate: certificate } }), "ok");
  assert.equal(await login({ credential: { kind: "password", password: "wrong" } }), "wrong-password");
  assert.equal(
    await login({ credential: { kind: "public-key", provenKey: { ...provenKey, blob: "BBBB" } } }),
    "unknown-public-key",
  );
  assert.equal(await login({ username: "stranger" }), "unknown-account");
  assert.equal(await login({ peer: { address: "198.51.100.1", port: 1 } }), "source-refused");
});

test("the account that comes back decides as the one on file, and holds no secret", async () => {
  const answer = await ask({ ...client, ask: "login", credential: password });
  assert.ok(answer.ok && answer.account);
  assert.doesNotMatch(JSON.stringify(answer), /argon2|AAAA/);
  const known = fromCalledAccount(answer.account);
  assert.deepEqual(
    { ...known, permissions: [], groups: [] },
    { ...account, passwordHash: undefined, publicKeys: [], scan: undefined, permissions: [], groups: [] },
  );
  for (const path of ["/a.PDF", "/home/acme/a", "/home/other/a", "/a"]) {
    for (const action of ["read", "write", "list"] as const) {
      const request = { accountName: "acme", action, path: parseVirtualPath(path) };
      const decisions = [account, known].map(({ permissions, groups }) =>
        decide(request, { account: permissions, groups: groups.map((group) => group.permissions) }),
      );
      assert.deepEqual(decisions[0], decisions[1], `${action} ${path}`);
    }
  }
});

test("a refusal names the account for the record", async () => {
  const answer = await ask({ ...client, ask: "login", credential: { kind: "password", password: "wrong" } });
  assert.deepEqual([answer.ok, answer.account?.name, answer.account?.groups[0]?.name], [false, "acme", "partners"]);
});

test("a key that is not proven yet is judged, and gives nothing away", async () => {
  assert.deepEqual(await ask({ ...client, ask: "offer", blob: "AAAA" }), { v: 1, ok: true });
  assert.deepEqual(await ask({ ...client, ask: "offer", blob: "BBBB" }), {
    v: 1,
    ok: false,
    reason: "unknown-public-key",
  });
});

test("an account that is logged in is looked up again", async () => {
  const answer = await ask({ v: 1, ask: "account", username: "acme" });
  assert.equal(answer.account?.home, "acme");
  assert.deepEqual(await ask({ v: 1, ask: "account", username: "gone" }), {
    v: 1,
    ok: false,
    reason: "unknown-account",
  });
});
