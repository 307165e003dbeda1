import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { createLambdaAuthentication, type LambdaAuthentication } from "../../../adapters/aws/lambda-authentication.ts";
import type { Account } from "../../../core/account.ts";
import { type Credential, ProvenKey } from "../../../core/credential.ts";
import { limits } from "../../../core/limits.ts";
import { answerCall } from "../../../lambdas/services/answer-call.ts";
import type { LoginOrigin } from "../../../ports/login-authority.ts";
import { createSessionOpener } from "../../../service/session/open-session.ts";
import { type LambdaService, startLambdaService } from "../../support/lambda-service.ts";
import { createMemoryServices, testAccount } from "../../support/memory-ports.ts";

const origin: LoginOrigin = { peer: { address: "203.0.113.7", port: 50_000 }, protocol: "sftp" };
const byPassword = (password: string): Credential => ({ kind: "password", username: "tester", password });

describe("logins that a function decides about", () => {
  let service: LambdaService;
  let client: LambdaClient;
  let accounts: Account[];
  let nowMs: number;
  let answer: ((event: unknown) => unknown) | undefined;
  let authentication: LambdaAuthentication;

  beforeEach(async () => {
    accounts = [testAccount({ publicKeys: [{ algorithm: "ssh-ed25519", blob: "AAAA", comment: "" }] })];
    nowMs = Date.now();
    answer = undefined;
    const auth = (event: unknown) =>
      answer ? answer(event) : answerCall(createMemoryServices(accounts), event as Parameters<typeof answerCall>[1]);
    service = await startLambdaService({ auth });
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    client = new LambdaClient({ endpoint: service.endpoint, region: "eu-west-1", credentials, maxAttempts: 1 });
    authentication = createLambdaAuthentication({ client, functionName: "auth", now: () => nowMs });
  });
  afterEach(async () => {
    client.destroy();
    await service.close();
  });
  const login = (credential: Credential, from = origin) => authentication.authority.authenticate(credential, from);
  const calls = () => service.calls.get("auth") ?? 0;

  it("give the account, and of its secrets none", async () => {
    const result = await login(byPassword("password"));
    assert.ok(result.ok);
    assert.deepEqual(result.account, testAccount({ passwordHash: undefined, scan: undefined }));
  });

  it("tell why one is refused, and refuse it again", async () => {
    for (const count of [1, 2]) {
      const result = await login(byPassword("wrong"));
      assert.deepEqual([result.ok, result.ok ? "" : result.reason, calls()], [false, "wrong-password", count]);
    }
  });

  it("are remembered for the same credential from the same address, for a minute", async () => {
    for (let index = 0; index < 5; index += 1) assert.ok((await login(byPassword("password"))).ok);
    assert.equal(calls(), 1);
    await login(byPassword("password"), { ...origin, peer: { address: "203.0.113.8", port: 1 } });
    await login(byPassword("password"), { ...origin, protocol: "ftps" });
    await login(byPassword("other"));
    assert.equal(calls(), 4);
    accounts = [testAccount({ enabled: false })];
    nowMs += limits.rememberedLoginMs - 1;
    assert.ok((await login(byPassword("password"))).ok);
    nowMs += 1;
    assert.equal((await login(byPassword("password"))).ok, false);
  });

  it("that are remembered end with the account", async () => {
    accounts = [testAccount({ expiresAtMs: nowMs + 1000 })];
    assert.ok((await login(byPassword("password"))).ok);
    nowMs += 1000;
    await login(byPassword("password"));
    assert.equal(calls(), 2);
  });

  it("are decided by keys too, offered and proven", async () => {
    const refusal = (blob: string) => authentication.authority.publicKeyRefusal({ username: "tester", blob }, origin);
    assert.deepEqual([await refusal("AAAA"), await refusal("BBBB")], [undefined, "unknown-public-key"]);
    const provenKey = ProvenKey.prove({ algorithm: "ssh-ed25519", blob: "AAAA" }, () => true);
    assert.ok(provenKey && (await login({ kind: "public-key", username: "tester", provenKey })).ok);
  });

  it("fail when nothing can be decided, whatever the function answers", async () => {
    const answers: (() => unknown)[] = [
      () => {
        throw new Error("no table");
      },
      () => null,
      () => ({ ok: "yes" }),
      () => ({ v: 1, ok: true }),
      () => ({ v: 1, ok: true, account: { ...testAccount({ name: "admin" }) } }),
    ];
    for (const each of answers) {
      answer = each;
      await assert.rejects(login(byPassword("password")), { name: "FileError", code: "unavailable" });
    }
    await service.close();
    await assert.rejects(login(byPassword("password")), { name: "FileError", code: "unavailable" });
  });

  it("leave sessions under review of the account as it is now", async () => {
    const refuseToCheck = async () => assert.fail("a password was checked here");
    const { authority, accounts: directory } = authentication;
    const services = {
      ...createMemoryServices([]),
      authority,
      accounts: directory,
      passwords: { verify: refuseToCheck, hash: refuseToCheck },
    };
    const { openSession, registry } = createSessionOpener(services);
    let ended: string | undefined;
    const session = openSession({
      peer: origin.peer,
      protocol: "sftp",
      disconnect: (reason) => {
        ended = reason;
      },
    });
    assert.equal(await session.authenticate(byPassword("password")), true);
    await registry.review();
    assert.equal(ended, undefined);
    accounts = [];
    nowMs += limits.rememberedAccountMs;
    await registry.review();
    assert.ok(ended !== undefined);
    await registry.endAll("admin-reboot");
  });
});
