import type { StageConfiguration } from "../lib/configuration/schema.ts";

/** An example of a larger stage: two pools by weight, partners' networks only, a corporate side, scanned files. */
export const production = {
  name: "ferrygate",
  account: "111122223333",
  region: "eu-central-1",
  zones: ["eu-central-1a", "eu-central-1b", "eu-central-1c"],
  network: { kind: "own", cidr: "10.20.0.0/20" },
  sources: { allowed: ["203.0.113.0/24", "198.51.100.0/25"], blocked: ["203.0.113.66/32"] },
  gateway: {
    mode: "active-active",
    pools: [
      { name: "steady", weight: 3, tasks: { min: 2, max: 8 } },
      { name: "spare", weight: 1, tasks: { min: 1, max: 4 } },
    ],
    corporate: { sources: ["10.0.0.0/8"], tasks: { min: 2, max: 4 } },
    drain: { minutes: 15, stopSeconds: 120 },
    hostName: "files.example.com",
  },
  api: { rate: 100, burst: 200, tokensOnly: true },
  mail: { from: "files@example.com", identity: "example.com", alarms: ["operations@example.com"] },
  scan: { kind: "guardduty", deny: "infected" },
  retention: { logDays: 365, eventDays: 365, versionDays: 90, auditLockDays: 365 },
  tags: { application: "ferrygate", stage: "production" },
} satisfies StageConfiguration;
