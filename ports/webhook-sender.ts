import type { WebhookTarget } from "../core/alert-rule.ts";

/** The way out for webhooks, in the form of the Standard Webhooks specification. */
export interface WebhookSender {
  /**
   * Posts `body`, JSON, and resolves when the receiver has answered with a status of success. `id` is the same for
   * every attempt. @throws DeliveryError
   */
  send(target: WebhookTarget, message: { readonly id: string; readonly body: string }): Promise<void>;
}
