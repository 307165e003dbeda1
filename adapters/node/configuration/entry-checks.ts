import {
  type EntryKind,
  entryReferences,
  entrySteps,
  type JsonObject,
  type JsonValue,
} from "../../../core/configuration-entry.ts";
import type { DispatchRule } from "../../../core/dispatch.ts";
import type { Pull } from "../../../core/pull.ts";
import { feedingStep, type StepPlace } from "../../../core/transfer-loop.ts";
import type { Finding } from "./findings.ts";
import { suggestionFor } from "./suggestion.ts";

/** What entries need that is no entry: it stands in the configuration file, or is part of the edition. */
export interface Provisions {
  /** Why no e-mail is sent; undefined where it is. */
  readonly withoutMail: string | undefined;
  /** Why nothing is scanned; undefined where it is. */
  readonly withoutScanner: string | undefined;
  /** Why there is no step `scan`; undefined where there is. */
  readonly withoutScanStep: string | undefined;
  /** Why there are no connectors; undefined where there are. */
  readonly withoutConnectors?: string | undefined;
  /** Undefined where nobody knows. */
  readonly pgpKeys: readonly PgpKeySummary[] | undefined;
}

interface PgpKeySummary {
  readonly name: string;
  readonly isPrivate: boolean;
}

/** The sections of a configuration file that entries need. */
export function fileProvisions(file: {
  readonly mail?: unknown;
  readonly scanner?: unknown;
  readonly pgpKeys: readonly { readonly name: string; readonly publicKey?: unknown }[];
}): Provisions {
  const missing = (section: string) => `the key ${JSON.stringify(section)} is missing in the configuration file`;
  return {
    withoutMail: file.mail === undefined ? missing("mail") : undefined,
    withoutScanner: file.scanner === undefined ? missing("scanner") : undefined,
    withoutScanStep: file.scanner === undefined ? missing("scanner") : undefined,
    withoutConnectors: "connectors of AWS Transfer Family are reached in the AWS edition",
    pgpKeys: file.pgpKeys.map(({ name, publicKey }) => ({ name, isPrivate: publicKey === undefined })),
  };
}

/** What else there is when an entry is looked at. */
export interface EntryNeighbours {
  has(kind: EntryKind, name: string): boolean;
  /** Asked only to say which one may have been meant. */
  names(kind: EntryKind): readonly string[];
  readonly provisions: Provisions;
}

export const entryNouns: Readonly<Record<EntryKind, string>> = {
  account: "account",
  group: "group",
  destination: "destination",
  "dispatch-rule": "dispatch rule",
  pull: "pull",
  "alert-rule": "alert rule",
};

/**
 * What an entry asks for and there is not, at its place in the entry: other entries, OpenPGP keys, mail, a scanner. It
 * reads the entry as it is written, so that it can speak even when something else in it is wrong.
 */
export function entryFindings(kind: EntryKind, value: JsonObject, neighbours: EntryNeighbours): readonly Finding[] {
  const { provisions } = neighbours;
  const unknown = entryReferences(kind, value).filter((reference) => !neighbours.has(reference.kind, reference.name));
  return [
    ...unknown.map(({ path, kind: of, name }): Finding => {
      const suggestion = suggestionFor(name, neighbours.names(of));
      const message = `there is no ${entryNouns[of]} ${JSON.stringify(name)}${suggestion}`;
      return { path, part: "value", message };
    }),
    ...(kind === "destination" ? connectorFindings(value, provisions) : []),
    ...(kind === "alert-rule" ? alertFindings(value, provisions) : []),
    ...(kind === "dispatch-rule" ? stepFindings(value, provisions) : []),
    ...(kind === "account" || kind === "group" ? scanFindings(value, provisions) : []),
  ];
}

function connectorFindings({ url }: JsonObject, { withoutConnectors }: Provisions): Finding[] {
  const isConnector = typeof url === "string" && url.startsWith("connector:");
  if (withoutConnectors === undefined || !isConnector) return [];
  return [{ path: ["url"], part: "value", message: `nothing is sent through this destination: ${withoutConnectors}` }];
}

function alertFindings(value: JsonObject, { withoutMail }: Provisions): Finding[] {
  if (withoutMail === undefined || !Object.hasOwn(value, "email")) return [];
  return [{ path: ["email"], part: "name", message: `alerts are sent by e-mail: ${withoutMail}` }];
}

function scanFindings(value: JsonObject, { withoutScanner }: Provisions): Finding[] {
  if (withoutScanner === undefined || !Object.hasOwn(value, "scan")) return [];
  return [{ path: ["scan"], part: "name", message: `its files are to be scanned: ${withoutScanner}` }];
}

function stepFindings(value: JsonObject, provisions: Provisions): Finding[] {
  const { withoutMail, withoutScanStep, pgpKeys } = provisions;
  return entrySteps(value).flatMap(({ path, step }) => {
    const lacking = (action: string, doing: string, reason: string | undefined): Finding[] => {
      if (reason === undefined || !Object.hasOwn(step, action)) return [];
      return [{ path: [...path, action], part: "name", message: `the step ${doing}: ${reason}` }];
    };
    return [
      ...lacking("email", "sends e-mail", withoutMail),
      ...lacking("scan", "scans the file", withoutScanStep),
      ...(pgpKeys ? pgpFindings(step, path, pgpKeys) : []),
    ];
  });
}

interface PgpField {
  readonly action: string;
  readonly field: string;
  readonly needsPrivate: boolean;
}

const pgpFields: readonly PgpField[] = [
  { action: "encrypt", field: "recipients", needsPrivate: false },
  { action: "encrypt", field: "sign", needsPrivate: true },
  { action: "decrypt", field: "with", needsPrivate: true },
  { action: "decrypt", field: "signedBy", needsPrivate: false },
  { action: "verify", field: "signedBy", needsPrivate: false },
];

function pgpFindings(step: JsonObject, path: Finding["path"], keys: readonly PgpKeySummary[]): Finding[] {
  return pgpFields.flatMap(({ action, field, needsPrivate }) =>
    namesAt(step[action], field).flatMap(({ place, name }): Finding[] => {
      const message = pgpProblem(name, keys, needsPrivate);
      return message === undefined ? [] : [{ path: [...path, action, ...place], part: "value", message }];
    }),
  );
}

/** A field names one key or has a list of them. */
function namesAt(written: JsonValue | undefined, field: string) {
  const isSection = typeof written === "object" && written !== null && !Array.isArray(written);
  const value = isSection ? (written as JsonObject)[field] : undefined;
  const all = Array.isArray(value)
    ? value.map((one: JsonValue, at) => ({ place: [field, at], name: one }))
    : [{ place: [field], name: value }];
  return all.flatMap(({ place, name }) => (typeof name === "string" ? [{ place, name }] : []));
}

function pgpProblem(name: string, keys: readonly PgpKeySummary[], needsPrivate: boolean): string | undefined {
  const found = keys.find((known) => known.name === name);
  if (!found) {
    const known = keys.map((one) => one.name);
    return `there is no OpenPGP key ${JSON.stringify(name)}${suggestionFor(name, known)}`;
  }
  return needsPrivate && !found.isPrivate ? `the OpenPGP key ${JSON.stringify(name)} has no private key` : undefined;
}

/** A file that would go round: a pull fetches what a rule sends, and the rule sends what the pull fetches. */
export interface TransferLoop {
  readonly rule: string;
  readonly pull: string;
  readonly step: StepPlace;
  readonly message: string;
}

export function transferLoops(rules: readonly DispatchRule[], pulls: readonly Pull[]): readonly TransferLoop[] {
  return pulls.flatMap((pull) =>
    rules.flatMap((rule): TransferLoop[] => {
      const step = feedingStep(rule, pull);
      if (!step) return [];
      const sends = `what the dispatch rule ${rule.name} sends there, and the rule what it fetches`;
      return [{ rule: rule.name, pull: pull.name, step, message: `the pull ${pull.name} would fetch ${sends}` }];
    }),
  );
}
