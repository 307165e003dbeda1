import { Buffer } from "node:buffer";
import ssh2, {
  type AuthContext,
  type AuthenticationType,
  type KeyboardAuthContext,
  type ParsedKey,
  type PublicKeyAuthContext,
} from "ssh2";
import { type Credential, ProvenKey } from "../../core/credential.ts";
import { FileError } from "../../core/errors.ts";
import type { Session } from "../../service/session/session.ts";
import type { SftpLog } from "./log.ts";
import type { SftpLimits } from "./request-context.ts";

/** What a client may try, in the order in which clients should. */
const methods: AuthenticationType[] = ["publickey", "password", "keyboard-interactive"];

/** The hashes under which an RSA key may sign (RFC 8332). */
const rsaHashes: readonly (string | undefined)[] = ["sha256", "sha512"];

export interface AuthenticationHost {
  readonly session: Session;
  readonly limits: SftpLimits;
  readonly log: SftpLog;
  isClosed(): boolean;
  /** The client has tried too often. */
  giveUp(): void;
}

/**
 * Answers the authentication requests of one connection (RFC 4252, RFC 4256). Every request is answered, whatever
 * fails. A public key counts only with a signature over this connection's session identifier that is verified here:
 * ssh2 verifies none.
 */
export class Authenticator {
  readonly #host: AuthenticationHost;
  #failures = 0;
  #offers = 0;
  #hasTried = false;
  /** The last key that was refused, while no credential was checked. */
  #refusedKey: { readonly username: string; readonly reason: string } | undefined;

  constructor(host: AuthenticationHost) {
    this.#host = host;
  }

  async answer(context: AuthContext): Promise<void> {
    try {
      await this.#decide(context);
    } catch (error) {
      const { log, session } = this.#host;
      if (!(error instanceof FileError)) log.error("authentication failed", { session: session.id, error: `${error}` });
      this.#refuse(context);
    }
  }

  /** To be called when the connection is gone: a client that only had wrong keys to offer has failed to log in. */
  async ended(): Promise<void> {
    if (!this.#refusedKey) return;
    const { username, reason } = this.#refusedKey;
    this.#refusedKey = undefined;
    await this.#host.session.recordRefusedKeys(username, reason);
  }

  async #decide(context: AuthContext): Promise<void> {
    switch (context.method) {
      case "password":
        return this.#checkPassword(context, context.password);
      case "keyboard-interactive":
        return this.#checkPassword(context, await promptedPassword(context));
      case "publickey":
        return context.signature ? this.#checkSignature(context) : this.#answerOffer(context);
      default:
        // `none` asks which methods there are (RFC 4252 §5.2) and is no attempt.
        return this.#reply(() => context.reject(methods));
    }
  }

  /** A request to change the password comes as an object; nobody changes a password here. */
  async #checkPassword(context: AuthContext, password: unknown): Promise<void> {
    if (typeof password !== "string") return this.#refuse(context);
    await this.#check(context, { kind: "password", username: this.#usernameOf(context), password });
  }

  async #checkSignature(context: PublicKeyAuthContext): Promise<void> {
    const { blob, signature, hashAlgo } = context;
    const publicKey = readPublicKey(context);
    const provenKey =
      publicKey &&
      blob &&
      signature &&
      ProvenKey.prove(
        { algorithm: publicKey.type, blob: blobOf(context) },
        () => publicKey.verify(blob, signature, hashAlgo) === true,
      );
    if (!provenKey) {
      this.#noteRefusedKey(context, "invalid-signature");
      return this.#refuse(context);
    }
    await this.#check(context, { kind: "public-key", username: this.#usernameOf(context), provenKey });
  }

  /** A key without a signature proves nothing and leaves no trace: the client learns whether to sign (RFC 4252 §7). */
  async #answerOffer(context: PublicKeyAuthContext): Promise<void> {
    const { session, limits } = this.#host;
    const reason = readPublicKey(context)
      ? await session.publicKeyRefusal(this.#usernameOf(context), blobOf(context))
      : "unusable-public-key";
    if (reason === undefined) return this.#reply(() => context.accept());
    this.#noteRefusedKey(context, reason);
    this.#offers += 1;
    if (this.#offers >= limits.publicKeyOffers) {
      this.#host.giveUp();
      return;
    }
    this.#reply(() => context.reject(methods));
  }

  #noteRefusedKey(context: AuthContext, reason: string): void {
    if (!this.#hasTried) this.#refusedKey = { username: this.#usernameOf(context), reason };
  }

  async #check(context: AuthContext, credential: Credential): Promise<void> {
    this.#hasTried = true;
    this.#refusedKey = undefined;
    if (await this.#host.session.authenticate(credential)) this.#reply(() => context.accept());
    else this.#refuse(context);
  }

  #refuse(context: AuthContext): void {
    this.#failures += 1;
    if (this.#failures >= this.#host.limits.authenticationAttempts) {
      this.#host.giveUp();
      return;
    }
    this.#reply(() => context.reject(methods));
  }

  /** The connection may have ended while the answer was found. */
  #reply(send: () => void): void {
    if (!this.#host.isClosed()) send();
  }

  /** Longer names belong to no account; cut, they still do not, and cannot fill the accounting log. */
  #usernameOf({ username }: AuthContext): string {
    const { accountNameLength } = this.#host.limits;
    return username.length > accountNameLength ? `${username.slice(0, accountNameLength)}…` : username;
  }
}

/** Undefined when the client answers with anything but one response, or turns to another method instead. */
function promptedPassword(context: KeyboardAuthContext): Promise<string | undefined> {
  return new Promise((resolve) => {
    context.prompt([{ prompt: "Password: ", echo: false }], (responses) => {
      resolve(Array.isArray(responses) && responses.length === 1 ? responses[0] : undefined);
    });
  });
}

function blobOf({ key: offered }: PublicKeyAuthContext): string {
  return offered.data.toString("base64");
}

/**
 * The key in the request, when its bytes are a key of exactly the kind that the request names. ssh2's parser reads
 * text forms too, which have no place on the wire, and takes the hash of SHA-1 where an RSA request names none.
 */
function readPublicKey({ key: offered, hashAlgo }: PublicKeyAuthContext): ParsedKey | undefined {
  const name = Buffer.from(offered.algo, "latin1");
  const isOnTheWire = offered.data.length > 4 && offered.data.readUInt32BE(0) === name.length;
  if (!isOnTheWire || !offered.data.subarray(4, 4 + name.length).equals(name)) return undefined;
  const parsed: ParsedKey | Error = ssh2.utils.parseKey(offered.data);
  if (parsed instanceof Error || parsed.type !== offered.algo || !parsed.getPublicSSH().equals(offered.data))
    return undefined;
  if (parsed.type === "ssh-dss" || (parsed.type === "ssh-rsa" && !rsaHashes.includes(hashAlgo))) return undefined;
  return parsed;
}
