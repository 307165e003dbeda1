import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { Stage } from "../configuration/schema.ts";
import { mostSources } from "../configuration/values.ts";
import { type FixedAddress, FixedAddresses } from "../constructs/fixed-addresses.ts";
import { GatewayFirewall, InternalFirewall } from "../constructs/gateway-firewall.ts";
import { GatewayNetwork, type IGatewayNetwork } from "../constructs/gateway-network.ts";
import type { ListenerPorts } from "../constructs/gateway-ports.ts";
import { ImportedNetwork } from "../constructs/imported-network.ts";

export interface NetworkStackProps extends StackProps {
  readonly stage: Stage;
  readonly ports: ListenerPorts;
}

/** Where the gateway stands: the network, its fixed addresses and its firewall. */
export class NetworkStack extends Stack {
  readonly network: IGatewayNetwork;
  readonly addresses: readonly FixedAddress[];
  readonly firewall: GatewayFirewall;
  readonly internalFirewall?: InternalFirewall;

  constructor(scope: Construct, id: string, props: NetworkStackProps) {
    super(scope, id, props);
    const { stage, ports } = props;
    this.network = networkOf(this, stage);
    this.addresses = stage.addresses ?? new FixedAddresses(this, "Addresses", { count: stage.zones.length }).addresses;
    this.firewall = new GatewayFirewall(this, "Firewall", {
      network: this.network,
      ports,
      allowedSources: stage.sources.allowed,
      sourceRoom: mostSources(stage.sources.rulesQuota),
    });
    if (stage.gateway.corporate) {
      this.internalFirewall = new InternalFirewall(this, "InternalFirewall", {
        network: this.network,
        ports,
        taskGroup: this.firewall.taskGroup,
        sources: stage.gateway.corporate.sources,
      });
    }
  }
}

function networkOf(scope: Construct, { network, zones, retention, sources }: Stage): IGatewayNetwork {
  if (network.kind === "imported") {
    return new ImportedNetwork(scope, "Network", {
      ...network,
      routeTableIds: network.endpoints === "create" ? network.routeTableIds : undefined,
    });
  }
  return new GatewayNetwork(scope, "Network", {
    cidr: network.cidr,
    zones,
    logRetention: retention.logDays,
    blockedSources: sources.blocked,
  });
}
