import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { archives } from "../../../adapters/node/archives.ts";
import { contentConversions } from "../../../adapters/node/content-conversions.ts";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import { parseDestinationTemplate } from "../../../core/destination-template.ts";
import type { DispatchRule } from "../../../core/dispatch.ts";
import { compileSelection } from "../../../core/event-selection.ts";
import type { PlaceVerdict, StoreScan } from "../../../ports/store-scan.ts";
import { afterScan } from "../../../service/dispatch/after-scan.ts";
import { createDispatcher } from "../../../service/dispatch/dispatcher.ts";
import { createMemoryAutomation } from "../../support/memory-automation.ts";
import { createMemoryServices, testAccount } from "../../support/memory-ports.ts";

const toDone = {
  action: "copy",
  to: parseDestinationTemplate("/done/", 0),
  account: undefined,
  overwrite: "fail",
} as const;

function rule(steps: DispatchRule["steps"]): DispatchRule {
  const when = compileSelection({ types: ["transfer.completed"] });
  return { name: "rule", enabled: true, when, steps, otherwise: [], continues: false };
}

/** A dispatcher where `tester/in/` and, until it is clean unreadable, `tester/held/` are scanned. */
function rig(steps: DispatchRule["steps"] = [{ action: "scan" }, toDone]) {
  const services = createMemoryServices([testAccount()]);
  const { objects, accounting } = services;
  const verdicts = new Map<string, PlaceVerdict>();
  const held = new Map<string, AccountingEvent>();
  const asked = { before: async () => {} };
  const scan: StoreScan = {
    covers: (objectKey) => /^tester\/(in|held)\//.test(objectKey),
    isHeld: (objectKey) => objectKey.startsWith("tester/held/"),
    verdictOf: async (objectKey) => {
      await asked.before();
      return verdicts.get(objectKey) ?? { verdict: "none" };
    },
  };
  const storeScanning = {
    scan,
    held: {
      hold: async (objectKey: string, event: AccountingEvent) => void held.set(objectKey, event),
      heldFor: async () => [],
      forget: async () => {},
    },
  };
  const parts = { archives, conversions: contentConversions, storeScanning };
  const dispatcher = createDispatcher({ ...services, ...createMemoryAutomation(), ...parts }, () => [rule(steps)]);
  const write = async (path: string, text: string) => {
    const objectKey = `tester${path}`;
    await objects.ensureDirectory(objectKey.split("/").slice(0, -1).join("/"));
    const writer = await objects.openWrite(objectKey, `upload-of-${text}`);
    await writer.write(Buffer.from(text));
    return { objectKey, etag: (await writer.publish({})).etag };
  };
  const upload = async (path: string, text: string): Promise<AccountingEvent> => {
    const sha256 = createHash("sha256").update(text).digest("hex");
    const data = { path, direction: "upload", sha256, ...(await write(path, text)) };
    const account = { name: "tester", groups: [] };
    const when = { time: "2026-11-26T12:00:00.000Z", server: "s" };
    return { id: text, type: "transfer.completed", account, protocol: "sftp", message: "", data, ...when };
  };
  const ended = () =>
    accounting.events
      .map(({ type, data }) => [type, data.action, data.verdict ?? data.reason])
      .filter(([, one]) => one === "scan");
  const isDone = async (name: string) => (await objects.stat(`tester/done/${name}`)) !== undefined;
  return { dispatcher, storeScanning, verdicts, held, asked, write, upload, ended, isDone };
}

describe("the step scan where the store is scanned", () => {
  it("holds the event until there is a verdict, and goes on when that is good", async () => {
    const { dispatcher, verdicts, held, upload, ended, isDone } = rig();
    const event = await upload("/in/a", "a");
    await assert.rejects(dispatcher.handle(event), { code: "unavailable", message: "/in/a was not scanned yet" });
    assert.deepEqual([...held], [["tester/in/a", event]]);
    verdicts.set("tester/in/a", { verdict: "clean" });
    await dispatcher.handle(event);
    assert.deepEqual([ended(), await isDone("a")], [[["dispatch.completed", "scan", "clean"]], true]);
  });

  it("goes on with a verdict that came while the event was put aside", async () => {
    const { dispatcher, verdicts, storeScanning, upload, isDone } = rig();
    storeScanning.held.hold = async (objectKey) => void verdicts.set(objectKey, { verdict: "clean" });
    await dispatcher.handle(await upload("/in/a", "a"));
    assert.equal(await isDone("a"), true);
  });

  it("ends the rule for a file that is infected, gone or another one by now", async () => {
    for (const [verdict, end] of [
      ["infected", ["dispatch.completed", "scan", "infected"]],
      ["gone", ["dispatch.skipped", "scan", "it is not there any more"]],
      ["clean", ["dispatch.skipped", "scan", "it was replaced by another file, which has an event of its own"]],
    ] as const) {
      const { dispatcher, verdicts, write, upload, ended, isDone } = rig();
      const event = await upload("/in/a", "a");
      await write("/in/a", "another");
      verdicts.set("tester/in/a", { verdict });
      await dispatcher.handle(event);
      assert.deepEqual([ended(), await isDone("a")], [[end], false]);
    }
  });

  it("takes no verdict about what replaced the file in the moment of the look", async () => {
    const { dispatcher, verdicts, asked, write, upload, isDone } = rig();
    const event = await upload("/in/a", "a");
    verdicts.set("tester/in/a", { verdict: "clean" });
    let looks = 0;
    asked.before = async () => {
      looks += 1;
      if (looks === 2) await write("/in/a", "another");
    };
    await assert.rejects(dispatcher.handle(event), { code: "unavailable", message: /changed in this moment/ });
    assert.equal(await isDone("a"), false);
  });

  it("fails for good where there will be no verdict", async () => {
    const { dispatcher, verdicts, upload } = rig();
    const event = await upload("/in/a", "a");
    verdicts.set("tester/in/a", { verdict: "failed", reason: "UNSUPPORTED" });
    await assert.rejects(dispatcher.handle(event), { code: "integrity", message: /could not be scanned: UNSUPPORTED/ });
    const elsewhere = dispatcher.handle(await upload("/other/b", "b"));
    await assert.rejects(elsewhere, { code: "unsupported", message: /scan\.prefixes of the stage leave it out/ });
  });
});

describe("an event about a scanned place", () => {
  it("is for the rules when what is there is clean, and for nobody when it is put away", async () => {
    for (const [path, verdict, outcome] of [
      ["/in/a", { verdict: "clean" }, "done"],
      ["/in/a", { verdict: "infected" }, "left"],
      ["/held/a", { verdict: "infected" }, "left"],
      ["/held/a", { verdict: "failed", reason: "UNSUPPORTED" }, "left"],
      ["/in/a", { verdict: "failed", reason: "UNSUPPORTED" }, "integrity"],
      ["/in/a", { verdict: "none" }, "unavailable"],
      ["/other/a", { verdict: "infected" }, "done"],
    ] as const) {
      const { dispatcher, storeScanning, verdicts, upload, isDone } = rig([toDone]);
      const event = await upload(path, "a");
      verdicts.set(`tester${path}`, verdict);
      const handled = afterScan(dispatcher, storeScanning).handle(event);
      const end = await handled.then(
        async () => ((await isDone("a")) ? "done" : "left"),
        ({ code }: { code: string }) => code,
      );
      assert.equal(end, outcome, `${path} ${verdict.verdict}`);
    }
  });
});
