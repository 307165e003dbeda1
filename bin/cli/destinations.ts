import type { TransferState } from "../../service/destinations/transfer-desk.ts";
import { type ApiClient, openApiClient } from "./api-client.ts";
import { parseArguments, UsageError } from "./arguments.ts";

type Shown = Omit<TransferState, "transfers"> & {
  readonly transfers: readonly (Omit<TransferState["transfers"][number], "startedAtMs"> & {
    readonly startedAt: string;
  })[];
};

/**
 * `ferrygate destinations --url URL`: what a server pushes and pulls at this moment, one line a destination, transfer
 * and pull. Credentials come from the environment, as for `plan`. @returns 0, or 1 when the server cannot be asked
 */
export async function runDestinations(args: readonly string[]): Promise<number> {
  const { url } = parseArguments({ args: [...args], options: { url: { type: "string" } } }).values;
  if (url === undefined) throw new UsageError("--url URL is missing");
  let client: ApiClient | undefined;
  try {
    client = await openApiClient(url);
    const state = (await client.ask("GET", "/v1/transfers")) as unknown as Shown;
    process.stdout.write(`${lines(state).join("\n")}\n`);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    process.stderr.write(`ferrygate: ${error instanceof Error ? error.message : error}\n`);
    return 1;
  } finally {
    await client?.close().catch(() => {});
  }
}

function lines({ destinations, transfers, pulls }: Shown): string[] {
  const shown = [
    ...destinations.flatMap((destination) => [
      destinationLine(destination),
      ...transfers.filter(({ destination: name }) => name === destination.name).map(transferLine),
      ...pulls.filter(({ destination: name }) => name === destination.name).map(pullLine),
    ]),
  ];
  return shown.length > 0 ? shown : ["no destinations"];
}

function destinationLine({ name, url, enabled, waiting, failure }: Shown["destinations"][number]): string {
  const state = [
    ...(enabled ? [] : ["not enabled"]),
    `${waiting} waiting`,
    ...(failure ? [`failed ${failure.at}: ${failure.reason}`] : []),
  ];
  return `${name}  ${url}  ${state.join(", ")}`;
}

function transferLine({ direction, account, path, bytes, movedBytes, attempts }: Shown["transfers"][number]): string {
  const share = bytes === undefined || bytes === 0 ? "" : ` ${Math.floor((movedBytes / bytes) * 100)} %`;
  return `  ${direction} ${account}:${path}  ${movedBytes} of ${bytes ?? "?"} bytes${share}, try ${attempts}`;
}

function pullLine({ name, isRunning, nextRunAt, lastRun }: Shown["pulls"][number]): string {
  const next = isRunning ? "looks now" : nextRunAt === undefined ? "not enabled" : `next ${nextRunAt}`;
  return `  pull ${name}  ${next}; last ${lastRun ? runText(lastRun) : "never"}`;
}

function runText({
  startedAt,
  fetched,
  known,
  unstable,
  failed,
  failure,
}: NonNullable<Shown["pulls"][number]["lastRun"]>) {
  const counts = `${fetched} fetched, ${known} known, ${unstable} unstable, ${failed} failed`;
  return `${startedAt}: ${failure ?? counts}`;
}
