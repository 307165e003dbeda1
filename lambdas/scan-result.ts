import { createS3Client } from "../adapters/aws/clients.ts";
import { readEnvironment } from "../adapters/aws/environment.ts";
import { receiveCountOf } from "../adapters/aws/event-message.ts";
import { resultOfMessage } from "../adapters/aws/guardduty-result.ts";
import { createS3ObjectOrigins } from "../adapters/aws/s3-object-origins.ts";
import { FileError } from "../core/errors.ts";
import { settleStoreVerdict } from "../service/scan/store-verdict.ts";
import { createBatchHandler } from "./services/batch-handler.ts";
import { openHeldEvents } from "./services/held-events.ts";
import { openServices } from "./services/session-services.ts";
import { openTable } from "./services/table.ts";
import { variables } from "./services/variables.ts";

const { mostReceives, ...environment } = readEnvironment(process.env, variables);
const origins = createS3ObjectOrigins({ client: createS3Client(), bucket: environment.bucket });
const services = { ...openServices(environment), origins };
const handInHeld = openHeldEvents(openTable(environment.table), environment.dispatchQueue);

/**
 * Results of GuardDuty's scans: on record as those of the upload, and infected files into quarantine. Dispatch goes on
 * with what it held.
 */
export const handler = createBatchHandler(async (records) => {
  await services.owner.live();
  return Promise.allSettled(
    records.map(async (record) => {
      const result = resultOfMessage(record);
      if (!result) throw new FileError("invalid-argument", "the message is no result of a scan");
      if (result.bucket !== environment.bucket) return;
      await handInHeld(result.objectKey);
      const isLast = receiveCountOf(record) >= mostReceives;
      await settleStoreVerdict(services, { ...result, scanner: "GuardDuty" }, isLast);
    }),
  );
});
