import { type AuthenticationSettings, readAuthenticationSettings } from "../../adapters/aws/authentication-settings.ts";
import { environmentNames } from "../../adapters/aws/env.ts";
import { optionalNumber, optionalText, requiredText } from "../../adapters/aws/environment.ts";
import { readScannedPart, type ScannedPart } from "../../adapters/aws/s3-scan.ts";
import { type PgpKeySummaries, readPgpKeyNames } from "../../adapters/aws/stage-provisions.ts";
import { limits } from "../../core/limits.ts";

/** Who is asked about names that are not on file. */
export const externalVariables = {
  authentication: {
    name: environmentNames.authentication,
    read: (text: string): AuthenticationSettings | undefined => readAuthenticationSettings(text),
    fallback: { value: undefined },
  },
  authenticationSecret: optionalText(environmentNames.authenticationSecret),
};

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
  dispatchQueue: optionalText(environmentNames.dispatchQueue),
  scan: {
    name: environmentNames.scan,
    read: (text: string): ScannedPart | undefined => readScannedPart(text),
    fallback: { value: undefined },
  },
  quarantineDays: optionalNumber(environmentNames.quarantineDays, {
    lowest: 1,
    highest: limits.longestQuarantineRetentionDays,
    fallback: limits.quarantineRetentionDays,
  }),
  pgpKeysSecret: optionalText(environmentNames.pgpKeysSecret),
  pgpKeys: {
    name: environmentNames.pgpKeys,
    read: (text: string): PgpKeySummaries | undefined => readPgpKeyNames(text),
    fallback: { value: undefined },
  },
  ...externalVariables,
};
