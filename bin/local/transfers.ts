import { archives } from "../../adapters/node/archives.ts";
import type { Configuration } from "../../adapters/node/configuration/configuration.ts";
import { contentConversions } from "../../adapters/node/content-conversions.ts";
import { cronCalendar } from "../../adapters/node/cron-calendar.ts";
import { createRemoteSites } from "../../adapters/node/remote/remote-sites.ts";
import { limits } from "../../core/limits.ts";
import type { OpenPgp } from "../../ports/openpgp.ts";
import { Destinations } from "../../service/destinations/destination-access.ts";
import { PullScheduler } from "../../service/destinations/pull-scheduler.ts";
import { PushLanes } from "../../service/destinations/push-lanes.ts";
import { ResidentTransferDesk, type TransferDesk } from "../../service/destinations/transfer-desk.ts";
import type { Pushing } from "../../service/dispatch/dispatch-services.ts";
import { createDispatcher } from "../../service/dispatch/dispatcher.ts";
import type { DispatchScanning } from "../../service/scan/scan-services.ts";
import type { SessionServices } from "../../service/session/services.ts";
import type { AutomationMemory } from "./automation.ts";

export interface TransferParts {
  readonly services: SessionServices;
  readonly state: AutomationMemory;
  readonly pgp: OpenPgp;
  readonly scanning: DispatchScanning;
  readonly configuration: () => Configuration;
}

/** What goes to destinations and comes from them. */
export interface LocalTransfers {
  /** For the dispatcher that must not wait for destinations. */
  readonly pushing: Pushing;
  readonly desk: TransferDesk;
  /** Goes on with what an earlier process left. */
  start(): Promise<void>;
  /** Ends what is under way, for at most limits.remoteDrainMs; the rest waits for the next start. */
  stop(): Promise<void>;
}

export function openTransfers({ services, state, pgp, scanning, configuration }: TransferParts): LocalTransfers {
  const { runtime } = services;
  const { claims, deadLetters, pushes } = state;
  const sites = createRemoteSites({
    // The SDK is large, and few servers have a bucket for a destination.
    s3: async (destination) => (await import("../../adapters/aws/s3-site.ts")).openS3Site(destination),
  });
  const destinations = new Destinations(() => configuration().destinations, sites, runtime);
  const dispatching = { ...services, claims, archives, pgp, conversions: contentConversions, scanning };
  const handlerFor = (pushing: Pushing) =>
    createDispatcher({ ...dispatching, pushing }, () => configuration().dispatch);
  const lanes = new PushLanes({ destinations, queue: pushes, deadLetters, runtime, handlerFor });
  const pulls = () => configuration().pulls;
  const scheduler = new PullScheduler({
    ...services,
    pulls,
    destinations,
    memory: state.pulls,
    claims,
    calendar: cronCalendar,
  });
  return {
    pushing: lanes.pushing,
    desk: new ResidentTransferDesk({ destinations, lanes, scheduler, pulls }),
    start: async () => {
      await lanes.start();
      scheduler.start();
    },
    stop: async () => {
      const stopped = Promise.all([lanes.stop(), scheduler.stop()]);
      const timeLimit = new Promise((resolve) => setTimeout(resolve, limits.remoteDrainMs).unref());
      await Promise.race([stopped, timeLimit]);
      destinations.close();
      await stopped;
    },
  };
}
