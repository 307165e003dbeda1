import { Tags } from "aws-cdk-lib";
import { Construct } from "constructs";
import type { Stage } from "./configuration/schema.ts";
import { portRangeOf } from "./configuration/values.ts";
import type { ListenerPorts } from "./constructs/gateway-ports.ts";
import { EventsStack } from "./stacks/events-stack.ts";
import { NetworkStack } from "./stacks/network-stack.ts";
import { StoreStack } from "./stacks/store-stack.ts";

/** The whole product in one account and Region: the stacks, in the order in which they are deployed. */
export class Ferrygate extends Construct {
  readonly network: NetworkStack;
  readonly store: StoreStack;
  readonly events: EventsStack;

  constructor(scope: Construct, stage: Stage) {
    super(scope, stage.name);
    knowZones(this, stage);
    const env = { account: stage.account, region: stage.region };
    const ports = portsOf(stage);
    this.network = new NetworkStack(this, "Network", { env, stage, ports });
    this.store = new StoreStack(this, "Store", { env, stage });
    this.events = new EventsStack(this, "Events", { env, stage, files: this.store.files });
    for (const [name, value] of Object.entries(stage.tags)) Tags.of(this).add(name, value);
  }
}

export function portsOf({ gateway }: Stage): ListenerPorts {
  const { first, last } = portRangeOf(gateway.passivePorts);
  return {
    sftp: gateway.sftpPort,
    ftps: gateway.ftpsPort,
    ftpsImplicit: gateway.ftpsImplicitPort,
    firstPassive: first,
    lastPassive: last,
  };
}

/** A VPC asks for the zones of its account even when they are named; the answer is put where it looks first. */
function knowZones(scope: Construct, { account, region, zones }: Stage): void {
  if (account === undefined) return;
  scope.node.setContext(`availability-zones:account=${account}:region=${region}`, zones);
}
