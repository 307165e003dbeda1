import { limits } from "../../core/limits.ts";

export type Argon2Algorithm = "argon2id" | "argon2i" | "argon2d";

/** What Argon2 (RFC 9106) takes and gives besides the password. */
export interface PasswordHash {
  readonly algorithm: Argon2Algorithm;
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Buffer;
  readonly tag: Buffer;
}

/** RFC 9106 §3.1 puts salts of 8 bytes and more at the caller's choice; a shorter tag is no proof of a password. */
const minimumSaltBytes = 8;
const minimumTagBytes = 16;
const minimumMemoryKiBPerLane = 8;

const phcForm =
  /^\$(?<algorithm>argon2(?:id|i|d))\$v=19\$m=(?<memory>[1-9]\d{0,9}),t=(?<passes>[1-9]\d{0,9}),p=(?<lanes>[1-9]\d{0,9})\$(?<salt>[A-Za-z0-9+/]+)\$(?<tag>[A-Za-z0-9+/]+)$/;

/**
 * Reads `$argon2id$v=19$m=19456,t=2,p=1$salt$tag`, the PHC string format of Argon2 version 1.3 with salt and tag in
 * base64 without padding. Answers a sentence when it cannot be read or would cost more than the limits allow.
 */
export function parsePasswordHash(text: string): PasswordHash | string {
  const parts = phcForm.exec(text)?.groups;
  if (!parts) return "a password hash looks like $argon2id$v=19$m=19456,t=2,p=1$…$…";
  const [salt, tag] = [bytesOf(parts.salt ?? ""), bytesOf(parts.tag ?? "")];
  if (!salt || salt.length < minimumSaltBytes || salt.length > limits.passwordHashSaltBytes) {
    return `the salt has to be ${minimumSaltBytes} to ${limits.passwordHashSaltBytes} bytes in base64 without =`;
  }
  if (!tag || tag.length < minimumTagBytes || tag.length > limits.passwordHashTagBytes) {
    return `the hash has to be ${minimumTagBytes} to ${limits.passwordHashTagBytes} bytes in base64 without =`;
  }
  const cost = { memoryKiB: Number(parts.memory), passes: Number(parts.passes), lanes: Number(parts.lanes) };
  return costProblem(cost) ?? { algorithm: parts.algorithm as Argon2Algorithm, ...cost, salt, tag };
}

/** The PHC string of a hash, as {@link parsePasswordHash} reads it. */
export function formatPasswordHash({ algorithm, memoryKiB, passes, lanes, salt, tag }: PasswordHash): string {
  return `$${algorithm}$v=19$m=${memoryKiB},t=${passes},p=${lanes}$${base64Of(salt)}$${base64Of(tag)}`;
}

function costProblem(cost: { memoryKiB: number; passes: number; lanes: number }): string | undefined {
  const { memoryKiB, passes, lanes } = cost;
  if (lanes > limits.passwordHashLanes) return `p is over ${limits.passwordHashLanes}`;
  if (memoryKiB < minimumMemoryKiBPerLane * lanes) return `m has to be at least ${minimumMemoryKiBPerLane} times p`;
  if (memoryKiB > limits.passwordHashMemoryKiB) return `m is over ${limits.passwordHashMemoryKiB} (KiB)`;
  if (memoryKiB * passes <= limits.passwordHashMemoryPassesKiB) return undefined;
  return `m times t is over ${limits.passwordHashMemoryPassesKiB}: a login would take too long`;
}

/** Undefined for text that is not the one way to write these bytes. */
function bytesOf(base64: string): Buffer | undefined {
  const bytes = Buffer.from(base64, "base64");
  return base64Of(bytes) === base64 ? bytes : undefined;
}

function base64Of(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("=", "");
}
