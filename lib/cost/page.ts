import type { Stage } from "../configuration/schema.ts";
import { type CostLine, fixedCosts, type Load, loadCosts, sumOf } from "./estimate.ts";
import { type Prices, prices } from "./prices.ts";

/** The load of the page: a hundred thousand transfers of 10 MiB. */
export const exampleLoad: Load = {
  transfers: 100_000,
  uploadShare: 0.6,
  averageMiB: 10,
  sessions: 60_000,
  apiRequests: 50_000,
  storedGb: 2_000,
};

/** docs/cost.md, from the stages' configurations; `npm run cost` writes it and a test compares. */
export function costPage(stages: Readonly<Record<string, Stage>>): string {
  return [
    "# What it costs",
    "",
    "Written by `npm run cost` from `config/*.ts` and `lib/cost/prices.ts`. **The " +
      "prices are list prices in US dollars of",
    `${prices.region}, recalled on ${prices.recalledOn} and not ` +
      `looked up: check them.** They leave out taxes, support, discounts and`,
    "what other Regions charge. Nothing of it has been measured on a bill; the " +
      "quantities of a load are assumptions that stand",
    "in `lib/cost/estimate.ts`.",
    "",
    ...Object.entries(stages).flatMap(([name, stage]) => stagePart(name, stage)),
    ...comparison(prices),
  ].join("\n");
}

function stagePart(name: string, stage: Stage): string[] {
  const fixed = fixedCosts(stage, prices);
  const load = loadCosts(stage, exampleLoad, prices);
  return [
    `## The stage \`${name}\``,
    "",
    ...table("each month, whatever happens", fixed),
    "",
    ...table(
      `on top with ${exampleLoad.transfers.toLocaleString("en-US")} transfers of ${exampleLoad.averageMiB} MiB`,
      load,
    ),
    "",
    `Together: **${dollars(sumOf(fixed) + sumOf(load))}** a month.`,
    "",
  ];
}

function table(title: string, lines: readonly CostLine[]): string[] {
  return [
    `| ${title} | of | $ a month |`,
    "|---|---|---:|",
    ...lines.map(({ what, basis, dollars: amount }) => `| ${what} | ${basis} | ${amount.toFixed(2)} |`),
    `| **sum** | | **${sumOf(lines).toFixed(2)}** |`,
  ];
}

function comparison(known: Prices): string[] {
  const gigabytes = (exampleLoad.transfers * exampleLoad.averageMiB) / 1024;
  const managed = 2 * 730 * known.managedServerProtocolHour + gigabytes * known.managedServerGb;
  return [
    "## Beside a managed server",
    "",
    "AWS Transfer Family charges for each protocol and hour and for each gigabyte: " +
      "with SFTP and FTPS and the load above",
    `${dollars(managed)} a month, before storage, traffic and whatever authenticates, scans and dispatches.`,
    "",
    "## Where to save",
    "",
    "- Endpoints are the largest fixed part of a small stage. In a network that has them already",
    '  (`network.endpoints: "present"`) they cost nothing here.',
    "- Two zones instead of three: a third of endpoints and addresses.",
    "- A pool of spot tasks for a part of the weight, where transfers are short.",
    "- `retention.logDays`, and the flow log of a network with much traffic.",
    "",
  ];
}

function dollars(amount: number): string {
  return `$${amount.toFixed(2)}`;
}
