import { externalAuthenticationSeconds } from "../../adapters/aws/env.ts";
import { containerPorts } from "../constructs/gateway-ports.ts";
import { fargateProblem } from "./fargate-sizes.ts";
import type { ImportedSubnet, Stage } from "./schema.ts";
import { contains, mostSources, overlaps, type PortRange, portRangeOf, portRanges, rangeOf } from "./values.ts";

export interface Problem {
  /** `gateway.pools[0].weight`. */
  readonly field: string;
  readonly reason: string;
}

/** What cannot be said of one value alone. It is asked only when its sections are right by themselves. */
export interface Check {
  readonly sections: readonly (keyof Stage)[];
  find(stage: Stage): readonly Problem[];
}

/** Addresses of the VPC that the subnets take: a /24 for the tasks of each zone, the rest for the load balancer. */
const smallestNetwork = 22;
const largestNetwork = 16;
/** A registered group of targets holds this many, with cross-zone load balancing on. */
const targetsPerGroup = 500;

export const checks: readonly Check[] = [
  { sections: ["region", "zones"], find: zones },
  { sections: ["zones"], find: addresses },
  { sections: ["network"], find: ownNetworkSize },
  { sections: ["network", "zones"], find: importedSubnets },
  { sections: ["sources"], find: sources },
  { sections: ["sources", "network"], find: blockedSources },
  { sections: ["gateway"], find: ports },
  { sections: ["gateway"], find: containerPortsApart },
  { sections: ["gateway"], find: pools },
  { sections: ["gateway"], find: availability },
  { sections: ["gateway"], find: spot },
  { sections: ["gateway"], find: hostName },
  { sections: ["gateway", "api", "dns"], find: names },
  { sections: ["mail"], find: mailIdentity },
  { sections: ["authentication"], find: loginTime },
  { sections: ["pgpKeys"], find: pgpKeyNames },
  { sections: ["scan"], find: scanPrefixes },
  { sections: ["api", "region"], find: apiCertificate },
  { sections: ["managedTransfer"], find: managedTransfer },
];

function zones({ region, zones: names }: Stage): Problem[] {
  return names.flatMap((zone, index) => {
    const field = `zones[${index}]`;
    if (names.indexOf(zone) < index) return [{ field, reason: `${zone} is there twice` }];
    const inRegion = zone.startsWith(region) && /^[a-z]$/.test(zone.slice(region.length));
    return inRegion ? [] : [{ field, reason: `${zone} is not a zone of ${region}` }];
  });
}

function addresses({ addresses: given, zones: names }: Stage): Problem[] {
  if (given === undefined || given.length === names.length) return [];
  return [{ field: "addresses", reason: `has ${given.length} for ${names.length} zones` }];
}

function ownNetworkSize({ network }: Stage): Problem[] {
  const bits = Number(network.cidr.split("/")[1]);
  if (network.kind !== "own" || (bits >= largestNetwork && bits <= smallestNetwork)) return [];
  return [
    { field: "network.cidr", reason: `is a /${bits}; a VPC of ours is a /${largestNetwork} to a /${smallestNetwork}` },
  ];
}

function importedSubnets({ network, zones: names }: Stage): Problem[] {
  if (network.kind !== "imported") return [];
  const tiers = [
    ["network.edgeSubnets", network.edgeSubnets],
    ["network.gatewaySubnets", network.gatewaySubnets],
  ] as const;
  const all = tiers.flatMap(([field, subnets]) =>
    subnets.map((subnet, index) => ({ ...subnet, field: `${field}[${index}]` })),
  );
  const routes =
    network.endpoints === "create" && network.routeTableIds.length === 0
      ? [{ field: "network.routeTableIds", reason: "is empty; the endpoints of S3 and DynamoDB are entered there" }]
      : [];
  return [
    ...tiers.flatMap(([field, subnets]) => zonesOf(field, subnets, names)),
    ...all.flatMap((subnet, index) => placeOf(subnet, network.cidr, all.slice(0, index))),
    ...routes,
  ];
}

function zonesOf(field: string, subnets: readonly ImportedSubnet[], names: readonly string[]): Problem[] {
  const missing = names.filter((zone) => subnets.filter((subnet) => subnet.zone === zone).length !== 1);
  const foreign = subnets.filter(({ zone }) => !names.includes(zone)).map(({ zone }) => zone);
  return [
    ...missing.map((zone) => ({ field, reason: `needs exactly one subnet in ${zone}` })),
    ...foreign.map((zone) => ({ field, reason: `has a subnet in ${zone}, which is none of the stage's zones` })),
  ];
}

type PlacedSubnet = ImportedSubnet & { readonly field: string };

function placeOf({ id, cidr, field }: PlacedSubnet, vpc: string, others: readonly PlacedSubnet[]): Problem[] {
  const own = range(cidr);
  const outside = contains(range(vpc), own) ? [] : [{ field: `${field}.cidr`, reason: `does not lie within ${vpc}` }];
  const twice = others.some((other) => other.id === id)
    ? [{ field: `${field}.id`, reason: `${id} is there twice` }]
    : [];
  const shared = others.filter((other) => other.id !== id && overlaps(own, range(other.cidr)));
  return [
    ...outside,
    ...twice,
    ...shared.map((other) => ({ field: `${field}.cidr`, reason: `overlaps ${other.field}` })),
  ];
}

function sources({ sources: { allowed = [], blocked, rulesQuota } }: Stage): Problem[] {
  const most = mostSources(rulesQuota);
  const tooMany =
    allowed.length > most
      ? [
          {
            field: "sources.allowed",
            reason:
              `has ${allowed.length} networks; each takes ${portRanges} of the ${rulesQuota} rules ` +
              `of a security group (see sources.rulesQuota), so ${most} fit`,
          },
        ]
      : [];
  return [
    ...tooMany,
    ...allowed.flatMap((network, index) => {
      const field = `sources.allowed[${index}]`;
      const within = allowed.find((other, place) => place !== index && holds(other, network, place < index));
      return within === undefined ? [] : [{ field, reason: `lies within ${within}` }];
    }),
    ...blocked.flatMap((network, index) => {
      const covered = allowed.find((other) => contains(range(network), range(other)));
      return covered === undefined
        ? []
        : [{ field: `sources.blocked[${index}]`, reason: `turns away all of ${covered}, which is allowed` }];
    }),
  ];
}

/** The edge of an imported network is not ours to change. */
function blockedSources({ sources: { blocked }, network }: Stage): Problem[] {
  if (network.kind === "own" || blocked.length === 0) return [];
  return [
    { field: "sources.blocked", reason: "is for a network of ours; in an imported one, use its own network ACLs" },
  ];
}

/** Of two equal networks, the later is the one too many. */
function holds(outer: string, inner: string, isEarlier: boolean): boolean {
  return outer === inner ? isEarlier : contains(range(outer), range(inner));
}

function ports({ gateway }: Stage): Problem[] {
  const single = (["sftpPort", "ftpsPort", "ftpsImplicitPort"] as const).map((name) => ({
    field: `gateway.${name}`,
    range: { first: gateway[name], last: gateway[name] },
  }));
  const all = [...single, { field: "gateway.passivePorts", range: portRangeOf(gateway.passivePorts) }];
  return all.flatMap(({ field, range: own }, index) => {
    const other = all.slice(0, index).find((earlier) => overlaps(earlier.range, own));
    return other === undefined ? [] : [{ field, reason: `shares a port with ${other.field}` }];
  });
}

/** A PROXY header names the listener's port or one of the container's own; none may mean two things. */
function containerPortsApart({ gateway: { passivePorts } }: Stage): Problem[] {
  const passive = portRangeOf(passivePorts);
  return Object.values(containerPorts)
    .filter((port) => contains(passive, { first: port, last: port }))
    .map((port) => ({ field: "gateway.passivePorts", reason: `holds ${port}, on which the container listens` }));
}

function pools({ gateway: { pools: list, corporate } }: Stage): Problem[] {
  const sized = [
    ...list.map((pool, index) => ({ ...pool, field: `gateway.pools[${index}]` })),
    ...(corporate === undefined ? [] : [{ ...corporate, field: "gateway.corporate" }]),
  ];
  const names = list.map(({ name }) => name);
  const twice = names.flatMap((name, index) =>
    names.indexOf(name) < index ? [{ field: `gateway.pools[${index}].name`, reason: `${name} is there twice` }] : [],
  );
  const idle = list.every(({ weight }) => weight === 0)
    ? [{ field: "gateway.pools", reason: "all have the weight 0, so that nobody can connect" }]
    : [];
  const most = list.reduce((sum, { tasks }) => sum + tasks.max, 0);
  const crowded =
    most > targetsPerGroup
      ? [{ field: "gateway.pools", reason: `have ${most} tasks; a load balancer has room for ${targetsPerGroup}` }]
      : [];
  return [...sized.flatMap(sizeProblems), ...twice, ...idle, ...crowded];
}

interface SizedPool {
  readonly field: string;
  readonly cpu: number;
  readonly memoryMiB: number;
  readonly tasks: { readonly min: number; readonly max: number };
}

function sizeProblems({ field, cpu, memoryMiB, tasks }: SizedPool): Problem[] {
  const pair = fargateProblem(cpu, memoryMiB);
  return [
    ...(pair === undefined ? [] : [{ field: `${field}.${pair.field}`, reason: pair.reason }]),
    ...(tasks.min > tasks.max
      ? [{ field: `${field}.tasks`, reason: `min ${tasks.min} is over max ${tasks.max}` }]
      : []),
  ];
}

/** One task that serves and none that stands by is neither of the two modes. */
function availability({ gateway: { mode, pools: list } }: Stage): Problem[] {
  const least = list.reduce((sum, { tasks }) => sum + tasks.min, 0);
  if (mode !== "active-passive" || least >= 2) return [];
  return [{ field: "gateway.mode", reason: "active-passive needs at least two tasks, one of them to stand by" }];
}

function spot({ gateway: { mode, pools: list } }: Stage): Problem[] {
  const serving = list.filter(({ weight }) => weight > 0);
  if (serving.length > 0 && serving.every(({ capacity }) => capacity === "spot")) {
    return [{ field: "gateway.pools", reason: "are all spot, and all may be taken away at once" }];
  }
  return list.flatMap(({ capacity }, index) =>
    capacity === "spot" && mode === "active-passive"
      ? [{ field: `gateway.pools[${index}].capacity`, reason: "spot does not go with active-passive" }]
      : [],
  );
}

function hostName({ gateway }: Stage): Problem[] {
  const { hostName: name } = gateway;
  if (name === undefined || (name.includes(".") && !/^[\d.]+$/.test(name))) return [];
  return [{ field: "gateway.hostName", reason: "is not a full name like files.example.com" }];
}

function names({ gateway: { hostName: host }, api: { domain }, dns }: Stage): Problem[] {
  if (dns === undefined) return [];
  const given = Object.entries({ "gateway.hostName": host, "api.domain.name": domain?.name });
  const named = given.filter(([, name]) => name !== undefined) as [string, string][];
  if (named.length === 0) return [{ field: "dns", reason: "has no name to make a record for" }];
  const zone = dns.zoneName.toLowerCase();
  return named
    .filter(([, name]) => name.toLowerCase() !== zone && !name.toLowerCase().endsWith(`.${zone}`))
    .map(([field, name]) => ({ field, reason: `${name} is not in the zone ${dns.zoneName}` }));
}

function mailIdentity({ mail: { from, identity } }: Stage): Problem[] {
  const domain = from.slice(from.lastIndexOf("@") + 1).toLowerCase();
  const verified = identity.toLowerCase();
  const fits = from.toLowerCase() === verified || domain === verified || domain.endsWith(`.${verified}`);
  return fits ? [] : [{ field: "mail.from", reason: `is not covered by the identity ${identity}` }];
}

/** The gateway gives a login up after a while, whoever is still being asked. */
function loginTime({ authentication: { http } }: Stage): Problem[] {
  if (http === undefined) return [];
  const seconds = http.urls.length * http.timeoutSeconds;
  if (seconds <= externalAuthenticationSeconds) return [];
  const reason =
    `is ${http.timeoutSeconds} for each of ${http.urls.length} addresses, ${seconds} together; ` +
    `a login waits for ${externalAuthenticationSeconds}`;
  return [{ field: "authentication.http.timeoutSeconds", reason }];
}

function pgpKeyNames({ pgpKeys }: Stage): Problem[] {
  const names = pgpKeys.map(({ name }) => name);
  return names.flatMap((name, index) =>
    names.indexOf(name) < index ? [{ field: `pgpKeys[${index}].name`, reason: `${name} is there twice` }] : [],
  );
}

function scanPrefixes({ scan: { kind, prefixes } }: Stage): Problem[] {
  if (kind === "none" && prefixes.length > 0) {
    return [{ field: "scan.prefixes", reason: "are given, but scan.kind is none" }];
  }
  return prefixes.flatMap((own, index) => {
    const outer = prefixes.find(
      (other, place) => place !== index && own.startsWith(other) && (own !== other || place < index),
    );
    return outer === undefined ? [] : [{ field: `scan.prefixes[${index}]`, reason: `lies within ${outer}` }];
  });
}

function apiCertificate({ api: { domain }, region }: Stage): Problem[] {
  if (domain === undefined) return [];
  return certificateProblems("api.domain.certificateArn", domain.certificateArn, region);
}

function managedTransfer({ managedTransfer: { connectors } }: Stage): Problem[] {
  const names = connectors.map(({ name }) => name);
  return connectors.flatMap(({ name, secretArn }, index) => [
    ...(names.indexOf(name) < index
      ? [{ field: `managedTransfer.connectors[${index}].name`, reason: `${name} is there twice` }]
      : []),
    ...(/^arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:.+$/.test(secretArn)
      ? []
      : [{ field: `managedTransfer.connectors[${index}].secretArn`, reason: "is not the ARN of a secret" }]),
  ]);
}

function certificateProblems(field: string, arn: string, region: string): Problem[] {
  const [, place] = /^arn:[\w-]+:acm:([\w-]+):\d{12}:certificate\/.+$/.exec(arn) ?? [];
  if (place === undefined) return [{ field, reason: "is not the ARN of a certificate of ACM" }];
  return place === region ? [] : [{ field, reason: `is a certificate of ${place}; the stage is in ${region}` }];
}

function range(network: string): PortRange {
  const found = rangeOf(network);
  if (found === undefined) throw new TypeError(`${network} was not checked`);
  return found;
}
