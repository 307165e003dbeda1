import type { StageConfiguration } from "../lib/configuration/schema.ts";

/** The smallest whole stage, in the account of whoever deploys it. */
export const development = {
  name: "ferrygate-dev",
  region: "eu-central-1",
  zones: ["eu-central-1a", "eu-central-1b"],
  network: { kind: "own", cidr: "10.40.0.0/21" },
  gateway: {
    pools: [{ name: "a", weight: 1, cpu: 512, memoryMiB: 1024, tasks: { min: 1, max: 2 } }],
    drain: { minutes: 1 },
  },
  mail: { from: "ferrygate@example.com", identity: "ferrygate@example.com", alarms: ["ops@example.com"] },
  tags: { application: "ferrygate", stage: "development" },
} satisfies StageConfiguration;
