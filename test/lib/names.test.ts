import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { production } from "../../config/production.ts";
import { placeProduct } from "./placed-product.ts";

const dns = { hostedZoneId: "Z0123456789ABCDEFGHIJ", zoneName: "example.com" };
const certificateArn = "arn:aws:acm:eu-central-1:111122223333:certificate/0a1b2c3d-0000-0000-0000-000000000000";

describe("the names of a stage", () => {
  it("are aliases of the load balancer and of the API in the hosted zone that the stage names", () => {
    const domain = { name: "api.example.com", certificateArn };
    const placed = placeProduct({ ...production, dns, api: { ...production.api, domain } });
    const records = placed
      .of("AWS::Route53::RecordSet")
      .map(({ stack, properties: { HostedZoneId, Name, Type, AliasTarget } }) => {
        return { stack, record: [HostedZoneId, Name, Type], target: JSON.stringify(AliasTarget) };
      })
      .sort((a, b) => (a.stack < b.stack ? 1 : -1));
    assert.deepEqual(
      records.map(({ stack, record }) => [stack, ...record]),
      [
        ["Gateway", dns.hostedZoneId, "files.example.com.", "A"],
        ["Api", dns.hostedZoneId, "api.example.com.", "A"],
      ],
    );
    assert.match(records[0]?.target ?? "", /Public.*DNSName.*CanonicalHostedZoneID|CanonicalHostedZoneID.*DNSName/);
    assert.match(records[1]?.target ?? "", /RegionalDomainName.*RegionalHostedZoneId/);
  });

  it("are left to their owner where the stage names no hosted zone", () => {
    assert.deepEqual(placeProduct(production).of("AWS::Route53::RecordSet"), []);
  });
});
