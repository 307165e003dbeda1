import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import { FileError } from "../../../core/errors.ts";
import { type StoreVerdict, settleStoreVerdict } from "../../../service/scan/store-verdict.ts";
import { createMemoryServices } from "../../support/memory-ports.ts";

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
  data: { path: "/in/a.pdf", objectKey: "acme/in/a.pdf", bytes: 3, transferId: "transfer-1", durationMs: 5 },
};

/** A store with one file, whose upload is on record unless the test says otherwise. */
async function start(transferId: string | null = "transfer-1") {
  const services = createMemoryServices([]);
  const writer = await services.objects.openWrite("acme/in/a.pdf", "transfer-1");
  await writer.write(Buffer.from("abc"));
  const { etag } = await writer.publish({});
  const origins = { transferOf: async () => transferId ?? undefined };
  const verdictOf = (changes: Partial<StoreVerdict> = {}): StoreVerdict => ({
    objectKey: "acme/in/a.pdf",
    etag,
    verdict: "clean",
    reason: "",
    scanner: "GuardDuty",
    ...changes,
  });
  const settle = (changes: Partial<StoreVerdict> = {}, isLast = false) =>
    settleStoreVerdict({ ...services, origins }, verdictOf(changes), isLast);
  const recorded = () => services.accounting.events.filter(({ type }) => type.startsWith("scan."));
  const isThere = async (objectKey: string) => (await services.objects.stat(objectKey)) !== undefined;
  return { services, settle, recorded, isThere };
}

test("a clean file stays, and is on record once as that of its upload", async () => {
  const { services, settle, recorded, isThere } = await start();
  await services.accounting.append(upload);
  await settle();
  await settle();
  const [event, ...others] = recorded();
  assert.deepEqual(others, []);
  assert.deepEqual([event?.type, event?.id, event?.account], ["scan.clean", "transfer-1.scan.clean", upload.account]);
  const { durationMs: _, ...transfer } = upload.data;
  assert.deepEqual(event?.data, { ...transfer, scanner: "GuardDuty", cause: upload.id });
  assert.equal(await isThere("acme/in/a.pdf"), true);
});

test("an infected file goes into quarantine, and what is found there is known", async () => {
  const { services, settle, recorded, isThere } = await start();
  await services.accounting.append(upload);
  await settle({ verdict: "infected", reason: "EICAR" });
  await settle({ verdict: "infected", reason: "EICAR" });
  const place = ".quarantine/transfer-1/a.pdf";
  assert.deepEqual([await isThere("acme/in/a.pdf"), await isThere(place)], [false, true]);
  await settle({ objectKey: place, verdict: "infected", reason: "EICAR" });
  const [event, ...others] = recorded();
  assert.deepEqual(others, []);
  assert.deepEqual([event?.data.signature, event?.data.quarantine], ["EICAR", place]);
  assert.equal(await isThere(place), true);
});

test("a crash between the move and the record changes nothing", async () => {
  const { services, settle, recorded } = await start();
  await services.accounting.append(upload);
  const { append } = services.accounting;
  services.accounting.append = async () => Promise.reject(new FileError("unavailable", "down"));
  await assert.rejects(settle({ verdict: "infected", reason: "EICAR" }), { code: "unavailable" });
  services.accounting.append = append;
  await settle({ verdict: "infected", reason: "EICAR" });
  assert.equal(recorded()[0]?.data.quarantine, ".quarantine/transfer-1/a.pdf");
});

test("a version that was replaced since is on record and moves nothing", async () => {
  const { services, settle, recorded, isThere } = await start();
  await services.accounting.append(upload);
  await settle({ etag: "of-an-earlier-version", verdict: "infected", reason: "EICAR" });
  assert.equal(await isThere("acme/in/a.pdf"), true);
  assert.deepEqual([recorded()[0]?.type, recorded()[0]?.data.quarantine], ["scan.infected", undefined]);
});

test("an upload that is not on record yet is waited for, but not without end", async () => {
  const { settle, recorded } = await start();
  await assert.rejects(settle(), { code: "unavailable" });
  assert.deepEqual(recorded(), []);
  await settle({}, true);
  const [event] = recorded();
  assert.deepEqual([event?.account, event?.data], [undefined, { objectKey: "acme/in/a.pdf", scanner: "GuardDuty" }]);
});

test("what came into the store on another way is on record under its name there", async () => {
  const { settle, recorded } = await start(null);
  for (const _ of ["once", "again"]) await settle({ verdict: "failed", reason: "UNSUPPORTED" });
  const [event, ...others] = recorded();
  assert.deepEqual(others, []);
  assert.match(event?.id ?? "", /^object-[0-9a-f]{32}\.scan\.failed$/);
  assert.equal(event?.message, "acme/in/a.pdf could not be scanned: UNSUPPORTED");
});
