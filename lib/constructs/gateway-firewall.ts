import { aws_ec2 as ec2 } from "aws-cdk-lib";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import type { IGatewayNetwork } from "./gateway-network.ts";
import { containerPorts, defaultPorts, type ListenerPorts } from "./gateway-ports.ts";

export interface GatewayFirewallProps {
  readonly network: IGatewayNetwork;
  /** @default 22, 21, 990 and 50000 to 50019 */
  readonly ports?: ListenerPorts;
  /** Networks that may connect. @default all */
  readonly allowedSources?: readonly string[];
  /**
   * Networks that the list has room for. Each takes a rule for every range of ports, whether it is used or not, and the
   * room cannot be changed together with the list. @default 15, which fills the 60 rules of a security group
   */
  readonly sourceRoom?: number;
}

/**
 * Who may talk to whom: partners to the load balancer, it to the tasks, the tasks to each other (relayed data
 * connections) and to AWS. The partners' networks are one prefix list, so that a change of it changes no rule.
 */
export class GatewayFirewall extends Construct {
  readonly loadBalancerGroup: ec2.SecurityGroup;
  readonly taskGroup: ec2.SecurityGroup;
  /** The partners' networks; undefined when all may connect. */
  readonly sources?: ec2.PrefixList;

  constructor(scope: Construct, id: string, props: GatewayFirewallProps) {
    super(scope, id);
    const { vpc } = props.network;
    const allowed = props.allowedSources ?? [];
    this.loadBalancerGroup = new ec2.SecurityGroup(this, "LoadBalancer", {
      vpc,
      description: "Load balancer of the gateway",
      allowAllOutbound: false,
    });
    this.taskGroup = new ec2.SecurityGroup(this, "Tasks", {
      vpc,
      description: "Tasks of the gateway",
      allowAllOutbound: false,
    });
    if (allowed.length > 0) this.sources = prefixList(this, allowed, props.sourceRoom ?? 15);
    else acknowledgeOpen(this.loadBalancerGroup);
    this.#letPartnersIn(props.ports ?? defaultPorts);
    this.#letThrough();
    this.#letOut(props.network);
  }

  #letPartnersIn({ sftp, ftps, ftpsImplicit, firstPassive, lastPassive }: ListenerPorts): void {
    const peer = this.sources ? ec2.Peer.prefixList(this.sources.prefixListId) : ec2.Peer.anyIpv4();
    const ports = [
      ec2.Port.tcp(sftp),
      ec2.Port.tcp(ftps),
      ec2.Port.tcp(ftpsImplicit),
      ec2.Port.tcpRange(firstPassive, lastPassive),
    ];
    for (const port of ports) this.loadBalancerGroup.addIngressRule(peer, port, "partners");
  }

  #letThrough(): void {
    for (const [name, port] of Object.entries(containerPorts)) {
      this.loadBalancerGroup.addEgressRule(this.taskGroup, ec2.Port.tcp(port), `to the tasks: ${name}`);
      this.taskGroup.addIngressRule(this.loadBalancerGroup, ec2.Port.tcp(port), `from the load balancer: ${name}`);
    }
    const relay = ec2.Port.tcp(containerPorts.data);
    this.taskGroup.addIngressRule(this.taskGroup, relay, "relayed connections");
    this.taskGroup.addEgressRule(this.taskGroup, relay, "relayed connections");
  }

  /** The subnets have no route to anything but the endpoints; S3's and DynamoDB's addresses change. */
  #letOut({ endpoints }: IGatewayNetwork): void {
    const https = ec2.Port.tcp(443);
    this.taskGroup.addEgressRule(ec2.Peer.anyIpv4(), https, "endpoints of AWS");
    endpoints?.securityGroup.addIngressRule(this.taskGroup, https, "tasks of the gateway");
  }
}

export interface InternalFirewallProps {
  readonly network: IGatewayNetwork;
  /** @default 22, 21, 990 and 50000 to 50019 */
  readonly ports?: ListenerPorts;
  readonly taskGroup: ec2.ISecurityGroup;
  /** Networks of the corporate side. */
  readonly sources: readonly string[];
}

/** The same for the corporate side's load balancer, in front of the same group of tasks. */
export class InternalFirewall extends Construct {
  readonly loadBalancerGroup: ec2.SecurityGroup;

  constructor(scope: Construct, id: string, props: InternalFirewallProps) {
    super(scope, id);
    this.loadBalancerGroup = new ec2.SecurityGroup(this, "LoadBalancer", {
      vpc: props.network.vpc,
      description: "Internal load balancer of the gateway",
      allowAllOutbound: false,
    });
    const { sftp, ftps, ftpsImplicit, firstPassive, lastPassive } = props.ports ?? defaultPorts;
    for (const network of props.sources) {
      for (const port of [sftp, ftps, ftpsImplicit].map((number) => ec2.Port.tcp(number))) {
        this.loadBalancerGroup.addIngressRule(ec2.Peer.ipv4(network), port, "corporate side");
      }
      const passive = ec2.Port.tcpRange(firstPassive, lastPassive);
      this.loadBalancerGroup.addIngressRule(ec2.Peer.ipv4(network), passive, "corporate side");
    }
    for (const [name, port] of Object.entries(containerPorts)) {
      this.loadBalancerGroup.addEgressRule(props.taskGroup, ec2.Port.tcp(port), `to the tasks: ${name}`);
      props.taskGroup.addIngressRule(this.loadBalancerGroup, ec2.Port.tcp(port), `from the internal side: ${name}`);
    }
  }
}

function acknowledgeOpen(group: ec2.SecurityGroup): void {
  const reason = "No networks of partners are given, so everybody may knock; an account can name its own networks.";
  acknowledge(group, "AwsSolutions-EC23", reason);
  acknowledge(group, "CloudFormation-Validate::W2508", "Behind port 22 is SFTP and no shell.");
}

function prefixList(scope: Construct, networks: readonly string[], maxEntries: number): ec2.PrefixList {
  return new ec2.PrefixList(scope, "Sources", {
    addressFamily: ec2.AddressFamily.IP_V4,
    maxEntries,
    entries: networks.map((cidr) => ({ cidr, description: "partners" })),
  });
}
