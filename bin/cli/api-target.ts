import {
  type EntryKind,
  entryChanges,
  type FieldChange,
  type JsonObject,
  redacted,
  sameJson,
  withKeptSecrets,
} from "../../core/configuration-entry.ts";
import { limits } from "../../core/limits.ts";
import { type ApiClient, openApiClient } from "./api-client.ts";
import type { ConfigurationTarget, TargetEntry } from "./configuration-target.ts";

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
}

function entryPath(kind: EntryKind, name: string): string {
  return `/v1/${collections[kind]}/${encodeURIComponent(name)}`;
}
