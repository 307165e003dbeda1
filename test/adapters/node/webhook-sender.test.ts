import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, it, type TestContext } from "node:test";
import { createWebhookSender } from "../../../adapters/node/webhook-sender.ts";
import type { WebhookTarget } from "../../../core/alert-rule.ts";
import { limits } from "../../../core/limits.ts";
import { type Answer, startWebhookReceiver } from "../../support/webhook-receiver.ts";

const nowMs = Date.parse("2026-11-22T12:00:00Z");
const sender = createWebhookSender({ now: () => nowMs });
const message = { id: "event-1", body: '{"id":"event-1"}' };

async function receiver(context: TestContext, answer?: Answer) {
  const started = await startWebhookReceiver(answer);
  context.after(() => started.close());
  return started;
}

const target = (url: string, changes: Partial<WebhookTarget> = {}): WebhookTarget => ({
  url,
  allowPrivate: true,
  ...changes,
});

describe("a webhook", () => {
  it("is posted with the event's id and the time, unsigned where there is no secret", async (context) => {
    const { url, requests } = await receiver(context);
    await sender.send(target(`${url}/in?a=b`), message);
    const [request] = requests;
    assert.deepEqual([request?.method, request?.url, request?.body], ["POST", "/in?a=b", message.body]);
    assert.equal(request?.headers["content-type"], "application/json");
    assert.equal(request?.headers["webhook-id"], "event-1");
    assert.equal(request?.headers["webhook-timestamp"], `${nowMs / 1000}`);
    assert.equal(request?.headers["webhook-signature"], undefined);
  });

  it("is signed with the bytes behind whsec_, or with the text", async (context) => {
    const { url, requests } = await receiver(context);
    const bytes = Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64");
    await sender.send(target(url, { secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }), message);
    await sender.send(target(url, { secret: "plain text" }), message);
    const content = `event-1.${nowMs / 1000}.${message.body}`;
    for (const [index, secret] of [bytes, "plain text"].entries()) {
      const expected = createHmac("sha256", secret).update(content).digest("base64");
      assert.equal(requests[index]?.headers["webhook-signature"], `v1,${expected}`);
    }
  });

  for (const status of [400, 410, 422]) {
    it(`fails for good when the receiver answers ${status}`, async (context) => {
      const { url } = await receiver(context, (response) => response.writeHead(status).end());
      await assert.rejects(sender.send(target(url), message), {
        name: "DeliveryError",
        retriable: false,
        message: `the webhook answered ${status}`,
      });
    });
  }

  for (const status of [401, 404, 408, 429, 500, 503]) {
    it(`is worth repeating when the receiver answers ${status}`, async (context) => {
      const { url } = await receiver(context, (response) => response.writeHead(status).end());
      await assert.rejects(sender.send(target(url), message), { retriable: true, retryAfterMs: undefined });
    });
  }

  for (const [value, retryAfterMs] of [
    ["120", 120_000],
    ["Sun, 22 Nov 2026 12:05:00 GMT", 300_000],
    ["Sun, 22 Nov 2026 11:00:00 GMT", 0],
    ["soon", undefined],
  ] as const) {
    it(`understands Retry-After: ${value}`, async (context) => {
      const { url } = await receiver(context, (response) => response.writeHead(429, { "retry-after": value }).end());
      await assert.rejects(sender.send(target(url), message), { retryAfterMs });
    });
  }

  it("does not follow a redirect", async (context) => {
    const other = await receiver(context);
    const { url } = await receiver(context, (response) => response.writeHead(307, { location: other.url }).end());
    await assert.rejects(sender.send(target(url), message), {
      message: "the webhook answered 307, and redirects are not followed",
    });
    assert.equal(other.requests.length, 0);
  });

  it("reads no answer without end", async (context) => {
    const { url } = await receiver(context, (response) =>
      response.writeHead(200).end("x".repeat(limits.webhookAnswerBytes + 1)),
    );
    await assert.rejects(sender.send(target(url), message), { retriable: true });
  });

  it("says that nobody listens, without the address", async () => {
    const gone = await startWebhookReceiver();
    await gone.close();
    await assert.rejects(sender.send(target(`${gone.url}/token`), message), {
      message: "the webhook could not be reached: ECONNREFUSED",
      retriable: true,
    });
  });
});

describe("a webhook that may go to public addresses only", () => {
  const refusal = { message: /^the webhook's address is not public/, retriable: false };

  it("is not sent to this machine, by address or by name", async (context) => {
    const { url, requests } = await receiver(context);
    const { port } = new URL(url);
    for (const host of ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0"]) {
      const refused = target(`http://${host}:${port}/`, { allowPrivate: false });
      await assert.rejects(sender.send(refused, message), refusal, host);
    }
    assert.equal(requests.length, 0);
  });

  it("is not sent to private networks or to cloud metadata", async () => {
    for (const host of ["10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "[fd00:ec2::254]", "100.64.0.1"]) {
      await assert.rejects(sender.send(target(`https://${host}/`, { allowPrivate: false }), message), refusal, host);
    }
  });
});
