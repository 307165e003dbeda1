import { createHmac } from "node:crypto";
import { lookup as resolve } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { DeliveryError } from "../../core/delivery.ts";
import { limits } from "../../core/limits.ts";
import { isPublicAddress } from "../../core/public-address.ts";
import type { WebhookSender } from "../../ports/webhook-sender.ts";
import { type PostAnswer, post } from "./http-post.ts";

/** Refusals of the content: the same content will be refused again. All others may be mended at the receiver's end. */
const finalStatuses: readonly number[] = [400, 405, 410, 413, 414, 415, 422];

/**
 * Posts events as the Standard Webhooks specification has it: `webhook-id`, `webhook-timestamp` and
 * `webhook-signature` (`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64).
 */
export function createWebhookSender({ now }: { readonly now: () => number }): WebhookSender {
  return {
    send: async ({ url, secret, allowPrivate }, { id, body }) => {
      if (!allowPrivate) refusePrivateAddress(new URL(url).hostname);
      const timestamp = `${Math.floor(now() / 1000)}`;
      const headers = {
        "content-type": "application/json",
        "user-agent": "ferrygate",
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        ...(secret !== undefined && { "webhook-signature": signature(secret, `${id}.${timestamp}.${body}`) }),
      };
      const lookup = allowPrivate ? undefined : publicLookup;
      const answer = await post({
        url,
        headers,
        body,
        timeoutMs: limits.webhookMs,
        answerBytes: limits.webhookAnswerBytes,
        lookup,
      }).catch((error: unknown) => {
        throw unanswered(error);
      });
      assertAccepted(answer, now());
    },
  };
}

function signature(secret: string, content: string): string {
  const prefix = "whsec_";
  const secretBytes = secret.startsWith(prefix) ? Buffer.from(secret.slice(prefix.length), "base64") : secret;
  return `v1,${createHmac("sha256", secretBytes).update(content).digest("base64")}`;
}

/** An address stands in the URL itself: no name is resolved, so the resolver cannot refuse it. */
function refusePrivateAddress(hostname: string): void {
  const host = hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw new PrivateAddressError();
}

/** What was checked is what is connected to: the name is not resolved a second time. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, "", 0);
    const refused = addresses.some(({ address }) => !isPublicAddress(address));
    const [first] = addresses;
    if (refused || !first) return callback(new PrivateAddressError(), "", 0);
    return options.all ? callback(null, addresses) : callback(null, first.address, first.family);
  });
};

class PrivateAddressError extends DeliveryError {
  constructor() {
    super("the webhook's address is not public: allowPrivate is needed for it", { retriable: false });
  }
}

function unanswered(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new DeliveryError(`the webhook could not be reached: ${code ?? message}`, { retriable: true, cause: error });
}

function assertAccepted({ status, headers }: PostAnswer, nowMs: number): void {
  if (status >= 200 && status < 300) return;
  const isRedirect = status >= 300 && status < 400;
  const hint = isRedirect ? ", and redirects are not followed" : "";
  throw new DeliveryError(`the webhook answered ${status}${hint}`, {
    retriable: !finalStatuses.includes(status),
    retryAfterMs: retryAfterMs(headers["retry-after"], nowMs),
  });
}

/** Seconds or a date (RFC 9110 §10.2.3). */
function retryAfterMs(value: string | readonly string[] | undefined, nowMs: number): number | undefined {
  if (typeof value !== "string") return undefined;
  if (/^\d{1,10}$/.test(value)) return Number(value) * 1000;
  const dateMs = Date.parse(value);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
