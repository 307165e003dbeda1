import {
  createDynamoClient,
  createEventBridgeClient,
  createLambdaClient,
  createS3Client,
  createSecretsClient,
} from "../adapters/aws/clients.ts";
import { createDynamoLeases } from "../adapters/aws/dynamo-leases.ts";
import { createDynamoResumableUploads } from "../adapters/aws/dynamo-resumable-uploads.ts";
import { createDynamoStaging } from "../adapters/aws/dynamo-staging.ts";
import { DynamoTable } from "../adapters/aws/dynamo-table.ts";
import { environmentNames } from "../adapters/aws/env.ts";
import { createEventBridgeAccountingLog } from "../adapters/aws/eventbridge-accounting-log.ts";
import { createLambdaAuthentication } from "../adapters/aws/lambda-authentication.ts";
import { createS3ObjectStore } from "../adapters/aws/s3-object-store.ts";
import { heldBy } from "../adapters/aws/s3-scan.ts";
import { FileError } from "../core/errors.ts";
import type { PasswordHasher } from "../ports/password-hasher.ts";
import type { Runtime } from "../ports/runtime.ts";
import type { GatewayEnvironment } from "./environment.ts";
import { Gateway, type GatewayServices } from "./gateway.ts";
import { readHostKeysSecret, readTlsSecret } from "./gateway-secrets.ts";
import { passiveAddressFor, readTaskIdentity, type TaskIdentity } from "./task-identity.ts";
import { TaskRegistry } from "./task-registry.ts";
import { type WatchedSecret, watchSecret } from "./watched-secret.ts";

/**
 * A gateway over the services of AWS, as the environment names them; it is yet to be started.
 * @throws Error in words for the operator
 */
export async function openAwsGateway(environment: GatewayEnvironment, runtime: Runtime): Promise<Gateway> {
  const task = await readTaskIdentity(environment.taskAddress);
  assertPassiveAddress(environment, task);
  const secrets = createSecretsClient();
  let gateway: Gateway | undefined;
  const hostKeys =
    environment.sftp &&
    (await watchSecret({
      client: secrets,
      secretId: environment.sftp.hostKeysSecret,
      read: readHostKeysSecret,
      rotated: (rotated) => gateway?.useHostKeys(rotated),
      runtime,
    }));
  const tls =
    environment.ftps &&
    (await watchSecret({ client: secrets, secretId: environment.ftps.tlsSecret, read: readTlsSecret, runtime }));
  const table = new DynamoTable({ client: createDynamoClient(), name: environment.table, now: runtime.now });
  const leases = createDynamoLeases({ table });
  const address = `${task.address}:${environment.dataPort ?? 0}`;
  const tasks = new TaskRegistry({ leases, task: { taskId: task.taskId, address }, runtime });
  const services = openServices(environment, { table, task, tasks, runtime });
  gateway = new Gateway({
    ...{ environment, task, tasks, leases, services, runtime },
    hostKeys: hostKeys?.current() ?? [],
    tls: () => inForce(tls),
  });
  return gateway;
}

interface ServiceParts {
  readonly table: DynamoTable;
  readonly task: Pick<TaskIdentity, "taskId">;
  readonly tasks: TaskRegistry;
  readonly runtime: Runtime;
}

/** What a gateway's sessions stand on, over the services of AWS. */
export function openServices(
  environment: Pick<GatewayEnvironment, "dataBucket" | "eventBus" | "authFunction" | "scan">,
  { table, task, tasks, runtime }: ServiceParts,
): GatewayServices {
  const isDead = (owner: string) => tasks.isDead(owner);
  const isHeld = heldBy(environment.scan);
  const objects = createS3ObjectStore({
    client: createS3Client(),
    bucket: environment.dataBucket,
    staging: createDynamoStaging(table),
    owner: task.taskId,
    isDead,
    isHeld,
  });
  const accounting = createEventBridgeAccountingLog({
    client: createEventBridgeClient(),
    eventBus: environment.eventBus,
    table,
    owner: task.taskId,
    isOwnerAlive: async (owner) => !(await isDead(owner)),
    index: { query: notHere, find: notHere },
  });
  const client = createLambdaClient();
  const login = createLambdaAuthentication({ client, functionName: environment.authFunction, now: runtime.now });
  return {
    ...{ objects, finishMoves: () => objects.finishMoves(), resumableUploads: createDynamoResumableUploads(table) },
    ...{ accounting, ...login, passwords: noPasswords },
  };
}

/** The container may read no event. */
async function notHere(): Promise<never> {
  throw new FileError("unsupported", "the record is read elsewhere");
}

/** Passwords are checked by the custom-auth function. */
const noPasswords: PasswordHasher = { verify: async () => false, hash: notHere };

/** What PASV would name in its place is the address inside of the network. */
function assertPassiveAddress({ ftps }: GatewayEnvironment, { availabilityZone }: TaskIdentity): void {
  if (!ftps || passiveAddressFor(ftps.passiveAddress, availabilityZone) !== undefined) return;
  const zone = availabilityZone ?? "an unknown zone";
  throw new Error(`${environmentNames.passiveAddress}: names no address for ${zone}, where this task runs`);
}

function inForce<Value>(secret: WatchedSecret<Value> | undefined): Value {
  if (!secret) throw new Error("FTPS is not served");
  return secret.current();
}
