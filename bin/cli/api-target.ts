import {
  type EntryKind,
  entryChanges,
  type FieldChange,
  type JsonObject,
  type JsonValue,
  redacted,
  sameJson,
  withKeptSecrets,
} from "../../core/configuration-entry.ts";
import type { FieldProblem } from "../../core/configuration-error.ts";
import { limits } from "../../core/limits.ts";
import { type ApiClient, ApiRefusal, openApiClient } from "./api-client.ts";
import type { ConfigurationTarget, ProposedChange, TargetEntry } from "./configuration-target.ts";

type Environment = Readonly<Record<string, string | undefined>>;

interface Page {
  readonly entries: readonly (JsonObject & { readonly name: string })[];
  readonly next?: string;
}

const collections: Readonly<Record<EntryKind, string>> = {
  account: "accounts",
  group: "groups",
  destination: "destinations",
  "dispatch-rule": "dispatch-rules",
  pull: "pulls",
  "alert-rule": "alert-rules",
};

/**
 * A server's API, with the credentials of the environment: `FERRYGATE_TOKEN`, or `FERRYGATE_USERNAME` and
 * `FERRYGATE_PASSWORD`. With a password it logs in once, and out in `close`.
 * @throws UsageError without credentials; Error for the operator when the login fails
 */
export async function openApi(url: string, environment?: Environment): Promise<ConfigurationTarget> {
  const client = await openApiClient(url, environment);
  const api = new EntriesApi(client);
  return {
    name: client.root,
    entries: (kind) => api.entries(kind),
    changes: (kind, current, wanted) => api.changes(kind, current, wanted),
    provisions: undefined,
    refusals: (change, has) => api.refusals(change, has),
    put: async (kind, { name, value }) => {
      await client.ask("PUT", entryPath(kind, name), value);
    },
    remove: async (kind, name) => {
      await client.ask("DELETE", entryPath(kind, name));
    },
    close: () => client.close(),
  };
}

class EntriesApi {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  async entries(kind: EntryKind): Promise<TargetEntry[]> {
    const entries: TargetEntry[] = [];
    for (let query: string | undefined = ""; query !== undefined; ) {
      const path = `/v1/${collections[kind]}?limit=${limits.listingPageEntries}${query}`;
      const page = (await this.#client.ask("GET", path)) as unknown as Page;
      entries.push(...page.entries.map((value) => ({ name: value.name, value })));
      query = page.next === undefined ? undefined : `&after=${encodeURIComponent(page.next)}`;
    }
    return entries;
  }

  /** The API does not show secrets: whether one would change, a dry run says. */
  async changes(kind: EntryKind, current: TargetEntry, wanted: TargetEntry): Promise<readonly FieldChange[]> {
    const changes = entryChanges(kind, current.value, redacted(kind, wanted.value));
    const trial = withKeptSecrets(kind, current.value, wanted.value);
    if (sameJson(trial, current.value)) return changes;
    const report = await this.#client.ask("PUT", `${entryPath(kind, current.name)}?dryRun=true`, trial);
    return [...changes, ...((report.changes ?? []) as unknown as FieldChange[])];
  }

  /**
   * The account that asks is not known here. An account that cannot be removed because it asks cannot be disabled
   * either, which says so whatever else names it; and one whose new groups are yet to be made is asked about without.
   */
  async refusals({ kind, name, wanted }: ProposedChange, has: HasEntry): Promise<readonly FieldProblem[]> {
    if (wanted) {
      const groups = kind === "account" && Array.isArray(wanted.value.groups) ? wanted.value.groups : [];
      const known = groups.filter((group: JsonValue) => has("group", String(group)));
      const trial = known.length === groups.length ? wanted.value : { ...wanted.value, groups: known };
      return this.#refusalsOf(entryPath(kind, name), trial);
    }
    if (kind !== "account") return [];
    const path = entryPath(kind, name);
    const refused = await this.#refusalsOf(path, { ...(await this.#client.ask("GET", path)), enabled: false });
    const isAsking = refused.some(({ field }) => field === "");
    return isAsking ? [{ field: "", message: "this is the account that asks, and it cannot remove itself" }] : [];
  }

  async #refusalsOf(path: string, value: JsonObject): Promise<readonly FieldProblem[]> {
    try {
      await this.#client.ask("PUT", `${path}?dryRun=true`, value);
      return [];
    } catch (error) {
      if (!(error instanceof ApiRefusal && isAboutEntry(error))) throw error;
      const { detail = error.message, field = "", errors } = error.problem;
      return errors && errors.length > 0 ? errors : [{ field, message: detail }];
    }
  }
}

type HasEntry = Parameters<ConfigurationTarget["refusals"]>[1];

function isAboutEntry({ problem: { code } }: ApiRefusal): boolean {
  return code === "invalid-entry" || code === "conflict";
}

function entryPath(kind: EntryKind, name: string): string {
  return `/v1/${collections[kind]}/${encodeURIComponent(name)}`;
}
