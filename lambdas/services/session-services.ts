import { createS3Client } from "../../adapters/aws/clients.ts";
import { createDynamoFailedLogins } from "../../adapters/aws/dynamo-failed-logins.ts";
import { createDynamoLeases } from "../../adapters/aws/dynamo-leases.ts";
import { createDynamoStaging } from "../../adapters/aws/dynamo-staging.ts";
import { FunctionOwner } from "../../adapters/aws/function-owner.ts";
import { createS3ObjectStore, type S3ObjectStore } from "../../adapters/aws/s3-object-store.ts";
import { heldBy } from "../../adapters/aws/s3-scan.ts";
import type { StageMeans } from "../../adapters/aws/stage-provisions.ts";
import { createPasswordHasher } from "../../adapters/node/password-hasher.ts";
import type { SessionServices } from "../../service/session/services.ts";
import { type FunctionConfiguration, openConfiguration } from "./configuration.ts";
import { type LoginsEnvironment, openExternalAccounts } from "./external-accounts.ts";
import { runtime } from "./operator-log.ts";
import { openRecord } from "./record.ts";
import { openTable } from "./table.ts";

export interface ServicesEnvironment extends LoginsEnvironment, StageMeans {
  readonly table: string;
  readonly bucket: string;
  readonly eventBus: string;
}

/** What the session pipeline stands on, over the services of AWS. */
export interface FunctionServices extends SessionServices {
  readonly objects: S3ObjectStore;
  readonly configuration: FunctionConfiguration;
  /** Has what the function has under way. Those that work with transfers say that it lives, at each call. */
  readonly owner: FunctionOwner;
}

export function openServices(environment: ServicesEnvironment): FunctionServices {
  const { bucket, eventBus, serverName } = environment;
  const table = openTable(environment.table);
  const owner = new FunctionOwner({ leases: createDynamoLeases({ table }), runtime });
  const configuration = openConfiguration(table, environment);
  const external = openExternalAccounts({ ...environment, table, accounts: configuration.accounts });
  const isHeld = heldBy(environment.scan);
  const staging = createDynamoStaging(table);
  return {
    objects: createS3ObjectStore({ client: createS3Client(), bucket, staging, owner: owner.name, isHeld }),
    isHeldInPlace: isHeld,
    accounting: openRecord({ table, eventBus, owner: owner.name }),
    accounts: external ?? configuration.accounts,
    passwords: createPasswordHasher(),
    failedLogins: createDynamoFailedLogins(table),
    ...{ external, runtime, serverName, configuration, owner },
  };
}
