import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import PostalMime from "postal-mime";
import type { SMTPServerError, SMTPServerOptions } from "smtp-server";
import { composeEmail } from "../../../adapters/node/email-composition.ts";
import { createSmtpMailer, type SmtpOptions } from "../../../adapters/node/smtp-mailer.ts";
import { DeliveryError } from "../../../core/delivery.ts";
import type { EmailMessage } from "../../../ports/mailer.ts";
import { createTestAuthority } from "../../support/certificates.ts";
import { startMailServer } from "../../support/mail-server.ts";

const message: EmailMessage = {
  messageId: "0123456789abcdef@example.com",
  from: "ferrygate@example.com",
  to: ["ops@example.com", "night@example.com"],
  cc: ["audit@example.com"],
  bcc: ["hidden@example.com"],
  subject: "login refused for acme",
  text: JSON.stringify({ id: "1", data: { path: "/inbox/a.pdf", sha256: "a".repeat(64) } }, undefined, 2),
};

const authority = createTestAuthority();
const issued = authority.issue("localhost");
const trusted = { key: issued.privateKey, cert: issued.certificate };

/** Sends one message to a server of its own and answers what arrived there. */
async function sendTo(
  server: SMTPServerOptions,
  url: (port: number) => string,
  options: Partial<SmtpOptions> = {},
  sent: EmailMessage = message,
) {
  const mailServer = await startMailServer(server);
  const mailer = createSmtpMailer({ url: url(mailServer.port), ...options });
  try {
    const result = await mailer.send(sent);
    return { result, mails: mailServer.mails };
  } finally {
    mailer.close();
    await mailServer.close();
  }
}

const plain = (port: number) => `smtp://127.0.0.1:${port}`;
const login: SMTPServerOptions = {
  authOptional: false,
  onAuth: ({ username, password }, _session, callback) => {
    if (username === "us er" && password === "p@ss:/word") callback(null, { user: username });
    else callback(new Error("no such user"));
  },
};

function refusing(code: number, text: string): Partial<SMTPServerOptions> {
  return {
    onRcptTo: ({ address }, _session, callback) =>
      callback(address === "ops@example.com" ? Object.assign(new Error(text), { responseCode: code }) : null),
  };
}

describe("the SMTP mailer", () => {
  it("sends one message to everyone, and hides the blind copies", async () => {
    const { mails, result } = await sendTo({}, plain);
    assert.deepEqual(result.refused, []);
    assert.equal(mails.length, 1);
    const [mail] = mails;
    assert.equal(mail?.from, "ferrygate@example.com");
    assert.deepEqual([...(mail?.recipients ?? [])].sort(), [
      "audit@example.com",
      "hidden@example.com",
      "night@example.com",
      "ops@example.com",
    ]);
    assert.equal(mail?.email.messageId, "<0123456789abcdef@example.com>");
    assert.equal(mail?.email.subject, "login refused for acme");
    assert.deepEqual(
      mail?.email.to?.map(({ address }) => address),
      message.to,
    );
    assert.deepEqual(
      mail?.email.cc?.map(({ address }) => address),
      message.cc,
    );
    assert.doesNotMatch(mail?.raw ?? "", /hidden@example/);
    assert.equal(mail?.email.headers.find(({ key: name }) => name === "auto-submitted")?.value, "auto-generated");
  });

  it("sends a text that is the same with and without a MIME parser", async () => {
    const { mails } = await sendTo({}, plain);
    assert.deepEqual(JSON.parse(mails[0]?.email.text ?? ""), JSON.parse(message.text));
    assert.deepEqual(JSON.parse(mails[0]?.raw.split("\r\n\r\n")[1] ?? ""), JSON.parse(message.text));
  });

  it("takes TLS where it is offered, whatever the certificate, and does without it where it is not", async () => {
    assert.equal((await sendTo({}, plain)).mails[0]?.secure, true);
    assert.equal((await sendTo({ hideSTARTTLS: true }, plain)).mails[0]?.secure, false);
  });

  it("refuses to send without TLS, or with a certificate of nobody, where TLS is required", async () => {
    const required = { requireTls: true };
    await assert.rejects(sendTo({ disabledCommands: ["STARTTLS"] }, plain, required), {
      message: /^the connection to the mail server could not be protected by TLS/,
      retriable: true,
    });
    await assert.rejects(sendTo(trusted, plain, required), DeliveryError);
    const local = (port: number) => `smtp://localhost:${port}`;
    const { mails } = await sendTo(trusted, local, { ...required, authorities: authority.certificate });
    assert.equal(mails[0]?.secure, true);
  });

  it("speaks TLS from the start with smtps:// and checks the certificate", async () => {
    const secure = (port: number) => `smtps://localhost:${port}`;
    await assert.rejects(sendTo({ ...trusted, secure: true }, secure), DeliveryError);
    const { mails } = await sendTo({ ...trusted, secure: true }, secure, { authorities: authority.certificate });
    assert.equal(mails.length, 1);
  });

  it("logs in with the name and the password of the address", async () => {
    const withLogin = (port: number) => `smtp://us%20er:p%40ss%3A%2Fword@127.0.0.1:${port}`;
    assert.equal((await sendTo(login, withLogin)).mails[0]?.user, "us er");
  });

  it("says that a login was refused without repeating it, and that it may be tried again", async () => {
    const wrong = (port: number) => `smtp://user:hunter2@127.0.0.1:${port}`;
    await assert.rejects(sendTo(login, wrong), (error: unknown) => {
      assert.ok(error instanceof DeliveryError);
      assert.match(error.message, /^the mail server refused the login: 535 /);
      assert.doesNotMatch(error.message, /hunter2/);
      return error.retriable;
    });
  });

  it("names recipients that were refused when others were not", async () => {
    const { result, mails } = await sendTo(refusing(550, "no such mailbox"), plain);
    assert.deepEqual(result.refused, ["ops@example.com"]);
    assert.equal(mails[0]?.recipients.length, 3);
  });

  for (const [code, retriable] of [
    [550, false],
    [452, true],
  ] as const) {
    it(`takes a refusal of every recipient with ${code} for ${retriable ? "passing" : "final"}`, async () => {
      const alone = { ...message, to: ["ops@example.com"], cc: [], bcc: [] };
      await assert.rejects(sendTo(refusing(code, "not today"), plain, {}, alone), {
        name: "DeliveryError",
        retriable,
        message: /^the mail server refused the message: .*not today/,
      });
    });
  }

  it("takes a refusal of the content with 554 for final, and of the connection with 421 for passing", async () => {
    const failing = (responseCode: number): SMTPServerError => Object.assign(new Error("no"), { responseCode });
    const content: SMTPServerOptions = {
      onData: (stream, _session, callback) => stream.resume().on("end", () => callback(failing(554))),
    };
    await assert.rejects(sendTo(content, plain), { retriable: false });
    const busy: SMTPServerOptions = { onConnect: (_session, callback) => callback(failing(421)) };
    await assert.rejects(sendTo(busy, plain), { retriable: true });
  });

  it("says that nobody listens", async () => {
    const mailServer = await startMailServer();
    await mailServer.close();
    const mailer = createSmtpMailer({ url: plain(mailServer.port) });
    await assert.rejects(mailer.send(message), {
      message: /^the mail server cannot be reached/,
      retriable: true,
    });
    mailer.close();
  });

  it("sends the next message over a new connection when the server has hung up", async () => {
    const mailServer = await startMailServer();
    const mailer = createSmtpMailer({ url: plain(mailServer.port) });
    await mailer.send(message);
    await mailServer.close();
    const next = await startMailServer({ port: mailServer.port });
    await mailer.send(message);
    assert.equal(next.mails.length, 1);
    mailer.close();
    await next.close();
  });

  it("gives up on a server that hangs up in the middle of a message", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.write("220 here\r\n");
      socket.once("data", () => socket.destroy());
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const mailer = createSmtpMailer({ url: plain((server.address() as AddressInfo).port) });
    await assert.rejects(mailer.send(message), { name: "DeliveryError", retriable: true });
    mailer.close();
    server.close();
  });
});

describe("a composed message", () => {
  const parsed = async (changes: Partial<EmailMessage>) =>
    PostalMime.parse(await composeEmail({ ...message, ...changes }));

  it("has the text first and the HTML, which mail programs prefer, behind it", async () => {
    const raw = (await composeEmail({ ...message, html: "<p>é</p>" })).toString();
    assert.match(raw, /Content-Type: multipart\/alternative/);
    assert.ok(raw.indexOf("text/plain") < raw.indexOf("text/html"));
    const email = await parsed({ html: "<p>é</p>" });
    assert.deepEqual(JSON.parse(email.text ?? ""), JSON.parse(message.text));
    assert.equal(email.html?.trim(), "<p>é</p>");
  });

  it("carries any JSON text unchanged, and any one-line subject", async () => {
    const anyText = fc.string({ unit: "grapheme", maxLength: 300 });
    const longText = fc.string({ minLength: 900, maxLength: 3000 });
    const subject = fc
      .string({ unit: "grapheme", maxLength: 200 })
      .map((text) => text.replace(/\p{C}|\s+/gu, " ").trim());
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyText, longText), subject, async (value, line) => {
        const email = await parsed({ text: JSON.stringify({ value }, undefined, 2), subject: line });
        assert.deepEqual(JSON.parse(email.text ?? ""), { value });
        assert.equal((email.subject ?? "").replace(/\s+/g, " "), line.replace(/\s+/g, " "));
      }),
      { numRuns: 300 },
    );
  });

  it("never has a line over the limit of RFC 5322", async () => {
    const raw = (
      await composeEmail({ ...message, text: JSON.stringify("x".repeat(5000)), subject: "y ".repeat(400) })
    ).toString();
    for (const line of raw.split("\r\n")) assert.ok(line.length <= 998);
  });

  it("cannot be given another header through the subject or an address", async () => {
    const raw = (
      await composeEmail({ ...message, subject: "a\r\nBcc: eve@example.com", to: ["a@b.example\r\nX: y"] })
    ).toString();
    const head = raw.slice(0, raw.indexOf("\r\n\r\n"));
    assert.doesNotMatch(head, /^(Bcc|X):/m);
  });
});
