import { createHmac } from "node:crypto";
import { DeliveryError } from "../../core/delivery.ts";
import { limits } from "../../core/limits.ts";
import type { WebhookSender } from "../../ports/webhook-sender.ts";
import { type PostAnswer, post } from "./http-post.ts";
import { PrivateAddressError, publicLookup, refusePrivateAddress } from "./public-hosts.ts";

/** Refusals of the content: the same content will be refused again. All others may be mended at the receiver's end. */
const finalStatuses: readonly number[] = [400, 405, 410, 413, 414, 415, 422];

/**
 * Posts events as the Standard Webhooks specification has it: `webhook-id`, `webhook-timestamp` and
 * `webhook-signature` (`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64).
 */
export function createWebhookSender({ now }: { readonly now: () => number }): WebhookSender {
  return {
    send: async ({ url, secret, allowPrivate }, { id, body }) => {
      const timestamp = `${Math.floor(now() / 1000)}`;
      const headers = {
        "content-type": "application/json",
        "user-agent": "ferrygate",
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        ...(secret !== undefined && { "webhook-signature": signature(secret, `${id}.${timestamp}.${body}`) }),
      };
      const lookup = allowPrivate ? undefined : publicLookup;
      try {
        if (!allowPrivate) refusePrivateAddress(new URL(url).hostname);
        const { webhookMs: timeoutMs, webhookAnswerBytes: answerBytes } = limits;
        assertAccepted(await post({ url, headers, body, timeoutMs, answerBytes, lookup }), now());
      } catch (error) {
        throw unanswered(error);
      }
    },
  };
}

function signature(secret: string, content: string): string {
  const prefix = "whsec_";
  const secretBytes = secret.startsWith(prefix) ? Buffer.from(secret.slice(prefix.length), "base64") : secret;
  return `v1,${createHmac("sha256", secretBytes).update(content).digest("base64")}`;
}

function unanswered(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error;
  if (error instanceof PrivateAddressError) {
    const message = "the webhook's address is not public: allowPrivate is needed for it";
    return new DeliveryError(message, { retriable: false });
  }
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
