import type { PermissionRule } from "./permission.ts";
import type { ScanScope } from "./scan-scope.ts";

/** What several accounts share. The first group of an account is its primary group. */
export interface Group {
  readonly name: string;
  readonly enabled: boolean;
  readonly permissions: readonly PermissionRule[];
  /** What is scanned before anybody can read it; undefined means that the group demands nothing. */
  readonly scan?: ScanScope | undefined;
  /** Whether uploads that break off are kept, so that the account can go on with them. */
  readonly resumableUploads?: boolean | undefined;
}

/**
 * What accounts may do besides moving files: `auditor` reads the accounting record, `operator` has the dispatch rules,
 * the alert rules and the dead letters, and `admin` everything, accounts included.
 */
export const roles = ["admin", "auditor", "operator"] as const;

export type Role = (typeof roles)[number];

/** Whether the account may do what takes this role. */
export function hasRole({ roles: own }: Pick<Account, "roles">, role: Role): boolean {
  return own.includes(role) || own.includes("admin");
}

/** An SSH public key on file: `algorithm` as in RFC 4253 §6.6, `blob` its wire form in base64. */
export interface PublicKey {
  readonly algorithm: string;
  readonly blob: string;
  readonly comment: string;
}

/** Who may connect, from where, until when, and what they may do. Names are compared as written. */
export interface Account {
  readonly name: string;
  /** Primary group first. */
  readonly groups: readonly Group[];
  /** PHC string (`$argon2id$…`), when the account may use a password. */
  readonly passwordHash: string | undefined;
  readonly publicKeys: readonly PublicKey[];
  readonly roles: readonly Role[];
  readonly enabled: boolean;
  /** Milliseconds since the epoch; the account is refused from this moment on. */
  readonly expiresAtMs: number | undefined;
  /** CIDR blocks; when present, every other address is refused. */
  readonly sources: readonly string[] | undefined;
  /** Prefix in the store, without slashes at the ends. */
  readonly home: string;
  /** Virtual folders: what the client sees, and the prefix in the store behind it. */
  readonly folders: readonly { readonly path: string; readonly prefix: string }[];
  readonly permissions: readonly PermissionRule[];
  /** True for an account that another system vouches for. */
  readonly external?: boolean | undefined;
  /** Virtual paths of folders that are made at the login. */
  readonly structure?: readonly string[] | undefined;
  /** What is scanned before anybody can read it, besides what the groups demand. */
  readonly scan?: ScanScope | undefined;
  /** Whether uploads that break off are kept; a group may say so too. */
  readonly resumableUploads?: boolean | undefined;
}
