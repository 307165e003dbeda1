import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { Settlement } from "../../gateway/settlement.ts";
import { endCutOffSessions } from "../../service/session/cut-off-sessions.ts";
import { createSessionOpener } from "../../service/session/open-session.ts";
import { reconcile } from "../../service/session/reconcile.ts";
import { createMemoryLeases } from "../support/memory-leases.ts";
import {
  createMemoryRuntime,
  createMemoryServices,
  type MemoryServices,
  testAccount,
} from "../support/memory-ports.ts";

const nothing = { completed: 0, aborted: 0, discarded: 0, sessions: 0 };

describe("what dead tasks left", () => {
  it("is settled by one task at a time", async () => {
    const runtime = createMemoryRuntime();
    const leases = createMemoryLeases(runtime.now);
    let [running, most, count] = [0, 0, 0];
    const slowly = async () => {
      running += 1;
      count += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      return nothing;
    };
    const tasks = ["a", "b", "c"].map((taskId) => new Settlement({ leases, taskId, endLeft: slowly, runtime }));
    for (let round = 0; round < 5; round += 1) await Promise.all(tasks.map((task) => task.settle()));
    assert.equal(most, 1);
    assert.ok(count >= 5);
  });

  it("is tried again after a failure", async () => {
    const runtime = createMemoryRuntime();
    let tries = 0;
    const settlement = new Settlement({
      leases: createMemoryLeases(runtime.now),
      taskId: "a",
      endLeft: async () => {
        tries += 1;
        if (tries === 1) throw new Error("no network");
        return { ...nothing, aborted: 1 };
      },
      runtime,
    });
    await settlement.settle();
    await settlement.settle();
    assert.deepEqual(
      runtime.logged.map(({ level }) => level),
      ["error", "warn"],
    );
  });

  it("gets its one end on record, and what is under way here goes on", async () => {
    const shared = createMemoryServices([testAccount()]);
    const [living, dead] = ["mft/living", "mft/dead"].map((serverName) => ({ ...shared, serverName }));
    assert.ok(living && dead);
    const uploads = await Promise.all([startUpload(living, "/living"), startUpload(dead, "/dead")]);
    for (const upload of uploads) await upload.append(Buffer.from("content"));
    // What the AWS store tells of staged uploads leaves out those of living tasks.
    const objects = { ...shared.objects, stagedUploads: async () => [] };
    const isOwn = ({ server }: AccountingEvent) => server === living.serverName;
    const settlement = new Settlement({
      leases: createMemoryLeases(shared.runtime.now),
      taskId: "living",
      endLeft: async () => ({
        ...(await reconcile({ ...living, objects }, isOwn)),
        sessions: await endCutOffSessions(living, async (_, started) => isOwn(started)),
      }),
      runtime: shared.runtime,
    });
    await settlement.settle();
    await settlement.settle();
    await uploads[0]?.commit();
    const typesOf = (path: string) =>
      shared.accounting.events.filter(({ data }) => data.path === path).map(({ type }) => type);
    assert.deepEqual(typesOf("/dead"), ["transfer.started", "transfer.aborted"]);
    assert.deepEqual(typesOf("/living"), ["transfer.started", "transfer.completed"]);
    const ends = shared.accounting.events.filter(({ type }) => type === "session.ended");
    assert.deepEqual(
      ends.map(({ server, data }) => [server, data.cause, data.recovered]),
      [["mft/dead", "nas-reboot", true]],
    );
  });
});

async function startUpload(services: MemoryServices, path: string) {
  const { openSession } = createSessionOpener(services);
  const session = openSession({
    protocol: "sftp",
    peer: { address: "127.0.0.1", port: 1 },
    disconnect: () => {},
  });
  await session.authenticate({ kind: "password", username: "tester", password: "password" });
  return session.upload(path, { mode: "replace" });
}
