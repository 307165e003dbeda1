import { Cron } from "croner";
import type { CronCalendar } from "../../ports/cron-calendar.ts";

/** An hour that is left out in spring moves its jobs behind it; one that comes twice in autumn has them once. */
export const cronCalendar: CronCalendar = {
  next: ({ cron, timeZone }, afterMs) => {
    const job = new Cron(cron, { paused: true, mode: "5-or-6-parts", timezone: timeZone });
    return job.nextRun(new Date(afterMs))?.getTime();
  },
};
