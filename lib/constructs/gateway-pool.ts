import {
  type aws_cloudwatch as cloudwatch,
  Duration,
  type aws_ec2 as ec2,
  aws_ecs as ecs,
  aws_elasticloadbalancingv2 as elb,
  aws_iam as iam,
  aws_logs as logs,
  Stack,
} from "aws-cdk-lib";
import { Construct } from "constructs";
import { acknowledge, acknowledgeResources } from "./acknowledge.ts";
import type { IGatewayNetwork } from "./gateway-network.ts";
import { containerPorts } from "./gateway-ports.ts";
import { type GatewayServices, type GatewaySettings, gatewayEnvironment, grantServices } from "./gateway-services.ts";
import { type LogRetention, logGroup } from "./log-retention.ts";

export interface GatewayPoolProps {
  readonly cluster: ecs.ICluster;
  readonly network: IGatewayNetwork;
  readonly taskGroup: ec2.ISecurityGroup;
  readonly image: ecs.ContainerImage;
  /** What the tasks are granted, and find by the variables of their container. */
  readonly services: GatewayServices;
  readonly settings: GatewaySettings;
  /** vCPU units of a task. @default 1024 */
  readonly cpu?: number;
  /** @default 2048 */
  readonly memoryMiB?: number;
  readonly tasks: { readonly min: number; readonly max: number };
  /** @default "on-demand" */
  readonly capacity?: "on-demand" | "spot";
  /** How long a task that is replaced keeps its connections. @default 15 minutes */
  readonly drain?: Duration;
  /** How long a task has to end once it is told to; Fargate allows 120 seconds. @default 120 seconds */
  readonly stopTimeout?: Duration;
  /** @default 90 days */
  readonly logRetention?: LogRetention;
}

/** The user of gateway/Dockerfile; it owns nothing in the image. */
const user = "10001:10001";
const cpuTargetPercent = 60;

/** Where a pool's connections arrive: three ports with the client's address kept, and one behind a PROXY v2 header. */
export interface PoolTargets {
  readonly sftp: elb.NetworkTargetGroup;
  readonly ftps: elb.NetworkTargetGroup;
  readonly ftpsImplicit: elb.NetworkTargetGroup;
  /** All passive ports; the header tells which one it was, and any task takes the connection to its session. */
  readonly data: elb.NetworkTargetGroup;
}

/**
 * A number of equal gateway tasks on Fargate with their target groups. A deployment starts new tasks first; old ones
 * keep their connections while they drain.
 */
export class GatewayPool extends Construct implements iam.IGrantable, ec2.IConnectable {
  readonly service: ecs.FargateService;
  readonly targets: PoolTargets;
  readonly grantPrincipal: iam.IPrincipal;
  readonly connections: ec2.Connections;
  readonly logGroup: logs.LogGroup;
  readonly #errors: logs.MetricFilter;

  constructor(scope: Construct, id: string, props: GatewayPoolProps) {
    super(scope, id);
    const definition = new ecs.FargateTaskDefinition(this, "Task", {
      cpu: props.cpu ?? 1024,
      memoryLimitMiB: props.memoryMiB ?? 2048,
      runtimePlatform: {
        cpuArchitecture: ecs.CpuArchitecture.ARM64,
        operatingSystemFamily: ecs.OperatingSystemFamily.LINUX,
      },
    });
    this.logGroup = logGroup(this, "Lines", props.logRetention);
    this.#errors = countErrors(this, this.logGroup);
    addGateway(definition, this, props);
    acknowledge(
      definition,
      "AwsSolutions-ECS2",
      "The variables are names and ports; the container reads its secrets by name.",
    );
    acknowledgeResources(this, "*", "The login of ECR has no resource.");
    this.grantPrincipal = definition.taskRole;
    this.service = this.#service(definition, props);
    this.connections = this.service.connections;
    this.targets = this.#targets(props);
    this.#scale(props);
    grantServices(this, props.services);
    this.#grantProtection();
  }

  /** Lets tasks keep ECS from ending them while transfers are under way. */
  #grantProtection(): void {
    const { cluster } = this.service;
    acknowledgeResources(this, "/*", "Tasks have no names before they run; they are those of the cluster.");
    iam.Grant.addToPrincipal({
      grantee: this,
      actions: ["ecs:UpdateTaskProtection"],
      resourceArns: [
        Stack.of(this).formatArn({ service: "ecs", resource: "task", resourceName: `${cluster.clusterName}/*` }),
      ],
    });
  }

  metricCpu(): cloudwatch.Metric {
    return this.service.metricCpuUtilization({ statistic: "Average", label: "processors, in percent" });
  }

  metricMemory(): cloudwatch.Metric {
    return this.service.metricMemoryUtilization({ statistic: "Maximum", label: "memory, in percent" });
  }

  /** Lines that a task writes when something went wrong that nobody asked for. */
  metricErrors(): cloudwatch.Metric {
    return this.#errors.metric({ statistic: "Sum", period: Duration.minutes(5), label: "errors" });
  }

  #service(taskDefinition: ecs.FargateTaskDefinition, props: GatewayPoolProps): ecs.FargateService {
    const capacityProvider = props.capacity === "spot" ? "FARGATE_SPOT" : "FARGATE";
    return new ecs.FargateService(this, "Service", {
      cluster: props.cluster,
      taskDefinition,
      capacityProviderStrategies: [{ capacityProvider, weight: 1 }],
      vpcSubnets: { subnets: [...props.network.gatewaySubnets] },
      securityGroups: [props.taskGroup],
      assignPublicIp: false,
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { enable: true, rollback: true },
      availabilityZoneRebalancing: ecs.AvailabilityZoneRebalancing.ENABLED,
      healthCheckGracePeriod: Duration.minutes(1),
      propagateTags: ecs.PropagatedTagSource.SERVICE,
      enableECSManagedTags: true,
    });
  }

  #targets(props: GatewayPoolProps): PoolTargets {
    const drain = props.drain ?? Duration.minutes(15);
    const group = (id: string, containerPort: number, isData: boolean) => {
      const made = new elb.NetworkTargetGroup(this, id, {
        vpc: props.network.vpc,
        port: containerPort,
        protocol: elb.Protocol.TCP,
        targetType: elb.TargetType.IP,
        preserveClientIp: !isData,
        proxyProtocolV2: isData,
        deregistrationDelay: drain,
        connectionTermination: false,
        crossZoneEnabled: true,
        healthCheck: isData ? acceptsConnections : isReady,
        targets: [this.service.loadBalancerTarget({ containerName: "gateway", containerPort })],
      });
      // A task that fails its checks for a moment keeps the connections that it has.
      made.setAttribute("target_health_state.unhealthy.connection_termination.enabled", "false");
      return made;
    };
    return {
      sftp: group("Sftp", containerPorts.sftp, false),
      ftps: group("Ftps", containerPorts.ftps, false),
      ftpsImplicit: group("FtpsImplicit", containerPorts.ftpsImplicit, false),
      data: group("Data", containerPorts.data, true),
    };
  }

  #scale({ tasks }: GatewayPoolProps): void {
    const scaling = this.service.autoScaleTaskCount({ minCapacity: tasks.min, maxCapacity: tasks.max });
    scaling.scaleOnCpuUtilization("Cpu", {
      targetUtilizationPercent: cpuTargetPercent,
      scaleOutCooldown: Duration.minutes(1),
      // A task that goes takes a quarter of an hour to drain; the load may be back by then.
      scaleInCooldown: Duration.minutes(15),
    });
  }
}

const isReady: elb.HealthCheck = {
  protocol: elb.Protocol.HTTP,
  port: String(containerPorts.health),
  path: "/ready",
  healthyHttpCodes: "200",
  interval: Duration.seconds(10),
  timeout: Duration.seconds(6),
  healthyThresholdCount: 2,
  unhealthyThresholdCount: 3,
};

/** An HTTP check would come behind a PROXY header, which an HTTP server does not understand. */
const acceptsConnections: elb.HealthCheck = {
  protocol: elb.Protocol.TCP,
  interval: Duration.seconds(10),
  healthyThresholdCount: 2,
  unhealthyThresholdCount: 3,
};

function countErrors(scope: Construct, lines: logs.LogGroup): logs.MetricFilter {
  return new logs.MetricFilter(scope, "Errors", {
    logGroup: lines,
    filterPattern: logs.FilterPattern.stringValue("$.level", "=", "error"),
    metricNamespace: `Ferrygate/${scope.node.addr.slice(-8)}`,
    metricName: "errors",
    metricValue: "1",
  });
}

function addGateway(definition: ecs.FargateTaskDefinition, scope: GatewayPool, props: GatewayPoolProps): void {
  const { network, services, settings, stopTimeout = Duration.seconds(120) } = props;
  definition.addContainer("gateway", {
    image: props.image,
    user,
    readonlyRootFilesystem: true,
    stopTimeout,
    environment: gatewayEnvironment(services, settings, { network, stopTimeout }),
    logging: ecs.LogDrivers.awsLogs({
      streamPrefix: "gateway",
      logGroup: scope.logGroup,
    }),
    portMappings: Object.values(containerPorts).map((containerPort) => ({ containerPort })),
    linuxParameters: linux(scope),
    healthCheck: {
      // Of the image: exits 0 when the process answers.
      command: ["CMD", "node", "health-check.mjs"],
      interval: Duration.seconds(30),
      timeout: Duration.seconds(5),
      retries: 3,
      startPeriod: Duration.seconds(60),
    },
  });
}

function linux(scope: Construct): ecs.LinuxParameters {
  const parameters = new ecs.LinuxParameters(scope, "Linux");
  parameters.dropCapabilities(ecs.Capability.ALL);
  return parameters;
}
