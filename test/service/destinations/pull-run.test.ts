import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cronCalendar } from "../../../adapters/node/cron-calendar.ts";
import { FileError } from "../../../core/errors.ts";
import type { Pull } from "../../../core/pull.ts";
import { parseVirtualPath } from "../../../core/virtual-path.ts";
import { Destinations } from "../../../service/destinations/destination-access.ts";
import { settleRun } from "../../../service/destinations/pull-record.ts";
import { runPull } from "../../../service/destinations/pull-run.ts";
import { get } from "../../contract/object-content.ts";
import { createMemoryAutomation } from "../../support/memory-automation.ts";
import { createMemoryServices, testAccount } from "../../support/memory-ports.ts";
import { createMemorySite, memorySiteState } from "../../support/memory-site.ts";
import { remoteDestination } from "../../support/remote-destination.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

function pullOf(changes: Partial<Pull> = {}): Pull {
  return {
    name: "p",
    enabled: true,
    destination: "site",
    from: parseVirtualPath("/out"),
    files: undefined,
    account: "tester",
    to: parseVirtualPath("/inbox"),
    overwrite: "fail",
    schedule: { cron: "* * * * *", timeZone: "UTC" },
    stableMs: 0,
    after: { kind: "keep" },
    failureFolder: undefined,
    ...changes,
  };
}

function rig(pull: Pull) {
  const services = createMemoryServices([testAccount()]);
  const automation = createMemoryAutomation();
  const state = memorySiteState();
  const seen = { open: 0, mostOpen: 0, fails: (_: number): boolean => false, isDown: false, requests: 0 };
  const attempt = async <T>(effect: () => Promise<T>): Promise<T> => {
    seen.requests += 1;
    if (seen.fails(seen.requests)) throw new FileError("unavailable", "lost");
    return effect();
  };
  const open = async () => {
    seen.open += 1;
    seen.mostOpen = Math.max(seen.mostOpen, seen.open);
    const site = createMemorySite(state, "gradual", attempt);
    const close = () => {
      seen.open -= 1;
    };
    const list: typeof site.list = (folder) => {
      if (seen.isDown) throw new FileError("unavailable", "down");
      return site.list(folder);
    };
    return { ...site, list, close };
  };
  const destinations = new Destinations(
    () => [remoteDestination("sftp://site", { concurrency: 3 })],
    { open },
    {
      ...services.runtime,
      now: Date.now,
    },
  );
  const clock = { nowMs: Date.parse("2026-01-01T00:00:00Z") };
  const runtime = { ...services.runtime, now: () => clock.nowMs };
  const parts = { ...services, runtime, claims: automation.claims, memory: automation.pulls, calendar: cronCalendar };
  const run = () =>
    runPull({ ...parts, destinations, pulls: () => [pull] }, pull, {
      active: new Set(),
      isStopping: () => false,
      sleep: async () => {},
    });
  const settle = async () => settleRun({ ...parts, destinations, pulls: () => [pull] }, pull, await run());
  return { services, state, seen, run, settle, clock };
}

describe("a look of a pull", () => {
  it("fetches ten thousand files over the connections that are allowed, and none of them again", async () => {
    const { services, state, seen, run } = rig(pullOf());
    const count = 10_000;
    for (let index = 0; index < count; index += 1) state.files.set(`/out/file-${index}`, utf8(`${index}`));
    const first = await run();
    assert.deepEqual([first.run.files, first.run.fetched, first.run.failed], [count, count, 0]);
    assert.ok(seen.mostOpen <= 3, `${seen.mostOpen} connections`);
    const again = await run();
    assert.deepEqual([again.run.files, again.run.fetched, again.run.known], [count, 0, count]);
    const completed = services.accounting.events.filter(({ type }) => type === "transfer.completed");
    assert.equal(new Set(completed.map(({ data }) => data.path)).size, count);
    assert.equal(completed.length, count);
  });

  it("takes what the expression matches, and nothing that a push has under way", async () => {
    const { state, run } = rig(pullOf());
    for (const name of ["a.txt", ".ferrygate-0123456789abcdef.part"]) state.files.set(`/out/${name}`, utf8(name));
    assert.equal((await run()).run.files, 1);
  });

  it("leaves what failed for a moment to the next look, and fetches it then", async () => {
    const { state, seen, run } = rig(pullOf({ after: { kind: "delete" } }));
    for (let index = 0; index < 20; index += 1) state.files.set(`/out/file-${index}`, utf8("content"));
    seen.fails = (request) => request % 7 === 0;
    for (let look = 0; look < 50 && state.files.size > 0; look += 1) await run();
    assert.equal(state.files.size, 0);
  });

  for (const after of [{ kind: "delete" }, { kind: "move", folder: parseVirtualPath("/done") }] as const) {
    it(`does not ${after.kind} a file that took the place of the one that it fetched`, async () => {
      const { services, state, seen, run } = rig(pullOf({ after, overwrite: "number" }));
      const hasCome = () => services.accounting.events.some(({ type }) => type === "transfer.completed");
      state.files.set("/out/a", utf8("old"));
      let replacedAt = 0;
      // Between the look whether it is the same and what is done with it, as size and time tell no difference.
      seen.fails = () => {
        if (hasCome()) replacedAt += 1;
        if (replacedAt === (after.kind === "delete" ? 2 : 3)) state.files.set("/out/a", utf8("new"));
        return false;
      };
      assert.equal((await run()).run.fetched, 1);
      assert.deepEqual([...state.files.keys()], ["/out/a"]);
      seen.fails = () => false;
      assert.equal((await run()).run.fetched, 1);
      assert.equal(state.files.has("/out/a"), false);
      const contents = ["a", "a-1"].map((name) => get(services.objects, `tester/inbox/${name}`));
      assert.deepEqual(await Promise.all(contents), ["old", "new"]);
    });
  }

  it("knows after a failure which version it has fetched", async () => {
    const { services, state, seen, run } = rig(pullOf({ after: { kind: "delete" }, overwrite: "number" }));
    const hasCome = () => services.accounting.events.some(({ type }) => type === "transfer.completed");
    state.files.set("/out/a", utf8("old"));
    seen.fails = hasCome;
    assert.equal((await run()).run.failed, 1);
    state.files.set("/out/a", utf8("new"));
    seen.fails = () => false;
    await run();
    assert.deepEqual([...state.files.keys()], ["/out/a"]);
    await run();
    assert.deepEqual([...state.files.keys()], []);
  });

  it("leaves a file that it skips at the site, and does not come back to it", async () => {
    const { services, state, run } = rig(pullOf({ after: { kind: "delete" }, overwrite: "skip" }));
    state.files.set("/out/a", utf8("old"));
    await run();
    state.files.set("/out/a", utf8("newer"));
    const { known } = (await run()).run;
    assert.deepEqual([known, (await run()).run.known], [0, 1]);
    assert.deepEqual([...state.files.keys()], ["/out/a"]);
    assert.equal(services.accounting.events.filter(({ type }) => type === "transfer.completed").length, 1);
  });

  it("says why it failed as a whole", async () => {
    const { run } = rig(pullOf({ account: "nobody" }));
    assert.equal((await run()).run.failure, "there is no account nobody");
    const { run: other } = rig(pullOf({ destination: "nowhere" }));
    assert.equal((await other()).run.failure, "there is no destination nowhere");
  });
});

describe("the record of a pull", () => {
  const minuteMs = 60_000;

  /** What each look puts on record: one a minute, through the looks in which something fails. */
  async function looks(count: number, prepare: (look: number, under: ReturnType<typeof rig>) => void) {
    const under = rig(pullOf());
    const types: string[][] = [];
    for (let look = 0; look < count; look += 1) {
      prepare(look, under);
      under.clock.nowMs += minuteMs;
      const before = under.services.accounting.events.length;
      await under.settle();
      const events = under.services.accounting.events.slice(before);
      types.push(events.map(({ type }) => type).filter((type) => type.startsWith("pull.")));
    }
    return { types, events: under.services.accounting.events };
  }

  it("has one failure of a site that is down for a day, a reminder each six hours, and its recovery", async () => {
    const dayLooks = 24 * 60;
    const { types, events } = await looks(dayLooks + 2, (look, { seen }) => {
      seen.isDown = look < dayLooks;
    });
    assert.equal(types.flat().filter((type) => type === "pull.failed").length, 4);
    assert.deepEqual(types[0], ["pull.failed"]);
    assert.deepEqual(types[6 * 60], ["pull.failed"]);
    assert.deepEqual(types.slice(dayLooks), [["pull.recovered"], []]);
    const [failed, recovered] = ["pull.failed", "pull.recovered"].map((type) =>
      events.find((one) => one.type === type),
    );
    assert.equal(recovered?.data.since, failed?.data.since);
    assert.deepEqual([recovered?.data.pull, recovered?.data.destination], ["p", "site"]);
  });

  it("has each file that fails once, and the site for itself", async () => {
    const { types } = await looks(7, (look, { seen, state, services }) => {
      seen.isDown = look === 4;
      for (const name of ["a", ...(look >= 2 ? ["b"] : [])]) {
        state.files.set(`/out/${name}`, utf8(name));
        if (look < 6) void services.objects.ensureDirectory(`tester/inbox/${name}`);
        else void services.objects.remove(`tester/inbox/${name}`, "directory");
      }
    });
    const expected = [
      ["pull.failed"],
      [],
      ["pull.failed"],
      [],
      ["pull.failed"],
      [],
      ["pull.completed", "pull.recovered"],
    ];
    assert.deepEqual(types, expected);
  });
});

describe("the calendar of schedules", () => {
  const next = (cron: string, timeZone: string, after: string) => {
    const nextMs = cronCalendar.next({ cron, timeZone }, Date.parse(after));
    return nextMs === undefined ? undefined : new Date(nextMs).toISOString();
  };

  it("goes by the clocks of its time zone, through their changes", () => {
    assert.equal(next("0 6 * * *", "Europe/Paris", "2026-11-26T12:00:00Z"), "2026-11-27T05:00:00.000Z");
    assert.equal(next("0 6 * * *", "Europe/Paris", "2026-07-26T12:00:00Z"), "2026-07-27T04:00:00.000Z");
    assert.equal(next("30 2 * * *", "Europe/Paris", "2026-03-28T12:00:00Z"), "2026-03-29T01:00:00.000Z");
    assert.equal(next("30 2 * * *", "Europe/Paris", "2026-10-25T00:30:00Z"), "2026-10-26T01:30:00.000Z");
    assert.equal(next("0 0 30 2 *", "UTC", "2026-01-01T00:00:00Z"), undefined);
  });
});
