import type { Provisions } from "../node/configuration/entry-checks.ts";
import type { ScannedPart } from "./s3-scan.ts";

export type PgpKeySummaries = Provisions["pgpKeys"];

export interface StageMeans {
  readonly pgpKeys?: PgpKeySummaries | undefined;
  readonly scan?: ScannedPart | undefined;
}

/** What entries find in a stage besides each other. Mail leaves through SES in every one. */
export function stageProvisions({ pgpKeys = [], scan }: StageMeans): Provisions {
  const isHeld = scan?.deny === "until-clean";
  return {
    withoutMail: undefined,
    withoutScanner: isHeld ? undefined : 'the stage scans no file before it can be read; scan.deny "until-clean" does',
    withoutScanStep: scan ? undefined : 'the stage scans no file; scan.kind "guardduty" does',
    withoutConnectors: undefined,
    pgpKeys,
  };
}

/** Reads `{"NAME": "public" | "private"}`. @throws Error whose message is a clause */
export function readPgpKeyNames(text: string): PgpKeySummaries {
  return Object.entries(mappingOf(text)).map(([name, kind]) => {
    if (kind !== "public" && kind !== "private")
      throw new Error(`has a key ${name} that is neither public nor private`);
    return { name, isPrivate: kind === "private" };
  });
}

function mappingOf(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // It is no mapping then.
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("is not a JSON object");
  return value;
}
