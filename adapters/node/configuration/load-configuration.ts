import { hostname } from "node:os";
import { basename, dirname } from "node:path";
import { type EntryKind, entryKinds, type JsonObject } from "../../../core/configuration-entry.ts";
import type { DispatchRule, DispatchStep } from "../../../core/dispatch.ts";
import { limits } from "../../../core/limits.ts";
import type { RemoteDestination } from "../../../core/remote-destination.ts";
import { buildAccount, buildGroup } from "./accounts.ts";
import {
  type Configuration,
  type FtpsConfiguration,
  formatProblem,
  type GroupFor,
  type Problem,
  type ServerConfiguration,
} from "./configuration.ts";
import { type Remark, readDocument, type SourceDocument } from "./document.ts";
import { completeEntry } from "./entry-form.ts";
import { FileReader } from "./file-reader.ts";
import { findingsOf, messageFor } from "./findings.ts";
import { InvalidValue } from "./invalid-value.ts";
import { loopFindings, referenceFindings, sections } from "./references.ts";
import { configurationSchema, type ParsedConfiguration } from "./schema.ts";
import { createSecretSource, decodeUtf8 } from "./secret.ts";

/** `stamps` are the files that were read, with their state: when one changes, loading again may give another result. */
export type LoadedConfiguration = (
  | { readonly ok: true; readonly configuration: Configuration; readonly entries: readonly FileEntry[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }
) & { readonly stamps: ReadonlyMap<string, string> };

/** An account, group or rule of the file as it is written there, but with its secrets and its defaults. */
export interface FileEntry {
  readonly kind: EntryKind;
  readonly name: string;
  readonly value: JsonObject;
  /** Where its name stands. */
  readonly line: number;
  readonly column: number;
}

type Outcome = { configuration: Configuration; entries: readonly FileEntry[] } | { remarks: readonly Remark[] };

/**
 * Reads and checks a configuration file. Either everything in it is good, or every problem is listed in the order of
 * the file. Never throws because of what the file, or a file or variable that it refers to, holds or lacks.
 * @param environment where `{ env: NAME }` is looked up
 */
export function loadConfiguration(
  file: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): LoadedConfiguration {
  const reader = new FileReader();
  const outcome = load(file, reader, environment);
  const { stamps } = reader;
  if ("configuration" in outcome) return { ok: true, ...outcome, stamps };
  return { ok: false, problems: problemsOf(file, outcome.remarks), stamps };
}

/** In the order of the file, each once: two checks may have come upon the same mistake. */
function problemsOf(file: string, remarks: readonly Remark[]): Problem[] {
  const sorted = [...remarks].sort((a, b) => a.line - b.line || a.column - b.column);
  const problems = sorted.map(({ line, column, message }) => ({ file, line, column, message }));
  return [...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()];
}

function load(file: string, reader: FileReader, environment: Readonly<Record<string, string | undefined>>): Outcome {
  const text = textOf(file, reader);
  if (typeof text !== "string") return { remarks: [{ line: 1, column: 1, message: text.message }] };
  const { document, remarks } = readDocument(text);
  if (!document) return { remarks };
  const schema = configurationSchema(createSecretSource(dirname(file), reader, environment));
  const parsed = schema.safeParse(document.data, { error: messageFor, reportInput: true });
  const findings = [
    ...(parsed.error ? findingsOf(parsed.error) : loopFindings(parsed.data)),
    ...referenceFindings(document.data),
  ];
  const found = findings.map(({ path, part, message }) => ({ ...document.positionOf(path, part), message }));
  if (!parsed.success || found.length > 0 || remarks.length > 0) return { remarks: [...remarks, ...found] };
  return { configuration: build(file, parsed.data, document), entries: entriesOf(parsed.data, document) };
}

function textOf(file: string, reader: FileReader): string | InvalidValue {
  try {
    return decodeUtf8(reader.read(file, limits.configurationBytes));
  } catch (error) {
    if (error instanceof InvalidValue) return error;
    throw error;
  }
}

function build(file: string, parsed: ParsedConfiguration, document: SourceDocument): Configuration {
  const placesOf = (list: "accounts" | "groups", index: number, { permissions }: { permissions: unknown[] }) =>
    permissions.map((_, rule) => {
      const { line } = document.positionOf([list, index, "permissions", rule], "value");
      return `${basename(file)}:${line}`;
    });
  const groups: ReadonlyMap<string, GroupFor> = new Map(
    parsed.groups.map((group, index) => [group.name, buildGroup(group, placesOf("groups", index, group))]),
  );
  const accounts = parsed.accounts.map((account, index) =>
    buildAccount(account, groups, placesOf("accounts", index, account)),
  );
  return {
    file,
    server: buildServer(parsed.server),
    accounts: new Map(accounts.map((account) => [account.name, account])),
    groups,
    destinations: parsed.destinations,
    dispatch: parsed.dispatch,
    pulls: parsed.pulls,
    alerts: parsed.alerts,
    mail: parsed.mail,
    scanner: parsed.scanner,
    pgpKeys: parsed.pgpKeys.map((written, index) => ({
      ...written,
      ...document.positionOf(["pgpKeys", index, "name"], "value"),
    })),
    authentication: parsed.authentication,
  };
}

/** The document was found good: so its lists are as long as the parsed ones. */
function entriesOf(parsed: ParsedConfiguration, document: SourceDocument): FileEntry[] {
  const written = document.data as Readonly<Record<string, readonly JsonObject[] | undefined>>;
  return entryKinds.flatMap((kind) =>
    (written[sections[kind]] ?? []).map((entry, index): FileEntry => {
      const { name } = parsed[sections[kind]][index] ?? { name: "" };
      const value = completeEntry(kind, withSecrets(kind, entry, parsed[sections[kind]][index]));
      return { kind, name, value, ...document.positionOf([sections[kind], index, "name"], "value") };
    }),
  );
}

/** The entry as it is written, with its secrets in the place of what says where they are. */
function withSecrets(kind: EntryKind, entry: JsonObject, parsed: unknown): JsonObject {
  if (kind === "destination") return withDestinationSecrets(entry, parsed as RemoteDestination);
  const { password, webhook } = parsed as { password?: string; webhook?: { secret?: string } };
  if (kind === "dispatch-rule") return withStepSecrets(entry, parsed as DispatchRule);
  if (kind === "account" && password !== undefined) return { ...entry, password };
  if (kind !== "alert-rule" || webhook?.secret === undefined) return entry;
  return { ...entry, webhook: { ...(entry.webhook as JsonObject), secret: webhook.secret } };
}

function withStepSecrets(entry: JsonObject, { steps, otherwise }: DispatchRule): JsonObject {
  const lists = Object.entries({ do: steps, otherwise }).filter(([list]) => entry[list] !== undefined);
  const filled = lists.map(([list, compiled]) => {
    const written = entry[list] as readonly JsonObject[];
    return [list, written.map((step, index) => withStepSecret(step, compiled[index]))] as const;
  });
  return { ...entry, ...Object.fromEntries(filled) };
}

function withStepSecret(step: JsonObject, compiled: DispatchStep | undefined): JsonObject {
  if (compiled?.action !== "webhook" || compiled.webhook.secret === undefined) return step;
  return { ...step, webhook: { ...(step.webhook as JsonObject), secret: compiled.webhook.secret } };
}

function withDestinationSecrets(
  entry: JsonObject,
  { password, privateKey, passphrase, authorities: ca }: RemoteDestination,
) {
  const secrets = Object.entries({ password, privateKey, passphrase, ca }).filter(([, text]) => text !== undefined);
  return { ...entry, ...(Object.fromEntries(secrets) as JsonObject) };
}

function buildServer({ name, sftp, ftps, http }: ParsedConfiguration["server"]): ServerConfiguration {
  return {
    name: name ?? hostname(),
    sftp: sftp === false ? undefined : { listen: sftp.listen, hostKeys: sftp.hostKeys, algorithms: sftp.algorithms },
    ftps: ftps === false ? undefined : buildFtps(ftps),
    http: http === false ? undefined : { listen: http.listen, tls: http.tls },
  };
}

function buildFtps(ftps: Exclude<ParsedConfiguration["server"]["ftps"], false>): FtpsConfiguration {
  const { implicit, tls, clientCertificates } = ftps;
  return { ...ftps, implicit: implicit || undefined, tls, clientCertificates };
}
