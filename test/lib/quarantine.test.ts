import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { production } from "../../config/production.ts";
import { type PlacedProduct, placeProduct } from "./placed-product.ts";

interface RawStatement {
  readonly Sid?: string;
  readonly Action: string | readonly string[];
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
  readonly Condition?: unknown;
}

describe("the quarantine of the placed product", () => {
  let placed: PlacedProduct;
  let policy: readonly RawStatement[];
  before(() => {
    placed = placeProduct(production);
    const document = propertiesOf("AWS::S3::BucketPolicy", "FilesBucket").PolicyDocument;
    policy = (document as { Statement: readonly RawStatement[] }).Statement;
  });
  const propertiesOf = (type: string, name: string) => {
    const found = placed.of(type).find(({ id }) => id.startsWith(name));
    assert.ok(found, `there is no ${type} ${name}`);
    return found.properties;
  };
  const denial = (sid: string) => policy.find(({ Sid }) => Sid === sid);
  const rolesWith = (tag: string) =>
    placed
      .of("AWS::IAM::Role")
      .filter(({ properties }) => JSON.stringify(properties.Tags ?? "").includes(tag))
      .map(({ id }) => id.replace(/[0-9A-F]{8}$/, ""))
      .sort();

  it("lets nobody read a file that was found infected, but for one that an operator let out", () => {
    const read = denial("ReadByScanResult");
    assert.deepEqual(read?.Action, ["s3:GetObject", "s3:GetObjectVersion"]);
    assert.deepEqual(read?.Condition, {
      StringEquals: { "s3:ExistingObjectTag/GuardDutyMalwareScanStatus": "THREATS_FOUND" },
      StringNotEquals: {
        "aws:PrincipalTag/ferrygate-reads-infected": "true",
        "s3:ExistingObjectTag/ferrygate-released": "true",
      },
    });
    assert.match(JSON.stringify(read?.NotResource), /\/\.ferrygate\/quarantine\/\*"/);
    assert.equal(read?.Resource, undefined);
    assert.equal(denial("TagLikeTheScan")?.Action.length, 4);
    assert.deepEqual(rolesWith("ferrygate-reads-infected"), ["FunctionsscanresultRole", "ScanRole"]);
    assert.equal(placed.of("AWS::GuardDuty::MalwareProtectionPlan").length, 1);
  });

  it("is closed to everybody but those that fill it and look after it", () => {
    const closed = denial("Quarantine");
    assert.deepEqual(closed?.Action, ["s3:DeleteObject", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]);
    assert.match(JSON.stringify(closed?.Resource), /\/\.ferrygate\/quarantine\/\*"/);
    assert.deepEqual(closed?.Condition, {
      StringNotEquals: { "aws:PrincipalTag/ferrygate-handles-quarantine": "true" },
    });
    assert.deepEqual(rolesWith("ferrygate-handles-quarantine"), [
      "FunctionshttpapiRole",
      "FunctionsscanresultRole",
      "ScanRole",
    ]);
  });

  it("is let out of by one function only, which the API may call", () => {
    const tagging = placed.statements.filter(
      ({ Effect, Action, resource }) =>
        Effect === "Allow" && Action.includes("s3:PutObjectTagging") && resource.id.startsWith("Functions"),
    );
    assert.deepEqual(
      tagging.map(({ resource }) => /^Functions([a-z]+)Role/.exec(resource.id)?.[1]),
      ["scanresult"],
    );
    const calling = placed
      .statementsOf("Functions", "FunctionshttpapiRole")
      .filter(({ Action }) => Action.includes("lambda:InvokeFunction"));
    assert.equal(JSON.stringify(calling).includes("Functionsscanresult"), true);
    const variablesOf = (name: string) => {
      const { Environment } = propertiesOf("AWS::Lambda::Function", `Functions${name}Function`);
      return (Environment as { Variables: Record<string, unknown> }).Variables;
    };
    assert.match(JSON.stringify(variablesOf("httpapi").FERRYGATE_SCAN_RESULT_FUNCTION), /Functionsscanresult/);
    assert.equal(variablesOf("scanresult").FERRYGATE_QUARANTINE_DAYS, "30");
    assert.match(String(variablesOf("scanresult").FERRYGATE_SCAN), /"deny":"infected"/);
  });

  it("loses each hour what its time is over for, and what is deleted there within a day", () => {
    const rule = propertiesOf("AWS::Events::Rule", "FunctionsExpiry");
    assert.equal(rule.ScheduleExpression, "rate(1 hour)");
    assert.match(JSON.stringify(rule.Targets), /Functionsscanresult/);
    const { LifecycleConfiguration } = propertiesOf("AWS::S3::Bucket", "FilesBucket");
    const { Rules } = LifecycleConfiguration as { Rules: readonly Record<string, unknown>[] };
    const own = Rules.find(({ Prefix }) => Prefix === ".ferrygate/quarantine/");
    assert.deepEqual(own?.NoncurrentVersionExpiration, { NoncurrentDays: 1 });
  });
});
