import { argon2, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { PasswordHasher } from "../../ports/password-hasher.ts";
import { formatPasswordHash, type PasswordHash, parsePasswordHash } from "./password-hash.ts";

const derive = promisify(argon2);

/** The cost that OWASP recommends for Argon2id on servers with little memory to spare. */
const defaultCost = { algorithm: "argon2id", memoryKiB: 19_456, passes: 2, lanes: 1 } as const;
const saltBytes = 16;
const tagBytes = 32;

/** What is computed when there is no hash to compare with. */
const decoy: PasswordHash = { ...defaultCost, salt: Buffer.alloc(saltBytes), tag: Buffer.alloc(tagBytes) };

/** True for a hash that {@link createPasswordHasher} verifies: a PHC string of Argon2 within the limits. */
export function isPasswordHash(text: string): boolean {
  return passwordHashProblem(text) === undefined;
}

/** Why the text is no {@link isPasswordHash password hash}, in one sentence. */
export function passwordHashProblem(text: string): string | undefined {
  const parsed = parsePasswordHash(text);
  return typeof parsed === "string" ? parsed : undefined;
}

/**
 * Argon2 in Node's thread pool, at most limits.concurrentPasswordChecks at a time. A password that was right is known
 * for limits.rememberedPasswordMs, since programs log in again with each HTTP request.
 */
export function createPasswordHasher(): PasswordHasher {
  const turns = new Turns();
  const remembered = new RememberedPasswords();
  const check = async (password: string, hash: string | undefined) => {
    // Others who waited in line may have brought the same password.
    if (remembered.has(password, hash)) return true;
    const isRight = await verify(password, hash);
    if (isRight) remembered.add(password, hash);
    return isRight;
  };
  return {
    verify: async (password, hash) => remembered.has(password, hash) || turns.run(() => check(password, hash)),
    hash: (password) => turns.run(() => hash(password)),
  };
}

async function verify(password: string, hash: string | undefined): Promise<boolean> {
  const parsed = hash === undefined ? undefined : parsePasswordHash(hash);
  const known = typeof parsed === "object";
  const expected = known ? parsed : decoy;
  const usable = isUsable(password);
  const tag = await tagOf(usable ? password : "", expected);
  return timingSafeEqual(tag, expected.tag) && usable && known;
}

/** @throws FileError `invalid-argument` for a password that {@link verify} would never accept. */
async function hash(password: string): Promise<string> {
  if (!isUsable(password)) {
    throw new FileError("invalid-argument", `a password has 1 to ${limits.passwordBytes} bytes of UTF-8`);
  }
  const parameters = { ...decoy, salt: randomBytes(saltBytes) };
  return formatPasswordHash({ ...parameters, tag: await tagOf(password, parameters) });
}

function isUsable(password: string): boolean {
  const bytes = Buffer.byteLength(password);
  return bytes > 0 && bytes <= limits.passwordBytes && password.isWellFormed();
}

function tagOf(password: string, { algorithm, memoryKiB, passes, lanes, salt, tag }: PasswordHash): Promise<Buffer> {
  return derive(algorithm, {
    message: Buffer.from(password),
    nonce: salt,
    memory: memoryKiB,
    passes,
    parallelism: lanes,
    tagLength: tag.length,
  });
}

/** Lets a few computations run, has some more wait in line, and refuses the rest. */
class Turns {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  async run<T>(action: () => Promise<T>): Promise<T> {
    await this.#take();
    try {
      return await action();
    } finally {
      this.#pass();
    }
  }

  async #take(): Promise<void> {
    if (this.#running < limits.concurrentPasswordChecks) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= limits.queuedPasswordChecks) {
      throw new FileError("unavailable", "too many logins wait for their password check");
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the turn to the next in line. */
  #pass(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running -= 1;
  }
}

/**
 * Passwords that were right for a hash, as an HMAC under a secret that this process alone has and never writes. Another
 * hash, and so a changed password, is another entry. Wrong passwords always cost the same.
 */
class RememberedPasswords {
  readonly #secret = randomBytes(tagBytes);
  readonly #knownUntilMs = new Map<string, number>();

  has(password: string, hash: string | undefined): boolean {
    if (hash === undefined || !isUsable(password)) return false;
    return performance.now() < (this.#knownUntilMs.get(this.#entry(password, hash)) ?? 0);
  }

  add(password: string, hash: string | undefined): void {
    if (hash === undefined) return;
    this.#knownUntilMs.set(this.#entry(password, hash), performance.now() + limits.rememberedPasswordMs);
    const [oldest] = this.#knownUntilMs.keys();
    if (this.#knownUntilMs.size > limits.rememberedPasswords && oldest !== undefined) this.#knownUntilMs.delete(oldest);
  }

  #entry(password: string, hash: string): string {
    return createHmac("sha256", this.#secret).update(`${hash}\0${password}`).digest("base64");
  }
}
