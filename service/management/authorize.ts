import type { Account } from "../../core/account.ts";
import { FileError } from "../../core/errors.ts";
import { FolderMap } from "../../core/folder-map.ts";
import { type Action, actions, decide, parseAction } from "../../core/permission.ts";
import { parseVirtualPath, type VirtualPath } from "../../core/virtual-path.ts";
import type { AccountDirectory } from "../../ports/account-directory.ts";
import type { Session } from "../session/session.ts";

export interface AuthorizationQuestion {
  /** Oneself when absent. */
  readonly account?: string | undefined;
  /** An action, or another word for it that `parseAction` knows. */
  readonly action: string;
  readonly path: string;
}

export interface Authorization {
  readonly effect: "allow" | "deny";
  /** The rule that decided. */
  readonly rule: string;
  readonly account: string;
  readonly action: Action;
  readonly path: VirtualPath;
  readonly objectKey: string;
}

/**
 * What the permissions of an account say to an action, which nobody performs: there is no event. Whoever asks about
 * another account needs the role `admin`; its refusal is on record.
 * @throws FileError `permission-denied`; `invalid-argument`, `invalid-path` with the field; `not-found`
 */
export type Authorize = (session: Session, question: AuthorizationQuestion) => Promise<Authorization>;

export function createAuthorize({ accounts }: { readonly accounts: AccountDirectory }): Authorize {
  return async (session, question) => {
    const name = question.account ?? session.account?.name ?? "";
    if (name !== session.account?.name) await session.requireRole("admin", "authorize");
    return authorizationOf(accounts, { ...question, account: name });
  };
}

/**
 * The same for whoever may ask about every account. @throws FileError as {@link Authorize}, save `permission-denied`
 */
export async function authorizationOf(
  accounts: AccountDirectory,
  question: AuthorizationQuestion & { readonly account: string },
): Promise<Authorization> {
  const action = readAction(question.action);
  const path = readPath(question.path);
  const account = await accounts.find(question.account);
  if (account) return authorizationFor(account, action, path);
  throw new FileError("not-found", `there is no account ${JSON.stringify(question.account)}`, { field: "account" });
}

export function authorizationFor(account: Account, action: Action, path: VirtualPath): Authorization {
  const { name, permissions, groups } = account;
  const lists = { account: permissions, groups: groups.map((group) => group.permissions) };
  const { effect, rule } = decide({ accountName: name, action, path }, lists);
  return { effect, rule, account: name, action, path, objectKey: new FolderMap(account).objectKeyFor(path) };
}

function readAction(text: string): Action {
  const action = parseAction(text);
  if (action) return action;
  throw new FileError("invalid-argument", `the actions are ${actions.join(", ")}`, { field: "action" });
}

function readPath(text: string): VirtualPath {
  try {
    return parseVirtualPath(text);
  } catch (error) {
    if (error instanceof FileError) throw new FileError(error.code, error.message, { field: "path" });
    throw error;
  }
}
