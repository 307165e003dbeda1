import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { GetObjectTaggingCommand } from "@aws-sdk/client-s3";
import type { SQSEvent } from "aws-lambda";
import { environmentNames as names } from "../../adapters/aws/env.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { BatchHandler } from "../../lambdas/services/batch-handler.ts";
import { openConfiguration } from "../../lambdas/services/configuration.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import { type FileClient, httpFileClient } from "../support/file-clients.ts";
import { connectHttp, type HttpClient } from "../support/http-client.ts";
import { type LambdaHandler, type LambdaService, startLambdaService } from "../support/lambda-service.ts";
import { lambdaContext, type PayloadHandler, startHttpApi } from "../support/payload-v2.ts";
import { type FunctionRig, putEntry, seedConfiguration, startFunctionRig } from "./rig.ts";
import { scanObject } from "./scan-results.ts";

interface Quarantined {
  readonly id: string;
  readonly account?: string;
  readonly path: string;
  readonly bytes: number;
  readonly state: string;
  readonly reason?: string;
  readonly sha256?: string;
  readonly repeats?: { readonly count: number };
}

const eicar = [{ name: "EICAR-Test-File" }];

describe("the quarantine of the AWS edition", { skip: awsOrSkip(), concurrency: 1 }, () => {
  let rig: FunctionRig;
  let functions: Readonly<Record<"dispatch" | "scanResult" | "accounting", BatchHandler>>;
  let lambda: LambdaService;
  let api: Awaited<ReturnType<typeof startHttpApi>>;
  let admin: HttpClient;
  let client: FileClient;
  const callable: Record<string, LambdaHandler> = {};
  before(async () => {
    rig = await startFunctionRig();
    await rig.files.keepVersions();
    await seedConfiguration(rig);
    const { store } = openConfiguration(rig.test.table);
    const when = { accounts: ["tester"], path: "/inbox/*.csv" };
    await putEntry(store, "dispatch-rule", { name: "copies", when, do: [{ copy: "/copies/", overwrite: "number" }] });
    lambda = await startLambdaService(callable);
    Object.assign(process.env, {
      [names.scan]: JSON.stringify({ prefixes: ["tester/inbox/", "tester/held/"], deny: "until-clean" }),
      [names.scanResultFunction]: "scan-result",
      AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
    });
    const load = async <T>(name: string) =>
      ((await import(`../../lambdas/${name}.ts?quarantine`)) as { handler: T }).handler;
    const [dispatch, scanResult] = [await load<BatchHandler>("dispatch"), await load<BatchHandler>("scan-result")];
    functions = { dispatch, scanResult, accounting: await load<BatchHandler>("accounting") };
    callable["scan-result"] = scanResult as LambdaHandler;
    api = await startHttpApi(await load<PayloadHandler>("http-api"));
    admin = await connectHttp(api.url, "root");
    client = await httpFileClient(api.url, "tester");
    for (const folder of ["/inbox", "/held", "/copies"]) await client.makeDirectory(folder);
  });
  after(async () => {
    for (const name of [names.scan, names.scanResultFunction, "AWS_ENDPOINT_URL_LAMBDA"]) delete process.env[name];
    await client.close();
    await api.close();
    await lambda.close();
    await rig.dispose();
  });

  const settle = async () => {
    await rig.flow.deliver("dispatch", async (batch, context) => {
      await functions.dispatch(batch, context);
      return { batchItemFailures: [] };
    });
    await rig.flow.deliver("accounting", functions.accounting);
  };
  const deliver = async (batch: SQSEvent) => {
    assert.deepEqual(await functions.scanResult(batch, lambdaContext()), { batchItemFailures: [] });
    await settle();
  };
  const upload = async (path: string, content: string) => {
    await client.put(path, Buffer.from(content));
    await settle();
  };
  const infect = async (path: string) => {
    const result = await scanObject(rig.files, `tester${path}`, "THREATS_FOUND", eicar);
    await deliver(result);
    return result;
  };
  const quarantined = async () =>
    ((await (await admin.request("GET", "/v1/quarantine")).json()) as { files: Quarantined[] }).files;
  const heldAs = async (path: string) => {
    const found = (await quarantined()).find((file) => file.path === path);
    assert.ok(found, `${path} is not in quarantine`);
    return found;
  };
  const eventsOf = async (query: string) => {
    const answer = await admin.request("GET", `/v1/events?order=desc&limit=100&${query}`);
    return ((await answer.json()) as { events: AccountingEvent[] }).events;
  };

  it("has an infected file, which its account sees no longer", async () => {
    await upload("/inbox/a.csv", "bad");
    await infect("/inbox/a.csv");
    assert.deepEqual(await client.list("/inbox"), []);
    const file = await heldAs("/inbox/a.csv");
    assert.deepEqual(
      [file.account, file.bytes, file.state, file.reason, file.sha256?.length],
      ["tester", 3, "infected", "EICAR-Test-File", 64],
    );
    assert.deepEqual(await (await admin.request("GET", `/v1/quarantine/${file.id}`)).json(), file);
    const [event] = await eventsOf("type=scan.infected");
    assert.deepEqual(
      [event?.data.quarantineId, event?.data.path, event?.account?.name],
      [file.id, "/inbox/a.csv", "tester"],
    );
    assert.deepEqual(await client.list("/copies"), []);
  });

  it("is for operators only", async () => {
    const other = await connectHttp(api.url, "tester");
    for (const [method, end] of [
      ["GET", ""],
      ["GET", "/x"],
      ["GET", "/x/content"],
      ["POST", "/x/release"],
      ["DELETE", "/x"],
    ] as const) {
      await assert.rejects(other.request(method, `/v1/quarantine${end}`), /operator/);
    }
    await assert.rejects(admin.request("GET", "/v1/quarantine/none/content"), /no such file/);
    await assert.rejects(admin.request("POST", "/v1/quarantine/none/release"), /no such file/);
  });

  it("gives the content to an operator, in parts too, and each is on record", async () => {
    const { id } = await heldAs("/inbox/a.csv");
    const whole = await admin.request("GET", `/v1/quarantine/${id}/content`);
    assert.deepEqual(
      [await whole.text(), whole.headers.get("content-disposition")?.includes("a.csv.quarantined")],
      ["bad", true],
    );
    const part = await admin.request("GET", `/v1/quarantine/${id}/content`, { headers: { range: "bytes=1-1" } });
    assert.deepEqual([part.status, await part.text(), part.headers.get("content-range")], [206, "a", "bytes 1-1/3"]);
    await settle();
    const read = (await eventsOf("account=root")).filter(({ data }) => data.quarantineId === id);
    assert.deepEqual(
      read.map(({ type, data }) => [type, data.direction, data.quarantined]),
      [
        ["transfer.completed", "download", true],
        ["transfer.started", "download", true],
        ["transfer.completed", "download", true],
        ["transfer.started", "download", true],
      ],
    );
  });

  it("keeps the same file once, and tells how often it came", async () => {
    await upload("/inbox/a.csv", "bad");
    await infect("/inbox/a.csv");
    assert.deepEqual([(await heldAs("/inbox/a.csv")).repeats?.count, (await quarantined()).length], [1, 1]);
    assert.deepEqual(await client.list("/inbox"), []);
  });

  it("lets a file out, rules act on it, and no later verdict takes it away", async () => {
    const { id } = await heldAs("/inbox/a.csv");
    const released = await admin.request("POST", `/v1/quarantine/${id}/release`);
    assert.equal(released.status, 204);
    assert.equal(lambda.calls.get("scan-result"), 2);
    await settle();
    await settle();
    assert.deepEqual([await client.list("/inbox"), await client.list("/copies")], [["a.csv"], ["a.csv"]]);
    const again = await infect("/inbox/a.csv");
    await deliver(again);
    assert.deepEqual([await client.list("/inbox"), await quarantined()], [["a.csv"], []]);
    assert.equal((await client.get("/inbox/a.csv")).toString(), "bad");
    const [event, ...others] = await eventsOf("type=scan.released");
    assert.deepEqual(others, []);
    assert.deepEqual(
      [event?.data.by, event?.data.path, event?.data.signature],
      ["root", "/inbox/a.csv", "EICAR-Test-File"],
    );
    const place = { Bucket: rig.files.bucket, Key: "tester/inbox/a.csv" };
    const { TagSet = [] } = await rig.files.client.send(new GetObjectTaggingCommand(place));
    assert.deepEqual(TagSet.map(({ Key: name, Value }) => [name, Value]).sort(), [
      ["GuardDutyMalwareScanStatus", "THREATS_FOUND"],
      ["ferrygate-released", "true"],
    ]);
  });

  it("takes the verdict of a version for that version", async () => {
    await upload("/inbox/b.csv", "bad b");
    const first = await scanObject(rig.files, "tester/inbox/b.csv", "THREATS_FOUND", eicar);
    await upload("/inbox/b.csv", "good b");
    await deliver(first);
    assert.equal((await client.get("/inbox/b.csv")).toString(), "good b");
    assert.equal(
      (await quarantined()).some(({ path }) => path === "/inbox/b.csv"),
      false,
    );
    await deliver(await scanObject(rig.files, "tester/inbox/b.csv", "NO_THREATS_FOUND"));
    await settle();
    assert.deepEqual((await client.list("/copies")).includes("b.csv"), true);
  });

  it("waits with the verdict that is faster than the record of the upload", async () => {
    await client.put("/inbox/c.csv", Buffer.from("bad c"));
    const early = await scanObject(rig.files, "tester/inbox/c.csv", "THREATS_FOUND", eicar);
    const answer = functions.scanResult(early, lambdaContext());
    assert.deepEqual(await client.list("/inbox"), ["a.csv", "b.csv", "c.csv"]);
    await settle();
    assert.deepEqual(await answer, { batchItemFailures: [] });
    assert.equal((await heldAs("/inbox/c.csv")).account, "tester");
    assert.equal((await client.list("/copies")).includes("c.csv"), false);
  });

  it("follows a file that was renamed before its verdict", async () => {
    await upload("/inbox/d.part", "bad d");
    const first = await scanObject(rig.files, "tester/inbox/d.part", "THREATS_FOUND", eicar);
    await client.rename("/inbox/d.part", "/inbox/d.csv");
    await settle();
    await deliver(first);
    assert.deepEqual(await client.list("/inbox"), ["a.csv", "b.csv", "d.csv"]);
    await infect("/inbox/d.csv");
    const { id } = await heldAs("/inbox/d.csv");
    assert.deepEqual(await client.list("/inbox"), ["a.csv", "b.csv"]);
    await admin.request("POST", `/v1/quarantine/${id}/release`);
    await settle();
    assert.deepEqual((await client.list("/inbox")).includes("d.csv"), true);
  });

  it("has what could not be scanned where nobody could read it, and it is released the same way", async () => {
    await upload("/held/e.zip", "locked");
    await deliver(await scanObject(rig.files, "tester/held/e.zip", "UNSUPPORTED"));
    const { id, state, reason } = await heldAs("/held/e.zip");
    assert.deepEqual([state, reason, await client.list("/held")], ["failed", "UNSUPPORTED", []]);
    await client.put("/held/e.zip", Buffer.from("another"));
    await admin.request("POST", `/v1/quarantine/${id}/release`);
    assert.deepEqual(await client.list("/held"), ["e-1.zip", "e.zip"]);
  });

  it("deletes what an operator deletes, and what its time is over for", async () => {
    const { id } = await heldAs("/inbox/c.csv");
    await admin.request("DELETE", `/v1/quarantine/${id}`);
    await assert.rejects(admin.request("DELETE", `/v1/quarantine/${id}`), /no such file/);
    await settle();
    const [event] = await eventsOf("type=file.deleted");
    assert.deepEqual(
      [event?.data.path, event?.data.quarantined, event?.data.reason],
      ["/inbox/c.csv", true, "root deleted it"],
    );
    assert.deepEqual(await quarantined(), []);
    assert.deepEqual(await rig.files.objectKeys(".ferrygate/"), []);
    await (functions.scanResult as LambdaHandler)({ source: "aws.events" }, lambdaContext());
  });

  it("lies where no account gets, not even one whose home is the whole bucket", async () => {
    await upload("/inbox/f.csv", "bad f");
    await infect("/inbox/f.csv");
    const { store } = openConfiguration(rig.test.table);
    const tester = (await store.find("account", "tester"))?.value ?? {};
    await putEntry(store, "account", { ...tester, name: "whole", home: "/" });
    const whole = await httpFileClient(api.url, "whole");
    assert.deepEqual(await whole.list("/"), ["root", "tester"]);
    for (const path of ["/.ferrygate/quarantine", "/.ferrygate"]) await assert.rejects(whole.list(path));
    const { id } = await heldAs("/inbox/f.csv");
    await assert.rejects(whole.get(`/.ferrygate/quarantine/${id}`), /server's own folder/);
    await whole.close();
  });
});
