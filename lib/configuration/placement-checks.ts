import type { Check, Problem } from "./check.ts";
import type { ImportedSubnet, Stage } from "./schema.ts";
import { contains, mostSources, overlaps, type PortRange, portRanges, rangeOf, repeated } from "./values.ts";

/** Loopback, link-local and multicast addresses, and those that mean no host. */
const noNetworks = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"];
/** AWS has no smaller subnets, and keeps five addresses of each; a load balancer takes up to eight. */
const smallestSubnet = 28;
const reservedAddresses = 5;
const loadBalancerAddresses = 8;
const endpointAddresses = 6;

/** Addresses of the VPC that the subnets take: a /24 for the tasks of each zone, the rest for the load balancer. */
const smallestNetwork = 22;
const largestNetwork = 16;

/** Where a stage stands: zones, addresses, subnets, and who may come there. */
export const placementChecks: readonly Check[] = [
  { sections: ["region", "zones"], find: zones },
  { sections: ["zones"], find: addresses },
  { sections: ["network"], find: ownNetwork },
  { sections: ["network", "zones"], find: importedSubnets },
  { sections: ["network", "zones", "gateway"], find: room },
  { sections: ["sources"], find: sources },
  { sections: ["sources", "network"], find: blockedSources },
  { sections: ["gateway"], find: corporateSources },
];

function zones({ region, zones: names }: Stage): Problem[] {
  return names.flatMap((zone, index) => {
    const field = `zones[${index}]`;
    if (names.indexOf(zone) < index) return [{ field, reason: `${zone} is there twice` }];
    const inRegion = zone.startsWith(region) && /^[a-z]$/.test(zone.slice(region.length));
    return inRegion ? [] : [{ field, reason: `${zone} is not a zone of ${region}` }];
  });
}

function addresses({ addresses: given = [], zones: names }: Stage): Problem[] {
  const count =
    given.length === 0 || given.length === names.length
      ? []
      : [{ field: "addresses", reason: `has ${given.length} for ${names.length} zones` }];
  const twice = (["allocationId", "address"] as const).flatMap((part) =>
    repeated(given.map((one) => one[part])).map(([index, value]) => ({
      field: `addresses[${index}].${part}`,
      reason: `${value} is there twice`,
    })),
  );
  return [...count, ...twice];
}

function ownNetwork({ network }: Stage): Problem[] {
  const bits = Number(network.cidr.split("/")[1]);
  if (network.kind !== "own") return [];
  const field = "network.cidr";
  const wrongSize = `is a /${bits}; a VPC of ours is a /${largestNetwork} to a /${smallestNetwork}`;
  const special = noNetworks.find((other) => overlaps(range(other), range(network.cidr)));
  return [
    ...(bits >= largestNetwork && bits <= smallestNetwork ? [] : [{ field, reason: wrongSize }]),
    ...(special === undefined ? [] : [{ field, reason: `is of ${special}, which no VPC can have` }]),
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

function placeOf({ id, cidr, field }: PlacedSubnet, vpc: string, others: readonly PlacedSubnet[]): Problem[] {
  const own = range(cidr);
  const size = Number(cidr.split("/")[1]);
  const small =
    size > smallestSubnet
      ? [{ field: `${field}.cidr`, reason: `is a /${size}; the smallest subnet of AWS is a /${smallestSubnet}` }]
      : [];
  const outside = contains(range(vpc), own) ? [] : [{ field: `${field}.cidr`, reason: `does not lie within ${vpc}` }];
  const twice = others.some((other) => other.id === id)
    ? [{ field: `${field}.id`, reason: `${id} is there twice` }]
    : [];
  const shared = others.filter((other) => other.id !== id && overlaps(own, range(other.cidr)));
  return [
    ...small,
    ...outside,
    ...twice,
    ...shared.map((other) => ({ field: `${field}.cidr`, reason: `overlaps ${other.field}` })),
  ];
}

/** While a deployment is under way every task has another beside it, and each has an address of its own. */
function room({ network, zones: names, gateway: { pools, corporate } }: Stage): Problem[] {
  const tasks = [...pools, ...(corporate ? [corporate] : [])].reduce((sum, pool) => sum + pool.tasks.max, 0);
  const endpoints = network.kind === "own" || network.endpoints === "create" ? endpointAddresses : 0;
  const others = reservedAddresses + endpoints + (corporate ? loadBalancerAddresses : 0);
  const needed = Math.ceil((2 * tasks) / names.length) + others;
  const subnets =
    network.kind === "own"
      ? [{ field: "gateway.pools", bits: 24 }]
      : network.gatewaySubnets.map(({ cidr }, index) => ({
          field: `network.gatewaySubnets[${index}].cidr`,
          bits: Number(cidr.split("/")[1]),
        }));
  return subnets
    .filter(({ bits }) => bits <= smallestSubnet && 2 ** (32 - bits) < needed)
    .map(({ field, bits }) => ({
      field,
      reason:
        `a /${bits} in each zone is too small for ${tasks} tasks, twice as many during a deployment: ` +
        `${needed} addresses`,
    }));
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
    ...withinOthers("sources.allowed", allowed),
    ...withinOthers("sources.blocked", blocked),
    ...blocked.flatMap((network, index) => {
      if (network.endsWith("/0")) return [{ field: `sources.blocked[${index}]`, reason: "turns everybody away" }];
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

function corporateSources({ gateway: { corporate } }: Stage): Problem[] {
  return withinOthers("gateway.corporate.sources", corporate?.sources ?? []);
}

function withinOthers(field: string, networks: readonly string[]): Problem[] {
  return networks.flatMap((network, index) => {
    const within = networks.find((other, place) => place !== index && holds(other, network, place < index));
    return within === undefined ? [] : [{ field: `${field}[${index}]`, reason: `lies within ${within}` }];
  });
}

/** Of two equal networks, the later is the one too many. */
function holds(outer: string, inner: string, isEarlier: boolean): boolean {
  return outer === inner ? isEarlier : contains(range(outer), range(inner));
}

type PlacedSubnet = ImportedSubnet & { readonly field: string };

function range(network: string): PortRange {
  const found = rangeOf(network);
  if (found === undefined) throw new TypeError(`${network} was not checked`);
  return found;
}
