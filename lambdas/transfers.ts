import middy from "@middy/core";
import { createDynamoPullMemory } from "../adapters/aws/dynamo-pull-memory.ts";
import { createDynamoTransferBoard } from "../adapters/aws/dynamo-transfer-board.ts";
import { readEnvironment } from "../adapters/aws/environment.ts";
import { cronCalendar } from "../adapters/node/cron-calendar.ts";
import { limits } from "../core/limits.ts";
import { runDueTransfers } from "../service/destinations/due-transfers.ts";
import { openDispatching } from "./services/dispatching.ts";
import { untilShortlyBefore } from "./services/invocation.ts";
import { runtime } from "./services/operator-log.ts";
import { variables } from "./services/variables.ts";

const services = openDispatching(readEnvironment(process.env, variables));
const { configuration } = services;
const memory = createDynamoPullMemory(services.table);
const board = createDynamoTransferBoard(services.table);

/** A schedule has it push what waits for destinations, and pull what is due; the HTTP API calls it in between. */
export const handler = middy<unknown, void>().handler(async (_event, context) => {
  await services.begin(context);
  const destinations = services.openDestinations();
  const endMs = untilShortlyBefore(context);
  const untilMs = endMs + limits.functionEndMs - limits.transfersEndMs;
  // What is under way then fails as on a lost connection. Until then the timer keeps the process alive: pauses do not.
  const end = setTimeout(() => destinations.close(), Math.max(0, endMs - runtime.now()));
  try {
    const pulls = () => configuration.current().pulls;
    await runDueTransfers({ ...services, destinations, memory, board, pulls, calendar: cronCalendar }, untilMs);
  } finally {
    clearTimeout(end);
    destinations.close();
  }
});
