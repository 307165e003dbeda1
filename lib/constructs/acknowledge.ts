import { Validations } from "aws-cdk-lib";
import { Construct, type IConstruct } from "constructs";

/** Rules of cdk-nag, of CloudFormation's validation and of CDK that are not followed somewhere, on purpose. */
export type AcknowledgedRule =
  | `AwsSolutions-${"APIG4" | "EC23" | "ECS2" | "ELB2" | "S1" | "SMG4" | "SQS3" | "VPC3"}`
  | "CloudFormation-Validate::W2508"
  | "Annotation::@aws-cdk/aws-ec2:noSubnetRouteTableId";

export interface AcknowledgedResources {
  /** What the ARN ends with: `/*` behind a bucket's, `:secret:name/*`, or `*` alone. */
  readonly end: string;
  readonly reason: string;
}

const metadataType = "ferrygate:acknowledged-resources";

/** States why a construct does not follow a rule. */
export function acknowledge(construct: IConstruct, rule: AcknowledgedRule, reason: string): void {
  Validations.of(construct).acknowledge({ id: rule, reason });
}

/**
 * States why a principal may act on more than one resource. It holds for these resources only and never for actions, so
 * that a wildcard that comes later is found. {@link ../product-checks.ts} reads it.
 */
export function acknowledgeResources(principal: unknown, end: string, reason: string): void {
  if (!Construct.isConstruct(principal)) return;
  principal.node.addMetadata(metadataType, { end, reason } satisfies AcknowledgedResources);
}

/** What is stated about a construct and those around it. */
export function acknowledgedResourcesOf(construct: IConstruct): AcknowledgedResources[] {
  return construct.node.scopes.flatMap(({ node }) =>
    node.metadata.filter(({ type }) => type === metadataType).map(({ data }) => data as AcknowledgedResources),
  );
}
