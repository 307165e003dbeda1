import { setTimeout } from "node:timers/promises";
import { createLambdaClient, createS3Client } from "../../adapters/aws/clients.ts";
import { createDynamoClaims } from "../../adapters/aws/dynamo-automation.ts";
import type { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import { createReleaseCall } from "../../adapters/aws/release-call.ts";
import { createS3ObjectOrigins } from "../../adapters/aws/s3-object-origins.ts";
import { createS3Quarantine } from "../../adapters/aws/s3-quarantine.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { StoreQuarantineDesk } from "../../service/scan/store-quarantine-desk.ts";
import type { FunctionServices, ServicesEnvironment } from "./session-services.ts";

/** What verdicts and releases stand on. */
export function openQuarantine(
  { bucket }: Pick<ServicesEnvironment, "bucket">,
  table: DynamoTable,
  services: FunctionServices,
) {
  const client = createS3Client();
  const { objects } = services;
  const bounds = { files: limits.quarantineFiles, bytes: limits.quarantineBytes };
  return {
    ...services,
    origins: createS3ObjectOrigins({ client, bucket }),
    quarantine: createS3Quarantine({ client, bucket, objects, table, bounds }),
    claims: createDynamoClaims(table),
    pause: (ms: number) => setTimeout(ms),
  };
}

/** @param functionName of the function that may bring files back; without it none is released */
export function openQuarantineDesk(
  services: ReturnType<typeof openQuarantine>,
  functionName: string | undefined,
): StoreQuarantineDesk {
  if (functionName !== undefined) {
    return new StoreQuarantineDesk(services, createReleaseCall({ client: createLambdaClient(), functionName }));
  }
  return new StoreQuarantineDesk(services, async () => {
    throw new FileError("unsupported", "no function is named that releases files");
  });
}
