import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, it, type TestContext } from "node:test";
import ssh2 from "ssh2";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { eicar, eicarSignature, startClamd } from "../support/clamd.ts";
import { httpFileClient } from "../support/file-clients.ts";
import { startMailServer } from "../support/mail-server.ts";
import {
  disposeProduct,
  type Product,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { connectSftp, putFile } from "../support/sftp-client.ts";
import { startWebhookReceiver } from "../support/webhook-receiver.ts";

/** Logs in over SFTP with a password that is wrong; resolves when the server has said so. */
function refusedLogin({ endpoints }: Product): Promise<void> {
  const client = new ssh2.Client();
  return new Promise((resolve, reject) => {
    client.once("ready", () => reject(new Error("the login succeeded")));
    client.once("error", () => resolve());
    client.connect({ ...endpoints.sftp, username: "acme", password: "wrong" });
  });
}

/** Starts the product with these alerts, and with the account acme. */
async function startWith(context: TestContext, alerts: string) {
  const directory = await temporaryDirectory();
  const identity = await writeIdentity(directory);
  const configuration = `${await testConfiguration(identity.publicKey, "  - name: acme\n")}${alerts}`;
  const product = await startProduct({ directory, configuration });
  context.after(() => disposeProduct(product));
  return { product, configuration, identity };
}

const mailRule = (port: number) => `alerts:
  - name: refused-logins
    when: { types: [authentication.failed] }
    email: { to: ["ops@example.com"], subject: "login refused for {account.name}" }
mail: { smtp: "smtp://127.0.0.1:${port}", from: "ferrygate@example.com" }
`;

/** Asks until there is one; the product answers as soon as it can. */
async function eventOf(product: Product, type: string): Promise<AccountingEvent> {
  for (;;) {
    const [event] = await product.events(`type=${type}`);
    if (event) return event;
  }
}

describe("alerts", () => {
  it("tell a refused login over SFTP by an e-mail whose body is the event as JSON", async (context) => {
    const mailServer = await startMailServer();
    context.after(() => mailServer.close());
    const { product } = await startWith(context, mailRule(mailServer.port));
    await refusedLogin(product);
    const [mail] = await mailServer.arrived(1);
    const failed = await eventOf(product, "authentication.failed");
    assert.equal(mail?.email.subject, "login refused for acme");
    assert.deepEqual(mail?.recipients, ["ops@example.com"]);
    assert.deepEqual(JSON.parse(mail?.email.text ?? ""), failed);
    const sent = await eventOf(product, "alert.sent");
    assert.equal(sent.data.eventId, failed.id);
    assert.equal(mailServer.mails.length, 1);
  });

  it("tell of an infected upload by an e-mail whose body is the event", {
    skip: programOrSkip("clamd"),
  }, async (context) => {
    const [mailServer, clamd] = [await startMailServer(), await startClamd()];
    context.after(() => mailServer.close());
    context.after(() => clamd.dispose());
    const { product } = await startWith(
      context,
      `alerts:
  - name: infected
    when: { types: [scan.infected] }
    email: { to: ["ops@example.com"], subject: "{data.signature} from {account.name}" }
mail: { smtp: "smtp://127.0.0.1:${mailServer.port}", from: "ferrygate@example.com" }
scanner: { clamd: "tcp://127.0.0.1:${clamd.port}", scan: required }
`,
    );
    const client = await httpFileClient(product.endpoints.http.url, "tester");
    await assert.rejects(client.put("/invoice.exe", eicar));
    await client.close();
    const [mail] = await mailServer.arrived(1);
    const infected = await eventOf(product, "scan.infected");
    assert.equal(mail?.email.subject, `${eicarSignature} from tester`);
    assert.deepEqual(JSON.parse(mail?.email.text ?? ""), infected);
    assert.deepEqual([infected.data.path, infected.data.bytes], ["/invoice.exe", eicar.length]);
    assert.equal(mailServer.mails.length, 1);
  });

  it("survive the death of the server while no mail server answers", async (context) => {
    const absent = await startMailServer();
    await absent.close();
    const { product, configuration } = await startWith(context, mailRule(absent.port));
    await refusedLogin(product);
    const failed = await eventOf(product, "authentication.failed");
    await product.kill();
    const mailServer = await startMailServer({ port: absent.port });
    context.after(() => mailServer.close());
    const { directory } = product;
    const revived = await startProduct({ directory, configuration });
    context.after(() => revived.stop());
    const [mail] = await mailServer.arrived(1);
    assert.deepEqual(JSON.parse(mail?.email.text ?? ""), failed);
  });

  it("reach a webhook, signed as Standard Webhooks has it, until it accepts them", async (context) => {
    const secret = `whsec_${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`;
    const receiver = await startWebhookReceiver((response, _request, count) =>
      response.writeHead(count === 1 ? 503 : 200).end(),
    );
    context.after(() => receiver.close());
    const { product } = await startWith(
      context,
      `alerts:
  - name: hook
    when: { types: [authentication.failed] }
    webhook: { url: "${receiver.url}/in", secret: "${secret}", allowPrivate: true }
`,
    );
    await refusedLogin(product);
    const [first, second] = await receiver.arrived(2);
    const failed = await eventOf(product, "authentication.failed");
    const { "webhook-id": id, "webhook-timestamp": timestamp } = second?.headers ?? {};
    const expected = createHmac("sha256", "0123456789abcdef0123456789abcdef")
      .update(`${id}.${timestamp}.${second?.body}`)
      .digest("base64");
    assert.equal(id, failed.id);
    assert.equal(first?.headers["webhook-id"], id);
    assert.equal(second?.headers["webhook-signature"], `v1,${expected}`);
    assert.deepEqual(JSON.parse(second?.body ?? ""), failed);
  });

  it("are made by the steps of a dispatch rule, with the place that the file has by then", async (context) => {
    const mailServer = await startMailServer();
    context.after(() => mailServer.close());
    const receiver = await startWebhookReceiver((response) => response.writeHead(200).end());
    context.after(() => receiver.close());
    const { product, identity } = await startWith(
      context,
      `dispatch:
  - name: orders
    when: { path: "/*.xml" }
    do:
      - move: /outbox/
      - email: { to: ["ops@example.com"] }
      - webhook: { url: "${receiver.url}/in", secret: "shared secret", allowPrivate: true }
mail: { smtp: "smtp://127.0.0.1:${mailServer.port}", from: "ferrygate@example.com" }
`,
    );
    const connection = await connectSftp(product.endpoints.sftp, "tester", identity.privateKeyFile);
    context.after(() => connection.client.end());
    await putFile(connection, "/1.xml", Buffer.from("<first/>"));
    const [mail] = await mailServer.arrived(1);
    const [request] = await receiver.arrived(1);
    const [uploaded] = await product.events("type=transfer.completed");
    const steps = await product.events("type=dispatch.completed");
    const told = (action: string) => steps.find(({ data }) => data.action === action);
    assert.equal(mail?.email.subject, "orders: 1.xml");
    assert.deepEqual(JSON.parse(mail?.email.text ?? ""), told("email"));
    assert.deepEqual(JSON.parse(request?.body ?? ""), told("webhook"));
    assert.match(String(request?.headers["webhook-signature"]), /^v1,/);
    assert.equal(told("email")?.data.path, "/outbox/1.xml");
    assert.deepEqual(told("email")?.data.event, uploaded);
  });
});
