import assert from "node:assert/strict";
import { test } from "node:test";
import { apiTokenMint } from "../../../adapters/node/api-token-mint.ts";
import type { Account } from "../../../core/account.ts";
import type { Scope } from "../../../core/api-token.ts";
import { parsePermissionRules } from "../../../core/permission.ts";
import { createRequestAuthorizer, type HttpRequestQuestion } from "../../../service/management/request-authorizer.ts";
import { createTokenIdentifier } from "../../../service/session/token-identity.ts";
import { TokenSessions } from "../../../service/session/token-sessions.ts";
import { createMemoryApiTokenStore } from "../../support/memory-api-tokens.ts";
import { createMemoryPipeline, testAccount } from "../../support/memory-ports.ts";
import { createMemoryTokenSessionStore, memoryTokenSigner } from "../../support/memory-token-sessions.ts";

const rules = [
  ["/inbox/*", "allow-write"],
  ["/outbox/*", "allow-read", "allow-list"],
];
const permissions = parsePermissionRules(rules, { owner: "account acme", accountName: "acme" });

async function start() {
  const accounts: Account[] = [testAccount({ name: "acme", roles: ["auditor"], permissions })];
  const { services, openSession, resumeSession } = createMemoryPipeline(accounts);
  const [sessions, apiTokens, signer] = [
    createMemoryTokenSessionStore(),
    createMemoryApiTokenStore(),
    memoryTokenSigner,
  ];
  const tokens = new TokenSessions({ services, openSession, resumeSession, store: sessions, signer });
  const connection = {
    protocol: "https" as const,
    peer: { address: "203.0.113.7", port: 1 },
    disconnect: () => {},
  };
  const issued = await tokens.start(connection, { kind: "password", username: "acme", password: "password" });
  const recordedBefore = services.accounting.events.length;
  const identify = createTokenIdentifier({ ...services, sessions, signer, apiTokens, mint: apiTokenMint });
  const decide = createRequestAuthorizer(identify);
  const ask = (changes: Partial<HttpRequestQuestion> = {}) =>
    decide({
      authorization: `Bearer ${issued?.token}`,
      method: "GET",
      path: undefined,
      peerAddress: "203.0.113.7",
      ...changes,
    });
  const apiToken = async (scopes: readonly Scope[], expiresAtMs = Date.now() + 60_000) => {
    const { token, digest } = apiTokenMint.create();
    const createdAtMs = Date.now();
    await apiTokens.add(
      { id: digest, accountName: "acme", name: digest, scopes, digest, createdAtMs, expiresAtMs },
      10,
    );
    return `Bearer ${token}`;
  };
  const change = (changes: Partial<Account>) => accounts.splice(0, 1, { ...(accounts[0] as Account), ...changes });
  return { ask, apiToken, change, sessions, recorded: () => services.accounting.events.length - recordedBefore };
}

test("a token says who asks, and the account's rules what may be done to the path", async () => {
  const { ask, recorded } = await start();
  assert.deepEqual(await ask(), { isAuthorized: true, context: { account: "acme", roles: "auditor" } });
  const rule = (index: number) =>
    `account acme, permissions[${index}]: ["${rules[index]?.[0]}", ${rules[index]?.slice(1).join(", ")}]`;
  assert.deepEqual(await ask({ method: "PUT", path: "/inbox/a.pdf" }), {
    isAuthorized: true,
    context: {
      account: "acme",
      roles: "auditor",
      effect: "allow",
      rule: rule(0),
      action: "write",
      path: "/inbox/a.pdf",
      objectKey: "acme/inbox/a.pdf",
    },
  });
  const refusals = [
    ["GET", "/inbox/a.pdf", "read"],
    ["DELETE", "/inbox/a.pdf", "delete-file"],
    ["PUT", "/inbox/sub/", "create-folder"],
    ["PUT", "/outbox/../inbox", "write"],
  ] as const;
  for (const [method, path, action] of refusals) {
    const { isAuthorized, context } = await ask({ method, path });
    assert.deepEqual([isAuthorized, context.effect, context.action], [false, "deny", action], `${method} ${path}`);
  }
  assert.equal((await ask({ method: "GET", path: "/outbox/sub/" })).context.action, "list");
  assert.equal(recorded(), 0);
});

test("what is no good token, no method and no path is refused with the reason", async () => {
  const { ask } = await start();
  const reasonOf = async (changes: Partial<HttpRequestQuestion>) => {
    const { isAuthorized, context } = await ask(changes);
    return isAuthorized || context.reason;
  };
  assert.equal(await reasonOf({ authorization: undefined }), "token-required");
  assert.equal(await reasonOf({ authorization: "Basic YWNtZTpwYXNzd29yZA==" }), "token-required");
  assert.equal(await reasonOf({ authorization: "Bearer other" }), "token-refused");
  assert.equal(await reasonOf({ authorization: "Bearer fgt_other" }), "token-refused");
  assert.equal(await reasonOf({ method: "TRACE", path: "/inbox/a" }), "unknown-method");
  assert.equal(await reasonOf({ path: "/inbox/\u0000" }), "invalid-path");
});

test("an API token is held to its scopes and its time", async () => {
  const { ask, apiToken } = await start();
  const authorization = await apiToken(["files:read"]);
  const may = async (changes: Partial<HttpRequestQuestion>) => (await ask({ authorization, ...changes })).isAuthorized;
  assert.deepEqual([await may({ path: "/outbox/a" }), await may({ method: "PUT", path: "/inbox/a" })], [true, false]);
  assert.equal((await ask({ authorization: await apiToken(["files:read"], Date.now() - 1) })).isAuthorized, false);
});

test("a change of the account ends what its tokens are good for", async () => {
  for (const changes of [{ enabled: false }, { sources: ["198.51.100.0/24"] }, { passwordHash: "other" }]) {
    const { ask, change } = await start();
    assert.equal((await ask()).isAuthorized, true);
    change(changes);
    assert.equal((await ask()).context.reason, "token-refused", JSON.stringify(changes));
  }
});
