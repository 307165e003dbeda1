import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseInstant } from "../../core/instant.ts";

const iso = (text: string) => {
  const instantMs = parseInstant(text);
  return instantMs === undefined ? undefined : new Date(instantMs).toISOString();
};

test("a date alone is its midnight, and UTC stands where no zone is given", () => {
  assert.equal(iso("2026-11-22"), "2026-11-22T00:00:00.000Z");
  assert.equal(iso("2026-11-22T14:13"), "2026-11-22T14:13:00.000Z");
  assert.equal(iso("2026-11-22T14:13:05"), "2026-11-22T14:13:05.000Z");
  assert.equal(iso("2028-02-29"), "2028-02-29T00:00:00.000Z");
});

test("zones and fractions of a second are read", () => {
  assert.equal(iso("2026-11-22T14:13:05.123456Z"), "2026-11-22T14:13:05.123Z");
  assert.equal(iso("2026-11-22T00:30:00+02:00"), "2026-11-21T22:30:00.000Z");
  assert.equal(iso("2026-11-22T14:13-05:30"), "2026-11-22T19:43:00.000Z");
});

test("what is no date of the calendar and no time of the day is refused", () => {
  const wrong = [
    "",
    "today",
    "1732233600",
    "2026-11",
    "2026-1-2",
    "22.11.2026",
    "2026-02-30",
    "2026-13-01",
    "2026-11-22T",
    "2026-11-22Z",
    "2026-11-22 14:13",
    "2026-11-22T14",
    "2026-11-22T25:00",
    "2026-11-22T14:60",
    "2026-11-22T14:13:61Z",
    "2026-11-22T14:13:05 02:00",
    "2026-11-22T14:13:05+2",
    "2026-11-22T14:13:05Z\n",
    " 2026-11-22",
  ];
  for (const text of wrong) assert.equal(parseInstant(text), undefined, JSON.stringify(text));
});

test("every instant that JavaScript writes is read back", () => {
  const dates = fc.date({
    min: new Date("0000-01-01"),
    max: new Date("9999-12-31T23:59:59.999Z"),
    noInvalidDate: true,
  });
  fc.assert(fc.property(dates, (date) => assert.equal(parseInstant(date.toISOString()), date.getTime())));
});
