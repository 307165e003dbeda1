import type { Pull } from "../../core/pull.ts";
import { Recorder } from "../session/recorder.ts";
import type { RunReport } from "./pull-run.ts";
import type { PullServices } from "./pull-services.ts";

/** Puts a look at a site on record. One that found nothing to do is not worth a record. @throws FileError */
export async function recordPull(
  services: PullServices,
  { name, destination, from }: Pull,
  { run, failures }: RunReport,
): Promise<void> {
  const recorder = new Recorder(services, { protocol: "system" });
  const { startedAt, endedAt, failure, ...counts } = run;
  const data = { pull: name, destination, remotePath: from, ...counts };
  if (run.fetched > 0) {
    const message = `pull ${name} fetched ${run.fetched} of ${run.files} files`;
    await recorder.record({ type: "pull.completed", message, data });
  }
  if (failure === undefined && run.failed === 0) return;
  const reason = failure ?? failures[0]?.reason ?? "";
  await recorder.record({
    type: "pull.failed",
    message: `pull ${name} failed: ${reason}`,
    data: { ...data, reason, failures },
  });
}
