import type { Context } from "aws-lambda";
import { createTransferClient } from "../../adapters/aws/clients.ts";
import { createDynamoClaims, createDynamoDeadLetters } from "../../adapters/aws/dynamo-automation.ts";
import { createDynamoPushQueue } from "../../adapters/aws/dynamo-push-queue.ts";
import { openS3Site } from "../../adapters/aws/s3-site.ts";
import { openConnectorIn } from "../../adapters/aws/transfer-connector.ts";
import { createRemoteSites } from "../../adapters/node/remote/remote-sites.ts";
import type { EventHandler } from "../../service/consume/event-consumer.ts";
import { Destinations } from "../../service/destinations/destination-access.ts";
import { afterScan } from "../../service/dispatch/after-scan.ts";
import type { Pushing } from "../../service/dispatch/dispatch-services.ts";
import { createDispatcher } from "../../service/dispatch/dispatcher.ts";
import { type ContentEnvironment, openContent } from "./content.ts";
import { openStoreScanning } from "./held-events.ts";
import { openServices, type ServicesEnvironment } from "./session-services.ts";
import { openTable } from "./table.ts";

/** What dispatch rules stand on, for the function that gets events and the one that goes on with their pushes. */
export function openDispatching(environment: ServicesEnvironment & ContentEnvironment) {
  const table = openTable(environment.table);
  const services = { ...openServices(environment), claims: createDynamoClaims(table) };
  const { configuration, runtime } = services;
  const sites = createRemoteSites({
    s3: openS3Site,
    connector: openConnectorIn(environment.bucket, createTransferClient()),
  });
  const content = openContent(environment);
  const storeScanning = openStoreScanning(table, environment);
  return {
    ...services,
    /** Each call begins with it. @throws FileError `unavailable` */
    begin: async (call: Context) => {
      await services.owner.live();
      await Promise.all([configuration.refresh(), content.begin(call)]);
    },
    table,
    queue: createDynamoPushQueue(table),
    deadLetters: createDynamoDeadLetters(table),
    /** Whoever opens connections closes them with these. */
    openDestinations: () => new Destinations(() => configuration.current().destinations, sites, runtime),
    /** The handler where nothing is scanned, and otherwise one that waits for the verdict. */
    afterScan: (handler: EventHandler) => (storeScanning ? afterScan(handler, storeScanning) : handler),
    handlerFor: (pushing: Pushing): EventHandler => {
      const parts = { ...services, ...content.services, pushing, storeScanning };
      return createDispatcher(parts, () => configuration.current().dispatch);
    },
  };
}
