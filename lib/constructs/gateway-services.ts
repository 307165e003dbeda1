import type { Duration, aws_iam as iam } from "aws-cdk-lib";
import { environmentNames } from "../../adapters/aws/env.ts";
import type { AccountingBus } from "./accounting-bus.ts";
import type { ControlTable } from "./control-table.ts";
import type { FileBucket } from "./file-bucket.ts";
import type { IGatewayNetwork } from "./gateway-network.ts";
import { containerPorts, defaultPorts, type ListenerPorts } from "./gateway-ports.ts";
import type { ScannedFiles } from "./product-functions.ts";
import type { ProductSecret } from "./product-secret.ts";
import type { ServiceFunction } from "./service-function.ts";

/** What a task works with. */
export interface GatewayServices {
  readonly files: FileBucket;
  readonly table: ControlTable;
  readonly bus: AccountingBus;
  /** Decides about logins. */
  readonly customAuth: ServiceFunction;
  readonly hostKeys: ProductSecret;
  /** The certificate of FTPS. */
  readonly tls: ProductSecret;
}

export interface GatewaySettings {
  /** How events name the tasks; each adds its id. */
  readonly serverName: string;
  /** What the load balancer listens on. @default 22, 21, 990 and 50000 to 50019 */
  readonly ports?: ListenerPorts;
  /**
   * What PASV names: an IPv4 address, or one for each zone, `eu-west-1a=192.0.2.1,eu-west-1b=192.0.2.2`.
   * @default that of the control connection ("0.0.0.0")
   */
  readonly passiveAddress?: string;
  /** `active-passive`: of all tasks over one table one serves, and the others stand by. @default "active-active" */
  readonly mode?: "active-active" | "active-passive";
  /** What SFTP offers; `compatible` also what clients of years ago need. @default "strict" */
  readonly sftpAlgorithms?: "strict" | "compatible";
  /** What GuardDuty scans of the files. @default nothing */
  readonly scan?: ScannedFiles;
  /** Minutes at a stretch for which transfers keep ECS from ending their task; 0 for not at all. @default 60 */
  readonly protectMinutes?: number;
}

/** What the container keeps of the stop timeout for itself, after its sessions. */
const endingSeconds = 10;

/** The variables of the container. */
export function gatewayEnvironment(
  { files, table, bus, customAuth, hostKeys, tls }: GatewayServices,
  settings: GatewaySettings,
  place: { readonly network: IGatewayNetwork; readonly stopTimeout: Duration },
): Record<string, string> {
  const { ports = defaultPorts, scan, mode = "active-active", sftpAlgorithms = "strict" } = settings;
  return {
    [environmentNames.serverName]: settings.serverName,
    [environmentNames.dataBucket]: files.bucket.bucketName,
    [environmentNames.table]: table.table.tableName,
    [environmentNames.eventBus]: bus.bus.eventBusName,
    [environmentNames.authFunction]: customAuth.function.functionName,
    [environmentNames.hostKeysSecret]: hostKeys.secret.secretArn,
    [environmentNames.tlsSecret]: tls.secret.secretArn,
    [environmentNames.sftpPort]: String(containerPorts.sftp),
    [environmentNames.sftpAlgorithms]: sftpAlgorithms,
    [environmentNames.ftpsPort]: String(containerPorts.ftps),
    [environmentNames.ftpsImplicitPort]: String(containerPorts.ftpsImplicit),
    [environmentNames.dataPort]: String(containerPorts.data),
    [environmentNames.healthPort]: String(containerPorts.health),
    [environmentNames.passivePorts]: `${ports.firstPassive}-${ports.lastPassive}`,
    [environmentNames.passiveAddress]: settings.passiveAddress ?? "0.0.0.0",
    [environmentNames.trustedProxies]: place.network.trustedProxies.join(","),
    ...(scan && { [environmentNames.scan]: JSON.stringify({ prefixes: scan.prefixes, deny: scan.deny }) }),
    [environmentNames.availability]: mode,
    [environmentNames.drainSeconds]: String(Math.max(1, place.stopTimeout.toSeconds() - endingSeconds)),
    [environmentNames.protectMinutes]: String(settings.protectMinutes ?? 60),
  };
}

/** What a session needs and no more: no password hash, no rule, no token, no audit record can be read or changed. */
export function grantServices(
  tasks: iam.IGrantable,
  { files, table, bus, customAuth, hostKeys, tls }: GatewayServices,
): void {
  files.grantTransfer(tasks);
  table.grantPartitions(tasks, { write: ["leases", "transfers"] });
  hostKeys.grantRead(tasks);
  tls.grantRead(tasks);
  bus.grantPutEvents(tasks);
  customAuth.grantInvoke(tasks);
}
