import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { environmentNames, partitions } from "../../adapters/aws/env.ts";
import { EnvironmentError } from "../../adapters/aws/environment.ts";
import { production } from "../../config/production.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { readEnvironment } from "../../gateway/environment.ts";
import { resolveStage } from "../../lib/configuration/stage.ts";
import { alarmCountOf } from "../../lib/cost/estimate.ts";
import {
  type Json,
  type PlacedProduct,
  type PlacedResource,
  type PolicyStatement,
  placeProduct,
} from "./placed-product.ts";

/** Properties that give a resource a name of our choosing, which would stand in the way of replacing it. */
const physicalNames = [
  "AlarmName",
  "BucketName",
  "ClusterName",
  "DashboardName",
  "EventBusName",
  "FunctionName",
  "LoadBalancerName",
  "LogGroupName",
  "QueueName",
  "RoleName",
  "ServiceName",
  "TableName",
  "TargetGroupName",
  "TopicName",
];

/** What a session needs, in the order of the alphabet; a new action is a decision that is taken here. */
const actionsOfTask = [
  "dynamodb:BatchGetItem",
  "dynamodb:BatchWriteItem",
  "dynamodb:ConditionCheckItem",
  "dynamodb:DeleteItem",
  "dynamodb:GetItem",
  "dynamodb:PutItem",
  "dynamodb:Query",
  "dynamodb:UpdateItem",
  "ecs:UpdateTaskProtection",
  "events:PutEvents",
  "kms:Decrypt",
  "kms:DescribeKey",
  "kms:Encrypt",
  "kms:GenerateDataKey",
  "kms:GenerateDataKeyWithoutPlaintext",
  "kms:ReEncryptFrom",
  "kms:ReEncryptTo",
  "lambda:InvokeFunction",
  "s3:AbortMultipartUpload",
  "s3:DeleteObject",
  "s3:GetObject",
  "s3:GetObjectVersion",
  "s3:ListBucket",
  "s3:ListBucketMultipartUploads",
  "s3:ListBucketVersions",
  "s3:ListMultipartUploadParts",
  "s3:PutObject",
  "secretsmanager:GetSecretValue",
];

/** Partitions that each function reads, and those that it also writes. */
const partitionsOfFunctions: Readonly<Record<string, { readonly read: string[]; readonly write: string[] }>> = {
  "custom-auth": { read: ["configuration", "failedLogins", "vouched"], write: ["failedLogins", "vouched"] },
  authorize: { read: ["configuration", "sessions"], write: [] },
  accounting: { read: ["audit"], write: ["audit"] },
  dispatch: {
    read: ["audit", "automation", "configuration", "functionLeases", "transfers"],
    write: ["automation", "functionLeases", "transfers"],
  },
  alerts: { read: ["audit", "automation", "configuration"], write: ["automation"] },
  "http-api": {
    read: [
      "audit",
      "automation",
      "configuration",
      "failedLogins",
      "functionLeases",
      "sessions",
      "transfers",
      "vouched",
    ],
    write: ["automation", "configuration", "failedLogins", "functionLeases", "sessions", "transfers"],
  },
  "scan-result": {
    read: ["audit", "automation", "configuration", "functionLeases", "transfers"],
    write: ["automation", "functionLeases", "transfers"],
  },
  transfers: {
    read: ["audit", "automation", "configuration", "functionLeases", "transfers"],
    write: ["automation", "functionLeases", "transfers"],
  },
};

function properties(resource: PlacedResource): Readonly<Record<string, unknown>> {
  return resource.properties;
}

/** What stands there in a property, however deep; undefined when nothing does. */
function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((found, step) => (found as Record<string | number, unknown> | undefined)?.[step], value);
}

function list(value: unknown): Json[] {
  return (value ?? []) as Json[];
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? "";
}

/** The partitions that statements of these actions let at. */
function partitionsIn(statements: readonly PolicyStatement[], action: string): string[] {
  const keys = statements
    .filter(({ Action }) => Action.includes(action))
    .flatMap(({ Condition = {} }) => {
      const condition = Condition["ForAllValues:StringLike"] as Json | undefined;
      assert(condition, `${action} without a condition`);
      assert.deepEqual(Condition.Null, { "dynamodb:LeadingKeys": "false" });
      return condition["dynamodb:LeadingKeys"] as string | string[];
    });
  const names = Object.entries(partitions).filter(([, prefix]) => keys.includes(`${prefix}*`));
  assert.equal(names.length, new Set(keys).size);
  return names.map(([name]) => name).sort();
}

describe("the placed product", () => {
  let placed: PlacedProduct;
  before(() => {
    placed = placeProduct(production);
  });
  const all = (type: string) => placed.of(type);

  it("is seven stacks, far from CloudFormation's limits", () => {
    const names = ["Network", "Store", "Events", "Functions", "Gateway", "Api", "Observability"];
    assert.deepEqual([...placed.stacks.keys()].sort(), [...names].sort());
    for (const [stack, { bytes, stackName }] of placed.stacks) {
      assert(bytes < 500_000, `${stack} has ${bytes} bytes`);
      assert(placed.resources.filter((resource) => resource.stack === stack).length < 250);
      assert.equal(stackName, `ferrygate-${stack.toLowerCase()}`);
    }
    assert.equal(placed.product.store.terminationProtection, true);
  });

  it("keeps addresses, files, accounts, keys and secrets when a stack goes", () => {
    const types = [
      "AWS::DynamoDB::GlobalTable",
      "AWS::EC2::EIP",
      "AWS::KMS::Key",
      "AWS::S3::Bucket",
      "AWS::SecretsManager::Secret",
    ];
    for (const type of types) {
      assert(all(type).length > 0, type);
      for (const { id, deletionPolicy, updateReplacePolicy } of all(type)) {
        assert.deepEqual([id, deletionPolicy, updateReplacePolicy], [id, "Retain", "Retain"]);
      }
    }
  });

  it("names no resource itself", () => {
    const named = placed.resources.flatMap(({ id, type, properties: given }) =>
      ["AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping", "AWS::EC2::VPCEndpoint"].includes(type)
        ? []
        : physicalNames.filter((name) => typeof given[name] === "string").map((name) => `${id} ${name}`),
    );
    assert.deepEqual(named, []);
  });

  it("lets nobody do more than what is listed, action by action", () => {
    const wild = placed.statements.filter(
      ({ Effect, Action, resource }) =>
        Effect === "Allow" && Action.some((action) => action.includes("*")) && resource.type !== "AWS::KMS::Key",
    );
    assert.deepEqual(
      wild.map(({ resource }) => resource.id),
      [],
    );
    const inverted = placed.statements.filter((statement) => "NotAction" in statement || "NotPrincipal" in statement);
    assert.deepEqual(inverted, []);
    assert.deepEqual(
      all("AWS::IAM::Role").filter(({ properties: given }) => text(given.ManagedPolicyArns ?? []) !== "[]"),
      [],
    );
  });

  describe("a gateway task", () => {
    const tasks = () => all("AWS::ECS::TaskDefinition");
    const roleOf = (task: PlacedResource) => text(task.properties.TaskRoleArn).split("/")[1]?.split(".")[0] ?? "";
    const statementsOf = (task: PlacedResource) => placed.statementsOf("Gateway", roleOf(task));

    it("may do what a session needs", () => {
      assert.equal(tasks().length, 3);
      for (const task of tasks()) {
        const actions = new Set(statementsOf(task).flatMap(({ Action }) => Action));
        assert.deepEqual([...actions].sort(), actionsOfTask);
      }
    });

    it("can neither read a password hash nor change a rule: it sees its leases and the transfers under way", () => {
      for (const task of tasks()) {
        for (const action of actionsOfTask.filter((name) => name.startsWith("dynamodb:"))) {
          assert.deepEqual(partitionsIn(statementsOf(task), action), ["leases", "transfers"], action);
        }
      }
    });

    it("reads its host keys and its certificate, no other secret, and no audit record", () => {
      for (const task of tasks()) {
        const resources = statementsOf(task)
          .filter(({ Action }) => Action.some((action) => /^(s3|secretsmanager):/.test(action)))
          .flatMap(({ Resource }) => Resource.map(text));
        const stems = new Set(resources.map((resource) => /Store\/(FilesBucket|HostKeys|Tls|\w+)/.exec(resource)?.[1]));
        assert.deepEqual([...stems].sort(), ["FilesBucket", "HostKeys", "Tls"]);
      }
    });

    it("asks one function, which decides logins", () => {
      for (const task of tasks()) {
        const invoked = statementsOf(task).filter(({ Action }) => Action.includes("lambda:InvokeFunction"));
        assert.match(
          text(invoked.flatMap(({ Resource }) => Resource)),
          /^\[\{"ref":"Functions\/Functionscustomauth[^"]+"\}\]$/,
        );
      }
    });

    it("cannot write to its disk, has no privilege, and is told to end in time", () => {
      for (const task of tasks()) {
        const [container] = task.properties.ContainerDefinitions as Json[];
        assert.equal(container?.ReadonlyRootFilesystem, true);
        assert.equal(container?.User, "10001:10001");
        assert.equal(container?.StopTimeout, 120);
        assert.deepEqual(at(container, "LinuxParameters", "Capabilities"), { Drop: ["ALL"] });
        assert.equal(container?.Privileged ?? false, false);
        assert.deepEqual(task.properties.RuntimePlatform, { CpuArchitecture: "ARM64", OperatingSystemFamily: "LINUX" });
      }
    });

    it("is told everything that the container asks for, in a form that it accepts", () => {
      const elastic = /\{Network\/Addresses[^}]+\}/g;
      for (const task of tasks()) {
        const [container] = task.properties.ContainerDefinitions as Json[];
        const entries = list(at(container, "Environment")).map(({ Name, Value }) => [
          Name,
          typeof Value === "string"
            ? Value.replace(elastic, "192.0.2.1").replace(/\{[^}"]+\}/g, "10.0.0.0/27")
            : "a-name",
        ]);
        const reading = readEnvironment(Object.fromEntries(entries));
        assert.deepEqual(reading.ok ? [] : reading.problems, []);
        assert(reading.ok);
        assert.equal(reading.environment.drainMs, 110_000);
        assert.equal(reading.environment.longestProtectionMs, 3_600_000);
        assert.equal(reading.environment.trustedProxies.length, 6);
      }
    });
  });

  for (const [name, { read, write }] of Object.entries(partitionsOfFunctions)) {
    it(`lets ${name} read ${read.join(", ")} and write ${write.join(", ") || "nothing"}`, () => {
      const role = all("AWS::IAM::Role").find(({ id }) => id.startsWith(`Functions${name.replaceAll("-", "")}Role`));
      const statements = placed.statementsOf("Functions", role?.id ?? name);
      assert.deepEqual(partitionsIn(statements, "dynamodb:GetItem"), read);
      assert.deepEqual(partitionsIn(statements, "dynamodb:PutItem"), write);
      assert(!statements.some(({ Action }) => Action.includes("dynamodb:Scan")));
    });
  }

  it("ends every call of a function before its lease ends", () => {
    const sureMs = limits.functionLeaseMs - limits.functionRenewMs;
    for (const { properties: given } of all("AWS::Lambda::Function")) {
      assert(Number(given.Timeout ?? 3) * 1000 < sureMs, text(given.Description));
    }
  });

  it("gives functions only variables that they know", () => {
    const known: string[] = [...Object.values(environmentNames), "NODE_OPTIONS"];
    for (const { properties: given } of all("AWS::Lambda::Function")) {
      const { Variables = {} } = (given.Environment ?? {}) as Readonly<Record<string, Json>>;
      assert.deepEqual(
        Object.keys(Variables).filter((name) => !known.includes(name)),
        [],
      );
      assert.deepEqual([given.Runtime, given.Architectures], ["nodejs24.x", ["arm64"]]);
    }
  });

  for (const name of Object.keys(partitionsOfFunctions)) {
    it(`tells ${name} everything that it asks for when it starts`, async (t) => {
      const id = `Functions${name.replaceAll("-", "")}Function`;
      const placedFunction = all("AWS::Lambda::Function").find((resource) => resource.id.startsWith(id));
      const told = Object.entries(at(placedFunction?.properties, "Environment", "Variables") as Json);
      const before = { ...process.env };
      t.after(() => {
        process.env = before;
      });
      // What it reads over the network when it starts is not there: its variables are read first.
      Object.assign(process.env, { AWS_ENDPOINT_URL: "http://127.0.0.1:1", AWS_REGION: "eu-central-1" });
      Object.assign(process.env, { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test", AWS_MAX_ATTEMPTS: "1" });
      for (const [variable, value] of told) process.env[variable] = typeof value === "string" ? value : "a-name";
      const problems = await import(`../../lambdas/${name}.ts`).then(
        () => [],
        (error: unknown) => {
          if (error instanceof EnvironmentError) return error.problems;
          if (error instanceof FileError && error.code === "unavailable") return [];
          throw error;
        },
      );
      assert.deepEqual(problems, []);
    });
  }

  it("has a queue for the dead letters of every queue, and an alarm for each", () => {
    const queues = all("AWS::SQS::Queue");
    const targets = queues.flatMap(({ properties: { RedrivePolicy } }) => (RedrivePolicy ? [text(RedrivePolicy)] : []));
    const watched = all("AWS::CloudWatch::Alarm").map(({ properties: given }) => text(given));
    assert.equal(queues.length, 10);
    for (const { stack, id, properties: given } of queues) {
      assert.equal(given.SqsManagedSseEnabled, true);
      assert(
        watched.some((alarm) => alarm.includes(`"${stack}/${id}.QueueName"`)),
        `${id} has no alarm`,
      );
      const isForDeadLetters = targets.some((target) => target.includes(`"${stack}/${id}.Arn"`));
      const isForUndelivered = /Undelivered|MissedSchedules/.test(id);
      assert.equal(given.RedrivePolicy === undefined, isForDeadLetters || isForUndelivered, id);
    }
  });

  it("waits six times as long as a function may take before a queue delivers again", () => {
    const functions = new Map(all("AWS::Lambda::Function").map(({ id, properties: given }) => [id, given]));
    const queues = new Map(all("AWS::SQS::Queue").map(({ id, properties: given }) => [id, given]));
    const mappings = all("AWS::Lambda::EventSourceMapping");
    assert.equal(mappings.length, 4);
    for (const { properties: given } of mappings) {
      const target = functions.get(/\/(\w+)/.exec(text(given.FunctionName))?.[1] ?? "");
      const queue = queues.get(/\/(\w+)/.exec(text(given.EventSourceArn))?.[1] ?? "");
      assert.equal(queue?.VisibilityTimeout, Number(target?.Timeout) * 6);
      assert.deepEqual(given.FunctionResponseTypes, ["ReportBatchItemFailures"]);
      assert.equal(
        at(target, "Environment", "Variables", environmentNames.queueReceives),
        String((queue?.RedrivePolicy as Json | undefined)?.maxReceiveCount),
      );
    }
  });

  it("has as many alarms as the estimate of cost counts", () => {
    assert.equal(all("AWS::CloudWatch::Alarm").length, alarmCountOf(resolveStage(production)));
  });

  it("ends every log after its time", () => {
    assert(all("AWS::Logs::LogGroup").length >= 13);
    for (const { id, properties: given } of all("AWS::Logs::LogGroup")) {
      assert.equal(given.RetentionInDays, 365, id);
    }
    for (const { id, properties: given } of all("AWS::Lambda::Function")) {
      assert((given.LoggingConfig as Json | undefined)?.LogGroup, `${id} writes into a log of its own making`);
    }
  });

  it("shows buckets, queues and alarms to nobody without TLS", () => {
    const denied = placed.statements
      .filter(({ Effect, Condition }) => Effect === "Deny" && text(Condition).includes('"aws:SecureTransport":"false"'))
      .map(({ resource }) => text(resource.properties));
    const types = ["AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SNS::Topic"];
    for (const { stack, id } of types.flatMap(all)) {
      assert(
        denied.some((policy) => policy.includes(`${stack}/${id}`)),
        id,
      );
    }
  });

  it("encrypts what rests, files and accounts with its own key", () => {
    for (const { id, properties: given } of all("AWS::S3::Bucket")) {
      const algorithm = id.startsWith("AccessLogs") ? "AES256" : "aws:kms";
      assert(text(given.BucketEncryption).includes(`"SSEAlgorithm":"${algorithm}"`), id);
      assert.deepEqual(Object.values(given.PublicAccessBlockConfiguration as Json), [true, true, true, true]);
    }
    const [table] = all("AWS::DynamoDB::GlobalTable");
    assert(text(table?.properties.SSESpecification).includes("KMS"));
    assert(text(table?.properties.Replicas).includes('"PointInTimeRecoveryEnabled":true'));
    assert(text(table?.properties.Replicas).includes('"DeletionProtectionEnabled":true'));
    for (const { properties: given } of all("AWS::SecretsManager::Secret")) assert(given.KmsKeyId);
    for (const { properties: given } of all("AWS::SNS::Topic")) assert(given.KmsMasterKeyId);
    for (const { properties: given } of all("AWS::KMS::Key")) assert.equal(given.EnableKeyRotation, true);
  });

  it("versions the files, gives up uploads after a week, and tells the account's bus of new ones", () => {
    const files = all("AWS::S3::Bucket").find(({ id }) => id.startsWith("Files"));
    assert.deepEqual(files?.properties.VersioningConfiguration, { Status: "Enabled" });
    assert(text(files?.properties.LifecycleConfiguration).includes('"DaysAfterInitiation":7'));
    assert.deepEqual(files?.properties.NotificationConfiguration, {
      EventBridgeConfiguration: { EventBridgeEnabled: true },
    });
    assert(text(files?.properties.LifecycleConfiguration).includes('"NoncurrentDays":90'));
  });

  it("lets nobody delete the audit for a year", () => {
    const audit = all("AWS::S3::Bucket").find(({ id }) => id.startsWith("Audit"));
    assert(text(audit?.properties.ObjectLockConfiguration).includes('"Days":365'));
    const deleting = placed.statements.filter(
      ({ Effect, Action, Resource }) =>
        Effect === "Allow" &&
        Action.some((action) => action.startsWith("s3:Delete")) &&
        text(Resource).includes("Store/AuditBucket"),
    );
    assert.deepEqual(deleting, []);
  });

  describe("the network", () => {
    it("gives no task an address of the internet, nor a way to it", () => {
      assert.equal(all("AWS::EC2::NatGateway").length, 0);
      for (const { properties: given } of all("AWS::ECS::Service")) {
        const network = at(given, "NetworkConfiguration", "AwsvpcConfiguration");
        assert.equal(at(network, "AssignPublicIp"), "DISABLED");
        assert.equal(list(at(network, "Subnets")).length, 3);
        assert(!text(at(network, "Subnets")).includes("edge"));
      }
      for (const { id } of all("AWS::EC2::Route")) assert.match(id, /edgeSubnet\d/);
      for (const { properties: given } of all("AWS::EC2::Subnet")) assert.equal(given.MapPublicIpOnLaunch, false);
    });

    it("has the endpoints that tasks need, and no way to buckets and tables of other accounts", () => {
      const endpoints = all("AWS::EC2::VPCEndpoint");
      const services = endpoints.map(({ properties: given }) =>
        String(given.ServiceName).split(".").slice(3).join("."),
      );
      const expected = ["dynamodb", "ecr.api", "ecr.dkr", "events", "lambda", "logs", "s3", "secretsmanager"];
      assert.deepEqual(services.sort(), expected);
      const open = placed.statements.filter(
        ({ resource, Resource, Condition }) =>
          resource.type === "AWS::EC2::VPCEndpoint" &&
          Resource.includes("*") &&
          !/"aws:(?:Resource|Principal)Account"/.test(text(Condition)),
      );
      assert.deepEqual(open, []);
      const unbound = endpoints.filter(({ properties: given }) => given.PolicyDocument === undefined);
      assert.deepEqual(
        unbound.map(({ properties: given }) => /ecr\.\w+$/.exec(String(given.ServiceName))?.[0]).sort(),
        ["ecr.api", "ecr.dkr"],
      );
    });

    it("lets partners in by the list of their networks only", () => {
      const groups = all("AWS::EC2::SecurityGroup");
      const inline = groups.flatMap(({ properties: given }) => (given.SecurityGroupIngress ?? []) as Json[]);
      const rules = [...inline, ...all("AWS::EC2::SecurityGroupIngress").map(properties)];
      assert.deepEqual(
        rules.filter(({ CidrIp }) => CidrIp === "0.0.0.0/0"),
        [],
      );
      const byList = rules.filter(({ SourcePrefixListId }) => SourcePrefixListId !== undefined);
      assert.deepEqual(byList.map(({ FromPort, ToPort }) => `${FromPort}-${ToPort}`).sort(), [
        "21-21",
        "22-22",
        "50000-50019",
        "990-990",
      ]);
      const [sources] = all("AWS::EC2::PrefixList");
      assert.deepEqual(
        list(sources?.properties.Entries).map(({ Cidr }) => Cidr),
        ["203.0.113.0/24", "198.51.100.0/25"],
      );
      const denied = all("AWS::EC2::NetworkAclEntry").filter(({ properties: given }) => given.RuleAction === "deny");
      assert.deepEqual(
        denied.map(({ properties: given }) => given.CidrBlock),
        ["203.0.113.66/32"],
      );
    });
  });

  describe("the load balancers", () => {
    const listeners = () => all("AWS::ElasticLoadBalancingV2::Listener");

    it("listen on 22, 21, 990 and each passive port, and stay below the quota", () => {
      const ports = listeners().map(({ properties: { Port } }) => Number(Port));
      const passive = Array.from({ length: 20 }, (_, index) => 50_000 + index);
      const once = [21, 22, 990, ...passive];
      assert.deepEqual(
        ports.sort((a, b) => a - b),
        [...once, ...once].sort((a, b) => a - b),
      );
      assert(once.length <= 50);
    });

    it("share new connections out by the weights of the pools", () => {
      const doors: Readonly<Record<string, string>> = { 22: "Sftp", 21: "Ftps", 990: "FtpsImplicit" };
      const publicOnes = listeners().filter(({ id }) => id.startsWith("Public"));
      assert.equal(publicOnes.length, 23);
      for (const { properties: given } of publicOnes) {
        const groups = list(at(given, "DefaultActions", 0, "ForwardConfig", "TargetGroups"));
        const door = doors[String(given.Port)] ?? "Data";
        assert.deepEqual(
          groups.map(({ Weight, TargetGroupArn }) => [
            /Pool([a-z]+[A-Z][A-Za-z]+?)[0-9A-F]{8}/.exec(text(TargetGroupArn))?.[1],
            Weight,
          ]),
          [
            [`steady${door}`, 3],
            [`spare${door}`, 1],
          ],
        );
      }
    });

    it("keep the client's address where greetings come first, and name it in a header where data come", () => {
      const groups = all("AWS::ElasticLoadBalancingV2::TargetGroup");
      assert.equal(groups.length, 12);
      for (const { properties: given } of groups) {
        const attributes = Object.fromEntries(list(given.TargetGroupAttributes).map((one) => [one.Key, one.Value]));
        const isData = given.Port === 5000;
        assert.equal(attributes["preserve_client_ip.enabled"], String(!isData));
        assert.equal(attributes["proxy_protocol_v2.enabled"], String(isData));
        assert.equal(attributes["deregistration_delay.timeout_seconds"], "900");
        assert.equal(attributes["deregistration_delay.connection_termination.enabled"], "false");
        assert.equal(attributes["target_health_state.unhealthy.connection_termination.enabled"], "false");
        assert.equal(given.HealthCheckProtocol, isData ? "TCP" : "HTTP");
        if (!isData) assert.deepEqual([given.HealthCheckPath, given.HealthCheckPort], ["/ready", "8080"]);
      }
      for (const { properties: given } of all("AWS::ECS::Service")) {
        assert.equal((given.LoadBalancers as unknown[]).length, 4);
        assert.deepEqual((given.DeploymentConfiguration as Json).DeploymentCircuitBreaker, {
          Enable: true,
          Rollback: true,
        });
      }
    });

    it("stand on the fixed addresses outside, and inside for the corporate side", () => {
      const [inside, outside] = ["internal", "internet-facing"].map((scheme) =>
        all("AWS::ElasticLoadBalancingV2::LoadBalancer").find(({ properties: given }) => given.Scheme === scheme),
      );
      assert.equal(list(outside?.properties.SubnetMappings).filter(({ AllocationId }) => AllocationId).length, 3);
      assert(text(inside?.properties.Subnets).includes("gatewaySubnet"));
    });
  });

  it("throttles the HTTP API, logs its requests, and looks at tokens before the function is called", () => {
    const [stage] = all("AWS::ApiGatewayV2::Stage");
    assert.deepEqual(stage?.properties.DefaultRouteSettings, { ThrottlingBurstLimit: 200, ThrottlingRateLimit: 100 });
    assert(stage?.properties.AccessLogSettings);
    const [authorizer] = all("AWS::ApiGatewayV2::Authorizer");
    // Its decision is about one method and path.
    assert.equal(authorizer?.properties.AuthorizerResultTtlInSeconds, 0);
    const open = all("AWS::ApiGatewayV2::Route").filter(
      ({ properties: given }) => given.AuthorizationType !== "CUSTOM",
    );
    assert.deepEqual(open.map(({ properties: given }) => given.RouteKey).sort(), [
      "GET /docs",
      "GET /health",
      "GET /openapi.json",
      "GET /ready",
      "POST /v1/sessions",
    ]);
  });

  it("lets alerts go out as the one sender", () => {
    const sending = placed.statements.filter(({ Action }) => Action.some((action) => action.startsWith("ses:")));
    assert.deepEqual(
      sending.map(({ Condition }) => Condition),
      [{ StringEquals: { "ses:FromAddress": "files@example.com" } }],
    );
  });

  it("tells what a partner connects to", () => {
    const outputs = placed.stacks.get("Gateway")?.outputs ?? {};
    const { PartnerHost, PartnerSftpPort, PartnerFtpsPort, PartnerPassivePorts } = outputs;
    assert.deepEqual(
      [PartnerHost, PartnerSftpPort, PartnerFtpsPort, PartnerPassivePorts],
      ["files.example.com", "22", "21 (explicit), 990 (implicit)", "50000-50019"],
    );
    assert(text(outputs.PartnerHostKeys).includes("HostKeyFingerprints"));
    assert(outputs.PartnerAddresses && outputs.LoadBalancerName && outputs.CorporateHost);
  });
});
