import type { Context, SQSEvent, SQSRecord } from "aws-lambda";
import { readEnvironment } from "../adapters/aws/environment.ts";
import { receiveCountOf } from "../adapters/aws/event-message.ts";
import { resultOfMessage } from "../adapters/aws/guardduty-result.ts";
import { answerRelease, isReleaseCall, type ReleaseCall } from "../adapters/aws/release-call.ts";
import { FileError } from "../core/errors.ts";
import { removeExpiredFiles } from "../service/scan/store-quarantine-desk.ts";
import { releaseFromStore } from "../service/scan/store-release.ts";
import { settleStoreVerdict } from "../service/scan/store-verdict.ts";
import { createBatchHandler } from "./services/batch-handler.ts";
import { openHeldEvents } from "./services/held-events.ts";
import { isBatch, untilShortlyBefore } from "./services/invocation.ts";
import { runtime } from "./services/operator-log.ts";
import { openQuarantine } from "./services/quarantine.ts";
import { openServices } from "./services/session-services.ts";
import { openTable } from "./services/table.ts";
import { variables } from "./services/variables.ts";

const { mostReceives, quarantineDays, ...environment } = readEnvironment(process.env, variables);
const table = openTable(environment.table);
const services = openQuarantine(environment, table, openServices(environment));
const handInHeld = openHeldEvents(table, environment.dispatchQueue);

async function settle(record: SQSRecord): Promise<void> {
  const result = resultOfMessage(record);
  if (!result) throw new FileError("invalid-argument", "the message is no result of a scan");
  if (result.bucket !== environment.bucket) return;
  await handInHeld(result.objectKey);
  const isLast = receiveCountOf(record) >= mostReceives;
  await settleStoreVerdict(services, { ...result, scanner: "GuardDuty" }, isLast);
}

const settleBatch = createBatchHandler((records) => Promise.allSettled(records.map(settle)));

/**
 * Results of GuardDuty's scans: on record as those of the upload, and infected files into quarantine. Dispatch goes on
 * with what it held. The HTTP API has files let out, and a schedule removes those whose time is over.
 */
export const handler = async (event: SQSEvent | ReleaseCall | object, context: Context) => {
  await services.owner.live();
  if (isBatch(event)) return settleBatch(event, context);
  if (isReleaseCall(event)) return answerRelease(releaseFromStore(services, event.release, event.by));
  const endMs = untilShortlyBefore(context);
  return removeExpiredFiles(services, quarantineDays, () => runtime.now() > endMs);
};
