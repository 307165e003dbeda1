import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  disposeProduct,
  type Product,
  password,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { connectSftp } from "../support/sftp-client.ts";

const lives = 3;

async function tokenOf(product: Product): Promise<string> {
  const answer = await fetch(`${product.endpoints.http.url}/v1/sessions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: "tester", password }),
  });
  const { token } = (await answer.json()) as { token: string };
  return token;
}

describe("a session that a crash cut off", () => {
  it("has one end on record after the next start, and one with a token goes on", async () => {
    const directory = await temporaryDirectory();
    const { publicKey, privateKeyFile } = await writeIdentity(directory);
    const configuration = await testConfiguration(publicKey);
    let token = "";
    for (let life = 0; life < lives; life += 1) {
      const product = await startProduct({ directory, configuration });
      token ||= await tokenOf(product);
      await connectSftp(product.endpoints.sftp, "tester", privateKeyFile);
      await product.kill();
    }
    const product = await startProduct({ directory, configuration });
    try {
      const events = await product.events("type=session.started,session.ended");
      const idsOf = (type: string) =>
        events.filter((event) => event.type === type && event.protocol === "sftp").map(({ session }) => session);
      assert.equal(idsOf("session.started").length, lives);
      assert.deepEqual(idsOf("session.ended"), idsOf("session.started"));
      const recovered = events.filter(({ data }) => data.recovered === true);
      assert.deepEqual(
        recovered.map(({ protocol, data }) => [protocol, data.cause]),
        Array.from({ length: lives }, () => ["sftp", "nas-reboot"]),
      );
      const headers = { authorization: `Bearer ${token}` };
      const answer = await fetch(`${product.endpoints.http.url}/v1/files?path=%2F`, { headers });
      assert.equal(answer.status, 200);
    } finally {
      await disposeProduct(product);
    }
  });
});
