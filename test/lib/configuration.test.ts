import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { development } from "../../config/development.ts";
import { production } from "../../config/production.ts";
import type { StageConfiguration } from "../../lib/configuration/schema.ts";
import { ConfigurationError, resolveStage } from "../../lib/configuration/stage.ts";

const valid: StageConfiguration = {
  name: "files",
  region: "eu-central-1",
  zones: ["eu-central-1a", "eu-central-1b"],
  network: { kind: "own", cidr: "10.0.0.0/21" },
  gateway: { pools: [{ name: "a", weight: 1, tasks: { min: 1, max: 2 } }] },
  mail: { from: "files@example.com", identity: "example.com", alarms: ["ops@example.com"] },
};
const [pool] = valid.gateway.pools;
const imported = {
  kind: "imported" as const,
  vpcId: "vpc-0123456789abcdef0",
  cidr: "10.0.0.0/16",
  edgeSubnets: [
    { id: "subnet-aaaaaaa1", zone: "eu-central-1a", cidr: "10.0.0.0/27" },
    { id: "subnet-aaaaaaa2", zone: "eu-central-1b", cidr: "10.0.0.32/27" },
  ],
  gatewaySubnets: [
    { id: "subnet-bbbbbbb1", zone: "eu-central-1a", cidr: "10.0.1.0/24" },
    { id: "subnet-bbbbbbb2", zone: "eu-central-1b", cidr: "10.0.2.0/24" },
  ],
};

function problemsOf(configuration: unknown): string[] {
  try {
    resolveStage(configuration as StageConfiguration);
    return [];
  } catch (error) {
    assert(error instanceof ConfigurationError);
    return error.problems.map(({ field, reason }) => `${field}: ${reason}`);
  }
}

function withPool(change: object, others: object = {}): unknown {
  return { ...valid, gateway: { pools: [{ ...pool, ...change }], ...others } };
}

function withGateway(change: object): unknown {
  return { ...valid, gateway: { ...valid.gateway, ...change } };
}

function withHostName(hostName: string, hostedZoneId: string): unknown {
  return { ...valid, gateway: { ...valid.gateway, hostName }, dns: { hostedZoneId, zoneName: "example.com" } };
}

function withNetwork(change: object, others: object = {}): unknown {
  return { ...valid, ...others, network: { ...imported, ...change } };
}

function withEndpoint(urls: readonly string[], timeoutSeconds = 5): unknown {
  return { ...valid, authentication: { http: { urls, timeoutSeconds } } };
}

function withConnector(change: object): unknown {
  const connector = {
    name: "bank",
    url: "sftp://bank.example.com",
    secretArn: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:aws/transfer/bank",
    trustedHostKeys: ["ssh-rsa AAAAB3NzaC1yc2E="],
  };
  return { ...valid, managedTransfer: { connectors: [{ ...connector, ...change }] } };
}

/** What is wrong, and the field that is named with the beginning of the reason. */
const refusals: readonly (readonly [string, unknown, string])[] = [
  ["a name with capitals", { ...valid, name: "Files" }, "name: is not a name"],
  ["an account that is none", { ...valid, account: "1234" }, "account: is not 12 digits"],
  ["a Region that is none", { ...valid, region: "Frankfurt" }, "region: is not the name of a Region"],
  ["one zone", { ...valid, zones: ["eu-central-1a"] }, "zones: Too small"],
  ["a zone of another Region", { ...valid, zones: ["eu-central-1a", "eu-west-1b"] }, "zones[1]: eu-west-1b is not"],
  ["a zone twice", { ...valid, zones: ["eu-central-1a", "eu-central-1a"] }, "zones[1]: eu-central-1a is there twice"],
  ["a section that there is not", { ...valid, gatway: {} }, "gatway: is not a section"],
  ["a key that there is not", withGateway({ pool: [] }), 'gateway: Unrecognized key: "pool"'],
  [
    "an address as a network",
    { ...valid, network: { kind: "own", cidr: "10.0.0.1/21" } },
    "network.cidr: is not an IPv4",
  ],
  [
    "a network that is too small",
    { ...valid, network: { kind: "own", cidr: "10.0.0.0/24" } },
    "network.cidr: is a /24",
  ],
  ["a network that is too large", { ...valid, network: { kind: "own", cidr: "10.0.0.0/8" } }, "network.cidr: is a /8"],
  [
    "one address for two zones",
    { ...valid, addresses: [{ allocationId: "eipalloc-aaaaaaa1", address: "192.0.2.1" }] },
    "addresses: has 1 for 2 zones",
  ],
  [
    "an address for both zones",
    { ...valid, addresses: [1, 2].map(() => ({ allocationId: "eipalloc-aaaaaaa1", address: "192.0.2.1" })) },
    "addresses[1].allocationId: eipalloc-aaaaaaa1 is there twice",
  ],
  [
    "a network that no VPC can have",
    { ...valid, network: { kind: "own", cidr: "169.254.0.0/16" } },
    "network.cidr: is of 169.254.0.0/16, which",
  ],
  [
    "a subnet that AWS does not make",
    withNetwork({ edgeSubnets: imported.edgeSubnets.map((subnet) => ({ ...subnet, cidr: "10.0.0.0/29" })) }),
    "network.edgeSubnets[0].cidr: is a /29",
  ],
  [
    "subnets without room for the tasks",
    withNetwork(
      { gatewaySubnets: imported.gatewaySubnets.map((subnet) => ({ ...subnet, cidr: "10.0.1.0/28" })) },
      { gateway: { pools: [{ ...pool, tasks: { min: 1, max: 12 } }] } },
    ),
    "network.gatewaySubnets[0].cidr: a /28 in each zone is too small for 12 tasks",
  ],
  ["an address that is none", { ...valid, addresses: [{ allocationId: "a", address: "b" }] }, "addresses[0].address: "],
  ["an unknown kind of network", { ...valid, network: { kind: "their", cidr: "10.0.0.0/8" } }, "network.kind: "],
  [
    "a zone without a subnet",
    withNetwork({ edgeSubnets: imported.edgeSubnets.slice(1) }),
    "network.edgeSubnets: needs exactly one subnet in eu-central-1a",
  ],
  [
    "a subnet of a zone that the stage does not have",
    withNetwork({}, { zones: ["eu-central-1a", "eu-central-1c"] }),
    "network.edgeSubnets: has a subnet in eu-central-1b, which is none",
  ],
  [
    "a subnet outside of its VPC",
    withNetwork({ cidr: "10.1.0.0/16" }),
    "network.edgeSubnets[0].cidr: does not lie within 10.1.0.0/16",
  ],
  [
    "subnets that overlap",
    withNetwork({ gatewaySubnets: imported.gatewaySubnets.map((subnet) => ({ ...subnet, cidr: "10.0.1.0/24" })) }),
    "network.gatewaySubnets[1].cidr: overlaps network.gatewaySubnets[0]",
  ],
  [
    "endpoints without route tables",
    withNetwork({ endpoints: "create" }),
    "network.routeTableIds: is empty; the endpoints",
  ],
  [
    "an edge ACL in somebody else's network",
    withNetwork({}, { sources: { blocked: ["203.0.113.0/24"] } }),
    "sources.blocked: is for a network of ours",
  ],
  ["no network that may connect", { ...valid, sources: { allowed: [] } }, "sources.allowed: Too small"],
  [
    "a network with a host part",
    { ...valid, sources: { allowed: ["10.1.1.1/8"] } },
    "sources.allowed[0]: is not an IPv4",
  ],
  [
    "more networks than rules",
    { ...valid, sources: { allowed: Array.from({ length: 16 }, (_, index) => `203.0.${index}.0/24`) } },
    "sources.allowed: has 16 networks",
  ],
  [
    "a network within another",
    { ...valid, sources: { allowed: ["203.0.113.0/24", "203.0.113.7/32"] } },
    "sources.allowed[1]: lies within 203.0.113.0/24",
  ],
  [
    "a block of all that is allowed",
    { ...valid, sources: { allowed: ["203.0.113.0/24"], blocked: ["203.0.0.0/16"] } },
    "sources.blocked[0]: turns away all of 203.0.113.0/24",
  ],
  [
    "a block of everybody",
    { ...valid, sources: { blocked: ["0.0.0.0/0"] } },
    "sources.blocked[0]: turns everybody away",
  ],
  [
    "a block twice",
    { ...valid, sources: { blocked: ["203.0.113.0/24", "203.0.113.0/24"] } },
    "sources.blocked[1]: lies within 203.0.113.0/24",
  ],
  ["no pool", withGateway({ pools: [] }), "gateway.pools: Too small"],
  ["six pools", withGateway({ pools: Array.from({ length: 6 }, () => pool) }), "gateway.pools: Too big"],
  ["two pools of a name", withGateway({ pools: [pool, pool] }), "gateway.pools[1].name: a is there twice"],
  ["a weight over 999", withPool({ weight: 1000 }), "gateway.pools[0].weight: Too big"],
  ["a negative weight", withPool({ weight: -1 }), "gateway.pools[0].weight: Too small"],
  ["weights that leave nobody", withPool({ weight: 0 }), "gateway.pools: all have the weight 0"],
  ["a processor that Fargate has not", withPool({ cpu: 1000 }), "gateway.pools[0].cpu: 1000 is not one of"],
  [
    "memory that does not go with it",
    withPool({ cpu: 1024, memoryMiB: 1024 }),
    "gateway.pools[0].memoryMiB: 1024 does",
  ],
  [
    "fewer tasks at most than at least",
    withPool({ tasks: { min: 3, max: 2 } }),
    "gateway.pools[0].tasks: min 3 is over",
  ],
  ["a pool without tasks", withPool({ tasks: { min: 0, max: 2 } }), "gateway.pools[0].tasks.min: Too small"],
  ["only spot", withPool({ capacity: "spot" }), "gateway.pools: are all spot"],
  [
    "active-passive with nobody to stand by",
    withGateway({ mode: "active-passive" }),
    "gateway.mode: active-passive needs at least two tasks",
  ],
  [
    "active-passive on spot",
    withGateway({
      mode: "active-passive",
      pools: [
        { ...pool, tasks: { min: 2, max: 2 } },
        { ...pool, name: "b", capacity: "spot" },
      ],
    }),
    "gateway.pools[1].capacity: spot does not go with",
  ],
  [
    "more tasks than a load balancer has room for",
    withGateway({ pools: ["a", "b", "c"].map((name) => ({ ...pool, name, tasks: { min: 1, max: 42 } })) }),
    "gateway.pools: have 126 tasks; a load balancer has room for 125",
  ],
  [
    "an image that the tasks cannot reach",
    withGateway({ image: "ghcr.io/example/ferrygate:1" }),
    "gateway.image: is not in Amazon ECR in eu-central-1",
  ],
  [
    "an image of another Region for a pool",
    withPool({ image: "111122223333.dkr.ecr.us-east-1.amazonaws.com/ferrygate:1" }),
    "gateway.pools[0].image: is not in Amazon ECR in eu-central-1",
  ],
  [
    "an image without a tag",
    withGateway({ image: "registry.example.com/ferrygate" }),
    "gateway.image: is not REGISTRY",
  ],
  ["47 passive ports", withGateway({ passivePorts: "50000-50046" }), "gateway.passivePorts: has 47 ports"],
  ["a range that ends before it begins", withGateway({ passivePorts: "50010-50000" }), "gateway.passivePorts: begins"],
  ["privileged passive ports", withGateway({ passivePorts: "1000-1010" }), "gateway.passivePorts: does not lie"],
  ["a range that is none", withGateway({ passivePorts: "50000" }), "gateway.passivePorts: is not a range"],
  ["two doors on a port", withGateway({ ftpsPort: 22 }), "gateway.ftpsPort: shares a port with gateway.sftpPort"],
  [
    "a door among the passive ports",
    withGateway({ sftpPort: 50_001 }),
    "gateway.passivePorts: shares a port with gateway.sftpPort",
  ],
  [
    "a port of the container among the passive ports",
    withGateway({ passivePorts: "4990-5010" }),
    "gateway.passivePorts: holds 5000, on which the container listens",
  ],
  ["a drain of over an hour", withGateway({ drain: { minutes: 61 } }), "gateway.drain.minutes: Too big"],
  [
    "a protection that a deployment cannot wait for",
    withGateway({ drain: { protectMinutes: 121 } }),
    "gateway.drain.protectMinutes: Too big",
  ],
  ["a stop over Fargate's", withGateway({ drain: { stopSeconds: 121 } }), "gateway.drain.stopSeconds: Too big"],
  [
    "a zone without a name of the stage",
    { ...valid, dns: { hostedZoneId: "Z0123456789", zoneName: "example.com" } },
    "dns: has no name to make a record for",
  ],
  [
    "a name outside of the zone",
    withHostName("files.example.org", "Z0123456789"),
    "gateway.hostName: files.example.org is not in the zone example.com",
  ],
  [
    "a zone that is named and not identified",
    withHostName("files.example.com", "example"),
    "dns.hostedZoneId: is not the id of a hosted zone",
  ],
  ["a host name of one word", withGateway({ hostName: "files" }), "gateway.hostName: is not a full name"],
  [
    "a corporate side without networks",
    withGateway({ corporate: { sources: [], tasks: { min: 1, max: 1 } } }),
    "gateway.corporate.sources: Too small",
  ],
  [
    "a corporate network twice",
    withGateway({ corporate: { sources: ["10.0.0.0/8", "10.0.0.0/8"], tasks: { min: 1, max: 1 } } }),
    "gateway.corporate.sources[1]: lies within 10.0.0.0/8",
  ],
  [
    "a corporate side of a size that is none",
    withGateway({ corporate: { sources: ["10.0.0.0/8"], cpu: 512, memoryMiB: 512, tasks: { min: 1, max: 1 } } }),
    "gateway.corporate.memoryMiB: 512 does not go with",
  ],
  ["a burst of nothing", { ...valid, api: { burst: 0 } }, "api.burst: Too small"],
  [
    "a certificate of another Region",
    {
      ...valid,
      api: { domain: { name: "api.example.com", certificateArn: "arn:aws:acm:us-east-1:111122223333:certificate/a" } },
    },
    "api.domain.certificateArn: is a certificate of us-east-1",
  ],
  [
    "a certificate of another account",
    {
      ...valid,
      account: "444455556666",
      api: {
        domain: { name: "api.example.com", certificateArn: "arn:aws:acm:eu-central-1:111122223333:certificate/a" },
      },
    },
    "api.domain.certificateArn: is a certificate of the account 111122223333; the stage is in 444455556666",
  ],
  [
    "one name for both sides",
    {
      ...valid,
      gateway: { ...valid.gateway, hostName: "files.example.com" },
      api: {
        domain: { name: "files.example.com", certificateArn: "arn:aws:acm:eu-central-1:111122223333:certificate/a" },
      },
    },
    "api.domain.name: files.example.com is gateway.hostName too",
  ],
  ["a sender that is no address", { ...valid, mail: { ...valid.mail, from: "files" } }, "mail.from: is not an e-mail"],
  [
    "a sender of another domain",
    { ...valid, mail: { ...valid.mail, identity: "example.org" } },
    "mail.from: is not covered by the identity example.org",
  ],
  ["nobody who hears of alarms", { ...valid, mail: { ...valid.mail, alarms: [] } }, "mail.alarms: Too small"],
  [
    "an alarm for no address",
    { ...valid, mail: { ...valid.mail, alarms: ["ops@"] } },
    "mail.alarms[0]: is not an e-mail",
  ],
  [
    "an endpoint without TLS",
    withEndpoint(["http://id.example.com"]),
    "authentication.http.urls[0]: is not an address",
  ],
  [
    "an endpoint with a password in its address",
    withEndpoint(["https://user:secret@id.example.com"]),
    "authentication.http.urls[0]: is not an address",
  ],
  [
    "logins that wait longer than the gateway does",
    withEndpoint(["https://a.example.com", "https://b.example.com"], 8),
    "authentication.http.timeoutSeconds: is 8 for each of 2 addresses, 16 together; a login waits for 15",
  ],
  [
    "an OpenPGP key twice",
    {
      ...valid,
      pgpKeys: [
        { name: "a", kind: "public" },
        { name: "a", kind: "private" },
      ],
    },
    "pgpKeys[1].name: a is there twice",
  ],
  ["prefixes of no scan", { ...valid, scan: { prefixes: ["acme/"] } }, "scan.prefixes: are given, but"],
  [
    "six prefixes",
    { ...valid, scan: { kind: "guardduty", prefixes: ["a/", "b/", "c/", "d/", "e/", "f/"] } },
    "scan.prefixes: Too big",
  ],
  [
    "a prefix within another",
    { ...valid, scan: { kind: "guardduty", prefixes: ["acme/", "acme/inbox/"] } },
    "scan.prefixes[1]: lies within acme/",
  ],
  [
    "a prefix around the server's own folder",
    { ...valid, scan: { kind: "guardduty", prefixes: ["acme/", ".ferrygate/quarantine/"] } },
    "scan.prefixes[1]: holds what is in .ferrygate/, the server's own folder",
  ],
  ["a prefix with a wildcard", { ...valid, scan: { kind: "guardduty", prefixes: ["a*"] } }, "scan.prefixes[0]: is not"],
  [
    "a retention that CloudWatch has not",
    { ...valid, retention: { logDays: 100 } },
    "retention.logDays: is not one of",
  ],
  [
    "a connector to something else than SFTP",
    withConnector({ url: "ftp://bank.example.com" }),
    "managedTransfer.connectors[0].url: is not sftp://",
  ],
  [
    "a port that is none",
    withConnector({ url: "sftp://bank.example.com:99999" }),
    "managedTransfer.connectors[0].url: is",
  ],
  [
    "a host key that is none",
    withConnector({ trustedHostKeys: ["SHA256:abc"] }),
    "managedTransfer.connectors[0].trustedHostKeys[0]: is not a public key",
  ],
  [
    "a secret of another Region",
    withConnector({ secretArn: "arn:aws:secretsmanager:us-east-1:111122223333:secret:aws/transfer/bank" }),
    "managedTransfer.connectors[0].secretArn: is a secret of us-east-1; the stage is in eu-central-1",
  ],
  ["a tag of AWS", { ...valid, tags: { "aws:owner": "us" } }, "tags.aws:owner: begins with aws:"],
  ["a tag with a star", { ...valid, tags: { owner: "*" } }, "tags.owner: is not a tag"],
  [
    "more tags than a resource takes",
    { ...valid, tags: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`tag${index}`, ""])) },
    "tags: are 51; a resource takes 50",
  ],
  ["nothing at all", undefined, "name: Invalid input"],
  [
    "a connector without a secret",
    withConnector({ secretArn: "s" }),
    "managedTransfer.connectors[0].secretArn: is not the ARN",
  ],
];

describe("a stage's configuration", () => {
  for (const [title, configuration, expected] of refusals) {
    it(`is refused for ${title}`, () => {
      const problems = problemsOf(configuration);
      assert(
        problems.some((problem) => problem.startsWith(expected)),
        `${expected} is not among ${JSON.stringify(problems)}`,
      );
    });
  }

  it("is accepted with defaults where it says nothing", () => {
    const stage = resolveStage(valid);
    assert.deepEqual(stage.gateway.drain, { minutes: 15, stopSeconds: 120, protectMinutes: 60 });
    assert.equal(stage.gateway.passivePorts, "50000-50019");
    assert.deepEqual(problemsOf({ ...valid, network: imported }), []);
  });

  it("is right in the files of config", () => {
    assert.deepEqual([problemsOf(development), problemsOf(production)], [[], []]);
  });

  it("takes images of ECR, and in somebody else's network those of any registry", () => {
    const inEcr = withGateway({ image: "111122223333.dkr.ecr.eu-central-1.amazonaws.com/a/ferrygate:1.2" });
    const elsewhere = { ...(withGateway({ image: "ghcr.io/example/ferrygate:1" }) as object), network: imported };
    assert.deepEqual([problemsOf(inEcr), problemsOf(elsewhere), problemsOf(withConnector({}))], [[], [], []]);
  });

  it("is refused with all of its problems at once", () => {
    const problems = problemsOf({
      ...valid,
      account: "1",
      mail: { ...valid.mail, identity: "example.org" },
      sources: { allowed: ["203.0.113.0/24", "203.0.113.7/32"] },
      gateway: { pools: [{ ...pool, weight: 1000 }], drain: { minutes: 90 } },
    });
    assert.deepEqual(
      problems.map((problem) => problem.split(":")[0]),
      ["account", "gateway.pools[0].weight", "gateway.drain.minutes", "sources.allowed[1]", "mail.from"],
    );
  });

  it("is refused in words that name the field", () => {
    assert.throws(() => resolveStage({ ...valid, account: "1" }), {
      message: "The configuration of the stage cannot be deployed:\n  account: is not 12 digits",
    });
  });
});
