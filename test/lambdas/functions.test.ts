import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { GetSendQuotaCommand } from "@aws-sdk/client-ses";
import type { APIGatewayRequestAuthorizerEventV2, TransferFamilyAuthorizerEvent } from "aws-lambda";
import { createSesClient } from "../../adapters/aws/clients.ts";
import { createDynamoAuditIndex } from "../../adapters/aws/dynamo-audit-index.ts";
import { createDynamoFailedLogins } from "../../adapters/aws/dynamo-failed-logins.ts";
import { createDynamoLeases } from "../../adapters/aws/dynamo-leases.ts";
import { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import { ApiClient } from "../../client/api-client.ts";
import { followEvents } from "../../client/events.ts";
import { ProblemError } from "../../client/problem.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { limits } from "../../core/limits.ts";
import { openConfiguration } from "../../lambdas/services/configuration.ts";
import { batchOf } from "../support/aws-event-flow.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import { httpFileClient } from "../support/file-clients.ts";
import { connectHttp, type HttpClient } from "../support/http-client.ts";
import { lambdaContext, startHttpApi } from "../support/payload-v2.ts";
import { password } from "../support/product.ts";
import { type FunctionRig, messageOf, putEntry, seedConfiguration, startFunctionRig } from "./rig.ts";
import { scanObject } from "./scan-results.ts";

describe("the functions over the APIs of AWS", { skip: awsOrSkip(), concurrency: 1 }, () => {
  let rig: FunctionRig;
  let functions: Awaited<ReturnType<typeof importFunctions>>;
  let api: Awaited<ReturnType<typeof startHttpApi>>;
  let admin: HttpClient;
  before(async () => {
    rig = await startFunctionRig();
    await seedConfiguration(rig);
    functions = await importFunctions();
    api = await startHttpApi(functions.httpApi);
    admin = await connectHttp(api.url, "root");
  });
  after(async () => {
    await api.close();
    await rig.dispose();
  });

  /** Lets every queue run dry, in the order in which one function's events reach the next. */
  async function settle(): Promise<void> {
    const { deliver } = rig.flow;
    for (let moved = 1; moved > 0; ) {
      moved = await deliver("dispatch", functions.dispatch);
      moved += await deliver("alerts", functions.alerts);
      moved += await deliver("accounting", functions.accounting);
    }
  }

  async function eventsOf(query: string): Promise<readonly AccountingEvent[]> {
    await settle();
    const answer = await admin.request("GET", `/v1/events?order=desc&limit=1000&${query}`);
    return ((await answer.json()) as { events: AccountingEvent[] }).events.reverse();
  }

  it("serve files over HTTP, and every operation is on record", async () => {
    const client = await httpFileClient(api.url, "tester");
    const content = randomBytes(300_000);
    await client.makeDirectory("/made");
    await client.put("/made/a b ü.bin", content);
    assert.deepEqual(await client.list("/made"), ["a b ü.bin"]);
    assert.deepEqual(await client.get("/made/a b ü.bin"), content);
    await client.rename("/made/a b ü.bin", "/made/c.bin");
    await client.removeFile("/made/c.bin");
    await client.removeDirectory("/made");
    await client.close();
    const events = await eventsOf("account=tester");
    const trail = events.filter(({ type }) => type !== "session.started").map(({ type, data }) => [type, data.path]);
    assert.deepEqual(trail, [
      ["authentication.succeeded", undefined],
      ["directory.created", "/made"],
      ["transfer.started", "/made/a b ü.bin"],
      ["transfer.completed", "/made/a b ü.bin"],
      ["directory.listed", "/made"],
      ["transfer.started", "/made/a b ü.bin"],
      ["transfer.completed", "/made/a b ü.bin"],
      ["file.renamed", "/made/c.bin"],
      ["file.deleted", "/made/c.bin"],
      ["directory.deleted", "/made"],
      ["session.ended", undefined],
    ]);
    const sha256 = createHash("sha256").update(content).digest("hex");
    assert.deepEqual([events[3]?.data.bytes, events[3]?.data.sha256], [300_000, sha256]);
  });

  it("refuse over HTTP what the account may not do, and let no more through than API Gateway does", async () => {
    const client = await httpFileClient(api.url, "limited");
    await client.put("/inbox/in.bin", Buffer.from("in"));
    await assert.rejects(client.get("/inbox/in.bin"), (error) => {
      assert.ok(error instanceof ProblemError);
      return error.status === 403 && /account limited, permissions\[1\]/.test(String(error.problem.rule));
    });
    await assert.rejects(client.put("/inbox/large.bin", Buffer.alloc(5 * 1024 * 1024)), /413/);
    await client.close();
    const denied = await eventsOf("account=limited&type=access.denied");
    assert.deepEqual(
      denied.map(({ data }) => [data.action, data.path]),
      [["read", "/inbox/in.bin"]],
    );
  });

  it("let a large file go from the client straight to S3 and back in ranges", async () => {
    const client = await connectHttp(api.url, "tester");
    const [first, second] = [randomBytes(5 * 1024 * 1024), randomBytes(3 * 1024 * 1024)];
    const content = Buffer.concat([first, second]);
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ path: "/large.bin", bytes: content.length, partSizeBytes: first.length });
    const started = await client.request("POST", "/v1/uploads", { headers, body });
    const { uploadId } = (await started.json()) as { uploadId: string };
    const places = await client.request("GET", `/v1/uploads/${uploadId}/part-urls?count=2`);
    const { urls } = (await places.json()) as { urls: { url: string }[] };
    for (const [index, part] of [first, second].entries()) {
      const { url = "" } = urls[index] ?? {};
      assert.ok(url.startsWith(rig.endpoint), "the URL is that of S3");
      assert.equal((await fetch(url, { method: "PUT", body: new Uint8Array(part) })).status, 200);
    }
    const completed = await client.request("POST", `/v1/uploads/${uploadId}/complete`);
    assert.equal(((await completed.json()) as { bytes: number }).bytes, content.length);
    const half = (from: number, to: number) =>
      client.files("GET", "/large.bin", { headers: { range: `bytes=${from}-${to - 1}` } });
    const [head, tail] = [await half(0, 4_000_000), await half(4_000_000, content.length)];
    assert.deepEqual(
      Buffer.concat([Buffer.from(await head.arrayBuffer()), Buffer.from(await tail.arrayBuffer())]),
      content,
    );
    await client.logout();
  });

  it("move what arrives as the dispatch rules say, and tell whom the alert rules name", async () => {
    const client = await httpFileClient(api.url, "tester");
    await client.makeDirectory("/inbox");
    await client.put("/inbox/report.pdf", Buffer.from("report"));
    await settle();
    assert.deepEqual((await client.get("/outbox/report.pdf")).toString(), "report");
    const [dispatched] = await eventsOf("type=dispatch.completed");
    assert.equal(dispatched?.data.rule, "pdfs-to-outbox");
    const told = await eventsOf("type=alert.sent");
    assert.deepEqual(
      told.map(({ data }) => [data.rule, data.eventType]),
      [["uploads", "transfer.completed"]],
    );
    assert.ok((await mailsSent()) > 0);
    await client.close();
  });

  it("keep every event once in the archive, however often it is delivered", async () => {
    const events = await eventsOf("");
    const again = events.slice(0, 5).map((event) => messageOf(event, 2));
    assert.deepEqual(await functions.accounting(batchOf(again), lambdaContext()), { batchItemFailures: [] });
    const names = await rig.archive.objectKeys("events/date=");
    const archived = await Promise.all(
      names.map(async (name) => gunzipSync(await rig.archive.content(name)).toString()),
    );
    const ids = archived.flatMap((text) =>
      text
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as AccountingEvent).id),
    );
    assert.equal(new Set(ids).size, ids.length);
    for (const { id } of events) assert.ok(ids.includes(id));
  });

  it("name what of a batch is to be delivered again", async () => {
    const [event] = await eventsOf("");
    assert.ok(event);
    const broken = { ...messageOf(event), MessageId: "broken", Body: "{" };
    const answer = await functions.accounting(batchOf([messageOf({ ...event, id: "new" }), broken]), lambdaContext());
    assert.deepEqual(answer, { batchItemFailures: [{ itemIdentifier: "broken" }] });
    assert.equal((await eventsOf("")).filter(({ id }) => id === "new").length, 1);
  });

  it("put an event that cannot be dispatched to the dead letters, from where it is replayed", async () => {
    const client = await httpFileClient(api.url, "tester");
    await client.put("/blocked", Buffer.from("a file where the rule wants a folder"));
    await client.put("/inbox/a.xml", Buffer.from("xml"));
    await settle();
    const letters = async () => {
      const answer = await admin.request("GET", "/v1/dead-letters");
      return ((await answer.json()) as { deadLetters: { id: string }[] }).deadLetters.map(({ id }) => id);
    };
    const [letter = "", ...others] = await letters();
    assert.match(letter, /^dispatch\./);
    assert.deepEqual(others, []);
    await client.removeFile("/blocked");
    await admin.request("POST", `/v1/dead-letters/${encodeURIComponent(letter)}/replay`);
    await settle();
    assert.deepEqual(await letters(), []);
    assert.equal((await client.get("/blocked/a.xml")).toString(), "xml");
    await client.close();
  });

  it("say that they live before they work with transfers", async () => {
    await functions.dispatch(batchOf([]), lambdaContext());
    await functions.scanResult(batchOf([]), lambdaContext());
    await admin.request("GET", "/v1/dead-letters");
    const living = await createDynamoLeases({ table: rig.test.table }).list("functions");
    assert.deepEqual([living.length, new Set(living.map(({ owner }) => owner)).size], [3, 3]);
    const remainsMs = living.map(({ endsAtMs }) => endsAtMs - Date.now());
    assert.ok(Math.min(...remainsMs) > limits.functionLeaseMs - limits.functionRenewMs);
  });

  it("put what a scan finds on record, and infected files away", async () => {
    const client = await httpFileClient(api.url, "tester");
    for (const name of ["good", "bad"]) await client.put(`/${name}.exe`, Buffer.from(name));
    await settle();
    const results = [
      await scanObject(rig.files, "tester/good.exe", "NO_THREATS_FOUND"),
      await scanObject(rig.files, "tester/bad.exe", "THREATS_FOUND", [{ name: "EICAR-Test-File" }]),
    ];
    for (const batch of [...results, ...results]) {
      assert.deepEqual(await functions.scanResult(batch, lambdaContext()), { batchItemFailures: [] });
    }
    const events = await eventsOf("type=scan.clean,scan.infected&account=tester");
    assert.deepEqual(
      events.map(({ type, data }) => [type, data.path, data.signature]),
      [
        ["scan.clean", "/good.exe", undefined],
        ["scan.infected", "/bad.exe", "EICAR-Test-File"],
      ],
    );
    assert.deepEqual((await client.list("/")).includes("bad.exe"), false);
    const quarantined = `.ferrygate/quarantine/${events[1]?.data.quarantineId}`;
    assert.equal((await rig.files.content(quarantined)).toString(), "bad");
    await client.close();
  });

  it("tell which of the files that are expected each day did not come", async () => {
    const dueMs = Date.now() - 5 * 60_000;
    const by = new Date(dueMs).toISOString().slice(11, 16);
    const { store } = openConfiguration(rig.test.table);
    for (const name of ["came", "missing"]) {
      const expect = { account: "tester", path: `/daily/${name}.csv`, by, timeZone: "UTC" };
      const email = { to: ["ops@example.com"], subject: "{message}" };
      await putEntry(store, "alert-rule", { name, expect, email });
    }
    const { client, tableName } = rig.test;
    const earlier = new DynamoTable({ client, name: tableName, now: () => Date.now() - 60_000 });
    await createDynamoAuditIndex({ table: earlier }).append({
      id: "daily",
      type: "transfer.completed",
      time: new Date(dueMs - 2 * 60_000).toISOString(),
      server: "test",
      account: { name: "tester", groups: [] },
      protocol: "sftp",
      message: "upload of /daily/came.csv completed",
      data: { path: "/daily/came.csv", direction: "upload" },
    });
    await functions.alerts({ source: "aws.events" }, lambdaContext());
    const missing = await eventsOf("type=file.missing");
    assert.deepEqual(
      missing.map(({ data }) => [data.rule, data.expected]),
      [["missing", "/daily/missing.csv"]],
    );
    const sent = await eventsOf("type=alert.sent");
    assert(sent.some(({ data }) => data.rule === "missing"));
    for (const name of ["came", "missing"]) await admin.request("DELETE", `/v1/alert-rules/${name}`);
  });

  it("let a program follow the record answer by answer, and show it each event once", async () => {
    const { client: dynamo, tableName, table } = rig.test;
    const earlier = new DynamoTable({ client: dynamo, name: tableName, now: () => Date.now() - 60_000 });
    const append = (to: DynamoTable, id: string) =>
      createDynamoAuditIndex({ table: to }).append({
        id,
        type: "file.copied",
        time: new Date().toISOString(),
        server: "test",
        protocol: "sftp",
        message: "copied",
        data: { path: `/followed/${id}` },
      });
    await append(earlier, "before");
    const client = new ApiClient({ url: api.url, credentials: { username: "root", password } });
    const since = new Date(Date.now() - 60_000).toISOString();
    const following = followEvents(client, { since, path: "/followed/" });
    const seen = [(await following.next()).value?.event.id];
    await append(table, "while");
    const next = (await following.next()).value;
    seen.push(next?.event.id);
    assert.deepEqual(seen, ["before", "while"]);
    await following.return();
    await append(table, "after");
    const again = followEvents(client, { path: "/followed/" }, { behind: next?.position });
    assert.equal((await again.next()).value?.event.id, "after");
    await again.return();
  });

  it("manage accounts over HTTP, and have the change in force for logins at once", async () => {
    const body = JSON.stringify({ name: "fresh", password: { clear: password }, permissions: [["allow-list"]] });
    const headers = { "content-type": "application/json" };
    await admin.request("PUT", "/v1/accounts/fresh", { headers, body });
    const client = await httpFileClient(api.url, "fresh");
    assert.deepEqual(await client.list("/"), []);
    await client.close();
    const changed = (await eventsOf("type=configuration.changed")).at(-1);
    assert.deepEqual([changed?.data.kind, changed?.data.name], ["account", "fresh"]);
  });

  it("decide about logins for the gateway and for a managed server", async () => {
    const client = { v: 1, username: "tester", protocol: "sftp", peer: { address: "203.0.113.7", port: 1 } };
    const ask = (secret: string) =>
      functions.customAuth({ ...client, ask: "login", credential: { kind: "password", password: secret } });
    assert.deepEqual(Object.entries((await ask(password)) as object).slice(0, 2), [
      ["v", 1],
      ["ok", true],
    ]);
    assert.equal(((await ask("wrong")) as { reason: string }).reason, "wrong-password");
    const managed: TransferFamilyAuthorizerEvent = {
      username: "tester",
      password,
      protocol: "SFTP",
      serverId: "s-1",
      sourceIp: "203.0.113.8",
    };
    const answer = (await functions.customAuth(managed)) as { Role: string; HomeDirectoryDetails: string };
    assert.equal(answer.HomeDirectoryDetails, JSON.stringify([{ Entry: "/", Target: `/${rig.files.bucket}/tester` }]));
    assert.deepEqual(await functions.customAuth({ ...managed, password: "wrong" }), {});
    assert.deepEqual(await functions.customAuth({ ...managed, protocol: "FTP" }), {});
    const events = await eventsOf("peer=203.0.113.8");
    assert.deepEqual(
      events.map(({ type }) => type),
      ["authentication.succeeded", "authentication.failed"],
    );
  });

  it("look at no password from a network that was wrong too often, whoever asks", async () => {
    const failedLogins = createDynamoFailedLogins(rig.test.table);
    const [address, other] = ["203.0.113.9", "203.0.113.10"];
    const wrong = Array.from({ length: limits.failedLogins - 1 }, () => failedLogins.add(address, Date.now()));
    await Promise.all(wrong);
    const ask = async (secret: string, from: string) => {
      const client = { v: 1, username: "tester", protocol: "ftps", peer: { address: from, port: 1 } };
      const credential = { kind: "password", password: secret };
      const answer = await functions.customAuth({ ...client, ask: "login", credential });
      return (answer as { reason?: string }).reason;
    };
    assert.equal(await ask(password, address), undefined);
    assert.equal(await ask("wrong", address), "wrong-password");
    assert.equal(await ask(password, address), "too-many-refused-logins");
    assert.equal(await ask(password, other), undefined);
    const managed = { username: "tester", password, protocol: "SFTP", serverId: "s-1", sourceIp: address };
    assert.deepEqual(await functions.customAuth(managed), {});
    assert.notDeepEqual(await functions.customAuth({ ...managed, sourceIp: other }), {});
  });

  it("decide about a path, and about a request to another HTTP API", async () => {
    const decision = (await functions.authorize({ account: "limited", action: "upload", path: "/inbox/a" })) as object;
    assert.deepEqual(decision, {
      effect: "allow",
      rule: (decision as { rule: string }).rule,
      account: "limited",
      action: "write",
      path: "/inbox/a",
      objectKey: "limited/inbox/a",
    });
    assert.deepEqual(await functions.authorize({ account: "limited", action: "juggle", path: "/" }), {
      problem: {
        code: "invalid-argument",
        detail:
          "the actions are read, stat, list, traverse, write, create-folder, rename, " +
          "delete-file, delete-folder, set-attributes",
        field: "action",
      },
    });
    const request = (token: string, method: string): APIGatewayRequestAuthorizerEventV2 => ({
      version: "2.0",
      type: "REQUEST",
      routeArn: "arn:aws:execute-api:eu-west-1:123456789012:api/$default/GET/files",
      identitySource: [`Bearer ${token}`],
      routeKey: "GET /files",
      rawPath: "/files",
      rawQueryString: "path=/inbox/a",
      cookies: [],
      headers: { authorization: `Bearer ${token}` },
      queryStringParameters: { path: "/inbox/a" },
      requestContext: {
        ...{ accountId: "1", apiId: "1", domainName: "", domainPrefix: "", requestId: "", routeKey: "", stage: "" },
        ...{ time: "", timeEpoch: 0 },
        http: { method, path: "/files", protocol: "HTTP/1.1", sourceIp: "203.0.113.7", userAgent: "" },
      },
    });
    const limited = await connectHttp(api.url, "limited");
    const verdict = async (token: string, method: string) =>
      ((await functions.authorize(request(token, method))) as { isAuthorized: boolean }).isAuthorized;
    assert.deepEqual([await verdict(limited.token, "PUT"), await verdict(limited.token, "GET")], [true, false]);
    await limited.logout();
    assert.equal(await verdict(limited.token, "PUT"), false);
  });
});

async function mailsSent(): Promise<number> {
  const client = createSesClient();
  const { SentLast24Hours = 0 } = await client.send(new GetSendQuotaCommand({}));
  client.destroy();
  return SentLast24Hours;
}

/** After the environment is set, which they read when they are loaded. */
async function importFunctions() {
  const [accounting, alerts, authorize, customAuth, dispatch, httpApi, scanResult] = await Promise.all([
    import("../../lambdas/accounting.ts"),
    import("../../lambdas/alerts.ts"),
    import("../../lambdas/authorize.ts"),
    import("../../lambdas/custom-auth.ts"),
    import("../../lambdas/dispatch.ts"),
    import("../../lambdas/http-api.ts"),
    import("../../lambdas/scan-result.ts"),
  ]);
  const call = (handler: typeof authorize.handler) => (event: unknown) => handler(event, lambdaContext());
  return {
    accounting: accounting.handler,
    alerts: alerts.handler,
    authorize: call(authorize.handler),
    customAuth: call(customAuth.handler),
    dispatch: dispatch.handler,
    httpApi: httpApi.handler,
    scanResult: scanResult.handler,
  };
}
