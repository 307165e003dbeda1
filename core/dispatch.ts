import type { AccountingEvent, EventType } from "./accounting-event.ts";
import type { EmailTarget, WebhookTarget } from "./alert-rule.ts";
import { type ArchiveFormat, type PackFormat, packExtensions } from "./archive-format.ts";
import { type DestinationTemplate, resolveTemplate, type TemplateValues } from "./destination-template.ts";
import { FileError } from "./errors.ts";
import { type EventSelection, selects } from "./event-selection.ts";
import { nameOf, parentOf, parseVirtualPath, rootPath, type VirtualPath } from "./virtual-path.ts";

/**
 * Events that say that a file is whole and at a path. An interrupted upload is none of them, and neither is what a
 * rule does: no rule sets off another.
 */
export const dispatchableTypes = [
  "transfer.completed",
  "file.renamed",
  "file.copied",
  "scan.clean",
  "scan.released",
] as const satisfies readonly EventType[];

/** What happens when the destination is taken. `number` puts `-1`, `-2` … behind the stem of the name. */
export const overwritePolicies = ["fail", "replace", "skip", "number"] as const;

export type OverwritePolicy = (typeof overwritePolicies)[number];

/** Where a step puts a file. */
export interface Placement {
  readonly to: DestinationTemplate;
  /** Whose path `to` is; undefined means the account of the event. */
  readonly account: string | undefined;
  readonly overwrite: OverwritePolicy;
}

/**
 * What makes another file, next to the one that there is: `checksum` its SHA-256 in `NAME.sha256`; `compress` to
 * `NAME.gz` or an archive with the one file in it, and `extract` from gzip, where the new file takes the place of the
 * old.
 */
export const derivingActions = ["checksum", "compress", "extract"] as const;

export type DerivingAction = (typeof derivingActions)[number];

export interface DerivingStep {
  readonly action: DerivingAction;
  /** Undefined is gzip. */
  readonly format?: PackFormat | undefined;
  readonly overwrite: OverwritePolicy;
}

/** Names of keys; the file that is made takes the place of the old. */
export type PgpStep =
  | {
      readonly action: "encrypt";
      readonly recipients: readonly string[];
      readonly signer: string | undefined;
      readonly armor: boolean;
      readonly overwrite: OverwritePolicy;
    }
  | {
      readonly action: "decrypt";
      readonly recipients: readonly string[];
      readonly signedBy: readonly string[];
      readonly overwrite: OverwritePolicy;
    }
  | { readonly action: "verify"; readonly signedBy: readonly string[]; readonly overwrite: OverwritePolicy };

/** Puts the files of an archive into a folder: `to`, or one beside the archive that has its name. */
export interface UnpackStep {
  readonly action: "unpack";
  readonly format: ArchiveFormat;
  readonly to: DestinationTemplate | undefined;
  /** Whose path `to` is; undefined means the account of the event. */
  readonly account: string | undefined;
  readonly overwrite: OverwritePolicy;
}

/** Where a step sends a file: a path below the folder of a remote site. */
export interface RemotePlacement {
  /** The name of the destination. */
  readonly destination: string;
  readonly to: DestinationTemplate;
  readonly overwrite: OverwritePolicy;
}

export type DispatchStep =
  | ({ readonly action: "move" | "copy" } & Placement)
  | ({ readonly action: "push" } & RemotePlacement)
  | { readonly action: "rename"; readonly name: DestinationTemplate; readonly overwrite: OverwritePolicy }
  | DerivingStep
  | PgpStep
  | UnpackStep
  | { readonly action: "verify-detached"; readonly signedBy: readonly string[] }
  | { readonly action: "email"; readonly email: EmailTarget }
  | { readonly action: "webhook"; readonly webhook: WebhookTarget }
  | { readonly action: "delete" | "ignore" | "scan" };

/** What to do with the files that events are about. */
export interface DispatchRule {
  /** Unique among the rules. */
  readonly name: string;
  readonly enabled: boolean;
  readonly when: EventSelection;
  /** In this order; a step that fails keeps the ones behind it from happening. */
  readonly steps: readonly DispatchStep[];
  /** What is done instead of the rest when a step failed for good. */
  readonly otherwise: readonly DispatchStep[];
  /** Whether the rules behind this one are asked too when it matches. */
  readonly continues: boolean;
}

/** A rule that matches an event, and what its templates may refer to. */
export interface DispatchPlan {
  readonly rule: DispatchRule;
  readonly accountName: string;
  /** The file of the event. */
  readonly path: VirtualPath;
  readonly time: string;
  readonly captures: readonly string[];
}

/** The rules that apply to an event, in their order: the first that matches, and more only where it says so. */
export function planDispatch(event: AccountingEvent, rules: readonly DispatchRule[]): readonly DispatchPlan[] {
  const file = fileOf(event);
  if (!file) return [];
  const plans: DispatchPlan[] = [];
  for (const rule of rules) {
    if (!rule.enabled || !isAbout(rule.when, event)) continue;
    plans.push({ rule, ...file, captures: rule.when.path?.captures(file.path) ?? [] });
    if (!rule.continues) break;
  }
  return plans;
}

/** A step that sends the file to a remote site. */
export type PushStep = Extract<DispatchStep, { readonly action: "push" }>;

/** A step that puts one file somewhere in the store. */
export type PlacingStep = Exclude<
  Extract<DispatchStep, { readonly overwrite: OverwritePolicy }>,
  PushStep | UnpackStep
>;

/**
 * Where a step puts or sends the file that is at `path` when its turn comes, or what it makes of it.
 * @throws FileError `invalid-path`; `invalid-argument` for extracting what is no `.gz`.
 */
export function destinationOf(
  step: PlacingStep | PushStep | UnpackStep,
  { accountName, time, captures }: DispatchPlan,
  path: VirtualPath,
): VirtualPath {
  const values: TemplateValues = { accountName, time, captures, path };
  switch (step.action) {
    case "move":
    case "copy":
    case "push":
      return resolveTemplate(step.to, values);
    case "rename": {
      const folder = parentOf(path);
      return resolveTemplate(step.name, values, folder === rootPath ? "" : folder);
    }
    case "checksum":
      return parseVirtualPath(`${path}.sha256`);
    case "compress":
      return parseVirtualPath(`${path}${packExtensions[step.format ?? "gzip"]}`);
    case "extract":
      return extractedPath(path, "gzip");
    case "encrypt":
      return parseVirtualPath(`${path}${step.armor ? ".asc" : ".pgp"}`);
    case "decrypt":
    case "verify":
      return pathWithout(path, pgpExtensions);
    case "unpack":
      return step.to ? resolveTemplate({ ...step.to, keepsName: false }, values) : extractedPath(path, step.format);
  }
}

function extractedPath(path: VirtualPath, format: PackFormat): VirtualPath {
  return pathWithout(path, format === "tar.gz" ? [".tar.gz", ".tgz"] : [packExtensions[format]]);
}

const pgpExtensions = [".pgp", ".gpg", ".asc"];

function pathWithout(path: VirtualPath, extensions: readonly string[]): VirtualPath {
  const name = nameOf(path);
  const extension = extensions.find((one) => name.length > one.length && name.toLowerCase().endsWith(one));
  if (extension !== undefined) return parseVirtualPath(path.slice(0, -extension.length));
  throw new FileError("invalid-argument", `${path} does not end in ${extensions.join(" or ")}`);
}

function fileOf(event: AccountingEvent): Pick<DispatchPlan, "accountName" | "path" | "time"> | undefined {
  const { type, account, data, time } = event;
  if (!account || typeof data.path !== "string" || !dispatchableTypes.some((known) => known === type)) return undefined;
  // An upload that waits for the scanner is not there yet; the event of its release says when it is.
  if (data.quarantined === true) return undefined;
  try {
    return { accountName: account.name, path: parseVirtualPath(data.path), time };
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

/**
 * A download is a completed transfer too: only a rule that asks for the direction gets it. What was sent to a
 * destination is what a rule did.
 */
function isAbout(when: EventSelection, event: AccountingEvent): boolean {
  const isDownload = event.type === "transfer.completed" && event.data.direction !== "upload";
  if (isDownload && event.data.destination !== undefined) return false;
  if (isDownload && !Object.hasOwn(when.written.data ?? {}, "direction")) return false;
  return selects(when, event) || (isRelease(event) && selects(when, { ...event, type: "transfer.completed" }));
}

/** An upload gets to its place when it leaves the quarantine: rules for completed uploads mean that moment. */
function isRelease({ type, data }: AccountingEvent): boolean {
  return (type === "scan.clean" || type === "scan.released") && data.direction === "upload";
}
