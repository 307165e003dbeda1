import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { before, describe, it } from "node:test";
import { App, Duration, aws_ec2 as ec2, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import type { StageConfiguration } from "../../lib/configuration/schema.ts";
import { AccountingBus } from "../../lib/constructs/accounting-bus.ts";
import { EncryptionKey } from "../../lib/constructs/encryption-key.ts";
import { GatewayNetwork } from "../../lib/constructs/gateway-network.ts";
import { anchorOf } from "../../lib/constructs/runbook-alarms.ts";
import { WorkQueue } from "../../lib/constructs/work-queue.ts";
import { type PlacedProduct, placeProduct } from "./placed-product.ts";

const canary = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/files/ferrygate:2.1";

/** All that the example of production is not. */
const other: StageConfiguration = {
  name: "other",
  region: "eu-west-1",
  zones: ["eu-west-1a", "eu-west-1b"],
  addresses: [
    { allocationId: "eipalloc-aaaaaaa1", address: "192.0.2.1" },
    { allocationId: "eipalloc-aaaaaaa2", address: "192.0.2.2" },
  ],
  network: {
    kind: "imported",
    vpcId: "vpc-0123456789abcdef0",
    cidr: "10.0.0.0/16",
    edgeSubnets: [
      { id: "subnet-aaaaaaa1", zone: "eu-west-1a", cidr: "10.0.0.0/27" },
      { id: "subnet-aaaaaaa2", zone: "eu-west-1b", cidr: "10.0.0.32/27" },
    ],
    gatewaySubnets: [
      { id: "subnet-bbbbbbb1", zone: "eu-west-1a", cidr: "10.0.1.0/24" },
      { id: "subnet-bbbbbbb2", zone: "eu-west-1b", cidr: "10.0.2.0/24" },
    ],
    endpoints: "create",
    routeTableIds: ["rtb-0123456789abcdef0"],
  },
  gateway: {
    mode: "active-passive",
    pools: [{ name: "only", weight: 1, tasks: { min: 2, max: 2 }, image: canary }],
    passivePorts: "50000-50045",
    passiveAddress: "control",
    drain: { minutes: 60, stopSeconds: 30 },
  },
  api: {
    domain: {
      name: "api.example.com",
      certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/0a1b2c3d-0000-0000-0000-000000000000",
    },
  },
  mail: { from: "files@example.com", identity: "files@example.com", alarms: ["ops@example.com"] },
  authentication: { http: { urls: ["https://id.example.com/ferrygate"], defaultGroup: "partners" } },
  pgpKeys: [
    { name: "ours", kind: "private" },
    { name: "globex", kind: "public" },
  ],
  scan: { kind: "guardduty", prefixes: ["acme/inbox/"], deny: "until-clean" },
  managedTransfer: {
    server: true,
    connectors: [
      {
        name: "bank",
        url: "sftp://bank.example.com",
        secretArn: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:aws/transfer/bank-AbCdEf",
        trustedHostKeys: ["ssh-rsa AAAAB3NzaC1yc2E="],
      },
    ],
  },
};

describe("a stage in somebody else's network", () => {
  let placed: PlacedProduct;
  before(() => {
    placed = placeProduct(other);
  });
  const only = (type: string) => {
    const found = placed.of(type);
    assert.equal(found.length, 1, type);
    return found[0]?.properties ?? {};
  };

  it("makes no network, and enters its endpoints where it is told to", () => {
    for (const type of ["VPC", "Subnet", "RouteTable", "NetworkAcl", "NatGateway"]) {
      assert.deepEqual(placed.of(`AWS::EC2::${type}`), []);
    }
    const routed = placed.of("AWS::EC2::VPCEndpoint").filter(({ properties }) => properties.RouteTableIds);
    assert.deepEqual(
      routed.map(({ properties }) => properties.RouteTableIds),
      [["rtb-0123456789abcdef0"], ["rtb-0123456789abcdef0"]],
    );
    const { SubnetMappings } = only("AWS::ElasticLoadBalancingV2::LoadBalancer");
    assert.deepEqual(
      (SubnetMappings as Record<string, unknown>[]).map(({ SubnetId }) => SubnetId),
      ["subnet-aaaaaaa1", "subnet-aaaaaaa2"],
    );
  });

  it("stands on the addresses that it is given", () => {
    const { SubnetMappings } = only("AWS::ElasticLoadBalancingV2::LoadBalancer");
    assert.deepEqual(
      (SubnetMappings as Record<string, unknown>[]).map(({ AllocationId }) => AllocationId),
      ["eipalloc-aaaaaaa1", "eipalloc-aaaaaaa2"],
    );
    assert.deepEqual(placed.of("AWS::EC2::EIP"), []);
    assert.equal(placed.stacks.get("Gateway")?.outputs.PartnerAddresses, "192.0.2.1, 192.0.2.2");
  });

  it("tells its tasks that one serves and that data come to the address of the control connection", () => {
    const [container] = only("AWS::ECS::TaskDefinition").ContainerDefinitions as Record<string, unknown>[];
    assert(container);
    const variables = Object.fromEntries(
      (container.Environment as { Name: string; Value: string }[]).map(({ Name, Value }) => [Name, Value]),
    );
    assert.equal(variables.FERRYGATE_AVAILABILITY, "active-passive");
    assert.equal(variables.FERRYGATE_PASSIVE_ADDRESS, "0.0.0.0");
    assert.equal(variables.FERRYGATE_PASSIVE_PORTS, "50000-50045");
    assert.equal(variables.FERRYGATE_TRUSTED_PROXIES, "10.0.0.0/27,10.0.0.32/27,10.0.1.0/24,10.0.2.0/24");
    assert.equal(variables.FERRYGATE_DRAIN_SECONDS, "20");
    assert.equal(variables.FERRYGATE_SCAN, '{"prefixes":["acme/inbox/"],"deny":"until-clean"}');
    assert.equal(container.StopTimeout, 30);
    assert.equal(placed.of("AWS::ElasticLoadBalancingV2::Listener").length, 49);
  });

  it("runs the pool's own image, and lets it be pulled from that one repository", () => {
    const [container] = only("AWS::ECS::TaskDefinition").ContainerDefinitions as Record<string, unknown>[];
    const image = JSON.stringify(container?.Image);
    for (const part of ["444455556666.dkr.ecr.eu-west-1.", "/files/ferrygate:2.1"]) assert(image.includes(part), image);
    const pulling = placed.statements.filter(({ Action }) => Action.includes("ecr:BatchGetImage"));
    assert.deepEqual(
      pulling.map(({ Resource }) => Resource),
      [["arn:aws:ecr:eu-west-1:444455556666:repository/files/ferrygate"]],
    );
  });

  it("reads only what the scan found clean, below the prefix that it scans", () => {
    const denial = placed.statements.find(({ Sid }) => Sid === "ReadByScanResult");
    assert.match(JSON.stringify(denial?.Resource), /^\["\{Store\/FilesBucket[^}]+\}\/acme\/inbox\/\*"\]$/);
    assert.deepEqual(denial?.Condition, {
      StringNotEquals: {
        "s3:ExistingObjectTag/GuardDutyMalwareScanStatus": "NO_THREATS_FOUND",
        "aws:PrincipalTag/ferrygate-reads-infected": "true",
        "s3:ExistingObjectTag/ferrygate-released": "true",
      },
    });
  });

  it("has rules wait for the scan, and tells what acts by them what is scanned", () => {
    const scan = JSON.stringify(JSON.stringify({ prefixes: ["acme/inbox/"], deny: "until-clean" })).slice(1, -1);
    const told = placed
      .of("AWS::Lambda::Function")
      .filter(({ properties }) => JSON.stringify(properties.Environment ?? {}).includes(scan));
    const names = told.map(({ id }) => /^Functions([a-z]+)Function/.exec(id)?.[1]).sort();
    assert.deepEqual(names, ["dispatch", "httpapi", "scanresult", "transfers"]);
    const tags = placed.statements.filter(
      ({ Action, resource }) => Action.includes("s3:GetObjectTagging") && resource.id.startsWith("Functions"),
    );
    assert.deepEqual(
      tags
        .map(({ resource, Resource }) => [
          /^Functions([a-z]+)Role/.exec(resource.id)?.[1],
          /[^}]+$/.exec(JSON.stringify(Resource))?.[0],
        ])
        .sort(),
      [
        ["dispatch", '/acme/inbox/*"]'],
        ["scanresult", '/*"]'],
        ["transfers", '/acme/inbox/*"]'],
      ],
    );
    const exempt = placed
      .of("AWS::IAM::Role")
      .filter(({ properties }) => JSON.stringify(properties.Tags ?? "").includes("reads-infected"));
    assert.deepEqual(exempt.map(({ id }) => id.replace(/[0-9A-F]{8}$/, "")).sort(), [
      "FunctionsdispatchRole",
      "FunctionsscanresultRole",
      "FunctionstransfersRole",
      "ScanRole",
    ]);
  });

  it("runs a managed server on the same accounts, and starts its own connectors only", () => {
    const server = only("AWS::Transfer::Server");
    assert.equal(server.IdentityProviderType, "AWS_LAMBDA");
    const permission = placed.of("AWS::Lambda::Permission").find(({ id }) => id.startsWith("ManagedServer"));
    assert.equal(permission?.properties.Principal, "transfer.amazonaws.com");
    assert(permission?.properties.SourceArn);
    const customAuth = placed.of("AWS::Lambda::Function").find(({ id }) => id.startsWith("Functionscustomauth"));
    assert(JSON.stringify(customAuth?.properties.Environment).includes("FERRYGATE_TRANSFER_ROLE"));
    const starting = placed.statements.filter(({ Action }) => Action.includes("transfer:StartFileTransfer"));
    assert.equal(starting.length, 1);
    assert.match(JSON.stringify(starting[0]?.Resource), /connector\/\*/);
    assert(placed.stacks.get("Api")?.outputs.ConnectorIdbank);
  });

  it("has the functions that decide logins ask the endpoint, and the others know whom it let in", () => {
    const named = (name: string) =>
      placed.of("AWS::Lambda::Function").find(({ id }) => id.startsWith(`Functions${name}`));
    const told = (name: string) => JSON.stringify(named(name)?.properties.Environment);
    const settings = { urls: ["https://id.example.com/ferrygate"], timeoutSeconds: 5, defaultGroup: "partners" };
    const [asking, knowing] = [
      ["customauth", "httpapi"],
      ["authorize", "dispatch", "scanresult", "transfers"],
    ];
    const readers = placed.statements.filter(({ Resource }) =>
      JSON.stringify(Resource).includes("AuthenticationHeaders"),
    );
    assert.equal(readers.length, asking?.length);
    for (const name of [...(asking ?? []), ...(knowing ?? [])]) {
      assert(told(name).includes(JSON.stringify(JSON.stringify(settings)).slice(1, -1)), name);
      assert.equal(told(name).includes("FERRYGATE_AUTHENTICATION_SECRET"), asking?.includes(name), name);
      const role = placed.of("AWS::IAM::Role").find(({ id }) => id.startsWith(`Functions${name}Role`));
      const statements = placed.statementsOf("Functions", role?.id ?? name);
      const reaching = (action: string) =>
        statements.some(
          ({ Action, Condition }) => Action.includes(action) && JSON.stringify(Condition ?? "").includes('"vouched#*"'),
        );
      assert.deepEqual([reaching("dynamodb:GetItem"), reaching("dynamodb:PutItem")], [true, asking?.includes(name)]);
    }
    assert(!told("accounting").includes("FERRYGATE_AUTHENTICATION"));
    assert(placed.stacks.get("Store")?.outputs.AuthenticationSecretArn);
  });

  it("gives OpenPGP keys to what acts by rules, and their names to what takes rules", () => {
    const told = new Map(
      placed
        .of("AWS::Lambda::Function")
        .map(({ id, properties }) => [/^Functions([a-z]+)/.exec(id)?.[1], JSON.stringify(properties.Environment)]),
    );
    const having = (text: string) => [...told].flatMap(([name, given]) => (given?.includes(text) ? [name] : [])).sort();
    assert.deepEqual(having("FERRYGATE_PGP_KEYS_SECRET"), ["dispatch", "transfers"]);
    const names = JSON.stringify(JSON.stringify({ ours: "private", globex: "public" })).slice(1, -1);
    assert.deepEqual(having(names), ["httpapi"]);
    const readers = placed.statements.filter(({ Resource }) => JSON.stringify(Resource).includes("Store/PgpKeys"));
    assert.deepEqual(
      [readers.length, readers.flatMap(({ Action }) => Action)[0]],
      [2, "secretsmanager:GetSecretValue"],
    );
    assert(placed.stacks.get("Store")?.outputs.PgpKeysSecretArn);
  });

  it("answers the HTTP API under its own name only", () => {
    assert.equal(only("AWS::ApiGatewayV2::Api").DisableExecuteApiEndpoint, true);
    assert.equal(only("AWS::ApiGatewayV2::DomainName").DomainName, "api.example.com");
    assert.equal(placed.stacks.get("Api")?.outputs.ApiUrl, "https://api.example.com");
    // Without `tokensOnly` the function takes passwords as well.
    assert.deepEqual(placed.of("AWS::ApiGatewayV2::Authorizer"), []);
  });

  it("has a page of the runbook for every alarm, and an alarm for every page", () => {
    const runbook = readFileSync(new URL("../../docs/runbook.md", import.meta.url), "utf8");
    const pages = [...runbook.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    const { headings, alarms } = placed.product.observability.alarms;
    assert.deepEqual([...headings].sort(), [...pages].sort());
    assert.equal(placed.of("AWS::CloudWatch::Alarm").length, alarms.length);
    for (const { properties } of placed.of("AWS::CloudWatch::Alarm")) {
      const description = String(properties.AlarmDescription);
      const page = headings.find((heading) => description === `${heading}: docs/runbook.md#${anchorOf(heading)}`);
      assert(page, description);
      assert.equal((properties.AlarmActions as unknown[]).length, 1);
    }
  });
});

describe("a construct of the product", () => {
  it("can be used alone, in an app of somebody else's", () => {
    const stack = new Stack(new App(), "Theirs", { env: { region: "eu-west-1" } });
    const network = new GatewayNetwork(stack, "Network", { cidr: "10.0.0.0/22", zones: ["eu-west-1a", "eu-west-1b"] });
    const queue = new WorkQueue(stack, "Work", { functionTimeout: Duration.seconds(10) });
    new AccountingBus(stack, "Bus").addQueue("Uploads", queue, ["transfer.completed"]);
    new EncryptionKey(stack, "Key");
    network.endpoints.connections.allowDefaultPortFrom(ec2.Peer.ipv4("10.0.0.0/22"));
    const template = Template.fromStack(stack);
    template.resourceCountIs("AWS::EC2::NatGateway", 0);
    template.hasResourceProperties("AWS::SQS::Queue", { VisibilityTimeout: 60 });
    template.hasResourceProperties("AWS::Events::Rule", {
      EventPattern: { source: ["ferrygate"], "detail-type": ["transfer.completed"] },
    });
  });
});

describe("the tools that deploy", () => {
  const require = createRequire(import.meta.url);

  it("are of the second major version: the third of the CLI was published by accident", () => {
    assert.match(require("aws-cdk/package.json").version, /^2\./);
    assert.match(require("aws-cdk-lib/package.json").version, /^2\./);
  });

  it("know all feature flags that CDK recommends", () => {
    const recommended = require("aws-cdk-lib/recommended-feature-flags.json") as Record<string, unknown>;
    const { context } = JSON.parse(readFileSync(new URL("../../cdk.json", import.meta.url), "utf8"));
    assert.deepEqual(context, recommended);
  });
});
