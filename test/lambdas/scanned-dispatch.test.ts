import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { SQSRecord } from "aws-lambda";
import { environmentNames as names } from "../../adapters/aws/env.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { ConfigurationError } from "../../core/configuration-error.ts";
import type { BatchHandler } from "../../lambdas/services/batch-handler.ts";
import { openConfiguration } from "../../lambdas/services/configuration.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import type { FileClient } from "../support/file-clients.ts";
import { httpFileClient } from "../support/file-clients.ts";
import { connectHttp, type HttpClient } from "../support/http-client.ts";
import { lambdaContext, startHttpApi } from "../support/payload-v2.ts";
import { type FunctionRig, putEntry, seedConfiguration, startFunctionRig } from "./rig.ts";
import { scanObject } from "./scan-results.ts";

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
  const scanned = async (path: string, status: string, threats: readonly { name: string }[] = []) => {
    const batch = await scanObject(rig.files, `tester${path}`, status, threats);
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

  describe("with the step scan", () => {
    before(async () => {
      const body = JSON.stringify({
        name: "through-the-scan",
        when: { accounts: ["tester"], path: "/work/*.csv" },
        do: [{ move: "/inbox/" }, { scan: true }, { copy: "/copies/", overwrite: "number" }],
      });
      await admin.request("PUT", "/v1/dispatch-rules/through-the-scan", {
        body,
        headers: { "content-type": "application/json" },
      });
      await client.makeDirectory("/work");
    });
    const doneBy = async (path: string) => {
      const events = await eventsOf(`type=dispatch.completed,dispatch.skipped,dispatch.failed&path=${path}`);
      return events
        .filter(({ data }) => data.rule === "through-the-scan")
        .map(({ data }) => [data.action, data.verdict]);
    };

    it("waits where an earlier step has put the file, and goes on when it was found clean", async () => {
      early = [];
      await client.put("/work/f.csv", Buffer.from("f"));
      await settle();
      assert.deepEqual([early.length, (await copies()).includes("f.csv")], [1, false]);
      await scanned("/inbox/f.csv", "NO_THREATS_FOUND");
      assert.equal((await copies()).includes("f.csv"), true);
      assert.deepEqual(await functions.dispatch({ Records: early }, lambdaContext()), { batchItemFailures: [] });
      await settle();
      assert.deepEqual(await doneBy("/inbox/f.csv"), [
        ["copy", undefined],
        ["scan", "clean"],
      ]);
      assert.equal((await copies()).includes("f-1.csv"), false);
    });

    it("ends the rule for an infected file, which is in quarantine", async () => {
      await client.put("/work/g.csv", Buffer.from("bad g"));
      await settle();
      await scanned("/inbox/g.csv", "THREATS_FOUND", [{ name: "EICAR-Test-File" }]);
      assert.deepEqual(
        [(await copies()).includes("g.csv"), (await client.list("/inbox")).includes("g.csv")],
        [false, false],
      );
      const { files } = (await (await admin.request("GET", "/v1/quarantine")).json()) as { files: { path: string }[] };
      assert.equal(files.filter(({ path }) => path === "/inbox/g.csv").length, 1);
      const [last] = await doneBy("/inbox/g.csv");
      assert.equal(last?.[0], "scan");
    });

    it("fails where it cannot be done: without a verdict, and where nothing is scanned", async () => {
      const { store } = openConfiguration(rig.test.table, { scan: { prefixes: [], deny: "infected" } });
      const when = { accounts: ["tester"], path: "/other/*.zip" };
      await putEntry(store, "dispatch-rule", { name: "elsewhere", when, do: [{ scan: true }, { delete: true }] });
      await client.put("/other/h.zip", Buffer.from("h"));
      await client.put("/work/i.csv", Buffer.from("i"));
      await settle();
      await scanned("/inbox/i.csv", "UNSUPPORTED");
      await settle();
      const failed = await eventsOf("type=dispatch.failed");
      assert.deepEqual(failed.map(({ data }) => [data.path, data.reason]).sort(), [
        ["/inbox/i.csv", "/inbox/i.csv could not be scanned: UNSUPPORTED"],
        ["/other/h.zip", "/other/h.zip is not scanned where it is: scan.prefixes of the stage leave it out"],
      ]);
      assert.equal((await client.list("/other")).includes("h.zip"), true);
    });

    it("is refused where the stage scans nothing", async () => {
      const { store } = openConfiguration(rig.test.table);
      const when = { accounts: ["tester"], path: "/other/*.x" };
      await assert.rejects(
        putEntry(store, "dispatch-rule", { name: "refused", when, do: [{ scan: true }] }),
        (error: unknown) =>
          error instanceof ConfigurationError &&
          error.problems.some(({ field, message }) => field === "do[0].scan" && /scan\.kind "guardduty"/.test(message)),
      );
    });
  });
});
