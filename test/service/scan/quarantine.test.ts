import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { contentConversions } from "../../../adapters/node/content-conversions.ts";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import { compileExpression } from "../../../core/expression.ts";
import { type HeldFile, heldFileOf, type QuarantineBounds } from "../../../core/held-file.ts";
import { Quarantine } from "../../../service/scan/quarantine.ts";
import { QuarantineRoom } from "../../../service/scan/quarantine-room.ts";
import { ScanDesk } from "../../../service/scan/scan-desk.ts";
import { scanRetries } from "../../../service/scan/scan-services.ts";
import { createSessionOpener } from "../../../service/session/open-session.ts";
import { refuses } from "../../contract/refusal.ts";
import { createMemoryAutomation } from "../../support/memory-automation.ts";
import { createMemoryObjectStore } from "../../support/memory-object-store.ts";
import { createMemoryServices, testAccount } from "../../support/memory-ports.ts";

const day = 24 * 60 * 60 * 1000;

/** A desk whose scanner finds what begins with `virus`, and a session of somebody whose uploads it looks at. */
async function start(bounds: QuarantineBounds = { files: 100, bytes: 10_000 }) {
  const services = createMemoryServices([testAccount({ scan: [compileExpression("/in/*")] })]);
  const clock = { nowMs: Date.UTC(2026, 0, 1) };
  const runtime = { ...services.runtime, now: () => clock.nowMs };
  const store = createMemoryObjectStore();
  const quarantine = new Quarantine({ store, conversions: contentConversions, runtime, bounds: () => bounds });
  const scan = async ({ content }: { content: () => AsyncIterable<Uint8Array> }) => {
    let text = "";
    for await (const piece of content()) text += contentConversions.text(piece);
    return text.startsWith("virus")
      ? ({ verdict: "infected", signature: "virus" } as const)
      : ({ verdict: "clean" } as const);
  };
  const { claims, deadLetters } = createMemoryAutomation(() => clock.nowMs);
  const parts = { ...services, runtime, quarantine, claims, deadLetters, retries: scanRetries };
  const desk = new ScanDesk({
    ...parts,
    scanner: () => ({ scanner: { scan }, whenDown: "hold", retentionDays: 7 }),
  });
  await desk.start();
  await services.objects.ensureDirectory("tester/in");
  const uploads = { quarantine, scope: () => undefined, settled: async () => undefined };
  const { openSession } = createSessionOpener({ ...services, runtime, quarantine: uploads });
  const session = openSession({ protocol: "sftp", peer: { address: "192.0.2.1", port: 1 }, disconnect: () => {} });
  await session.authenticate({ kind: "password", username: "tester", password: "password" });
  const eventsOf = (type: string) => services.accounting.events.filter((event) => event.type === type);

  /** Sends a file and has it judged, as the consumer of events would. @returns its transferId */
  async function send(path: string, text: string): Promise<string> {
    const upload = await session.upload(path, { mode: "replace" });
    try {
      await upload.write(0, contentConversions.utf8(text));
      await upload.commit();
    } catch (error) {
      await upload.abort("the client gave up");
      throw error;
    }
    const { transferId } = upload;
    const ended = eventsOf("transfer.completed").find(({ data }) => data.transferId === transferId);
    assert.ok(ended);
    await desk.handler().replay?.(ended);
    return transferId;
  }
  const held = async () => (await desk.list({ limit: 100 })).files;
  return { services, clock, quarantine, desk, send, held, eventsOf, store };
}

describe("the room of a quarantine", () => {
  it("is what was configured, of which an account gets a half", () => {
    const room = new QuarantineRoom(() => ({ files: 4, bytes: 100 }));
    room.take("1", "a", 0);
    room.take("1", "a", 50);
    assert.throws(() => room.take("1", "a", 1), /the account a has no more room in quarantine/);
    assert.throws(() => room.take("2", "a", 1), /the account a has no more room/);
    room.take("2", "a", 0);
    assert.throws(() => room.take("3", "a", 0), /the account a has no more room/);
    room.take("3", "b", 25);
    room.take("4", "c", 25);
    assert.throws(() => room.take("5", "d", 0), /the quarantine is full/);
    room.leave("4");
    room.leave("4");
    assert.throws(() => room.take("5", "d", 26), /the quarantine is full/);
    room.take("5", "d", 25);
  });
});

describe("a quarantine", () => {
  it("keeps the same infected file once, and counts how often it came", async () => {
    const { send, held, eventsOf, clock } = await start();
    const first = await send("/in/a.txt", "virus");
    clock.nowMs += 1000;
    await send("/in/a.txt", "virus");
    clock.nowMs += 1000;
    const third = await send("/in/a.txt", "virus");
    await send("/in/a.txt", "virus, another");
    await send("/in/b.txt", "virus");
    const files = await held();
    assert.deepEqual(
      files.map(({ path, repeats }) => [path, repeats?.count]),
      [
        ["/in/a.txt", 2],
        ["/in/a.txt", undefined],
        ["/in/b.txt", undefined],
      ],
    );
    const { transferId, heldAt } = files[0]?.repeats ?? {};
    assert.deepEqual([files[0]?.transferId, transferId, heldAt], [first, third, "2026-01-01T00:00:02.000Z"]);
    const infected = eventsOf("scan.infected").map(({ data }) => data.keptAs);
    assert.deepEqual(infected, [undefined, first, first, undefined, undefined], "each upload is on record");
  });

  it("knows after a restart what it has", async () => {
    const { send, quarantine, store } = await start();
    const first = await send("/in/a.txt", "virus");
    const { runtime } = createMemoryServices([]);
    const bounds = () => ({ files: 2, bytes: 100 });
    const restarted = new Quarantine({ store, conversions: contentConversions, runtime, bounds });
    for await (const _ of restarted.load());
    const file = await quarantine.find(first);
    assert.ok(file);
    assert.equal(restarted.twinOf({ ...file, transferId: "other" }), first);
    assert.throws(() => restarted.room.take("other", "tester", 0), /no more room/);
  });

  it("takes no upload over its bounds, keeps what it has, and says so on record", async () => {
    const { send, held, eventsOf, desk } = await start({ files: 4, bytes: 1000 });
    await send("/in/a.txt", "virus 1");
    const second = await send("/in/b.txt", "virus 2");
    await refuses("quota-exceeded", send("/in/c.txt", "virus 3"));
    await refuses("quota-exceeded", send("/in/d.txt", "a clean one"));
    assert.deepEqual(
      (await held()).map(({ path }) => path),
      ["/in/a.txt", "/in/b.txt"],
    );
    const [refused, ...others] = eventsOf("scan.refused");
    assert.equal(others.length, 1);
    assert.equal(refused?.account?.name, "tester");
    assert.deepEqual([refused?.data.path, refused?.data.direction], ["/in/c.txt", "upload"]);
    await send("/else.txt", "virus that nobody looks for");
    await desk.remove(second, "an operator deleted it");
    await send("/in/d.txt", "a clean one");
    await refuses("quota-exceeded", send("/in/e.txt", "virus".padEnd(600)));
    const [aborted] = eventsOf("transfer.aborted");
    assert.match(aborted?.message ?? "", /\/in\/e\.txt aborted/);
    await send("/in/e.txt", "virus".padEnd(400));
  });

  it("deletes infected files when their time is over, on record, and no others", async () => {
    const { send, held, eventsOf, clock, desk, quarantine } = await start();
    const old = await send("/in/old.txt", "virus 1");
    const failed = failedFile(eventsOf("transfer.completed")[0], clock.nowMs);
    await quarantine.put(failed);
    clock.nowMs += 6 * day;
    const young = await send("/in/young.txt", "virus 2");
    await desk.removeExpired();
    assert.equal((await held()).length, 3, "none is older than seven days");
    clock.nowMs += day + 1;
    await desk.removeExpired();
    assert.deepEqual((await held()).map(({ transferId }) => transferId).sort(), [young, failed.transferId].sort());
    const [deleted, ...others] = eventsOf("file.deleted");
    assert.equal(others.length, 0);
    assert.equal(deleted?.data.transferId, old);
    assert.equal(deleted?.data.reason, "it was kept for 7 days");
    assert.equal(await quarantine.content(old), undefined, "the content is gone too");
    await send("/in/old.txt", "virus 1");
    assert.equal((await held()).length, 3, "the same file later is kept anew");
  });
});

/** Nobody has called this one infected: it waits for an operator, however long. */
function failedFile(event: AccountingEvent | undefined, since: number): HeldFile {
  assert.ok(event);
  const file = heldFileOf(event, since);
  return { ...file, transferId: `${file.transferId}-failed`, path: file.path, state: "failed", since };
}
