import { type aws_ecs as ecs, Tags } from "aws-cdk-lib";
import { Construct } from "constructs";
import type { Stage } from "./configuration/schema.ts";
import { portRangeOf } from "./configuration/values.ts";
import type { ListenerPorts } from "./constructs/gateway-ports.ts";
import type { FunctionCode } from "./constructs/service-function.ts";
import { ApiStack } from "./stacks/api-stack.ts";
import { EventsStack } from "./stacks/events-stack.ts";
import { FunctionsStack } from "./stacks/functions-stack.ts";
import { GatewayStack } from "./stacks/gateway-stack.ts";
import { NetworkStack } from "./stacks/network-stack.ts";
import { ObservabilityStack } from "./stacks/observability-stack.ts";
import { StoreStack } from "./stacks/store-stack.ts";

export interface FerrygateProps {
  readonly stage: Stage;
  /** The bundles of the functions. */
  readonly code: FunctionCode;
  /** The container's image, where the stage names none. */
  readonly image: ecs.ContainerImage;
}

/** The whole product in one account and Region: the stacks, in the order in which they are deployed. */
export class Ferrygate extends Construct {
  readonly network: NetworkStack;
  readonly store: StoreStack;
  readonly events: EventsStack;
  readonly functions: FunctionsStack;
  readonly gateway: GatewayStack;
  readonly api: ApiStack;
  readonly observability: ObservabilityStack;

  constructor(scope: Construct, { stage, code, image }: FerrygateProps) {
    super(scope, stage.name);
    knowZones(this, stage);
    const placed = (name: string) => ({
      env: { account: stage.account, region: stage.region },
      stackName: `${stage.name}-${name.toLowerCase()}`,
      stage,
    });
    const ports = portsOf(stage);
    const network = new NetworkStack(this, "Network", { ...placed("Network"), ports });
    const store = new StoreStack(this, "Store", { ...placed("Store") });
    const events = new EventsStack(this, "Events", { ...placed("Events"), files: store.files });
    const functions = new FunctionsStack(this, "Functions", { ...placed("Functions"), code, store, events });
    const others = { network, store, events, functions };
    this.network = network;
    this.store = store;
    this.events = events;
    this.functions = functions;
    const gateway = new GatewayStack(this, "Gateway", { ...placed("Gateway"), ports, image, ...others });
    const api = new ApiStack(this, "Api", { ...placed("Api"), ...others });
    this.gateway = gateway;
    this.api = api;
    this.observability = new ObservabilityStack(this, "Observability", {
      ...placed("Observability"),
      ...others,
      gateway,
      api,
    });
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
