import { type Account, hasRole, type Role } from "../../core/account.ts";
import type { Scope } from "../../core/api-token.ts";
import { FileError } from "../../core/errors.ts";
import { FolderMap } from "../../core/folder-map.ts";
import { foldersGrantedBy } from "../../core/named-folder.ts";
import { type Action, type Decision, decide } from "../../core/permission.ts";
import { parseVirtualPath, type VirtualPath } from "../../core/virtual-path.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Recorder } from "./recorder.ts";
import type { Target } from "./transfer.ts";

/**
 * What one logged-in account may do: the one place where a path that a client sent is read and a permission is
 * checked. Every refusal goes on record with the rule that decided.
 */
export class Access {
  readonly account: Account;
  readonly folders: FolderMap;
  readonly #recorder: Recorder;
  /** What an API token is good for; undefined for whoever logged in, who may do all that the account may. */
  readonly #scopes: readonly Scope[] | undefined;

  constructor(account: Account, recorder: Recorder, scopes: readonly Scope[] | undefined) {
    this.account = account;
    this.folders = new FolderMap(account);
    this.#recorder = recorder;
    this.#scopes = scopes;
  }

  /** The target, when the account may do this to it. @throws FileError `invalid-path`, `permission-denied`. */
  async authorize(action: Action, rawPath: string): Promise<Target> {
    const path = parseVirtualPath(rawPath);
    const decision = this.#decide(action, path);
    if (decision.effect === "deny") await this.refuse(action, path, decision);
    return this.#targetOf(path);
  }

  /**
   * As `authorize`, for looking at folders: `allow-traverse` grants a part of what `stat` and `list` grant, namely
   * folders and their sub-folders. `fullView` says what was decided for the whole.
   */
  async authorizeView(action: "stat" | "list", rawPath: string): Promise<{ target: Target; fullView: Decision }> {
    const path = parseVirtualPath(rawPath);
    const fullView = this.#decide(action, path);
    if (fullView.effect === "deny" && this.#decide("traverse", path).effect === "deny") {
      await this.refuse(action, path, fullView);
    }
    return { target: this.#targetOf(path), fullView };
  }

  /** For what is no file operation. `action` names it in the record. @throws FileError `permission-denied`. */
  async requireRole(role: Role, action: string): Promise<void> {
    if (hasRole(this.account, role)) return;
    const sufficient = [...new Set([role, "admin"])].join(" or ");
    await this.#refuseAction(action, `role ${sufficient} is required`);
  }

  /** What an API token needs, `undefined` for what none may do. @throws FileError `permission-denied`, on record. */
  async requireScope(scope: Scope | undefined, action: string): Promise<void> {
    if (!this.#scopes) return;
    if (scope === undefined) await this.#refuseAction(action, "no API token may do this: log in");
    else if (!this.#scopes.includes(scope)) await this.#refuseAction(action, `scope ${scope} is required`);
  }

  async #refuseAction(action: string, rule: string): Promise<never> {
    await this.#recorder.record({
      type: "access.denied",
      message: `${action} refused: ${rule}`,
      data: { action, rule },
    });
    throw new FileError("permission-denied", `permission denied: ${rule}`, { rule });
  }

  /** Puts a refusal on record and throws it. */
  async refuse(action: Action, path: VirtualPath, { rule }: Decision): Promise<never> {
    const message = `${action} of ${path} refused by ${rule}`;
    await this.#recorder.record({ type: "access.denied", message, data: { path, action, rule } });
    throw new FileError("permission-denied", `permission denied: ${rule}`, { rule });
  }

  /**
   * Where in the store the folders lie that the account's configuration speaks of: its home, its virtual folders, and
   * those that a rule such as `["/inbox/*", allow-write]` names. They are there from the first login on.
   */
  configuredFolders(): readonly string[] {
    const { name, permissions, groups, structure = [] } = this.account;
    const rules = [...permissions, ...groups.flatMap((group) => group.permissions)];
    const named = rules.flatMap((rule) => foldersGrantedBy(rule, name));
    const paths = [...named, ...structure.map((path) => parseVirtualPath(path))];
    return [...this.folders.provisionedKeys(), ...paths.map((path) => this.folders.objectKeyFor(path))];
  }

  #decide(action: Action, path: VirtualPath): Decision {
    const { name, permissions, groups } = this.account;
    return decide(
      { accountName: name, action, path },
      { account: permissions, groups: groups.map((group) => group.permissions) },
    );
  }

  #targetOf(path: VirtualPath): Target {
    return { path, objectKey: this.folders.objectKeyFor(path) };
  }
}

/** Folders that the account's configuration names are there from its first login on. */
export async function provisionFolders(objects: Pick<ObjectStore, "ensureDirectory">, access: Access): Promise<void> {
  for (const objectKey of access.configuredFolders()) await objects.ensureDirectory(objectKey);
}
