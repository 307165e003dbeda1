import type { Provisions } from "../node/configuration/entry-checks.ts";

export type PgpKeySummaries = Provisions["pgpKeys"];

/** What entries find in a stage besides each other. Mail leaves through SES in every one. */
export function stageProvisions(stage: { readonly pgpKeys?: PgpKeySummaries | undefined }): Provisions {
  return {
    withoutMail: undefined,
    withoutScanner: "nothing scans files of single accounts in the AWS edition",
    pgpKeys: stage.pgpKeys ?? [],
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
