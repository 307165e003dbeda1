import { environmentNames } from "../../adapters/aws/env.ts";
import { optionalNumber, optionalText, requiredText } from "../../adapters/aws/environment.ts";
import { limits } from "../../core/limits.ts";

/** Variables that several functions read. */
export const variables = {
  table: requiredText(environmentNames.table),
  bucket: requiredText(environmentNames.dataBucket),
  eventBus: requiredText(environmentNames.eventBus),
  serverName: requiredText(environmentNames.serverName),
  mostReceives: optionalNumber(environmentNames.queueReceives, {
    lowest: 1,
    highest: limits.mostQueueReceives,
    fallback: limits.queueReceives,
  }),
  transferRole: optionalText(environmentNames.transferRole),
  encryptionKey: optionalText(environmentNames.dataEncryptionKey),
};
