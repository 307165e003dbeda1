import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Expectation, isTimeZone, latestDuePeriod, parseTimeOfDay, weekdays } from "../../core/expectation.ts";
import { compileExpression } from "../../core/expression.ts";

const path = compileExpression("*");
const expectation = (changes: Partial<Expectation> = {}): Expectation => ({
  account: "acme",
  path,
  byMinute: 6 * 60,
  timeZone: "Europe/Paris",
  days: [...weekdays],
  ...changes,
});

const period = (now: string, changes: Partial<Expectation> = {}) => {
  const { sinceMs, untilMs } = latestDuePeriod(expectation(changes), Date.parse(now));
  return [new Date(sinceMs).toISOString(), new Date(untilMs).toISOString()];
};

describe("the period in which a file is due", () => {
  for (const [title, now, changes, since, until] of [
    ["ends in the morning of the day", "2026-11-22T12:00:00Z", {}, "2026-11-21T05:00", "2026-11-22T05:00"],
    ["ends with the moment itself", "2026-11-22T05:00:00Z", {}, "2026-11-21T05:00", "2026-11-22T05:00"],
    ["is that of the day before until then", "2026-11-22T04:59:59Z", {}, "2026-11-20T05:00", "2026-11-21T05:00"],
    ["is shorter over the change to summer time", "2026-03-29T12:00:00Z", {}, "2026-03-28T05:00", "2026-03-29T04:00"],
    ["is longer over the change from it", "2026-10-25T12:00:00Z", {}, "2026-10-24T04:00", "2026-10-25T05:00"],
    [
      "spans the days that do not count",
      "2026-11-23T12:00:00Z",
      { days: ["mon", "fri"] },
      "2026-11-20T05:00",
      "2026-11-23T05:00",
    ],
    ["spans a week", "2026-11-22T12:00:00Z", { days: ["sat"] }, "2026-11-14T05:00", "2026-11-21T05:00"],
    [
      "is that of the zone's own date",
      "2026-11-22T01:00:00Z",
      { timeZone: "Pacific/Auckland", byMinute: 13 * 60 },
      "2026-11-21T00:00",
      "2026-11-22T00:00",
    ],
    [
      "ends where the clock jumps over the time",
      "2026-03-29T12:00:00Z",
      { byMinute: 150 },
      "2026-03-28T01:30",
      "2026-03-29T01:30",
    ],
  ] as const) {
    it(title, () => assert.deepEqual(period(now, changes), [`${since}:00.000Z`, `${until}:00.000Z`]));
  }

  it("is over, and lasts a day and an hour of change where every day counts", () => {
    const zones = ["UTC", "Europe/Paris", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"];
    const instants = fc.integer({ min: Date.parse("2020-01-01"), max: Date.parse("2035-01-01") });
    fc.assert(
      fc.property(
        instants,
        fc.integer({ min: 0, max: 1439 }),
        fc.constantFrom(...zones),
        (nowMs, byMinute, timeZone) => {
          const { sinceMs, untilMs } = latestDuePeriod(expectation({ byMinute, timeZone }), nowMs);
          const hours = (untilMs - sinceMs) / 3_600_000;
          assert.ok(untilMs <= nowMs && nowMs - untilMs <= 25 * 3_600_000 + 1);
          assert.ok(hours >= 22.5 && hours <= 25.5, `${hours}`);
        },
      ),
    );
  });
});

it("a time of day has two digits on each side", () => {
  assert.deepEqual(["00:00", "06:05", "23:59"].map(parseTimeOfDay), [0, 365, 1439]);
  for (const text of ["24:00", "6:00", "06:60", "06", "06:00:00", ""]) assert.equal(parseTimeOfDay(text), undefined);
});

it("a time zone is one of the database", () => {
  assert.deepEqual(["Europe/Paris", "UTC", "Europe/Pari", ""].map(isTimeZone), [true, true, false, false]);
});
