import MimeNode from "nodemailer/lib/mime-node";
import { limits } from "../../core/limits.ts";
import type { EmailMessage } from "../../ports/mailer.ts";

/**
 * The message as it goes over the wire (RFC 5322, MIME). The text comes first and the HTML behind it, because mail
 * programs show the last form that they can (RFC 2046 §5.1.4).
 */
export function composeEmail(message: EmailMessage): Promise<Buffer> {
  const root = message.html === undefined ? textNode(message.text) : new MimeNode("multipart/alternative");
  root.setHeader({
    "Message-ID": `<${message.messageId}>`,
    From: message.from,
    To: [...message.to],
    ...(message.cc.length > 0 && { Cc: [...message.cc] }),
    Subject: message.subject,
    // Keeps answering machines quiet (RFC 3834 §5).
    "Auto-Submitted": "auto-generated",
  });
  if (message.html !== undefined) {
    root.appendChild(textNode(message.text));
    root.createChild("text/html; charset=utf-8").setContent(message.html);
  }
  return root.build();
}

function textNode(text: string): MimeNode {
  const node = new PlainTextNode("text/plain; charset=utf-8");
  return node.setContent(text.replaceAll("\n", "\r\n"));
}

/** Text that needs no encoding gets none, so that the body reads the same with and without a MIME parser. */
class PlainTextNode extends MimeNode {
  override getTransferEncoding(): string | false {
    const text = String(this.content);
    const fits = text.split("\r\n").every((line) => line.length <= limits.emailLineLength);
    return fits && /^[\x20-\x7e\r\n]*$/.test(text) ? "7bit" : super.getTransferEncoding();
  }
}
