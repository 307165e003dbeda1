import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { SESClient, VerifyEmailIdentityCommand } from "@aws-sdk/client-ses";
import PostalMime from "postal-mime";
import { createSesClient } from "../../../adapters/aws/clients.ts";
import { createSesMailer } from "../../../adapters/aws/ses-mailer.ts";
import { DeliveryError } from "../../../core/delivery.ts";
import type { EmailMessage } from "../../../ports/mailer.ts";
import { type AwsServices, awsServerOrSkip, startAwsServices } from "../../support/aws-services.ts";

const message: EmailMessage = {
  messageId: "1@example.com",
  from: "ferrygate@example.com",
  to: ["ops@example.com"],
  cc: ["boss@example.com"],
  bcc: ["archive@example.com", "ops@example.com"],
  subject: "Käse",
  text: "{}\n",
  html: "<p>ü</p>",
};

describe("mail through Amazon SES", { skip: awsServerOrSkip() }, () => {
  let services: AwsServices;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());

  it("takes a message for all of its recipients, and says why it takes none", async () => {
    const client = createSesClient();
    const mailer = createSesMailer({ client });
    await assert.rejects(mailer.send(message), /^DeliveryError: Amazon SES refused the message: ./);
    await client.send(new VerifyEmailIdentityCommand({ EmailAddress: message.from }));
    assert.deepEqual(await mailer.send(message), { refused: [] });
    const sent = await fetch(`${services.endpoint}/moto-api/data.json`).then((answer) => answer.json());
    const [kept] = (sent as { ses: { RawMessage: { raw_data: string; destinations: string[] }[] } }).ses.RawMessage;
    assert.ok(kept);
    const mail = await PostalMime.parse(kept.raw_data);
    assert.deepEqual([mail.subject, mail.html?.trim(), mail.to?.[0]?.address], ["Käse", "<p>ü</p>", "ops@example.com"]);
    assert.ok(!kept.raw_data.includes("archive@example.com"));
    mailer.close();
  });
});

describe("a refusal by Amazon SES", () => {
  /** A server that answers each call so. */
  async function refusing(code: string, text: string): Promise<DeliveryError> {
    const body = `<ErrorResponse><Error><Code>${code}</Code><Message>${text}</Message></Error></ErrorResponse>`;
    const server = createServer((_request, response) => {
      response.writeHead(400, { "content-type": "text/xml" });
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const client = new SESClient({ endpoint, region: "eu-west-1", credentials, maxAttempts: 1 });
    const mailer = createSesMailer({ client });
    const error = await mailer.send(message).then(
      () => assert.fail("it is refused"),
      (reason: unknown) => reason,
    );
    mailer.close();
    await new Promise((resolve) => server.close(resolve));
    assert.ok(error instanceof DeliveryError);
    return error;
  }

  it("is final about the message, and otherwise a reason to try again", async () => {
    assert.equal((await refusing("MessageRejected", "Address blacklisted.")).retriable, false);
    assert.equal((await refusing("InvalidParameterValue", "Illegal address")).retriable, false);
    assert.equal((await refusing("MessageRejected", "Email address is not verified.")).retriable, true);
    for (const code of ["Throttling", "AccountSendingPausedException"]) {
      assert.equal((await refusing(code, "later")).retriable, true, code);
    }
  });

  it("of a server that does not answer is one too", async () => {
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const client = new SESClient({ endpoint: "http://127.0.0.1:1", region: "eu-west-1", credentials, maxAttempts: 1 });
    await assert.rejects(createSesMailer({ client }).send(message), (error) => {
      assert.ok(error instanceof DeliveryError);
      assert.deepEqual([error.retriable, error.message], [true, "Amazon SES cannot be reached"]);
      return true;
    });
  });
});
