import type { SQSRecord } from "aws-lambda";
import type { ObjectVersion } from "../../ports/object-origins.ts";

/** What GuardDuty Malware Protection for S3 found in one version of an object. */
export interface GuardDutyResult extends ObjectVersion {
  readonly bucket: string;
  readonly verdict: "clean" | "infected" | "failed";
  /** The threats, or why there is no verdict; empty for a clean object. */
  readonly reason: string;
}

/** Of an event `GuardDuty Malware Protection Object Scan Result`, what matters here. */
interface ScanResultDetail {
  readonly scanStatus?: string;
  readonly s3ObjectDetails?: {
    readonly bucketName?: string;
    readonly objectKey?: string;
    readonly eTag?: string;
    readonly versionId?: string;
  };
  readonly scanResultDetails?: {
    readonly scanResultStatus?: string;
    readonly threats?: readonly { readonly name?: string }[] | null;
  };
}

/** The result in a message that EventBridge put into a queue; undefined for anything else. */
export function resultOfMessage({ body }: Pick<SQSRecord, "body">): GuardDutyResult | undefined {
  try {
    const { source, detail = {} } = JSON.parse(body) as { source?: string; detail?: ScanResultDetail };
    return source === "aws.guardduty" ? resultOf(detail) : undefined;
  } catch {
    return undefined;
  }
}

function resultOf({ scanStatus, s3ObjectDetails, scanResultDetails }: ScanResultDetail): GuardDutyResult | undefined {
  const { bucketName, objectKey, eTag, versionId } = s3ObjectDetails ?? {};
  if (bucketName === undefined || objectKey === undefined || eTag === undefined) return undefined;
  const status = scanResultDetails?.scanResultStatus ?? scanStatus ?? "FAILED";
  const threats = (scanResultDetails?.threats ?? []).map(({ name }) => name ?? "an unnamed threat");
  return {
    bucket: bucketName,
    objectKey,
    etag: eTag.replaceAll('"', ""),
    ...(versionId !== undefined && versionId !== "null" && versionId !== "" && { versionId }),
    ...verdictOf(status, threats.join(", ")),
  };
}

/** A file that cannot be scanned — too large, encrypted, not to be read — is neither clean nor infected. */
function verdictOf(status: string, threats: string): Pick<GuardDutyResult, "verdict" | "reason"> {
  if (status === "NO_THREATS_FOUND") return { verdict: "clean", reason: "" };
  if (status === "THREATS_FOUND") return { verdict: "infected", reason: threats === "" ? "a threat" : threats };
  return { verdict: "failed", reason: status };
}
