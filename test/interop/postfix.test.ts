import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import PostalMime from "postal-mime";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { type Postfix, startPostfix } from "../support/postfix.ts";
import {
  type Product,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";

const isRoot = process.getuid?.() === 0;

describe("alerts through Postfix", {
  skip: isRoot ? programOrSkip("postfix") : "Postfix has to be started by root",
}, () => {
  let directory: string;
  let postfix: Postfix;
  let product: Product | undefined;
  before(async () => {
    directory = await temporaryDirectory();
    postfix = await startPostfix(directory);
  });
  after(async () => {
    await product?.stop();
    await postfix.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it("come to a mailbox whole over TLS: the event as JSON, whatever is in it", async () => {
    const { publicKey } = await writeIdentity(directory);
    const configuration = `${await testConfiguration(publicKey)}
alerts:
  - name: refused-logins
    when: { types: [authentication.failed] }
    email:
      to: ["ops@example.com"]
      bcc: ["audit@example.com"]
      subject: "login refused: {data.username}"
      readable: true
mail: { smtp: "smtp://127.0.0.1:${postfix.port}", from: "ferrygate@example.com" }
`;
    product = await startProduct({ directory, configuration });
    // Text of other alphabets, a line that is a dot, and one that is longer than a line of SMTP may be.
    const username = "größe-ω-\u{1f4e6}";
    const body = JSON.stringify({ username, password: "wrong" });
    const headers = { "content-type": "application/json", "user-agent": `.${"x".repeat(250)}` };
    const answer = await fetch(`${product.endpoints.http.url}/v1/sessions`, { method: "POST", headers, body });
    assert.equal(answer.status, 401);
    const messages = await postfix.delivered(2);
    const [event] = await product.events("type=authentication.failed");
    for (const message of messages) {
      const { text = "", subject, from, to, bcc, html } = await PostalMime.parse(message);
      assert.deepEqual(JSON.parse(text) as AccountingEvent, event);
      assert.equal(subject, `login refused: ${username}`);
      assert.deepEqual(
        [from?.address, to?.map(({ address }) => address), bcc],
        ["ferrygate@example.com", ["ops@example.com"], undefined],
      );
      assert.match(html ?? "", /authentication\.failed/);
      assert.match(message, /with ESMTPS id/);
    }
    const recipients = messages.map((message) => /^Delivered-To: (\S+)/m.exec(message)?.[1]).sort();
    assert.deepEqual(recipients, ["audit@example.com", "ops@example.com"]);
  });
});
