import { GetObjectTaggingCommand, type S3Client } from "@aws-sdk/client-s3";
import type { PlaceVerdict, StoreScan } from "../../ports/store-scan.ts";
import { releasedTag } from "./env.ts";
import { isNamed, statusOf, toFileError } from "./s3-errors.ts";

/** Which objects GuardDuty scans, and whether the bucket's policy keeps everybody from those that are not clean. */
export interface ScannedPart {
  /** Of the keys of objects; none means all of them. */
  readonly prefixes: readonly string[];
  readonly deny: "infected" | "until-clean";
}

/** Reads `{"prefixes": […], "deny": "infected" | "until-clean"}`. @throws Error whose message is a clause */
export function readScannedPart(text: string): ScannedPart {
  const { prefixes, deny } = JSON.parse(text) as Partial<Record<keyof ScannedPart, unknown>>;
  const areTexts = Array.isArray(prefixes) && prefixes.every((one) => typeof one === "string");
  if (!areTexts || (deny !== "infected" && deny !== "until-clean")) throw new Error("has no prefixes, or no deny");
  return { prefixes, deny };
}

function isInScannedPart({ prefixes }: ScannedPart, objectKey: string): boolean {
  return prefixes.length === 0 || prefixes.some((prefix) => objectKey.startsWith(prefix));
}

/** Whether nobody can read the object before it was found clean; undefined where nothing is kept so. */
export function heldBy(part: ScannedPart | undefined): ((objectKey: string) => boolean) | undefined {
  return part?.deny === "until-clean" ? (objectKey) => isInScannedPart(part, objectKey) : undefined;
}

export interface S3ScanOptions {
  readonly client: S3Client;
  readonly bucket: string;
  readonly part: ScannedPart;
}

/** What GuardDuty Malware Protection for S3 says by the tag that it gives to each object. */
export function createS3Scan({ client, bucket, part }: S3ScanOptions): StoreScan {
  return {
    covers: (objectKey) => isInScannedPart(part, objectKey),
    isHeld: heldBy(part) ?? (() => false),
    verdictOf: async (objectKey) => {
      try {
        const tags = await client.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: objectKey }));
        const tagged = (wanted: string) => tags.TagSet?.find(({ Key: name }) => name === wanted)?.Value;
        // An operator has the last word.
        return tagged(releasedTag) === "true" ? { verdict: "clean" } : verdictIn(tagged(statusTag));
      } catch (error) {
        if (statusOf(error) === 404 || isNamed(error, "NoSuchKey")) return { verdict: "gone" };
        throw toFileError(error);
      }
    },
  };
}

const statusTag = "GuardDutyMalwareScanStatus";

function verdictIn(status: string | undefined): PlaceVerdict {
  if (status === undefined) return { verdict: "none" };
  if (status === "NO_THREATS_FOUND") return { verdict: "clean" };
  if (status === "THREATS_FOUND") return { verdict: "infected" };
  return { verdict: "failed", reason: status };
}
