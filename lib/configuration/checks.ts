import { externalAuthenticationSeconds, reservedPrefix } from "../../adapters/aws/env.ts";
import { containerPorts } from "../constructs/gateway-ports.ts";
import type { Check, Problem } from "./check.ts";
import { fargateProblem } from "./fargate-sizes.ts";
import { placementChecks } from "./placement-checks.ts";
import type { Stage } from "./schema.ts";
import { contains, ecrImageOf, overlaps, portRangeOf, repeated } from "./values.ts";

/** A load balancer has room for this many with cross-zone load balancing, and counts a task once for each group. */
const targetsPerLoadBalancer = 500;
const groupsPerTask = 4;
const mostTags = 50;

export const checks: readonly Check[] = [
  ...placementChecks,
  { sections: ["gateway"], find: ports },
  { sections: ["gateway"], find: containerPortsApart },
  { sections: ["gateway"], find: pools },
  { sections: ["gateway", "network", "region"], find: images },
  { sections: ["gateway"], find: availability },
  { sections: ["gateway"], find: spot },
  { sections: ["gateway"], find: hostName },
  { sections: ["gateway", "api"], find: nameTwice },
  { sections: ["gateway", "api", "dns"], find: names },
  { sections: ["mail"], find: mailIdentity },
  { sections: ["authentication"], find: loginTime },
  { sections: ["pgpKeys"], find: pgpKeyNames },
  { sections: ["scan"], find: scanPrefixes },
  { sections: ["api", "region"], find: apiCertificate },
  { sections: ["managedTransfer", "region"], find: managedTransfer },
  { sections: ["tags"], find: tags },
];

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
  const twice = repeated(list.map(({ name }) => name)).map(([index, name]) => ({
    field: `gateway.pools[${index}].name`,
    reason: `${name} is there twice`,
  }));
  const idle = list.every(({ weight }) => weight === 0)
    ? [{ field: "gateway.pools", reason: "all have the weight 0, so that nobody can connect" }]
    : [];
  const most = list.reduce((sum, { tasks }) => sum + tasks.max, 0);
  const room = targetsPerLoadBalancer / groupsPerTask;
  const crowded =
    most > room ? [{ field: "gateway.pools", reason: `have ${most} tasks; a load balancer has room for ${room}` }] : [];
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

/** Tasks of a network of ours reach Amazon ECR in their own Region, and no other registry. */
function images({ gateway, network, region }: Stage): Problem[] {
  if (network.kind !== "own") return [];
  const named = [
    { field: "gateway.image", image: gateway.image },
    ...gateway.pools.map(({ image }, index) => ({ field: `gateway.pools[${index}].image`, image })),
  ];
  return named.flatMap(({ field, image }) =>
    image === undefined || ecrImageOf(image)?.region === region
      ? []
      : [{ field, reason: `is not in Amazon ECR in ${region}, and the tasks have no way to another registry` }],
  );
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

function nameTwice({ gateway: { hostName: host = "" }, api: { domain } }: Stage): Problem[] {
  if (domain?.name.toLowerCase() !== host.toLowerCase()) return [];
  return [{ field: "api.domain.name", reason: `${domain.name} is gateway.hostName too` }];
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
  return repeated(pgpKeys.map(({ name }) => name)).map(([index, name]) => ({
    field: `pgpKeys[${index}].name`,
    reason: `${name} is there twice`,
  }));
}

function scanPrefixes({ scan: { kind, prefixes } }: Stage): Problem[] {
  if (kind === "none" && prefixes.length > 0) {
    return [{ field: "scan.prefixes", reason: "are given, but scan.kind is none" }];
  }
  return prefixes.flatMap((own, index) => {
    if (own.startsWith(reservedPrefix) || reservedPrefix.startsWith(own)) {
      return [
        { field: `scan.prefixes[${index}]`, reason: `holds what is in ${reservedPrefix}, the server's own folder` },
      ];
    }
    const outer = prefixes.find(
      (other, place) => place !== index && own.startsWith(other) && (own !== other || place < index),
    );
    return outer === undefined ? [] : [{ field: `scan.prefixes[${index}]`, reason: `lies within ${outer}` }];
  });
}

function apiCertificate({ api: { domain }, region, account }: Stage): Problem[] {
  if (domain === undefined) return [];
  const field = "api.domain.certificateArn";
  const [, place, owner] = /^arn:[\w-]+:acm:([\w-]+):(\d{12}):certificate\/.+$/.exec(domain.certificateArn) ?? [];
  if (place === undefined) return [{ field, reason: "is not the ARN of a certificate of ACM" }];
  return elsewhere({ field, what: "a certificate", place, owner }, { region, account });
}

function managedTransfer({ managedTransfer: { connectors }, region, account }: Stage): Problem[] {
  const twice = repeated(connectors.map(({ name }) => name)).map(([index, name]) => ({
    field: `managedTransfer.connectors[${index}].name`,
    reason: `${name} is there twice`,
  }));
  const secrets = connectors.flatMap(({ secretArn }, index) => {
    const field = `managedTransfer.connectors[${index}].secretArn`;
    const [, place, owner] = /^arn:[\w-]+:secretsmanager:([\w-]+):(\d{12}):secret:.+$/.exec(secretArn) ?? [];
    if (place === undefined) return [{ field, reason: "is not the ARN of a secret" }];
    return elsewhere({ field, what: "a secret", place, owner }, { region, account });
  });
  return [...twice, ...secrets];
}

interface Located {
  readonly field: string;
  readonly what: string;
  readonly place: string;
  readonly owner: string | undefined;
}

/** What the services take from the stage's own Region and account only. */
function elsewhere({ field, what, place, owner }: Located, stage: Pick<Stage, "region" | "account">): Problem[] {
  if (place !== stage.region) return [{ field, reason: `is ${what} of ${place}; the stage is in ${stage.region}` }];
  if (stage.account === undefined || owner === stage.account) return [];
  return [{ field, reason: `is ${what} of the account ${owner}; the stage is in ${stage.account}` }];
}

/** docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html */
function tags({ tags: given }: Stage): Problem[] {
  const names = Object.keys(given);
  const tooMany =
    names.length > mostTags ? [{ field: "tags", reason: `are ${names.length}; a resource takes ${mostTags}` }] : [];
  return [
    ...tooMany,
    ...Object.entries(given).flatMap(([name, value]) => {
      const field = `tags.${name}`;
      if (/^aws:/i.test(name)) return [{ field, reason: "begins with aws:, as AWS's own do" }];
      return tagText.test(name) && tagText.test(value) && name.length <= 128 && value.length <= 256 && name !== ""
        ? []
        : [{ field, reason: "is not a tag: names to 128, values to 256 letters, digits, spaces and _.:/=+-@" }];
    }),
  ];
}

const tagText = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
