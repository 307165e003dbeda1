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
import { UsageError } from "./arguments.ts";
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
export async function openApi(url: string, environment: Environment = process.env): Promise<ConfigurationTarget> {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) throw new UsageError("--url expects an http or https URL");
  const root = url.replace(/\/+$/, "");
  const { token, isOurs } = await tokenOf(root, environment);
  const client = new ApiClient(root, token);
  return {
    name: root,
    entries: (kind) => client.entries(kind),
    changes: (kind, current, wanted) => client.changes(kind, current, wanted),
    put: async (kind, { name, value }) => {
      await client.ask("PUT", entryPath(kind, name), value);
    },
    remove: async (kind, name) => {
      await client.ask("DELETE", entryPath(kind, name));
    },
    close: async () => {
      if (isOurs) await client.ask("DELETE", "/v1/sessions/current");
    },
  };
}

async function tokenOf(url: string, environment: Environment): Promise<{ token: string; isOurs: boolean }> {
  const { FERRYGATE_TOKEN: token, FERRYGATE_USERNAME: username, FERRYGATE_PASSWORD: password } = environment;
  if (token) return { token, isOurs: false };
  if (!username || !password) {
    throw new UsageError(
      "--url needs FERRYGATE_USERNAME and FERRYGATE_PASSWORD, or FERRYGATE_TOKEN, in the environment",
    );
  }
  const issued = await new ApiClient(url).ask("POST", "/v1/sessions", { username, password });
  return { token: String(issued.token), isOurs: true };
}

class ApiClient {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(url: string, token?: string) {
    this.#url = url;
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  /** The JSON of the answer; an empty object for none. @throws Error with what the server says */
  async ask(method: string, path: string, body?: unknown): Promise<JsonObject> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { ...this.#headers, ...(body !== undefined && { "content-type": "application/json" }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new Error(`${this.#url} cannot be reached`, { cause });
    });
    const text = await response.text();
    const answer = parsed(text);
    if (response.ok) return answer;
    const place = typeof answer.field === "string" ? ` (${answer.field})` : "";
    throw new Error(`${method} ${path}: ${response.status} ${String(answer.detail ?? "")}${place}`);
  }

  async entries(kind: EntryKind): Promise<TargetEntry[]> {
    const entries: TargetEntry[] = [];
    for (let query: string | undefined = ""; query !== undefined; ) {
      const path = `/v1/${collections[kind]}?limit=${limits.listingPageEntries}${query}`;
      const page = (await this.ask("GET", path)) as unknown as Page;
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
    const report = await this.ask("PUT", `${entryPath(kind, current.name)}?dryRun=true`, trial);
    return [...changes, ...((report.changes ?? []) as unknown as FieldChange[])];
  }
}

function entryPath(kind: EntryKind, name: string): string {
  return `/v1/${collections[kind]}/${encodeURIComponent(name)}`;
}

function parsed(text: string): JsonObject {
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    return { detail: "the answer is not that of this API" };
  }
}
