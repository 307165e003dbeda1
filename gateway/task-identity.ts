import { randomBytes } from "node:crypto";
import { isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";
import { limits } from "../core/limits.ts";

/** Who this process is among the tasks. */
export interface TaskIdentity {
  /** Unique to the process: a container that starts again in the same task is another. */
  readonly taskId: string;
  /** Where other tasks reach it. */
  readonly address: string;
  readonly availabilityZone: string | undefined;
}

/** Tells tasks from other owners of what is under way, such as functions. */
export const taskIdPrefix = "task-";

interface TaskMetadata {
  readonly TaskARN?: unknown;
  readonly AvailabilityZone?: unknown;
  readonly Containers?: readonly { readonly Networks?: readonly { readonly IPv4Addresses?: readonly unknown[] }[] }[];
}

/**
 * Asks ECS's task metadata endpoint, version 4, whose address stands in ECS_CONTAINER_METADATA_URI_V4; elsewhere goes
 * by the machine's own network.
 * @param given the address, where it is configured
 * @throws Error in words for the operator when no address can be found
 */
export async function readTaskIdentity(
  given: string | undefined,
  metadataUri = process.env.ECS_CONTAINER_METADATA_URI_V4,
): Promise<TaskIdentity> {
  const metadata = metadataUri ? await readMetadata(`${metadataUri}/task`) : {};
  const { TaskARN: arn, AvailabilityZone: zone } = metadata;
  const ecsId = typeof arn === "string" ? arn.slice(arn.lastIndexOf("/") + 1) : "local";
  const address = given ?? addressIn(metadata) ?? machineAddress();
  if (address === undefined) throw new Error("this task has no IPv4 address that other tasks could reach it at");
  return {
    taskId: `${taskIdPrefix}${ecsId}-${randomBytes(4).toString("hex")}`,
    address,
    availabilityZone: typeof zone === "string" ? zone : undefined,
  };
}

async function readMetadata(url: string): Promise<TaskMetadata> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(limits.taskMetadataMs) });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    return (await response.json()) as TaskMetadata;
  } catch (error) {
    throw new Error(`the task metadata endpoint of ECS cannot be read: ${error}`, { cause: error });
  }
}

function addressIn({ Containers = [] }: TaskMetadata): string | undefined {
  const networks = Containers.flatMap(({ Networks = [] }) => Networks);
  return networks
    .flatMap(({ IPv4Addresses = [] }) => IPv4Addresses)
    .find((address) => typeof address === "string" && isIPv4(address)) as string | undefined;
}

function machineAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address;
}

/** What PASV names, of one address for all or one for each zone; undefined for a zone without one. */
export function passiveAddressFor(
  configured: string | ReadonlyMap<string, string>,
  zone: string | undefined,
): string | undefined {
  return typeof configured === "string" ? configured : configured.get(zone ?? "");
}
