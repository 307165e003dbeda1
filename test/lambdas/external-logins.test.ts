import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, beforeEach, describe, it } from "node:test";
import { CreateSecretCommand, PutSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import type { TransferFamilyAuthorizerResult } from "aws-lambda";
import type { AuthenticationCallAnswer } from "../../adapters/aws/authentication-call.ts";
import { createSecretsClient } from "../../adapters/aws/clients.ts";
import { environmentNames as names } from "../../adapters/aws/env.ts";
import { limits } from "../../core/limits.ts";
import { openConfiguration } from "../../lambdas/services/configuration.ts";
import { runtime } from "../../lambdas/services/operator-log.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import { connectHttp } from "../support/http-client.ts";
import type { LambdaHandler } from "../support/lambda-service.ts";
import { lambdaContext, type PayloadHandler, startHttpApi } from "../support/payload-v2.ts";
import { password } from "../support/product.ts";
import { type Answer, startWebhookReceiver, type WebhookReceiver } from "../support/webhook-receiver.ts";
import { type FunctionRig, putEntry, seedConfiguration, startFunctionRig } from "./rig.ts";

const accountOfKevin = { account: { group: "partners", home_folder_path: "elsewhere/kevin" } };

describe("functions that ask an endpoint about logins", { skip: awsOrSkip(), concurrency: 1 }, () => {
  let rig: FunctionRig;
  let endpoint: WebhookReceiver;
  let secretId: string;
  let answer: Answer;
  const secrets = () => createSecretsClient();
  before(async () => {
    rig = await startFunctionRig();
    await seedConfiguration(rig);
    const { store } = openConfiguration(rig.test.table);
    const permissions = [["allow-list"], ["/inbox/*", "allow-list", "allow-write"]];
    await putEntry(store, "group", { name: "partners", permissions });
    endpoint = await startWebhookReceiver((...received) => answer(...received));
    const SecretString = JSON.stringify({ "X-Api-Key": "first" });
    const created = await secrets().send(new CreateSecretCommand({ Name: `headers-${randomUUID()}`, SecretString }));
    secretId = created.ARN ?? "";
    process.env[names.authentication] = settings();
    process.env[names.authenticationSecret] = secretId;
  });
  after(async () => {
    delete process.env[names.authentication];
    delete process.env[names.authenticationSecret];
    await endpoint.close();
    await rig.dispose();
  });
  beforeEach(() => {
    answer = (response, { body }) => {
      const { content } = (JSON.parse(body) as { credentials: { content: string } }).credentials;
      if (content === "home-alone") response.writeHead(200).end(JSON.stringify(accountOfKevin));
      else response.writeHead(content === "" ? 401 : 403).end('{"why":"locked"}');
    };
  });

  const settings = (others: object = {}) =>
    JSON.stringify({
      urls: [endpoint.url],
      timeoutSeconds: 2,
      defaultGroup: "partners",
      allowPrivate: true,
      ...others,
    });
  const load = async () =>
    ((await import(`../../lambdas/custom-auth.ts?instance=${randomUUID()}`)) as { handler: LambdaHandler }).handler;
  /** As the answer travels: what is undefined stays behind. */
  const call = async (handler: LambdaHandler, event: object): Promise<unknown> =>
    JSON.parse(JSON.stringify(await handler(event, lambdaContext())));
  const login = async (handler: LambdaHandler, username: string, secret = "home-alone") => {
    const credential = { kind: "password", password: secret };
    const client = { protocol: "sftp", peer: { address: "203.0.113.7", port: 1 } };
    return (await call(handler, { v: 1, ask: "login", username, ...client, credential })) as AuthenticationCallAnswer;
  };

  it("let in whom it vouches for, with the secret's headers, and another instance knows the account", async () => {
    const [first, second] = [await load(), await load()];
    const answered = await login(first, "kevin");
    assert.equal(answered.ok, true);
    assert.equal(endpoint.requests.at(-1)?.headers["x-api-key"], "first");
    const found = await call(second, { v: 1, ask: "account", username: "kevin" });
    assert.deepEqual(found, { v: 1, ok: true, account: answered.account });
    assert.deepEqual(
      [answered.account?.home, answered.account?.groups.map(({ name }) => name), answered.account?.external],
      ["elsewhere/kevin", ["partners"], true],
    );
  });

  it("refuse as it says, with what it said for the record, and decide about names on file themselves", async () => {
    const handler = await load();
    const refused = await login(handler, "marv", "wrong");
    assert.deepEqual(refused, { v: 1, ok: false, reason: "refused-externally", details: { why: "locked" } });
    const asked = endpoint.requests.length;
    assert.equal((await login(handler, "tester", password)).ok, true);
    assert.equal((await login(handler, "tester", "home-alone")).ok, false);
    assert.equal(endpoint.requests.length, asked);
  });

  it("ask the next address where one fails, and refuse where none answers in time", async () => {
    const hanging = await startWebhookReceiver(() => {});
    const urls = [`${hanging.url}/slow`, endpoint.url];
    process.env[names.authentication] = settings({ urls, timeoutSeconds: 1 });
    assert.equal((await login(await load(), "kevin")).ok, true);
    process.env[names.authentication] = settings({ urls: [hanging.url], timeoutSeconds: 1 });
    const refused = await login(await load(), "kevin");
    process.env[names.authentication] = settings();
    await hanging.close();
    assert.deepEqual(refused, { v: 1, ok: false, reason: "external-authentication-unavailable" });
  });

  it("ask nobody at an address that is not public, however it is named", async () => {
    const asked = endpoint.requests.length;
    for (const host of ["127.0.0.1", "localhost"]) {
      const urls = [endpoint.url.replace("127.0.0.1", host)];
      process.env[names.authentication] = settings({ urls, allowPrivate: false });
      const refused = await login(await load(), "kevin");
      assert.deepEqual(refused, { v: 1, ok: false, reason: "external-authentication-unavailable" });
    }
    process.env[names.authentication] = settings();
    assert.equal(endpoint.requests.length, asked);
  });

  it("take over other headers within a minute, and keep the old ones where they cannot be used", async (t) => {
    let laterMs = 0;
    t.mock.method(runtime, "now", () => Date.now() + laterMs);
    const handler = await load();
    const sent = async () => {
      assert.equal((await login(handler, "kevin")).ok, true);
      return endpoint.requests.at(-1)?.headers["x-api-key"];
    };
    const put = (SecretString: string) =>
      secrets().send(new PutSecretValueCommand({ SecretId: secretId, SecretString }));
    assert.equal(await sent(), "first");
    await put('{"X-Api-Key":"second"}');
    assert.equal(await sent(), "first");
    laterMs = limits.secretCheckMs;
    assert.equal(await sent(), "second");
    await put('{"Content-Length":"1"}');
    laterMs *= 2;
    assert.equal(await sent(), "second");
    await put('{"X-Api-Key":"first"}');
  });

  it("answer a managed server with the account's folders", async () => {
    const handler = await load();
    const event = { username: "kevin", protocol: "SFTP", serverId: "s-1", sourceIp: "203.0.113.8" };
    const ask = async (others: object) =>
      (await call(handler, { ...event, ...others })) as TransferFamilyAuthorizerResult;
    const { Role, HomeDirectoryDetails } = (await ask({ password: "home-alone" })) as Record<string, unknown>;
    assert.equal(Role, process.env[names.transferRole]);
    const target = `/${rig.files.bucket}/elsewhere/kevin`;
    assert.equal(HomeDirectoryDetails, JSON.stringify([{ Entry: "/", Target: target }]));
    assert.deepEqual(await ask({ password: "wrong" }), {});
    assert.deepEqual(await ask({}), {});
  });

  it("let such accounts in over the HTTP API, and with its token", async (t) => {
    const { handler } = (await import(`../../lambdas/http-api.ts?instance=${randomUUID()}`)) as {
      handler: PayloadHandler;
    };
    const api = await startHttpApi(handler);
    t.after(() => api.close());
    const client = await connectHttp(api.url, "kevin", "home-alone");
    assert.equal((await client.files("PUT", "/inbox/a.txt", { body: "content" })).status, 201);
    await client.logout();
    assert.equal((await rig.files.content("elsewhere/kevin/inbox/a.txt")).toString(), "content");
  });

  it("start with no settings that cannot be used", async () => {
    process.env[names.authentication] = settings({ urls: ["http://id.example.com"], headers: {} });
    await assert.rejects(load(), /FERRYGATE_AUTHENTICATION has headers, which belong into the secret/);
    process.env[names.authentication] = settings({ urls: ["http://id.example.com"] });
    await assert.rejects(load(), /FERRYGATE_AUTHENTICATION .*urls\[0\]: passwords would travel without TLS/);
    process.env[names.authentication] = settings();
  });
});
