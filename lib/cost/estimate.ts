import type { Stage } from "../configuration/schema.ts";
import { portRangeOf } from "../configuration/values.ts";
import type { Prices } from "./prices.ts";

/** What passes in a month. */
export interface Load {
  readonly transfers: number;
  /** Of all transfers, those from partners to us; the others go out. */
  readonly uploadShare: number;
  readonly averageMiB: number;
  /** Logins; each is a session with a few events of its own. */
  readonly sessions: number;
  readonly apiRequests: number;
  /** What is in the bucket. */
  readonly storedGb: number;
}

export interface CostLine {
  readonly what: string;
  /** What was counted, in words. */
  readonly basis: string;
  readonly dollars: number;
}

const hours = 730;
const endpointCount = 6;
const secretsOfAll = 3;
/** SESSION: started, authenticated, ended. TRANSFER: started, completed. */
const eventsPerSession = 3;
const eventsPerTransfer = 2;
/** Its start is in the table until its end is on record. */
const writesPerSession = 2;
/** Accounting, dispatch and alerts each get every event: sent, received, deleted. */
const queueCallsPerEvent = 9;
/** Of events; each pool adds one for the errors in its log. */
const eventMetrics = 9;

/** What a month costs whether anybody transfers anything or not. */
export function fixedCosts(stage: Stage, prices: Prices): CostLine[] {
  const { gateway, zones } = stage;
  const balancers = gateway.corporate ? 2 : 1;
  const hasEndpoints = stage.network.kind === "own" || stage.network.endpoints === "create";
  const endpoints = hasEndpoints ? endpointCount * zones.length : 0;
  const alarms = alarmCountOf(stage);
  const metrics = eventMetrics + gateway.pools.length + (gateway.corporate ? 1 : 0);
  const secretCount = secretsOfAll + (stage.authentication.http ? 1 : 0) + (stage.pgpKeys.length > 0 ? 1 : 0);
  return [
    ...computing(stage, prices),
    line("load balancers", `${balancers}, with one unit of capacity each`, [
      balancers * hours * (prices.loadBalancerHour + prices.loadBalancerUnitHour),
    ]),
    line("fixed addresses", `${zones.length} public IPv4 addresses`, [zones.length * hours * prices.publicAddressHour]),
    line("endpoints", `${endpoints} (${endpointCount} in each of ${zones.length} zones)`, [
      endpoints * hours * prices.interfaceEndpointHour,
    ]),
    line("key and secrets", `1 key, ${secretCount} secrets`, [prices.keyMonth, secretCount * prices.secretMonth]),
    line("alarms and dashboard", `${alarms} alarms, ${metrics} metrics, 1 dashboard`, [
      alarms * prices.alarmMonth,
      metrics * prices.metricMonth,
      prices.dashboardMonth,
    ]),
    ...managedServer(stage, prices),
  ];
}

/** What comes on top with the load. */
export function loadCosts(stage: Stage, load: Load, prices: Prices): CostLine[] {
  const gigabytes = (load.transfers * load.averageMiB) / 1024;
  const uploads = load.transfers * load.uploadShare;
  const events = load.sessions * eventsPerSession + load.transfers * eventsPerTransfer;
  return [
    ...bytes(stage, load, prices),
    line("S3 requests", `${count(uploads)} uploads, ${count(load.transfers - uploads)} downloads`, [
      (uploads * 3 * prices.s3ThousandPuts) / 1000,
      ((load.transfers - uploads) * 2 * prices.s3ThousandGets) / 1000,
    ]),
    line("events and queues", `${count(events)} events`, [
      (events * prices.eventMillion) / 1e6,
      (events * queueCallsPerEvent * prices.queueMillion) / 1e6,
    ]),
    line("table", "6 writes and 6 reads an event, 2 writes a session", [
      ((events * 6 + load.sessions * writesPerSession) * prices.dynamoMillionWrites) / 1e6,
      (events * 6 * prices.dynamoMillionReads) / 1e6,
    ]),
    line("functions", "3 calls an event, and logins and requests; 512 MB for 50 ms", [
      functionCosts(events * 3 + load.sessions + load.apiRequests, prices),
    ]),
    line("HTTP API", `${count(load.apiRequests)} requests`, [(load.apiRequests * prices.httpApiMillion) / 1e6]),
    line("logs", "2 kB an event, and the flow log of the bytes", [
      ((events * 2) / 1e6 + gigabytes * 0.001) * prices.logGb,
    ]),
  ];
}

/** What lib/stacks/observability-stack.ts places; a test compares the two. */
export function alarmCountOf({ gateway }: Stage): number {
  const perPool = 4 + 2 + 1;
  const served = gateway.pools.filter(({ weight }) => weight > 0).length + (gateway.corporate ? 1 : 0);
  const queues = 4 * 2 + 2;
  const functions = 8 * 2;
  const others = 1 + 1 + 8;
  return served * perPool + queues + functions + others;
}

export function sumOf(lines: readonly CostLine[]): number {
  return lines.reduce((sum, { dollars }) => sum + dollars, 0);
}

function computing({ gateway }: Stage, prices: Prices): CostLine[] {
  const sides = [
    ...gateway.pools.map((pool) => ({ ...pool, label: `pool ${pool.name}` })),
    ...(gateway.corporate ? [{ ...gateway.corporate, capacity: "on-demand" as const, label: "corporate pool" }] : []),
  ];
  return sides.map(({ label, cpu, memoryMiB, tasks, capacity }) => {
    const hour = (cpu / 1024) * prices.fargateArmVcpuHour + (memoryMiB / 1024) * prices.fargateArmGibHour;
    const share = capacity === "spot" ? prices.fargateSpotShare : 1;
    const size = `${cpu / 1024} vCPU and ${memoryMiB / 1024} GiB, ${capacity}`;
    return line(label, `at least ${tasks.min} × ${size}`, [tasks.min * hours * hour * share]);
  });
}

function bytes(stage: Stage, load: Load, prices: Prices): CostLine[] {
  const gigabytes = (load.transfers * load.averageMiB) / 1024;
  const received = gigabytes * load.uploadShare;
  const scanned = stage.scan.kind === "guardduty" ? received : 0;
  const passive = portRangeOf(stage.gateway.passivePorts);
  return [
    line("files at rest", `${count(load.storedGb)} GB`, [load.storedGb * prices.s3GbMonth]),
    line("bytes to partners", `${count(gigabytes - received)} GB to the internet`, [
      (gigabytes - received) * prices.outGb,
    ]),
    line(
      "bytes through the load balancer",
      `${count(gigabytes)} GB, over ${passive.last - passive.first + 4} listeners`,
      [gigabytes * prices.loadBalancerUnitHour],
    ),
    line("scan", `${count(scanned)} GB`, [
      scanned * prices.scanGb,
      scanned > 0 ? (load.transfers * load.uploadShare * prices.scanThousandObjects) / 1000 : 0,
    ]),
  ];
}

function managedServer({ managedTransfer: { server } }: Stage, prices: Prices): CostLine[] {
  if (!server) return [];
  return [line("managed server", "SFTP", [hours * prices.managedServerProtocolHour])];
}

function functionCosts(calls: number, prices: Prices): number {
  return (calls * prices.functionMillion) / 1e6 + calls * 0.5 * 0.05 * prices.functionArmGbSecond;
}

function line(what: string, basis: string, dollars: readonly number[]): CostLine {
  return { what, basis, dollars: dollars.reduce((sum, part) => sum + part, 0) };
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
