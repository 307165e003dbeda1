import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { archives } from "../../adapters/node/archives.ts";
import { contentConversions } from "../../adapters/node/content-conversions.ts";
import { createRuntime } from "../../adapters/node/runtime.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { parseDestinationTemplate } from "../../core/destination-template.ts";
import type { DispatchRule, OverwritePolicy } from "../../core/dispatch.ts";
import { compileSelection } from "../../core/event-selection.ts";
import type { RemoteDestination } from "../../core/remote-destination.ts";
import type { TransferProgress } from "../../core/transfer-progress.ts";
import type { RemoteSites } from "../../ports/remote-site.ts";
import { Destinations } from "../../service/destinations/destination-access.ts";
import { PushLanes } from "../../service/destinations/push-lanes.ts";
import type { Pushing } from "../../service/dispatch/dispatch-services.ts";
import { createDispatcher } from "../../service/dispatch/dispatcher.ts";
import { createMemoryAutomation } from "./memory-automation.ts";
import { createMemoryServices, testAccount } from "./memory-ports.ts";
import { uploadEvent } from "./upload-event.ts";

const silent = { info: () => {}, warn: () => {}, error: () => {} };

/** Pushes from a store in memory, one rule for each destination. */
export interface PushRig {
  /** Has a file sent to the destination; resolves when the rule is done with it. @returns the events about it */
  push(name: string, content: Buffer): Promise<readonly AccountingEvent[]>;
  /** Puts other content into the store under the name, of which no rule hears. */
  replace(name: string, content: Buffer): Promise<void>;
  /** What is under way to the destination. */
  active(): Promise<readonly TransferProgress[]>;
  letters(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export async function startPushRig(
  destination: RemoteDestination,
  sites: RemoteSites,
  overwrite: OverwritePolicy = "fail",
): Promise<PushRig> {
  const services = createMemoryServices([testAccount()]);
  const automation = createMemoryAutomation();
  const runtime = createRuntime({ log: silent });
  const step = { action: "push", destination: destination.name, to: parseDestinationTemplate("/in/", 0) } as const;
  const rule: DispatchRule = {
    name: "push",
    enabled: true,
    when: compileSelection({ types: ["transfer.completed"] }),
    steps: [{ ...step, overwrite }],
    otherwise: [],
    continues: false,
  };
  const destinations = new Destinations(() => [destination], sites, runtime);
  const dispatching = { ...services, runtime, claims: automation.claims, archives, conversions: contentConversions };
  const handlerFor = (pushing: Pushing) => createDispatcher({ ...dispatching, pushing }, () => [rule]);
  const store = async (name: string, content: Buffer) => {
    const writer = await services.objects.openWrite(`tester/${name}`, name);
    await writer.write(content);
    return writer.publish({});
  };
  const { deadLetters, pushes: queue } = automation;
  const lanes = new PushLanes({ destinations, queue, deadLetters, runtime, handlerFor });
  return {
    push: async (name, content) => {
      const { etag } = await store(name, content);
      const sha256 = createHash("sha256").update(content).digest("hex");
      await handlerFor(lanes.pushing)
        .handle(uploadEvent(name, `/${name}`, { sha256, etag }))
        .catch(() => {});
      while ((await queue.waiting()).length > 0) await delay(10);
      return services.accounting.events.filter(({ data }) => data.path === `/${name}`);
    },
    replace: async (name, content) => void (await store(name, content)),
    active: async () => (await lanes.states()).get(destination.name)?.active ?? [],
    letters: async () => (await deadLetters.list({ limit: 100 })).letters.map(({ reason }) => reason),
    stop: async () => {
      destinations.close();
      await lanes.stop();
    },
  };
}
