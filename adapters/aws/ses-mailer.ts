import { type SESClient, SESServiceException, SendRawEmailCommand } from "@aws-sdk/client-ses";
import { DeliveryError } from "../../core/delivery.ts";
import type { EmailMessage, Mailer } from "../../ports/mailer.ts";
import { composeEmail } from "../node/email-composition.ts";

/**
 * Sends mail through Amazon SES. SES takes a message for all of its recipients or for none, and puts a Message-ID of
 * its own into it, so that a repetition after a lost answer looks like another message.
 */
export function createSesMailer({ client }: { readonly client: SESClient }): Mailer {
  return {
    send: async (message) => {
      const Data = await composeEmail(message);
      try {
        await client.send(
          new SendRawEmailCommand({
            Source: message.from,
            Destinations: recipientsOf(message),
            RawMessage: { Data },
          }),
        );
      } catch (error) {
        throw deliveryError(error);
      }
      return { refused: [] };
    },
    close: () => client.destroy(),
  };
}

function recipientsOf({ to, cc, bcc }: EmailMessage): string[] {
  return [...new Set([...to, ...cc, ...bcc])];
}

/**
 * Final is what SES says about the message itself. That an identity is not verified, sending is paused or the quota
 * used up is mended by people or by time.
 */
function deliveryError(error: unknown): DeliveryError {
  const name = error instanceof SESServiceException ? error.name : undefined;
  const text = error instanceof Error ? error.message.replace(/[\p{Cc}]+/gu, " ").slice(0, replyLength) : "";
  if (name === undefined) return new DeliveryError("Amazon SES cannot be reached", { retriable: true, cause: error });
  const isAboutMessage = finalNames.includes(name) && !/not verified/i.test(text);
  return new DeliveryError(`Amazon SES refused the message: ${text}`, { retriable: !isAboutMessage, cause: error });
}

const finalNames: readonly string[] = ["MessageRejected", "InvalidParameterValue"];
const replyLength = 300;
