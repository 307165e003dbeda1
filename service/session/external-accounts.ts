import type { Account, Group } from "../../core/account.ts";
import type { Credential } from "../../core/credential.ts";
import { buildExternalAccount, type ExternalAccount, ExternalAccountError } from "../../core/external-account.ts";
import { limits } from "../../core/limits.ts";
import type { AccountDirectory } from "../../ports/account-directory.ts";
import type { AuthenticationQuestion, ExternalAuthentication } from "../../ports/external-authentication.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { VouchedAccounts } from "../../ports/vouched-accounts.ts";
import type { Connection } from "./connection.ts";

/** What is asked, and for whom; undefined while no other system is to be asked. */
export interface ExternalSource {
  readonly system: ExternalAuthentication;
  /** The group of an account about which the system names none. */
  readonly defaultGroup: string | undefined;
}

export interface ExternalAccountsOptions {
  /** Accounts on file: they come first, and about them nobody is asked. */
  readonly local: AccountDirectory;
  readonly source: () => ExternalSource | undefined;
  /** A group as an account sees it. */
  readonly group: (groupName: string, accountName: string) => Group | undefined | Promise<Group | undefined>;
  /** What holds over a restart. With `find`, other processes keep accounts there too, and it is asked each time. */
  readonly memory: VouchedAccounts & { find?(name: string): Promise<Known | undefined> };
  readonly runtime: Pick<Runtime, "now" | "log">;
}

export type ExternalVerdict =
  | { readonly ok: true; readonly account: Account }
  | { readonly ok: false; readonly reason: string; readonly details?: Readonly<Record<string, unknown>> | undefined };

interface Known {
  readonly external: ExternalAccount;
  readonly expiresAtMs: number;
}

/**
 * The accounts on file and, behind them, those that another system vouched for. The system cannot be asked again
 * without the credential, so what it said at the latest login holds for limits.externalAccountMs; groups are those of
 * this moment.
 */
export class ExternalAccounts implements AccountDirectory {
  readonly #options: ExternalAccountsOptions;
  /** The one that logged in last comes last. */
  readonly #known = new Map<string, Known>();

  constructor(options: ExternalAccountsOptions) {
    this.#options = options;
  }

  /** Goes on with what was said before a restart. @throws FileError `unavailable`. */
  async restore(): Promise<void> {
    for (const { name, external, expiresAtMs } of await this.#options.memory.load()) {
      this.#known.set(name, { external, expiresAtMs });
    }
  }

  /** True when a name that is on file nowhere is worth a question. */
  get isAsking(): boolean {
    return this.#options.source() !== undefined;
  }

  async find(name: string): Promise<Account | undefined> {
    const local = await this.#options.local.find(name);
    const { memory } = this.#options;
    if (local || !this.isAsking) return local;
    const known = memory.find ? await memory.find(name) : this.#known.get(name);
    if (!known) return undefined;
    try {
      return await this.#build(name, known);
    } catch (error) {
      if (error instanceof ExternalAccountError) return undefined;
      throw error;
    }
  }

  /** Asks about a credential. Who is accepted is found from here on. @throws FileError `unavailable`. */
  async authenticate(
    credential: Credential,
    connection: Pick<Connection, "peer" | "protocol">,
  ): Promise<ExternalVerdict> {
    const { kind, username } = credential;
    if (kind === "client-certificate" && credential.provenCertificate.commonName !== username) {
      return { ok: false, reason: "certificate-of-another-name" };
    }
    const { peer, protocol } = connection;
    const verdict = await this.#ask({ username, kind, content: contentOf(credential), peer, protocol });
    if (verdict.ok) await this.#remember(username, verdict.known);
    return verdict;
  }

  /** True when the key would be accepted, were its possession proven. Nobody is logged in by it. */
  async acceptsPublicKey(
    { username, blob }: { readonly username: string; readonly blob: string },
    { peer, protocol }: Pick<Connection, "peer" | "protocol">,
  ): Promise<boolean> {
    return (await this.#ask({ username, kind: "public-key", content: blob, peer, protocol })).ok;
  }

  async #ask(
    question: AuthenticationQuestion,
  ): Promise<
    { readonly ok: true; readonly account: Account; readonly known: Known } | (ExternalVerdict & { ok: false })
  > {
    const source = this.#options.source();
    if (!source) return { ok: false, reason: "unknown-account" };
    const answer = await source.system.ask(question);
    if (answer.verdict === "unknown") return { ok: false, reason: "unknown-account" };
    if (answer.verdict === "refused") return { ok: false, reason: answer.reason, details: answer.details };
    const expiresAtMs = this.#options.runtime.now() + limits.externalAccountMs;
    const external = { ...answer.account, group: answer.account.group ?? source.defaultGroup };
    try {
      return {
        ok: true,
        account: await this.#build(question.username, { external, expiresAtMs }),
        known: { external, expiresAtMs },
      };
    } catch (error) {
      if (!(error instanceof ExternalAccountError)) throw error;
      return { ok: false, reason: "external-account-unusable", details: { message: error.message } };
    }
  }

  async #build(name: string, { external, expiresAtMs }: Known): Promise<Account> {
    const group = external.group === undefined ? undefined : await this.#options.group(external.group, name);
    return buildExternalAccount(name, external, { group: () => group, expiresAtMs });
  }

  /** A memory that fails costs the session at the next restart, and not the login. */
  async #remember(name: string, known: Known): Promise<void> {
    this.#known.delete(name);
    this.#known.set(name, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > limits.externalAccounts && oldest !== undefined) this.#known.delete(oldest);
    const { memory, runtime } = this.#options;
    await memory.keep({ name, ...known }).catch((error: unknown) => {
      runtime.log.error("an account of another system is not remembered over a restart", { error });
    });
  }
}

function contentOf(credential: Credential): string {
  switch (credential.kind) {
    case "password":
      return credential.password;
    case "public-key":
      return credential.provenKey.blob;
    case "client-certificate":
      return credential.provenCertificate.pem;
  }
}
