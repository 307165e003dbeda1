import { hostname } from "node:os";
import { basename, dirname } from "node:path";
import { limits } from "../../../core/limits.ts";
import { buildAccounts } from "./accounts.ts";
import { type Configuration, formatProblem, type Problem, type ServerConfiguration } from "./configuration.ts";
import { type Remark, readDocument, type SourceDocument } from "./document.ts";
import { FileReader } from "./file-reader.ts";
import { findingsOf, messageFor } from "./findings.ts";
import { InvalidValue } from "./invalid-value.ts";
import { referenceFindings } from "./references.ts";
import { configurationSchema, type ParsedConfiguration } from "./schema.ts";
import { createSecretSource, decodeUtf8 } from "./secret.ts";

/** `stamps` are the files that were read, with their state: when one changes, loading again may give another result. */
export type LoadedConfiguration = (
  | { readonly ok: true; readonly configuration: Configuration }
  | { readonly ok: false; readonly problems: readonly Problem[] }
) & { readonly stamps: ReadonlyMap<string, string> };

type Outcome = { configuration: Configuration } | { remarks: readonly Remark[] };

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
  if ("configuration" in outcome) return { ok: true, configuration: outcome.configuration, stamps };
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
  const findings = [...(parsed.error ? findingsOf(parsed.error) : []), ...referenceFindings(document.data)];
  const found = findings.map(({ path, part, message }) => ({ ...document.positionOf(path, part), message }));
  if (!parsed.success || found.length > 0 || remarks.length > 0) return { remarks: [...remarks, ...found] };
  return { configuration: build(file, parsed.data, document) };
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
  const locate = (path: readonly PropertyKey[]) => `${basename(file)}:${document.positionOf(path, "value").line}`;
  return {
    file,
    server: buildServer(parsed.server),
    accounts: buildAccounts(parsed, locate),
    groupNames: parsed.groups.map(({ name }) => name),
    dispatch: parsed.dispatch.map(({ do: steps, ...rule }) => ({ ...rule, when: selection(rule.when), steps })),
    alerts: parsed.alerts.map((rule) => ({ ...rule, when: selection(rule.when) })),
    mail: parsed.mail,
  };
}

function buildServer({ name, sftp, ftps, http }: ParsedConfiguration["server"]): ServerConfiguration {
  return {
    name: name ?? hostname(),
    sftp: sftp === false ? undefined : { listen: sftp.listen, hostKeys: sftp.hostKeys },
    ftps: ftps === false ? undefined : { ...ftps, implicit: ftps.implicit || undefined, tls: ftps.tls },
    http: http === false ? undefined : { listen: http.listen, tls: http.tls },
  };
}

function selection({ types, accounts, path }: ParsedConfiguration["alerts"][number]["when"]) {
  return { types, accounts, path };
}
