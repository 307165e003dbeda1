import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import { FileError } from "../../../core/errors.ts";
import type { ObjectVersion } from "../../../ports/object-origins.ts";
import type { StoreVerdict } from "../../../service/scan/store-finding.ts";
import { removeExpiredFiles, StoreQuarantineDesk } from "../../../service/scan/store-quarantine-desk.ts";
import { releaseFromStore } from "../../../service/scan/store-release.ts";
import { settleStoreVerdict } from "../../../service/scan/store-verdict.ts";
import { createMemoryAutomation } from "../../support/memory-automation.ts";
import { createMemoryServices, testAccount } from "../../support/memory-ports.ts";
import { createMemoryStoreQuarantine } from "../../support/memory-store-quarantine.ts";

const more = { direction: "upload", durationMs: 5 };
const upload: AccountingEvent = {
  id: "transfer-1.completed",
  type: "transfer.completed",
  time: "2026-11-26T12:00:00.000Z",
  server: "gateway",
  account: { name: "acme", groups: ["partners"] },
  session: "session-1",
  protocol: "sftp",
  peer: { address: "203.0.113.7", port: 1 },
  message: "upload of /in/a.pdf completed",
  data: {
    path: "/in/a.pdf",
    objectKey: "acme/in/a.pdf",
    bytes: 3,
    sha256: "of-abc",
    transferId: "transfer-1",
    ...more,
  },
};

/** A store with one file, whose upload is on record unless the test says otherwise. */
async function start({ transferId = "transfer-1", bounds = { files: 10, bytes: 100 }, isOnRecord = true } = {}) {
  const { claims } = createMemoryAutomation();
  const isHeldInPlace = (objectKey: string) => objectKey.startsWith("acme/held/");
  const services = createMemoryServices([testAccount({ name: "acme" })], { isHeldInPlace });
  const { objects, accounting } = services;
  const released: string[] = [];
  const origins = {
    transferOf: async () => (transferId === "" ? undefined : transferId),
    isReleased: async ({ etag }: ObjectVersion) => released.includes(etag),
  };
  const quarantine = createMemoryStoreQuarantine(objects, bounds);
  const all = { ...services, origins, quarantine, claims };
  const put = async (objectKey: string, content: string) => {
    await objects.ensureDirectory(objectKey.split("/").slice(0, -1).join("/"));
    const writer = await objects.openWrite(objectKey, transferId);
    await writer.write(Buffer.from(content));
    return (await writer.publish({})).etag;
  };
  if (isOnRecord) await accounting.append(upload);
  const etag = await put("acme/in/a.pdf", "abc");
  const verdictOf = (changes: Partial<StoreVerdict>): StoreVerdict => {
    const clean = { verdict: "clean", reason: "", scanner: "GuardDuty" } as const;
    return { objectKey: "acme/in/a.pdf", etag, ...clean, ...changes };
  };
  const settle = (changes: Partial<StoreVerdict> = {}, isLast = false) =>
    settleStoreVerdict(all, verdictOf(changes), isLast);
  const recorded = (prefix = "scan.") => accounting.events.filter(({ type }) => type.startsWith(prefix));
  const isThere = async (objectKey: string) => (await objects.stat(objectKey)) !== undefined;
  const held = async () => (await quarantine.list({ limit: 10 })).files;
  return { services: all, put, verdictOf, settle, recorded, isThere, held, released, etag };
}

const infected = { verdict: "infected", reason: "EICAR" } as const;
const place = ".ferrygate/quarantine/transfer-1";

test("a clean file stays, and is on record once as that of its upload", async () => {
  const { settle, recorded, isThere } = await start();
  await settle();
  await settle();
  const [event, ...others] = recorded();
  assert.deepEqual(others, []);
  assert.deepEqual([event?.type, event?.id, event?.account], ["scan.clean", "transfer-1.scan.clean", upload.account]);
  const { durationMs: _, direction: __, ...transfer } = upload.data;
  assert.deepEqual(event?.data, { ...transfer, scanner: "GuardDuty", cause: upload.id });
  assert.equal(await isThere("acme/in/a.pdf"), true);
});

test("an infected file goes into quarantine, and what is found there is known", async () => {
  const { settle, recorded, isThere, held } = await start();
  await settle(infected);
  await settle(infected);
  assert.deepEqual([await isThere("acme/in/a.pdf"), await isThere(place)], [false, true]);
  await settle({ objectKey: place, ...infected });
  const [event, ...others] = recorded();
  assert.deepEqual(others, []);
  assert.deepEqual([event?.data.signature, event?.data.quarantineId], ["EICAR", "transfer-1"]);
  const [file] = await held();
  assert.deepEqual(
    [file?.accountName, file?.path, file?.state, file?.reason, file?.bytes, file?.sha256, file?.heldAt],
    ["acme", "/in/a.pdf", "infected", "EICAR", 3, "of-abc", upload.time],
  );
});

test("a crash at any moment leads to the same end", async () => {
  const steps = ["annotate", "complete", "append", "admit", "takeIn", "remove"] as const;
  for (const [step, when] of steps.flatMap((one) => [[one, "before"] as const, [one, "after"] as const])) {
    const { services, settle, recorded, isThere, held } = await start();
    const { claims, accounting, quarantine, objects } = services;
    const parts = { annotate: claims, complete: claims, append: accounting, admit: quarantine, takeIn: quarantine };
    const part = (step === "remove" ? objects : parts[step]) as unknown as Record<
      string,
      (...all: unknown[]) => unknown
    >;
    const original = part[step]?.bind(part);
    part[step] = async (...given) => {
      if (when === "after") await original?.(...given);
      throw new FileError("unavailable", "down");
    };
    await assert.rejects(settle(infected), { code: "unavailable" }, `${when} ${step}`);
    if (original) part[step] = original;
    await settle(infected);
    assert.deepEqual([await isThere("acme/in/a.pdf"), await isThere(place)], [false, true], `${when} ${step}`);
    assert.deepEqual(
      recorded().map(({ data }) => data.quarantineId),
      ["transfer-1"],
      `${when} ${step}`,
    );
    assert.deepEqual((await held()).length, 1, `${when} ${step}`);
  }
});

test("a version that was replaced since is on record and moves nothing, also in the last moment", async () => {
  const { settle, recorded, isThere, held } = await start();
  await settle({ etag: "of-an-earlier-version", ...infected });
  assert.equal(await isThere("acme/in/a.pdf"), true);
  assert.deepEqual([recorded()[0]?.type, recorded()[0]?.data.quarantineId], ["scan.infected", undefined]);
  const other = await start();
  const { takeIn } = other.services.quarantine;
  other.services.quarantine.takeIn = async (...given) => {
    await other.put("acme/in/a.pdf", "good");
    return takeIn(...given);
  };
  await other.settle(infected);
  assert.deepEqual([await other.isThere("acme/in/a.pdf"), await other.held(), await held()], [true, [], []]);
  assert.equal(other.recorded()[0]?.data.quarantineId, undefined);
});

test("what takes the place of an infected file while that is put away stays", async () => {
  const { services, put, settle, isThere, held } = await start();
  const { append } = services.accounting;
  services.accounting.append = async (event) => {
    await append(event);
    await put("acme/in/a.pdf", "good");
  };
  await settle(infected);
  assert.deepEqual([await isThere("acme/in/a.pdf"), (await held()).length], [true, 1]);
});

test("a verdict of an earlier version does not use up the name of the upload", async () => {
  const { settle, recorded, held } = await start();
  await settle({ etag: "before-its-time-was-set", ...infected });
  await settle(infected);
  assert.deepEqual(
    [(await held()).map(({ transferId }) => transferId), recorded().map(({ data }) => data.quarantineId)],
    [["transfer-1"], [undefined, "transfer-1"]],
  );
});

test("a file that was renamed before its verdict is kept under the path where its account sees it", async () => {
  const { put, settle, recorded, held } = await start();
  const etag = await put("acme/out/b.pdf", "abc");
  await settle({ objectKey: "acme/out/b.pdf", etag, ...infected });
  const [file] = await held();
  assert.match(file?.transferId ?? "", /^object-[0-9a-f]{32}$/);
  assert.deepEqual([file?.path, file?.accountName, file?.event.data.uploadedAs], ["/out/b.pdf", "acme", "/in/a.pdf"]);
  assert.deepEqual([recorded()[0]?.data.uploadedAs, recorded()[0]?.data.quarantineId], ["/in/a.pdf", file?.transferId]);
});

test("the same infected file is kept once, and what there is no room for stays where it is", async () => {
  const { put, settle, recorded, isThere, held } = await start({ bounds: { files: 2, bytes: 100 } });
  await settle(infected);
  await settle({ etag: await put("acme/in/a.pdf", "abcd"), ...infected });
  assert.deepEqual([(await held())[0]?.repeats?.count, await isThere("acme/in/a.pdf")], [1, false]);
  assert.equal(recorded()[1]?.data.keptAs, "transfer-1");
  const etag = await put("acme/in/b.pdf", "b");
  for (const _ of ["once", "again"]) await settle({ objectKey: "acme/in/b.pdf", etag, ...infected });
  assert.equal(await isThere("acme/in/b.pdf"), true);
  assert.deepEqual(
    [recorded().length, recorded()[2]?.data.notTaken],
    [3, "the account acme has no more room in quarantine"],
  );
});

test("a file that could not be scanned is put away where nobody could read it anyway", async () => {
  const { put, settle, recorded, isThere, held } = await start();
  const failed = { verdict: "failed", reason: "UNSUPPORTED" } as const;
  await settle(failed);
  const etag = await put("acme/held/c.pdf", "c");
  await settle({ objectKey: "acme/held/c.pdf", etag, ...failed });
  assert.deepEqual([await isThere("acme/in/a.pdf"), await isThere("acme/held/c.pdf")], [true, false]);
  assert.deepEqual(
    (await held()).map(({ state, reason }) => [state, reason]),
    [["failed", "UNSUPPORTED"]],
  );
  assert.deepEqual(
    recorded().map(({ type, data }) => [type, data.quarantineId !== undefined]),
    [
      ["scan.failed", false],
      ["scan.failed", true],
    ],
  );
});

test("a release brings the file back once, and no later verdict takes it away again", async () => {
  const { services, settle, recorded, isThere, held, released, etag } = await start();
  await settle(infected);
  const { append } = services.accounting;
  services.accounting.append = async () => Promise.reject(new FileError("unavailable", "down"));
  await assert.rejects(releaseFromStore(services, "transfer-1", "root"), { code: "unavailable" });
  services.accounting.append = append;
  await releaseFromStore(services, "transfer-1", "root");
  await assert.rejects(releaseFromStore(services, "transfer-1", "root"), { code: "not-found" });
  const [event, ...others] = recorded("scan.released");
  assert.deepEqual(others, []);
  assert.deepEqual(
    [
      event?.data.path,
      event?.data.objectKey,
      event?.data.by,
      event?.data.signature,
      event?.data.direction,
      event?.account?.name,
    ],
    ["/in/a.pdf", "acme/in/a.pdf", "root", "EICAR", "upload", "acme"],
  );
  assert.deepEqual([await isThere("acme/in/a.pdf"), await isThere("acme/in/a-1.pdf"), await held()], [true, false, []]);
  // GuardDuty scans what was released, and the first verdict may be delivered again.
  const back = (await services.objects.stat("acme/in/a.pdf"))?.etag ?? "";
  released.push(back);
  await settle({ etag: back, versionId: "released", ...infected });
  await settle({ etag, ...infected });
  assert.deepEqual([await isThere("acme/in/a.pdf"), recorded("scan.infected").length], [true, 1]);
});

test("a release takes the next free name, and replaces nothing", async () => {
  const { services, put, settle, recorded, isThere } = await start();
  await settle(infected);
  await put("acme/in/a.pdf", "good");
  await releaseFromStore(services, "transfer-1", "root");
  assert.deepEqual([await isThere("acme/in/a.pdf"), await isThere("acme/in/a-1.pdf")], [true, true]);
  const [event] = recorded("scan.released");
  assert.deepEqual([event?.data.path, event?.data.uploadedAs], ["/in/a-1.pdf", "/in/a.pdf"]);
});

test("a deleted file is on record and gone, and so is one whose time is over", async () => {
  const { services, put, settle, recorded, held } = await start();
  await settle(infected);
  await settle({ objectKey: "acme/in/b.pdf", etag: await put("acme/in/b.pdf", "b"), ...infected });
  const desk = new StoreQuarantineDesk(services, async () => {});
  const { reader } = await desk.open("transfer-1");
  assert.equal(reader.entry.size, 3);
  await reader.close();
  await desk.remove("transfer-1", "root deleted it");
  await assert.rejects(desk.find("transfer-1"), { code: "not-found" });
  await assert.rejects(desk.open("transfer-1"), { code: "not-found" });
  assert.deepEqual(
    recorded("file.deleted").map(({ data }) => [data.path, data.reason]),
    [["/in/a.pdf", "root deleted it"]],
  );
  await removeExpiredFiles(services, 1, () => false);
  assert.equal((await held()).length, 1);
  const later = { ...services, runtime: { ...services.runtime, now: () => Date.now() + 25 * 3_600_000 } };
  await removeExpiredFiles(later, 1, () => true);
  assert.equal((await held()).length, 1);
  await removeExpiredFiles(later, 1, () => false);
  assert.deepEqual([await held(), recorded("file.deleted")[1]?.data.reason], [[], "it was kept for 1 days"]);
});

test("an upload that is not on record yet is waited for, but not without end", async () => {
  const { settle, recorded } = await start({ isOnRecord: false });
  await assert.rejects(settle(), { code: "unavailable" });
  assert.deepEqual(recorded(), []);
  await settle({}, true);
  const [event] = recorded();
  assert.deepEqual([event?.account, event?.data], [undefined, { objectKey: "acme/in/a.pdf", scanner: "GuardDuty" }]);
});

test("an upload that comes on record meanwhile is waited for in the same call", async () => {
  const { services, verdictOf, recorded } = await start({ isOnRecord: false });
  const pauses: number[] = [];
  const pause = async (ms: number) => {
    pauses.push(ms);
    if (pauses.length === 3) await services.accounting.append(upload);
  };
  await settleStoreVerdict({ ...services, pause }, verdictOf(infected), false);
  assert.deepEqual([pauses, recorded()[0]?.account?.name], [[1000, 1000, 1000], "acme"]);
});

test("what came into the store on another way is on record under its name there", async () => {
  const { settle, recorded } = await start({ transferId: "" });
  for (const _ of ["once", "again"]) await settle({ verdict: "failed", reason: "UNSUPPORTED" });
  const [event, ...others] = recorded();
  assert.deepEqual(others, []);
  assert.match(event?.id ?? "", /^object-[0-9a-f]{32}\.scan\.failed$/);
  assert.equal(event?.message, "acme/in/a.pdf could not be scanned: UNSUPPORTED");
});

test("what came into the store on another way is put away too, and nobody is named", async () => {
  const { services, settle, isThere, held } = await start({ transferId: "" });
  await settle(infected);
  const [file] = await held();
  assert.deepEqual([file?.accountName, file?.path, file?.sha256], ["", "/acme/in/a.pdf", ""]);
  await releaseFromStore(services, file?.transferId ?? "", "root");
  assert.equal(await isThere("acme/in/a.pdf"), true);
});
