import type { Account } from "../../core/account.ts";
import {
  type EntryKind,
  entryChanges,
  type FieldChange,
  type JsonObject,
  redacted,
  withKeptSecrets,
} from "../../core/configuration-entry.ts";
import { ConfigurationError } from "../../core/configuration-error.ts";
import { FileError } from "../../core/errors.ts";
import { evaluateLogin } from "../../core/login.ts";
import type {
  ConfigurationEntry,
  ConfigurationStore,
  EntryOutcome,
  EntryPrecondition,
} from "../../ports/configuration-store.ts";
import type { PasswordHasher } from "../../ports/password-hasher.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { Session } from "../session/session.ts";
import { changeContent, type Operation, operationOf } from "./change-event.ts";
import { type PasswordWish, passwordWish } from "./password-wish.ts";
import type { ChangeRecorder } from "./record-changes.ts";

/** An entry as it may be shown: secrets are replaced by `{"set": true}`. */
export interface ShownEntry {
  readonly name: string;
  readonly value: JsonObject;
  readonly etag: string;
  readonly origin: "file" | "api";
  readonly modified: string;
}

export interface ShownPage {
  readonly entries: readonly ShownEntry[];
  readonly next: string | undefined;
}

export interface ChangeOptions {
  readonly precondition: EntryPrecondition;
  readonly dryRun: boolean;
}

export interface ChangeReport {
  readonly operation: Operation;
  readonly changes: readonly FieldChange[];
  /** Absent after a removal. */
  readonly entry: ShownEntry | undefined;
}

export interface ManagementServices {
  readonly store: ConfigurationStore;
  readonly passwords: PasswordHasher;
  readonly recorder: ChangeRecorder;
  readonly runtime: Pick<Runtime, "now">;
}

/**
 * Accounts, groups and rules for those who manage them. Whoever calls this has seen to the role. A change is
 * in force and its event on record when the promise resolves.
 */
export class Management {
  readonly #services: ManagementServices;

  constructor(services: ManagementServices) {
    this.#services = services;
  }

  async list(kind: EntryKind, page: { limit: number; after?: string | undefined }): Promise<ShownPage> {
    const { entries, next } = await this.#services.store.list(kind, page);
    return { entries: entries.map(shown), next };
  }

  /** @throws FileError `not-found` */
  async read(kind: EntryKind, name: string): Promise<ShownEntry> {
    const entry = await this.#services.store.find(kind, name);
    if (!entry) throw new FileError("not-found", `there is no ${kind.replace("-", " ")} ${JSON.stringify(name)}`);
    return shown(entry);
  }

  /**
   * Makes the entry what `written` says. @throws FileError `precondition-failed`; ConfigurationError `invalid-entry`
   * with every problem, `conflict` when the change would lock out whoever makes it
   */
  async put(session: Session, target: EntryTarget, written: JsonObject, options: ChangeOptions): Promise<ChangeReport> {
    const { kind, name } = target;
    const value = withName(written, name);
    const wish = kind === "account" ? await this.#passwordWish(name, value) : undefined;
    return this.#change(session, target, options, (before) =>
      wish ? wish.applied(value, before?.value) : withKeptSecrets(kind, value, before?.value),
    );
  }

  /** @throws FileError `not-found`, `precondition-failed`; ConfigurationError `conflict` */
  remove(session: Session, target: EntryTarget, options: ChangeOptions): Promise<ChangeReport> {
    return this.#change(session, target, options, () => undefined);
  }

  async #change(
    session: Session,
    target: EntryTarget,
    options: ChangeOptions,
    valueFrom: (before: ConfigurationEntry | undefined) => JsonObject | undefined,
  ): Promise<ChangeReport> {
    const { store, recorder } = this.#services;
    const outcome = await store.change({ ...target, ...options, valueFrom }, (changed, accountAfter) => {
      this.#assertStillLoggedIn(session, accountAfter);
      return session.eventOf(changeContent(changed, "api"));
    });
    if (!options.dryRun) await recorder.record();
    return reportOf(target.kind, outcome);
  }

  async #passwordWish(name: string, value: JsonObject): Promise<PasswordWish> {
    const known = await this.#services.store.find("account", name);
    return passwordWish(this.#services.passwords, value.password, known?.value.password);
  }

  /** By accident, an administrator could close the only door. @throws ConfigurationError `conflict` */
  #assertStillLoggedIn({ account, peer }: Session, accountAfter: (name: string) => Account | undefined): void {
    if (!account) return;
    const after = accountAfter(account.name);
    const reason = lockOutReason(account, after, this.#services.runtime.now(), peer.address);
    if (reason === undefined) return;
    const message = `this would lock out the account that makes the change: ${reason}`;
    throw new ConfigurationError("conflict", { field: "", message });
  }
}

export interface EntryTarget {
  readonly kind: EntryKind;
  readonly name: string;
}

function lockOutReason(
  before: Account,
  after: Account | undefined,
  nowMs: number,
  address: string,
): string | undefined {
  if (!after) return "it would be gone";
  if (before.roles.includes("admin") && !after.roles.includes("admin")) return "it would lose the role admin";
  if (before.passwordHash !== undefined && after.passwordHash === undefined) return "it would lose its password";
  const login = evaluateLogin(after, nowMs, address);
  return login.ok ? undefined : login.reason;
}

function withName(written: JsonObject, name: string): JsonObject {
  if (written.name === undefined) return { name, ...written };
  if (written.name === name) return written;
  const message = `the entry is named ${JSON.stringify(name)} by the path`;
  throw new ConfigurationError("invalid-entry", { field: "name", message });
}

function shown({ kind, name, value, etag, origin, modified }: ConfigurationEntry): ShownEntry {
  return { name, value: redacted(kind, value), etag, origin, modified };
}

function reportOf(kind: EntryKind, outcome: EntryOutcome): ChangeReport {
  const { before, after } = outcome;
  const changes = entryChanges(kind, before?.value, after?.value);
  return { operation: operationOf(outcome), changes, entry: after && shown(after) };
}
