import { limits } from "../../core/limits.ts";
import type { Pull } from "../../core/pull.ts";
import type { PullRun, PullTrouble } from "../../ports/pull-memory.ts";
import { Recorder } from "../session/recorder.ts";
import type { RunReport } from "./pull-run.ts";
import type { PullServices } from "./pull-services.ts";

/**
 * Remembers a look at a site, and puts it on record. One that found nothing to do is not worth a record. A row of looks
 * that fail is one trouble: it is on record when it begins, when it becomes another, now and then while it lasts, and
 * when it is over. @throws FileError
 */
export async function settleRun(services: PullServices, pull: Pull, report: RunReport): Promise<void> {
  const { memory, runtime } = services;
  const known = (await memory.run(pull.name))?.trouble;
  const { run } = report;
  const now = new Date(runtime.now()).toISOString();
  if (run.fetched > 0) await recordFetched(services, pull, report);
  const trouble = troubleIn(pull, report, known, now);
  if (trouble?.reportedAt === now) await recordFailed(services, pull, report, trouble);
  if (known && !trouble) await recordRecovered(services, pull, known);
  await memory.putRun(pull.name, { ...run, ...(trouble && { trouble }) });
}

/** A look that the end of this process cut off: what it failed for says nothing about the site. */
export async function rememberCutOff({ memory }: PullServices, pull: Pull, { run }: RunReport): Promise<void> {
  const trouble = (await memory.run(pull.name))?.trouble;
  await memory.putRun(pull.name, { ...run, ...(trouble && { trouble }) });
}

function troubleIn(
  pull: Pull,
  { run, failures }: RunReport,
  known: PullTrouble | undefined,
  now: string,
): PullTrouble | undefined {
  if (run.failure === undefined && run.failed === 0) return known && isLasting(pull, run, known) ? known : undefined;
  const failing = run.failure === undefined ? failures.map(({ remotePath }) => remotePath) : [pull.from];
  const paths = [...new Set([...(known?.paths ?? []), ...failing])].slice(0, limits.pullFailuresListed);
  const isDue = known && Date.parse(now) >= Date.parse(known.reportedAt) + limits.pullReminderMs;
  const isNews = !known || isDue || paths.length > known.paths.length;
  return { since: known?.since ?? now, reportedAt: isNews ? now : known.reportedAt, paths };
}

/** A file that was not tried again, because it changes or for want of time, may be in trouble still. */
function isLasting({ from }: Pull, { files, fetched, known: before }: PullRun, { paths }: PullTrouble): boolean {
  return files > fetched + before && paths.some((path) => path !== from);
}

function recordFetched(services: PullServices, pull: Pull, { run }: RunReport): Promise<void> {
  return recorderOf(services).record({
    type: "pull.completed",
    message: `pull ${pull.name} fetched ${run.fetched} of ${run.files} files`,
    data: dataOf(pull, run),
  });
}

function recordFailed(
  services: PullServices,
  pull: Pull,
  { run, failures }: RunReport,
  { since }: PullTrouble,
): Promise<void> {
  const reason = run.failure ?? failures[0]?.reason ?? "";
  return recorderOf(services).record({
    type: "pull.failed",
    message: `pull ${pull.name} failed: ${reason}`,
    data: { ...dataOf(pull, run), reason, failures, since },
  });
}

function recordRecovered(services: PullServices, pull: Pull, { since }: PullTrouble): Promise<void> {
  const { name, destination, from } = pull;
  return recorderOf(services).record({
    type: "pull.recovered",
    message: `pull ${name} works again`,
    data: { pull: name, destination, remotePath: from, since },
  });
}

function dataOf({ name, destination, from }: Pull, run: RunReport["run"]): Readonly<Record<string, unknown>> {
  const { files, fetched, known, unstable, failed } = run;
  return { pull: name, destination, remotePath: from, files, fetched, known, unstable, failed };
}

function recorderOf(services: PullServices): Recorder {
  return new Recorder(services, { protocol: "system" });
}
