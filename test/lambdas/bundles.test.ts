import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { CreateSecretCommand, GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import { generateKey } from "openpgp";
import { createSecretsClient } from "../../adapters/aws/clients.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import { password } from "../support/product.ts";
import { type Bundles, makeBundles } from "./bundles.ts";
import { type FunctionRig, seedConfiguration, startFunctionRig } from "./rig.ts";
import { samples } from "./samples.ts";

describe("the bundles", { skip: awsOrSkip(), concurrency: 1 }, () => {
  let rig: FunctionRig;
  let bundles: Bundles;
  before(async () => {
    bundles = await makeBundles();
    rig = await startFunctionRig();
    await seedConfiguration(rig);
  });
  after(async () => {
    await rig.dispose();
    await bundles.dispose();
  });

  for (const [name, sample] of Object.entries(samples)) {
    it(`hold all that ${name} needs to answer`, async () => {
      const { answer, error } = await bundles.call(name, sample.event, rig.environment);
      assert.equal(error, undefined);
      sample.check(answer);
    });

    it(`of ${name} names every variable that is missing`, async () => {
      const { error } = await bundles.call(name, sample.event, {});
      assert.match(error ?? "", /^EnvironmentError: .*FERRYGATE_TABLE is not set; .*FERRYGATE_\w+ is not set/);
    });

    it(`of ${name} is shown with its size`, () => {
      assert.match(bundles.sizes, new RegExp(`lambdas/${name}/index\\.mjs +\\d+ kB +\\d+ kB gzip`));
    });
  }

  it("hold the HTTP API that the document describes, with transfers and the stream of events", async () => {
    const document = await request("/openapi.json");
    assert.equal(document.statusCode, 200);
    const { paths } = JSON.parse(document.body) as { readonly paths: Readonly<Record<string, unknown>> };
    for (const path of ["/v1/transfers", "/v1/pulls/{name}/run", "/v1/events/stream"]) assert.ok(paths[path], path);
    const transfers = await request("/v1/transfers", "root");
    assert.deepEqual(JSON.parse(transfers.body), { destinations: [], transfers: [], pulls: [] });
    const refused = await request("/v1/transfers", "tester");
    assert.equal(refused.statusCode, 403);
    const stream = await request("/v1/events/stream", "root");
    assert.match(stream.body, /^retry: 5000\n\nid: \S+\n\n$/);
    const metrics = await request("/metrics");
    assert.deepEqual([metrics.statusCode, paths["/metrics"]], [404, undefined]);
  });

  async function request(path: string, username?: string): Promise<{ statusCode: number; body: string }> {
    const sample = samples["http-api"]?.event as { readonly requestContext: { readonly http: object } };
    const credentials = Buffer.from(`${username}:${password}`).toString("base64");
    const event = {
      ...sample,
      rawPath: path,
      headers: username === undefined ? {} : { authorization: `Basic ${credentials}` },
      requestContext: { http: { ...sample.requestContext.http, path } },
    };
    const { answer, error } = await bundles.call("http-api", event, rig.environment);
    assert.equal(error, undefined);
    return answer as { statusCode: number; body: string };
  }

  it("have OpenPGP beside them, which no start reads", async () => {
    const names = Object.keys(samples);
    const parts = await Promise.all(names.map((name) => bundles.files(name)));
    const withOpenPgp = names.filter((_, index) => parts[index]?.some((file) => file.startsWith("openpgp-")));
    assert.deepEqual(withOpenPgp.sort(), ["dispatch", "transfers"]);
    const file = (await bundles.files("dispatch")).find((each) => /^openpgp-.*\.mjs$/.test(each));
    const { publicKey } = await generateKey({ userIDs: [{ name: "globex" }] });
    await bundles.add(
      "pgp",
      `import { createOpenPgp } from "../dispatch/${file}";
      export async function handler(publicKey) {
        const pgp = createOpenPgp(() => [{ name: "globex", publicKey }]);
        async function* content() { yield Buffer.from("content"); }
        const pieces = await Array.fromAsync(pgp.encrypt(content(), { recipients: ["globex"], armor: true }));
        return Buffer.concat(pieces).toString();
      }`,
    );
    const { answer, error } = await bundles.call("pgp", publicKey);
    assert.equal(error, undefined);
    assert.match(`${answer}`, /^-----BEGIN PGP MESSAGE-----/);
  });

  it("hold all that first-secrets needs to fill secrets and to answer CloudFormation", async (t) => {
    const secrets = createSecretsClient();
    t.after(() => secrets.destroy());
    const made = async () =>
      (await secrets.send(new CreateSecretCommand({ Name: randomUUID(), SecretString: "{}" }))).ARN ?? "";
    const properties = { HostKeysSecret: await made(), TlsSecret: await made(), TokenKeysSecret: await made() };
    const answers: { readonly Status: string; readonly Data: Readonly<Record<string, string>> }[] = [];
    const cloudFormation = createServer(async (request, response) => {
      answers.push(JSON.parse(await text(request)));
      response.end();
    });
    await once(cloudFormation.listen(0, "127.0.0.1"), "listening");
    t.after(() => cloudFormation.close());
    const { port } = cloudFormation.address() as AddressInfo;
    const { error } = await bundles.call(
      "first-secrets",
      {
        RequestType: "Create",
        ResponseURL: `http://127.0.0.1:${port}/`,
        StackId: "stack",
        RequestId: "request",
        LogicalResourceId: "Secrets",
        ResourceProperties: { ...properties, HostName: "files.example.com" },
      },
      rig.environment,
    );
    assert.equal(error, undefined);
    assert.equal(answers[0]?.Status, "SUCCESS");
    assert.match(answers[0]?.Data.HostKeyFingerprints ?? "", /^SHA256:\S+ \(ED25519\), SHA256:\S+ \(RSA\)$/);
    for (const SecretId of Object.values(properties)) {
      const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId }));
      assert.notEqual(SecretString, "{}");
    }
    assert.match(bundles.sizes, /lambdas\/first-secrets\/index\.mjs +\d+ kB +\d+ kB gzip/);
  });
});
