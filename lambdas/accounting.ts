import { createS3Client } from "../adapters/aws/clients.ts";
import { createDynamoAuditIndex } from "../adapters/aws/dynamo-audit-index.ts";
import { environmentNames } from "../adapters/aws/env.ts";
import { optionalText, optionalTruth, readEnvironment, requiredText } from "../adapters/aws/environment.ts";
import { eventOfMessage, receiveCountOf } from "../adapters/aws/event-message.ts";
import { createS3EventArchive } from "../adapters/aws/s3-event-archive.ts";
import { createLogAuditSink } from "../adapters/node/log-audit-sink.ts";
import { createRecordKeeper } from "../service/accounting/record-keeper.ts";
import { createBatchHandler } from "./services/batch-handler.ts";
import { runtime } from "./services/operator-log.ts";
import { openTable } from "./services/table.ts";

const { table, bucket, prefix, auditLog } = readEnvironment(process.env, {
  table: requiredText(environmentNames.table),
  bucket: requiredText(environmentNames.archiveBucket),
  prefix: optionalText(environmentNames.archivePrefix),
  auditLog: optionalTruth(environmentNames.auditLog),
});

const archive = createS3EventArchive({ client: createS3Client(), bucket, prefix: prefix ?? "events/" });
const keep = createRecordKeeper({
  index: createDynamoAuditIndex({ table: openTable(table) }),
  sinks: [archive, ...(auditLog ? [createLogAuditSink(runtime.log)] : [])],
});

/** Accounting events from EventBridge through SQS: into the archive, further sinks and the audit index. */
export const handler = createBatchHandler((records) =>
  keep(records.map((record) => ({ event: eventOfMessage(record), isRepeated: receiveCountOf(record) > 1 }))),
);
