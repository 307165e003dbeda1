import {
  CfnOutput,
  Duration,
  aws_ecs as ecs,
  Stack,
  type StackProps,
  aws_route53_targets as targets,
} from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { CorporateSide, Pool, Stage } from "../configuration/schema.ts";
import { AliasRecord } from "../constructs/alias-record.ts";
import { containerImage } from "../constructs/container-image.ts";
import { GatewayLoadBalancer } from "../constructs/gateway-load-balancer.ts";
import { GatewayPool } from "../constructs/gateway-pool.ts";
import type { ListenerPorts } from "../constructs/gateway-ports.ts";
import type { EventsStack } from "./events-stack.ts";
import type { FunctionsStack } from "./functions-stack.ts";
import type { NetworkStack } from "./network-stack.ts";
import type { StoreStack } from "./store-stack.ts";

export interface GatewayStackProps extends StackProps {
  readonly stage: Stage;
  readonly ports: ListenerPorts;
  /** The image where the stage names none. */
  readonly image: ecs.ContainerImage;
  readonly network: NetworkStack;
  readonly store: StoreStack;
  readonly events: EventsStack;
  readonly functions: FunctionsStack;
}

export interface PlacedPool {
  readonly name: string;
  readonly weight: number;
  readonly pool: GatewayPool;
}

/** What partners connect to: pools of tasks behind a load balancer, and the corporate side's own. */
export class GatewayStack extends Stack {
  readonly pools: readonly PlacedPool[];
  readonly loadBalancer: GatewayLoadBalancer;
  readonly internal?: { readonly pool: GatewayPool; readonly loadBalancer: GatewayLoadBalancer };
  readonly #props: GatewayStackProps;
  readonly #image: ecs.ContainerImage;
  readonly #cluster: ecs.Cluster;

  constructor(scope: Construct, id: string, props: GatewayStackProps) {
    super(scope, id, props);
    const { stage, network, ports } = props;
    const { gateway } = stage;
    this.#props = props;
    this.#image = gateway.image === undefined ? props.image : containerImage(this, "Image", gateway.image);
    this.#cluster = new ecs.Cluster(this, "Cluster", {
      vpc: network.network.vpc,
      enableFargateCapacityProviders: true,
      containerInsightsV2: ecs.ContainerInsights.ENABLED,
    });
    this.pools = gateway.pools.map((pool) => this.#publicPool(pool));
    this.loadBalancer = new GatewayLoadBalancer(this, "Public", {
      network: network.network,
      securityGroup: network.firewall.loadBalancerGroup,
      ports,
      pools: this.pools.map(({ pool: { targets }, weight }) => ({ targets, weight })),
      addresses: network.addresses,
    });
    if (gateway.corporate) this.internal = this.#internal(gateway.corporate);
    if (stage.dns && gateway.hostName !== undefined) {
      const target = new targets.LoadBalancerTarget(this.loadBalancer.loadBalancer);
      new AliasRecord(this, "Name", { zone: stage.dns, name: gateway.hostName, target });
    }
    // The secrets are filled before a task reads them.
    this.addStackDependency(props.functions);
    this.#tellPartners();
  }

  #publicPool({ name, weight, image, ...size }: Pool): PlacedPool {
    const own = image === undefined ? this.#image : containerImage(this, `Image-${name}`, image);
    return { name, weight, pool: this.#pool(`Pool-${name}`, own, { ...size, passiveAddress: this.#passiveAddress() }) };
  }

  #internal(side: CorporateSide) {
    const { network, ports } = this.#props;
    const size = { cpu: side.cpu, memoryMiB: side.memoryMiB, tasks: side.tasks, passiveAddress: "0.0.0.0" };
    const pool = this.#pool("CorporatePool", this.#image, size);
    const loadBalancer = new GatewayLoadBalancer(this, "Corporate", {
      network: network.network,
      securityGroup: (network.internalFirewall ?? network.firewall).loadBalancerGroup,
      ports,
      pools: [{ targets: pool.targets, weight: 1 }],
    });
    new CfnOutput(this, "CorporateHost", { value: loadBalancer.loadBalancer.loadBalancerDnsName });
    return { pool, loadBalancer };
  }

  #pool(id: string, image: ecs.ContainerImage, size: PoolSize): GatewayPool {
    const { stage, ports, network, store, events, functions } = this.#props;
    const { files, table, hostKeys, tls } = store;
    const { drain } = stage.gateway;
    const { passiveAddress, ...sized } = size;
    return new GatewayPool(this, id, {
      cluster: this.#cluster,
      network: network.network,
      taskGroup: network.firewall.taskGroup,
      image,
      ...sized,
      drain: Duration.minutes(drain.minutes),
      stopTimeout: Duration.seconds(drain.stopSeconds),
      logRetention: stage.retention.logDays,
      services: { files, table, hostKeys, tls, bus: events.bus, customAuth: functions.functions.customAuth },
      settings: {
        serverName: `${stage.name}-${id}`,
        ports,
        passiveAddress,
        mode: stage.gateway.mode,
        sftpAlgorithms: stage.gateway.sftpAlgorithms,
        scan: stage.scan.kind === "guardduty" ? stage.scan : undefined,
        protectMinutes: drain.protectMinutes,
      },
    });
  }

  /** Each task names the address of its own zone, so that a zone that is gone takes only its own with it. */
  #passiveAddress(): string {
    const { stage, network } = this.#props;
    if (stage.gateway.passiveAddress === "control") return "0.0.0.0";
    return stage.zones.map((zone, index) => `${zone}=${network.addresses[index]?.address}`).join(",");
  }

  #tellPartners(): void {
    const { stage, ports, network, functions } = this.#props;
    const host = stage.gateway.hostName ?? this.loadBalancer.loadBalancer.loadBalancerDnsName;
    const outputs = {
      PartnerHost: host,
      PartnerAddresses: network.addresses.map(({ address }) => address).join(", "),
      PartnerSftpPort: String(ports.sftp),
      PartnerFtpsPort: `${ports.ftps} (explicit), ${ports.ftpsImplicit} (implicit)`,
      PartnerPassivePorts: `${ports.firstPassive}-${ports.lastPassive}`,
      PartnerHostKeys: functions.firstSecrets.hostKeyFingerprints,
      LoadBalancerName: this.loadBalancer.loadBalancer.loadBalancerDnsName,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}

interface PoolSize {
  readonly cpu: number;
  readonly memoryMiB: number;
  readonly tasks: { readonly min: number; readonly max: number };
  readonly capacity?: "on-demand" | "spot";
  readonly passiveAddress: string;
}
