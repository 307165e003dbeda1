import { aws_route53 as route53 } from "aws-cdk-lib";
import { Construct } from "constructs";

export interface AliasRecordProps {
  /** A hosted zone that exists. */
  readonly zone: { readonly hostedZoneId: string; readonly zoneName: string };
  /** In the zone, in full: `files.example.com`. */
  readonly name: string;
  readonly target: route53.IAliasRecordTarget;
}

/** A name in Route 53 for something of AWS: an alias (A), which follows its addresses and costs nothing. */
export class AliasRecord extends Construct {
  readonly record: route53.ARecord;

  constructor(scope: Construct, id: string, { zone, name, target }: AliasRecordProps) {
    super(scope, id);
    this.record = new route53.ARecord(this, "Record", {
      zone: route53.HostedZone.fromHostedZoneAttributes(this, "Zone", zone),
      // The dot says that it is in full.
      recordName: `${name}.`,
      target: route53.RecordTarget.fromAlias(target),
      comment: "Of the product",
    });
  }
}
