import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import { createTokenSigner } from "../../../adapters/node/token-signer.ts";
import { limits } from "../../../core/limits.ts";
import type { TokenSession } from "../../../ports/session-tokens.ts";

const startMs = Date.UTC(2026, 0, 1);

function sessionAt(startedAtMs: number): TokenSession {
  return {
    sessionId: `session-${startedAtMs}`,
    accountName: "acme",
    credentialsVersion: "1",
    peer: { address: "192.0.2.1", port: 1 },
    startedAtMs,
    expiresAtMs: startedAtMs + limits.tokenSessionMs,
  };
}

/** A file in memory and a clock that a test turns. */
function world() {
  const state = { text: undefined as string | undefined, nowMs: startMs };
  const file = {
    read: async () => state.text,
    write: async (text: string) => {
      state.text = text;
    },
  };
  return { state, open: () => createTokenSigner({ file, now: () => state.nowMs }) };
}

const signingKeysIn = (text: string | undefined) => JSON.parse(text ?? "[]") as readonly unknown[];

test("a token is a JWT of Ed25519 that names its key, its account and its session", async () => {
  const { open } = world();
  const token = await (await open()).sign(sessionAt(startMs));
  const { alg, typ, kid } = decodeProtectedHeader(token);
  assert.deepEqual([alg, typ, typeof kid], ["EdDSA", "JWT", "string"]);
  assert.deepEqual(decodeJwt(token), {
    iss: "ferrygate",
    sub: "acme",
    jti: `session-${startMs}`,
    iat: startMs / 1000,
    exp: (startMs + limits.tokenSessionMs) / 1000,
  });
});

test("a token is recognized after a restart, until it expires", async () => {
  const { state, open } = world();
  const token = await (await open()).sign(sessionAt(startMs));
  const restarted = await open();
  assert.equal(await restarted.verify(token), `session-${startMs}`);
  state.nowMs += limits.tokenSessionMs + 1000;
  assert.equal(await restarted.verify(token), undefined);
});

test("what was changed, signed by others, or not signed at all is no token", async () => {
  const { open } = world();
  const signer = await open();
  const token = await signer.sign(sessionAt(startMs));
  const [head = "", payload = "", signature = ""] = token.split(".");
  const { kid = "" } = decodeProtectedHeader(token);
  const none = Buffer.from('{"alg":"none"}').toString("base64url");
  const otherPayload = Buffer.from(JSON.stringify({ ...decodeJwt(token), jti: "other" })).toString("base64url");
  const symmetric = new SignJWT(decodeJwt(token)).setProtectedHeader({ alg: "HS256", kid });
  const wrong = [
    "",
    "token",
    "a.b.c",
    `${head}.${otherPayload}.${signature}`,
    `${none}.${payload}.`,
    `${head}.${payload}.`,
    await (await world().open()).sign(sessionAt(startMs)),
    await symmetric.sign(Buffer.alloc(32)),
  ];
  for (const text of wrong) assert.equal(await signer.verify(text), undefined, text);
});

test("a new key signs after its time, and the one before verifies as long as its tokens last", async () => {
  const { state, open } = world();
  const signer = await open();
  state.nowMs += limits.tokenSigningMs;
  const first = await signer.sign(sessionAt(state.nowMs));
  state.nowMs += 1000;
  const [second, third] = await Promise.all([signer.sign(sessionAt(state.nowMs)), signer.sign(sessionAt(state.nowMs))]);
  const kids = [first, second, third].map((token) => decodeProtectedHeader(token ?? "").kid);
  assert.notEqual(kids[0], kids[1]);
  assert.equal(kids[1], kids[2]);
  const restarted = await open();
  for (const token of [first, second]) assert.equal(typeof (await restarted.verify(token ?? "")), "string");
  assert.equal(signingKeysIn(state.text).length, 2);
  state.nowMs += limits.tokenSigningMs + 1000;
  await signer.sign(sessionAt(state.nowMs));
  assert.equal(signingKeysIn(state.text).length, 2);
});
