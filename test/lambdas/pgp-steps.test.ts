import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { CreateSecretCommand, PutSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import * as openpgp from "openpgp";
import { createSecretsClient } from "../../adapters/aws/clients.ts";
import { environmentNames as names } from "../../adapters/aws/env.ts";
import { createOpenPgp } from "../../adapters/node/openpgp.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { limits } from "../../core/limits.ts";
import type { BatchHandler } from "../../lambdas/services/batch-handler.ts";
import { runtime } from "../../lambdas/services/operator-log.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import { httpFileClient } from "../support/file-clients.ts";
import { connectHttp, type HttpClient } from "../support/http-client.ts";
import { lambdaContext, startHttpApi } from "../support/payload-v2.ts";
import { type FunctionRig, seedConfiguration, startFunctionRig } from "./rig.ts";

const passphrase = "open sesame";
const pairOf = (name: string) => openpgp.generateKey({ userIDs: [{ name, email: `${name}@example.com` }], passphrase });
const [ours, globex] = [await pairOf("ours"), await pairOf("globex")];

describe("OpenPGP steps of the functions", { skip: awsOrSkip(), concurrency: 1 }, () => {
  let rig: FunctionRig;
  let api: Awaited<ReturnType<typeof startHttpApi>>;
  let admin: HttpClient;
  let dispatch: BatchHandler;
  let secretId: string;
  let written: string;
  const secrets = createSecretsClient();
  const put = (SecretString: string) => secrets.send(new PutSecretValueCommand({ SecretId: secretId, SecretString }));
  const told: AccountingEvent[] = [];
  before(async () => {
    rig = await startFunctionRig();
    await seedConfiguration(rig);
    const members = { ours: { privateKey: ours.privateKey, passphrase }, globex: { publicKey: globex.publicKey } };
    written = JSON.stringify(members);
    const created = await secrets.send(new CreateSecretCommand({ Name: `pgp-${randomUUID()}`, SecretString: written }));
    secretId = created.ARN ?? "";
    process.env[names.pgpKeysSecret] = secretId;
    process.env[names.pgpKeys] = JSON.stringify({ ours: "private", globex: "public" });
    const [{ handler }, dispatching] = await Promise.all([
      import("../../lambdas/http-api.ts"),
      import("../../lambdas/dispatch.ts"),
    ]);
    dispatch = dispatching.handler;
    api = await startHttpApi(handler);
    admin = await connectHttp(api.url, "root");
  });
  after(async () => {
    delete process.env[names.pgpKeysSecret];
    delete process.env[names.pgpKeys];
    await api.close();
    await rig.dispose();
  });

  const putRule = (name: string, path: string, step: object) => {
    const body = JSON.stringify({ name, when: { accounts: ["tester"], path }, do: [step] });
    return admin.request("PUT", `/v1/dispatch-rules/${name}`, {
      headers: { "content-type": "application/json" },
      body,
    });
  };
  const settle = async () => {
    while ((await rig.flow.deliver("dispatch", dispatch)) > 0);
    await rig.flow.deliver("accounting", async ({ Records }) => {
      told.push(...Records.map(({ body }) => (JSON.parse(body) as { detail: AccountingEvent }).detail));
      return { batchItemFailures: [] };
    });
  };
  const upload = async (path: string, content: Buffer) => {
    const client = await httpFileClient(api.url, "tester");
    await client.put(path, content);
    await client.close();
    await settle();
  };
  const of = (type: string, path: string) => told.find((event) => event.type === type && event.data.path === path);
  const contentAt = (path: string) => rig.files.content(`tester${path}`);

  it("encrypt, sign, decrypt and verify with the keys of the secret", async () => {
    const client = await httpFileClient(api.url, "tester");
    for (const folder of ["/out", "/back"]) await client.makeDirectory(folder);
    await client.close();
    await putRule("encrypt", "/out/*.xml", { encrypt: { recipients: ["globex", "ours"], sign: "ours" } });
    await putRule("decrypt", "/back/*.pgp", { decrypt: { with: ["ours"], signedBy: ["ours"] } });
    const content = randomBytes(300_000);
    await upload("/out/a.xml", content);
    const message = await contentAt("/out/a.xml.pgp");
    const partner = createOpenPgp(() => [
      { name: "globex", privateKey: globex.privateKey, passphrase },
      { name: "ours", publicKey: ours.publicKey },
    ]);
    const read: Uint8Array[] = [];
    const pieces = partner.decrypt(one(message), { recipients: ["globex"], signedBy: ["ours"] });
    for await (const piece of pieces) read.push(Buffer.from(piece));
    assert.deepEqual(Buffer.concat(read), content);
    await upload("/back/a.xml.pgp", message);
    assert.deepEqual(await contentAt("/back/a.xml"), content);
  });

  it("are refused through the API where the stage does not name the key, or it is not private", async () => {
    const refused = async (step: object) => {
      const problem: unknown = await putRule("refused", "/x/*", step).then(
        () => undefined,
        ({ problem: found }) => found,
      );
      return (problem as { errors: { field: string; message: string }[] }).errors[0];
    };
    assert.match((await refused({ encrypt: { recipients: ["initech"] } }))?.message ?? "", /no OpenPGP key "initech"/);
    assert.match((await refused({ decrypt: { with: ["globex"] } }))?.message ?? "", /"globex" has no private key/);
  });

  it("fail for good, and say so, where the file is larger than a function converts", async (t) => {
    const bounds = limits as { functionContentBytes: number };
    const { functionContentBytes } = bounds;
    bounds.functionContentBytes = 1000;
    t.after(() => Object.assign(bounds, { functionContentBytes }));
    const { handler } = (await import(`../../lambdas/dispatch.ts?bounds=${bounds.functionContentBytes}`)) as {
      handler: BatchHandler;
    };
    const whole = dispatch;
    dispatch = handler;
    await upload("/out/large.xml", randomBytes(1001));
    dispatch = whole;
    assert.match(String(of("dispatch.failed", "/out/large.xml")?.data.reason), /the file has .* GiB, and what makes/);
    const letters = await (await admin.request("GET", "/v1/dead-letters")).text();
    assert.match(letters, /large\.xml/);
    assert.deepEqual(await rig.files.objectKeys("tester/out/large"), ["tester/out/large.xml"]);
  });

  it("are tried again, not given up, where the time of a call is over", async () => {
    const spent = { ...lambdaContext(), getRemainingTimeInMillis: () => limits.functionEndMs - 1 };
    const whole = dispatch;
    const failed: string[] = [];
    dispatch = async (batch) => {
      const answer = await whole(batch, spent);
      failed.push(...answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      return whole(batch, lambdaContext());
    };
    await upload("/out/slow.xml", randomBytes(1000));
    dispatch = whole;
    assert.equal(failed.length, 1);
    assert.deepEqual(await rig.files.objectKeys("tester/out/slow"), ["tester/out/slow.xml.pgp"]);
  });

  it("go on with the keys that were, while the secret cannot be used, and take over new ones", async (t) => {
    let laterMs = limits.secretCheckMs;
    t.mock.method(runtime, "now", () => Date.now() + laterMs);
    await put('{"ours":{"privateKey":"x","publicKey":"y"}}');
    await upload("/out/b.xml", randomBytes(10));
    assert.deepEqual(await rig.files.objectKeys("tester/out/b"), ["tester/out/b.xml.pgp"]);
    await put("{}");
    laterMs *= 2;
    await upload("/out/c.xml", randomBytes(10));
    assert.match(String(of("dispatch.failed", "/out/c.xml")?.data.reason), /there is no OpenPGP key globex/);
    await put(written);
  });
});

async function* one(content: Buffer) {
  yield content;
}
