import type { Account, PublicKey, Role } from "../../core/account.ts";
import type { Peer } from "../../core/accounting-event.ts";
import { compileExpression } from "../../core/expression.ts";
import type { PermissionRule, PermissionToken } from "../../core/permission.ts";
import type { ScanScope } from "../../core/scan-scope.ts";

/** A credential as the gateway tells of it. Of a key and a certificate it has seen the proof itself. */
export type CalledCredential =
  | { readonly kind: "password"; readonly password: string }
  | { readonly kind: "public-key"; readonly provenKey: Omit<PublicKey, "comment"> }
  | {
      readonly kind: "client-certificate";
      readonly provenCertificate: { readonly commonName: string; readonly sha256: string; readonly pem: string };
    };

interface ClientOfCall {
  readonly v: 1;
  readonly username: string;
  readonly protocol: "sftp" | "ftps" | "https";
  readonly peer: Peer;
}

/**
 * What the gateway asks the custom-auth function. `login`: whether the credential is good and the account may come in.
 * `offer`: whether a key that is not proven yet would be. `account`: what an account that is logged in may do now.
 */
export type AuthenticationCall =
  | (ClientOfCall & { readonly ask: "login"; readonly credential: CalledCredential })
  | (ClientOfCall & { readonly ask: "offer"; readonly blob: string })
  | { readonly v: 1; readonly ask: "account"; readonly username: string };

/** A refusal names the account, where there is one, for the record. No answer means that nothing can be decided. */
export type AuthenticationCallAnswer =
  | { readonly v: 1; readonly ok: true; readonly account?: CalledAccount | undefined }
  | {
      readonly v: 1;
      readonly ok: false;
      readonly reason: string;
      readonly account?: CalledAccount | undefined;
      readonly details?: Readonly<Record<string, unknown>> | undefined;
    };

interface CalledRule {
  readonly expression?: string | undefined;
  readonly tokens: readonly PermissionToken[];
  readonly label: string;
}

/** An account as JSON, without its password hash and its keys: who asks never checks a credential himself. */
export interface CalledAccount {
  readonly name: string;
  readonly groups: readonly {
    readonly name: string;
    readonly enabled: boolean;
    readonly permissions: readonly CalledRule[];
    /** Expressions, as they are written. */
    readonly scan?: readonly string[] | undefined;
    readonly resumableUploads?: boolean | undefined;
  }[];
  readonly roles: readonly Role[];
  readonly enabled: boolean;
  readonly expiresAtMs?: number | undefined;
  readonly sources?: readonly string[] | undefined;
  readonly home: string;
  readonly folders: Account["folders"];
  readonly permissions: readonly CalledRule[];
  readonly external?: boolean | undefined;
  readonly structure?: readonly string[] | undefined;
  readonly scan?: readonly string[] | undefined;
  readonly resumableUploads?: boolean | undefined;
}

export function toCalledAccount(account: Account): CalledAccount {
  const { passwordHash: _hash, publicKeys: _publicKeys, ...rest } = account;
  const groups = account.groups.map(({ permissions, scan, ...group }) => ({
    ...group,
    permissions: permissions.map(toCalledRule),
    ...toCalledScan(scan),
  }));
  const { scan, ...plain } = rest;
  return { ...plain, groups, permissions: account.permissions.map(toCalledRule), ...toCalledScan(scan) };
}

/** @throws ExpressionError for an expression that this version does not read */
export function fromCalledAccount(called: CalledAccount): Account {
  const rules = (list: readonly CalledRule[]) => list.map((rule) => fromCalledRule(rule, called.name));
  const groups = called.groups.map((group) => ({
    ...group,
    permissions: rules(group.permissions),
    scan: fromCalledScan(group.scan),
  }));
  return {
    ...called,
    groups,
    scan: fromCalledScan(called.scan),
    permissions: rules(called.permissions),
    expiresAtMs: called.expiresAtMs,
    sources: called.sources,
    passwordHash: undefined,
    publicKeys: [],
  };
}

function toCalledScan(scan: ScanScope | undefined): { readonly scan?: readonly string[] } {
  return scan ? { scan: scan.map(({ source }) => source) } : {};
}

function fromCalledScan(scan: readonly string[] | undefined): ScanScope | undefined {
  return scan?.map((source) => compileExpression(source));
}

function toCalledRule({ expression, tokens, label }: PermissionRule): CalledRule {
  return { ...(expression && { expression: expression.source }), tokens, label };
}

function fromCalledRule({ expression, tokens, label }: CalledRule, user: string): PermissionRule {
  return { expression: expression === undefined ? undefined : compileExpression(expression, { user }), tokens, label };
}
