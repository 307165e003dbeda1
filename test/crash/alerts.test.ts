import assert from "node:assert/strict";
import { describe, it } from "node:test";
import ssh2 from "ssh2";
import { startMailServer } from "../support/mail-server.ts";
import {
  disposeProduct,
  type Product,
  startProduct,
  temporaryDirectory,
  testConfiguration,
} from "../support/product.ts";
import { generateSshKeyPair } from "../support/ssh-key-pair.ts";

const kills = 5;
/** Few enough that no mail waits for a digest (limits.alertEmails). */
const loginsPerLife = 1;

/** Resolves when the server has refused the password, or is gone. */
function refusedLogin({ endpoints }: Product): Promise<void> {
  const client = new ssh2.Client();
  return new Promise((resolve) => {
    client.once("close", () => resolve());
    client.on("error", () => {});
    client.connect({ ...endpoints.sftp, username: "tester", password: "wrong" });
  });
}

describe("the product, killed while it tells about events", () => {
  it("tells every event that was on record, and repetitions can be recognised", async (test) => {
    const mailServer = await startMailServer();
    test.after(() => mailServer.close());
    const directory = await temporaryDirectory();
    const configuration = `${await testConfiguration(generateSshKeyPair().public)}alerts:
  - name: refused-logins
    when: { types: [authentication.failed] }
    email: { to: ["ops@example.com"], subject: "{data.username}" }
mail: { smtp: "smtp://127.0.0.1:${mailServer.port}", from: "ferrygate@example.com" }
`;
    for (let life = 0; life < kills; life += 1) {
      const product = await startProduct({ directory, configuration });
      const logins = Array.from({ length: loginsPerLife }, () => refusedLogin(product));
      // Each life ends at another moment: with the first answer, with the second, after the first mail …
      if (life % 2 === 0) await Promise.race(logins);
      else await mailServer.arrived(mailServer.mails.length + 1);
      await product.kill();
      await Promise.all(logins);
    }
    const last = await startProduct({ directory, configuration });
    test.after(() => disposeProduct(last));
    const failed = await last.events("type=authentication.failed");
    const told = () => new Set(mailServer.mails.map(({ email }) => JSON.parse(email.text ?? "").id));
    while (failed.some(({ id }) => !told().has(id))) await mailServer.arrived(mailServer.mails.length + 1);
    // The other lives may have ended with a mail about an earlier one.
    assert.ok(failed.length >= kills / 2);
    assert.equal(new Set(mailServer.mails.map(({ email }) => email.messageId)).size, told().size);
  });
});
