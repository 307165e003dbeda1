import type { AccountingEvent } from "../../core/accounting-event.ts";
import { asciiJson } from "../../core/ascii-json.ts";
import type { AccountDirectory } from "../../ports/account-directory.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { Claims } from "../../ports/claims.ts";
import type { ObjectOrigins, ObjectVersion } from "../../ports/object-origins.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { StoreQuarantine } from "../../ports/store-quarantine.ts";

/** What a scanner that watches the store by itself found in one version of an object. */
export interface StoreVerdict extends ObjectVersion {
  readonly verdict: "clean" | "infected" | "failed";
  /** What was found, or why there is no verdict. Empty for a clean object. */
  readonly reason: string;
  /** Names the scanner. */
  readonly scanner: string;
}

export interface StoreVerdictServices {
  readonly objects: Pick<ObjectStore, "stat" | "remove">;
  readonly accounting: Pick<AccountingLog, "append" | "find">;
  readonly accounts: AccountDirectory;
  readonly origins: ObjectOrigins;
  readonly quarantine: StoreQuarantine;
  readonly claims: Claims;
  /** Where nobody reads what is not found clean. By default nowhere. */
  readonly isHeldInPlace?: ((objectKey: string) => boolean) | undefined;
  /** Waits so many milliseconds. Without it, what is not on record yet is not waited for. */
  readonly pause?: ((ms: number) => Promise<void>) | undefined;
  readonly runtime: Runtime;
  readonly serverName: string;
}

/** A verdict, and the upload that made the object, where that is known. */
export interface StoreFinding {
  readonly verdict: StoreVerdict;
  readonly upload: AccountingEvent | undefined;
}

/** False for what was renamed or copied since its upload. */
export function isInPlace({ verdict, upload }: StoreFinding): boolean {
  return upload === undefined || upload.data.objectKey === verdict.objectKey;
}

interface VerdictRecord {
  /** What the event's id is made from. */
  readonly origin: string;
  /** What became of the file, where it is not clean. */
  readonly outcome?: Readonly<Record<string, unknown>>;
  readonly consequence?: string;
}

export function verdictEvent(
  { runtime, serverName }: Pick<StoreVerdictServices, "runtime" | "serverName">,
  { verdict: { objectKey, verdict, reason, scanner }, upload }: StoreFinding,
  { origin, outcome, consequence = "" }: VerdictRecord,
): AccountingEvent {
  const { path, shown, transfer } = subjectOf(objectKey, upload);
  const found = verdict === "infected" ? { signature: reason } : { reason };
  return {
    id: `${origin}.scan.${verdict}`,
    type: `scan.${verdict}`,
    time: new Date(runtime.now()).toISOString(),
    server: serverName,
    ...(upload?.account && { account: upload.account }),
    protocol: "system",
    message: `${messageOf(shown, verdict, reason)}${consequence}`,
    data: {
      ...transfer,
      ...path,
      objectKey,
      ...(verdict !== "clean" && found),
      ...outcome,
      scanner,
      ...(upload && { cause: upload.id }),
    },
  };
}

/**
 * The file as its upload names it. The event is none of a release: rules about uploads wait for the verdict themselves.
 */
function subjectOf(objectKey: string, upload: AccountingEvent | undefined) {
  const { durationMs, direction, path: uploadedAs, ...transfer } = upload?.data ?? {};
  if (typeof uploadedAs !== "string") return { transfer, path: {}, shown: objectKey };
  const isInPlace = transfer.objectKey === objectKey;
  return isInPlace
    ? { transfer, path: { path: uploadedAs }, shown: uploadedAs }
    : { transfer, path: { uploadedAs }, shown: objectKey };
}

function messageOf(shown: string, verdict: StoreVerdict["verdict"], reason: string): string {
  if (verdict === "clean") return `${shown} was scanned and is clean`;
  if (verdict === "infected") return `${shown} is infected with ${reason}`;
  return `${shown} could not be scanned: ${reason}`;
}

const originLength = 32;

/** Names a version that no upload gives its name to. */
export function versionNameOf(
  { runtime }: Pick<StoreVerdictServices, "runtime">,
  { objectKey, etag, versionId }: ObjectVersion,
): string {
  const digest = runtime.sha256();
  const text = asciiJson([objectKey, versionId ?? etag]);
  digest.update(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  return `object-${digest.hex().slice(0, originLength)}`;
}
