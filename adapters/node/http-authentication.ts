import { createHash } from "node:crypto";
import { isIPv6 } from "node:net";
import { FileError } from "../../core/errors.ts";
import { ExternalAccountError, parseExternalAccount, plainExternalAccount } from "../../core/external-account.ts";
import { limits } from "../../core/limits.ts";
import type {
  AuthenticationAnswer,
  AuthenticationQuestion,
  ExternalAuthentication,
} from "../../ports/external-authentication.ts";
import type { Log } from "../../ports/runtime.ts";
import { type PostAnswer, post } from "./http-post.ts";
import { publicLookup, refusePrivateAddress } from "./public-hosts.ts";

export interface HttpAuthenticationOptions {
  /** `http:` or `https:`, with USER:PASSWORD@ for Basic authentication. The first that answers decides. */
  readonly urls: readonly string[];
  /** For each address. */
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  /** False refuses addresses that are not public, also those to which a name leads. @default true */
  readonly allowPrivate?: boolean | undefined;
  readonly serverName: string;
  readonly now: () => number;
  readonly log: Log;
}

/**
 * Asks an endpoint of the customer in the form of SFTPPlus's HTTP authentication: 204 accepts, 200 accepts with an
 * account, 401 knows nothing about it, 403 refuses. Whatever else happens refuses: no account is accepted by mistake.
 */
export function createHttpAuthentication(options: HttpAuthenticationOptions): ExternalAuthentication {
  const endpoints = new Endpoints(options);
  let waiting = 0;
  return {
    ask: async (question) => {
      if (waiting >= limits.externalAuthenticationQuestions) {
        throw new FileError("unavailable", "too many logins wait for another system");
      }
      waiting += 1;
      try {
        const answer = await endpoints.post(JSON.stringify(contentOf(question, options.serverName)));
        return answer ? judge(answer, question) : { verdict: "refused", reason: "external-authentication-unavailable" };
      } finally {
        waiting -= 1;
      }
    },
  };
}

/** Several addresses of the same system. One that failed is asked after the others for a while. */
class Endpoints {
  readonly #options: HttpAuthenticationOptions;
  readonly #restsUntilMs = new Map<string, number>();

  constructor(options: HttpAuthenticationOptions) {
    this.#options = options;
  }

  /** The first answer that is no failure of the server behind the address; undefined when there is none. */
  async post(body: string): Promise<PostAnswer | undefined> {
    const { timeoutMs, headers, allowPrivate = true, log } = this.#options;
    const lookup = allowPrivate ? undefined : publicLookup;
    for (const url of this.#inTurn()) {
      try {
        if (!allowPrivate) refusePrivateAddress(new URL(url).hostname);
        const answer = await post({ ...addressed(url, headers), body, timeoutMs, answerBytes, lookup });
        if (answer.status < 500) return answer;
        log.warn("an authentication endpoint failed", { host: new URL(url).host, status: answer.status });
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        log.warn("an authentication endpoint could not be asked", { host: new URL(url).host, error: code ?? message });
      }
      this.#restsUntilMs.set(url, this.#options.now() + limits.externalRestMs);
    }
    return undefined;
  }

  #inTurn(): readonly string[] {
    const nowMs = this.#options.now();
    const rests = (url: string) => (this.#restsUntilMs.get(url) ?? 0) > nowMs;
    const { urls } = this.#options;
    return [...urls.filter((url) => !rests(url)), ...urls.filter(rests)];
  }
}

const answerBytes = limits.externalAnswerBytes;

function addressed(address: string, headers: Readonly<Record<string, string>>) {
  const url = new URL(address);
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const basic = url.username === "" ? {} : { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` };
  url.username = "";
  url.password = "";
  const content = { "content-type": "application/json; charset=utf-8", accept: "application/json" };
  return { url: url.href, headers: { "user-agent": "ferrygate", ...basic, ...headers, ...content } };
}

const credentialTypes = {
  password: "password",
  "public-key": "ssh-key",
  "client-certificate": "ssl-certificate",
} as const;
const creatorTypes = { sftp: "ssh", ftps: "ftps", https: "https" } as const;

function contentOf({ username, kind, content, peer, protocol }: AuthenticationQuestion, serverName: string) {
  const family = isIPv6(peer.address) ? "IPv6" : "IPv4";
  const credentials = {
    type: credentialTypes[kind],
    username,
    content,
    peer: { ...peer, family, protocol: "TCP" },
    creator: { uuid: uuidOf(`${serverName} ${protocol}`), type: creatorTypes[protocol] },
  };
  return { credentials, server: { uuid: uuidOf(serverName) } };
}

/** The same for the same name (RFC 9562 §5.8). */
function uuidOf(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function judge({ status, body }: PostAnswer, question: AuthenticationQuestion): AuthenticationAnswer {
  switch (status) {
    case 204:
      return { verdict: "accepted", account: plainExternalAccount };
    case 200:
      return described(body);
    case 401:
      return { verdict: "unknown" };
    case 403:
      return { verdict: "refused", reason: "refused-externally", ...details(body, question) };
    default:
      return { verdict: "refused", reason: "external-authentication-failed", details: { status } };
  }
}

function described(body: Buffer): AuthenticationAnswer {
  try {
    return { verdict: "accepted", account: parseExternalAccount(jsonOf(body)) };
  } catch (error) {
    if (!(error instanceof ExternalAccountError)) throw error;
    return { verdict: "refused", reason: "external-account-unusable", details: { message: error.message } };
  }
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new ExternalAccountError("the answer is not JSON");
  }
}

/** What the system says about a refusal, unless it is long or repeats the credential. */
function details(body: Buffer, { content }: AuthenticationQuestion): { details?: Readonly<Record<string, unknown>> } {
  try {
    const said: unknown = JSON.parse(body.toString());
    const text = JSON.stringify(said);
    const isFit = text.length <= limits.externalDetailLength && !text.includes(JSON.stringify(content).slice(1, -1));
    return isFit && typeof said === "object" && said !== null && !Array.isArray(said) ? { details: { ...said } } : {};
  } catch {
    return {};
  }
}
