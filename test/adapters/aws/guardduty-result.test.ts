import assert from "node:assert/strict";
import { test } from "node:test";
import { resultOfMessage } from "../../../adapters/aws/guardduty-result.ts";

const s3ObjectDetails = {
  bucketName: "files",
  objectKey: "acme/a b.pdf",
  eTag: "0123",
  versionId: "v1",
  s3Throttled: false,
};

/** An event as GuardDuty sends it to the default bus. */
const message = (detail: object) => ({
  body: JSON.stringify({
    version: "0",
    id: "72c7d362-737a-6dce-fc78-9e27a0171419",
    "detail-type": "GuardDuty Malware Protection Object Scan Result",
    source: "aws.guardduty",
    account: "123456789012",
    time: "2026-02-28T01:01:01Z",
    region: "eu-west-1",
    resources: ["arn:aws:guardduty:eu-west-1:123456789012:malware-protection-plan/b4c7f464ab3a4EXAMPLE"],
    detail: { schemaVersion: "1.0", scanStatus: "COMPLETED", resourceType: "S3_OBJECT", s3ObjectDetails, ...detail },
  }),
});

const verdict = (scanResultStatus: string, threats: unknown = null) => {
  const result = resultOfMessage(message({ scanResultDetails: { scanResultStatus, threats } }));
  return [result?.verdict, result?.reason];
};

test("a result names the version of the object and what was found in it", () => {
  assert.deepEqual(
    resultOfMessage(message({ scanResultDetails: { scanResultStatus: "NO_THREATS_FOUND", threats: null } })),
    {
      bucket: "files",
      objectKey: "acme/a b.pdf",
      etag: "0123",
      versionId: "v1",
      verdict: "clean",
      reason: "",
    },
  );
  assert.deepEqual(verdict("THREATS_FOUND", [{ name: "EICAR-Test-File (not a virus)" }, { name: "Other" }]), [
    "infected",
    "EICAR-Test-File (not a virus), Other",
  ]);
  for (const status of ["UNSUPPORTED", "ACCESS_DENIED", "FAILED"])
    assert.deepEqual(verdict(status), ["failed", status]);
  assert.equal(resultOfMessage(message({ scanStatus: "SKIPPED" }))?.reason, "SKIPPED");
});

test("a bucket without versions has none, and everything else is no result", () => {
  const unversioned = resultOfMessage(message({ s3ObjectDetails: { ...s3ObjectDetails, versionId: "null" } }));
  assert.equal(unversioned?.versionId, undefined);
  const others = ["{", "null", "{}", JSON.stringify({ source: "ferrygate", detail: {} })];
  for (const body of others) assert.equal(resultOfMessage({ body }), undefined, body);
  assert.equal(resultOfMessage(message({ s3ObjectDetails: {} })), undefined);
});
