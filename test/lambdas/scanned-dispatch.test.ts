import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { HeadObjectCommand, PutObjectTaggingCommand } from "@aws-sdk/client-s3";
import type { SQSRecord } from "aws-lambda";
import { environmentNames as names } from "../../adapters/aws/env.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { BatchHandler } from "../../lambdas/services/batch-handler.ts";
import { openConfiguration } from "../../lambdas/services/configuration.ts";
import { batchOf } from "../support/aws-event-flow.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import type { FileClient } from "../support/file-clients.ts";
import { httpFileClient } from "../support/file-clients.ts";
import { connectHttp, type HttpClient } from "../support/http-client.ts";
import { lambdaContext, startHttpApi } from "../support/payload-v2.ts";
import { type FunctionRig, putEntry, seedConfiguration, startFunctionRig } from "./rig.ts";

describe("dispatch of files that GuardDuty scans", { skip: awsOrSkip(), concurrency: 1 }, () => {
  let rig: FunctionRig;
  let functions: Readonly<Record<"dispatch" | "scanResult" | "accounting", BatchHandler>>;
  let api: Awaited<ReturnType<typeof startHttpApi>>;
  let admin: HttpClient;
  let client: FileClient;
  /** Messages that the queue keeps from view until it delivers them again. */
  let early: SQSRecord[] = [];
  before(async () => {
    rig = await startFunctionRig();
    await seedConfiguration(rig);
    const { store } = openConfiguration(rig.test.table);
    const when = { accounts: ["tester"], path: "/inbox/*.csv", types: ["transfer.completed", "file.renamed"] };
    await putEntry(store, "dispatch-rule", {
      name: "csv-to-copies",
      when,
      do: [{ copy: "/copies/", overwrite: "number" }],
    });
    process.env[names.scan] = JSON.stringify({ prefixes: ["tester/inbox/"], deny: "infected" });
    const load = async (name: string) =>
      ((await import(`../../lambdas/${name}.ts?scanned`)) as { handler: BatchHandler }).handler;
    const [dispatch, scanResult, accounting] = [
      await load("dispatch"),
      await load("scan-result"),
      await load("accounting"),
    ];
    functions = { dispatch, scanResult, accounting };
    api = await startHttpApi((await import("../../lambdas/http-api.ts")).handler);
    admin = await connectHttp(api.url, "root");
    client = await httpFileClient(api.url, "tester");
    for (const folder of ["/inbox", "/other", "/copies"]) await client.makeDirectory(folder);
  });
  after(async () => {
    delete process.env[names.scan];
    await client.close();
    await api.close();
    await rig.dispose();
  });

  const settle = async () => {
    await rig.flow.deliver("dispatch", async (batch, context) => {
      const { batchItemFailures } = await functions.dispatch(batch, context);
      const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      early.push(...batch.Records.filter(({ messageId }) => failed.has(messageId)));
      return { batchItemFailures: [] };
    });
    await rig.flow.deliver("accounting", functions.accounting);
  };
  /** GuardDuty tags the object and then tells of it. */
  const scanned = async (path: string, scanResultStatus: string, threats: readonly { name: string }[] = []) => {
    const { client: s3, bucket: bucketName } = rig.files;
    const objectKey = `tester${path}`;
    const place = { Bucket: bucketName, Key: objectKey };
    const TagSet = [{ Key: "GuardDutyMalwareScanStatus", Value: scanResultStatus }];
    const { ETag, VersionId } = await s3.send(new HeadObjectCommand(place));
    await s3.send(new PutObjectTaggingCommand({ ...place, Tagging: { TagSet } }));
    const body = {
      version: "0",
      id: randomUUID(),
      "detail-type": "GuardDuty Malware Protection Object Scan Result",
      source: "aws.guardduty",
      account: "111122223333",
      time: new Date().toISOString(),
      region: "eu-central-1",
      resources: ["arn:aws:guardduty:eu-central-1:111122223333:malware-protection-plan/b4c7f464ab3a4EXAMPLE"],
      detail: {
        schemaVersion: "1.0",
        scanStatus: "COMPLETED",
        resourceType: "S3_OBJECT",
        s3ObjectDetails: { bucketName, objectKey, eTag: ETag, versionId: VersionId, s3Throttled: false },
        scanResultDetails: { scanResultStatus, threats: threats.length > 0 ? threats : null },
      },
    };
    const batch = batchOf([{ MessageId: randomUUID(), Body: JSON.stringify(body) }]);
    assert.deepEqual(await functions.scanResult(batch, lambdaContext()), { batchItemFailures: [] });
    await settle();
  };
  const eventsOf = async (query: string) => {
    const answer = await admin.request("GET", `/v1/events?order=desc&limit=100&${query}`);
    return ((await answer.json()) as { events: AccountingEvent[] }).events;
  };
  const copies = () => client.list("/copies");

  it("waits for the verdict, then acts at once, and once", async () => {
    await client.put("/inbox/a.csv", Buffer.from("a"));
    await settle();
    assert.deepEqual([await copies(), early.length], [[], 1]);
    await scanned("/inbox/a.csv", "NO_THREATS_FOUND");
    assert.deepEqual(await copies(), ["a.csv"]);
    assert.deepEqual(await functions.dispatch({ Records: early }, lambdaContext()), { batchItemFailures: [] });
    await scanned("/inbox/a.csv", "NO_THREATS_FOUND");
    assert.deepEqual(await copies(), ["a.csv"]);
    const [clean] = await eventsOf("type=scan.clean");
    assert.deepEqual([clean?.data.path, clean?.data.bytes, clean?.account?.name], ["/inbox/a.csv", 1, "tester"]);
  });

  it("acts on a file that was renamed before its scan, when the new one was scanned", async () => {
    early = [];
    await client.put("/inbox/b.part", Buffer.from("b"));
    await client.rename("/inbox/b.part", "/inbox/b.csv");
    await settle();
    assert.deepEqual([(await copies()).includes("b.csv"), early.length], [false, 1]);
    await scanned("/inbox/b.csv", "NO_THREATS_FOUND");
    assert.equal((await copies()).includes("b.csv"), true);
    const [clean] = await eventsOf("type=scan.clean");
    assert.deepEqual([clean?.data.uploadedAs, clean?.data.objectKey], ["/inbox/b.part", "tester/inbox/b.csv"]);
  });

  it("does nothing with an infected file, whose event is no failure", async () => {
    early = [];
    await client.put("/inbox/c.csv", Buffer.from("c"));
    await settle();
    await scanned("/inbox/c.csv", "THREATS_FOUND", [{ name: "EICAR-Test-File" }]);
    assert.deepEqual(await functions.dispatch({ Records: early }, lambdaContext()), { batchItemFailures: [] });
    assert.equal((await copies()).includes("c.csv"), false);
    assert.equal((await client.list("/inbox")).includes("c.csv"), false);
    assert.deepEqual((await eventsOf("type=dispatch.failed")).length, 0);
  });

  it("puts the event of a file that could not be scanned to the dead letters", async () => {
    await client.put("/inbox/d.csv", Buffer.from("d"));
    await settle();
    await scanned("/inbox/d.csv", "UNSUPPORTED");
    assert.equal((await copies()).includes("d.csv"), false);
    const letters = await (await admin.request("GET", "/v1/dead-letters")).text();
    assert.match(letters, /\/inbox\/d\.csv could not be scanned: UNSUPPORTED/);
  });

  it("acts at once where nothing is scanned, and on what was scanned already", async () => {
    const { store } = openConfiguration(rig.test.table);
    const when = { accounts: ["tester"], path: "/other/*.csv" };
    await putEntry(store, "dispatch-rule", { name: "others", when, do: [{ copy: "/copies/", overwrite: "number" }] });
    early = [];
    await client.put("/other/e.csv", Buffer.from("e"));
    await settle();
    assert.deepEqual([(await copies()).includes("e.csv"), early.length], [true, 0]);
  });
});
