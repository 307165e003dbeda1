import type { CronSchedule } from "../core/pull.ts";

/** What a clock on the wall says in a time zone, with its changes to summer time and back. */
export interface CronCalendar {
  /** The first moment behind `afterMs` that the schedule names, in milliseconds since the epoch; undefined for none. */
  next(schedule: CronSchedule, afterMs: number): number | undefined;
}
