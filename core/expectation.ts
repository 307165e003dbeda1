import type { Expression } from "./expression.ts";

export const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

export type Weekday = (typeof weekdays)[number];

/** A file that is to be there at a time of day. */
export interface Expectation {
  readonly account: string;
  readonly path: Expression;
  /** Minutes since midnight, where {@link Expectation.timeZone} is. */
  readonly byMinute: number;
  /** A name of the IANA time zone database. */
  readonly timeZone: string;
  readonly days: readonly Weekday[];
}

/** Milliseconds since the epoch: the file has to come between the two. */
export interface DuePeriod {
  readonly sinceMs: number;
  readonly untilMs: number;
}

const dayMs = 86_400_000;
/** One day a week is the rarest, and two deadlines are looked for. */
const lookBackDays = 15;

/** Minutes since midnight of a time such as `06:00`; undefined for other text. */
export function parseTimeOfDay(text: string): number | undefined {
  const [, hour, minute] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  return hour === undefined ? undefined : Number(hour) * 60 + Number(minute);
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * The period that ended with the latest deadline before `nowMs`, and began with the deadline before that one. A time
 * that a change to summer time leaves out is the same span of time after midnight.
 */
export function latestDuePeriod(expectation: Expectation, nowMs: number): DuePeriod {
  const today = wallClock(nowMs, expectation.timeZone);
  const midnight = today - (today % dayMs);
  const deadlines = Array.from({ length: lookBackDays + 1 }, (_, back) => midnight - back * dayMs)
    .filter((date) => expectation.days.includes(weekdayOf(date)))
    .map((date) => instantOf(date + expectation.byMinute * 60_000, expectation.timeZone))
    .filter((deadline) => deadline <= nowMs);
  const [untilMs = nowMs, sinceMs = untilMs - dayMs] = deadlines;
  return { sinceMs, untilMs };
}

function weekdayOf(date: number): Weekday {
  return weekdays[new Date(date).getUTCDay()] ?? "sun";
}

/** What a clock in the zone shows at an instant, as if it were UTC. */
function wallClock(instantMs: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const parts = new Map(format.formatToParts(new Date(instantMs)).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
  const [year, month, day] = [part("year"), part("month") - 1, part("day")];
  return Date.UTC(year, month, day, part("hour"), part("minute"), part("second"));
}

/** The instant at which a clock in the zone shows this. The offset depends on the instant, so there are two steps. */
function instantOf(wallMs: number, timeZone: string): number {
  const offsetAt = (instantMs: number) => wallClock(instantMs, timeZone) - instantMs;
  return wallMs - offsetAt(wallMs - offsetAt(wallMs));
}
