import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { EventFeed } from "../../ports/event-feed.ts";

export interface FeedUnderTest {
  readonly log: AccountingLog & EventFeed;
  /** The same data in a new process. */
  reopen(): Promise<AccountingLog & EventFeed>;
  dispose(): Promise<void>;
}

function eventOf(id: string): AccountingEvent {
  return {
    id,
    type: "file.deleted",
    time: "2026-11-22T12:00:00.000Z",
    server: "",
    protocol: "sftp",
    message: "",
    data: {},
  };
}

/** What every accounting log has to do for those who act on its events. */
export function eventFeedContract(name: string, create: () => Promise<FeedUnderTest>): void {
  describe(`${name} as a feed`, () => {
    let subject: FeedUnderTest;
    let log: FeedUnderTest["log"];
    beforeEach(async () => {
      subject = await create();
      log = subject.log;
    });
    afterEach(() => subject.dispose());
    const append = async (...ids: string[]) => {
      for (const id of ids) await log.append(eventOf(id));
    };
    const idsBehind = async (position: number, limit = 100) =>
      (await log.readBehind(position, limit)).map(({ event }) => event.id);

    it("begins with nothing", async () => {
      assert.equal(await log.end(), 0);
      assert.deepEqual(await log.readBehind(0, 10), []);
    });

    it("gives events in the order of the log, each with a place behind which one goes on", async () => {
      await append("c", "a", "b");
      assert.deepEqual(await idsBehind(0), ["c", "a", "b"]);
      const [first, second] = await log.readBehind(0, 2);
      assert.deepEqual(await idsBehind(first?.position ?? 0), ["a", "b"]);
      assert.deepEqual(await idsBehind(second?.position ?? 0), ["b"]);
      assert.deepEqual(await idsBehind(await log.end()), []);
      assert.deepEqual((await log.readBehind(0, 1))[0]?.event, eventOf("c"));
    });

    it("gives an event that was appended twice once", async () => {
      await append("a", "a", "b", "a");
      assert.deepEqual(await idsBehind(0), ["a", "b"]);
    });

    it("keeps the places over a restart", async () => {
      await append("a", "b");
      const end = await log.end();
      log = await subject.reopen();
      assert.equal(await log.end(), end);
      await append("c");
      assert.deepEqual(await idsBehind(end), ["c"]);
    });

    it("tells of events when they can be read, until nobody wants to know", async () => {
      let told = 0;
      const first = Promise.withResolvers<readonly string[]>();
      const unsubscribe = log.onAppend(() => {
        told += 1;
        first.resolve(idsBehind(0));
      });
      await append("a");
      assert.deepEqual(await first.promise, ["a"]);
      unsubscribe();
      await append("b");
      const other = Promise.withResolvers<void>();
      log.onAppend(other.resolve);
      await append("c");
      await other.promise;
      assert.equal(told, 1);
    });
  });
}
