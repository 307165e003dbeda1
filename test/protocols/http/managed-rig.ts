import type { TestContext } from "node:test";
import { createAuthorize } from "../../../service/management/authorize.ts";
import { Management } from "../../../service/management/management.ts";
import { ChangeRecorder } from "../../../service/management/record-changes.ts";
import { ManagedWorkspace } from "../../support/managed-configuration.ts";
import { createMemoryAccountingLog, memoryPasswordHash, memoryPasswordHasher } from "../../support/memory-ports.ts";
import { basic, startApi } from "./rig.ts";

const hash = memoryPasswordHash("password");

/** `root` manages, `acme` does not; both have the password `password`. */
export const managedFile = `mail: { smtp: "smtp://127.0.0.1:2525", from: "ferrygate@example.com" }
groups:
  - name: partners
    permissions: [[allow-list]]
accounts:
  - { name: root, roles: [admin], password: "${hash}" }
  - { name: acme, groups: [partners], password: "${hash}", permissions: [["/inbox/*", allow-write]] }
`;

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  // The shape of an answer is what the tests are about.
  readonly body: Record<string, unknown>;
}

export interface Ask {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly as?: string;
}

/** The API over a managed configuration whose accounts are those who log in. */
export async function startManagedApi(t: TestContext, file = managedFile) {
  const workspace = new ManagedWorkspace();
  t.after(() => workspace[Symbol.dispose]());
  const configuration = workspace.open(file);
  const accounting = createMemoryAccountingLog();
  const recorder = new ChangeRecorder(configuration.store, accounting);
  const { runtime } = workspace;
  const management = new Management({
    store: configuration.store,
    passwords: memoryPasswordHasher,
    recorder,
    runtime,
  });
  const authorize = createAuthorize({ accounts: configuration });
  const api = await startApi(t, { accounts: configuration, accounting, runtime }, { management, authorize });
  const ask = async (method: string, path: string, { body, headers = {}, as = "root" }: Ask = {}) => {
    const content = body === undefined ? {} : { "content-type": "application/json" };
    const response = await fetch(api.url + path, {
      method,
      headers: { authorization: basic(as), ...content, ...headers },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer: ApiAnswer = {
      status: response.status,
      headers: response.headers,
      body: text === "" ? {} : JSON.parse(text),
    };
    return answer;
  };
  const changes = () => accounting.events.filter(({ type }) => type === "configuration.changed");
  return { ...api, workspace, configuration, ask, changes };
}
