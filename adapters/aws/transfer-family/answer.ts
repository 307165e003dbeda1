import type { TransferFamilyAuthorizerEvent, TransferFamilyAuthorizerResult } from "aws-lambda";
import type { Account } from "../../../core/account.ts";
import { MountError, mountsOf } from "./mounts.ts";
import type { Mount } from "./place-patterns.ts";
import { SessionPolicyError, sessionPolicyOf } from "./session-policy.ts";

/** What a managed server needs besides the account. */
export interface ManagedServer {
  /** ARN of the role in which it reaches the bucket. */
  readonly role: string;
  readonly bucket: string;
  /** ARN of the bucket's KMS key, where it has one. */
  readonly encryptionKey?: string | undefined;
}

export interface ManagedAnswer {
  /** `{}` refuses. */
  readonly result: TransferFamilyAuthorizerResult;
  /** For the operator: what the server allows less than the rules, or why it refuses the account altogether. */
  readonly warnings: readonly string[];
}

/** True for what AWS Transfer Family asks its custom identity provider. */
export function isTransferFamilyEvent(event: unknown): event is TransferFamilyAuthorizerEvent {
  if (typeof event !== "object" || event === null) return false;
  const members: Readonly<Partial<Record<string, unknown>>> = { ...event };
  return ["username", "protocol", "serverId", "sourceIp"].every((name) => typeof members[name] === "string");
}

/**
 * What the identity provider answers about an account that may log in. Keys are given to the server only when it asks
 * without a password: it holds the client's signature against them itself.
 */
export function managedAnswerOf(
  account: Account,
  method: "password" | "public-key",
  { role, bucket, encryptionKey }: ManagedServer,
): ManagedAnswer {
  try {
    const mounts = mountsOf(account);
    const { policy, warnings } = sessionPolicyOf({ account, mounts, bucket, encryptionKey });
    const publicKeys = account.publicKeys.map(({ algorithm, blob }) => `${algorithm} ${blob}`);
    const result = {
      Role: role,
      Policy: policy,
      HomeDirectoryType: "LOGICAL" as const,
      HomeDirectoryDetails: JSON.stringify(mounts.map((mount) => directoryOf(mount, bucket))),
      ...(method === "public-key" && { PublicKeys: publicKeys }),
    };
    return { result, warnings: [...warnings, ...mountWarnings(account)] };
  } catch (error) {
    if (!(error instanceof SessionPolicyError) && !(error instanceof MountError)) throw error;
    return { result: {}, warnings: [error.message] };
  }
}

function directoryOf({ path, prefix }: Mount, bucket: string) {
  return { Entry: path, Target: prefix === "" ? `/${bucket}` : `/${bucket}/${prefix}` };
}

function mountWarnings({ name, folders }: Account): readonly string[] {
  if (folders.length === 0) return [];
  return [`${name} sees its virtual folders and those that its rules name, and nothing else of its home`];
}
