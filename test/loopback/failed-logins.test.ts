import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Client } from "basic-ftp";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { limits } from "../../core/limits.ts";
import { connectHttp } from "../support/http-client.ts";
import {
  disposeProduct,
  password,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { connectSftp } from "../support/sftp-client.ts";

describe("a network from which too many passwords were wrong", () => {
  it("logs in with no password over any protocol, and with a key", async (context) => {
    const directory = await temporaryDirectory();
    const identity = await writeIdentity(directory);
    const product = await startProduct({ directory, configuration: await testConfiguration(identity.publicKey) });
    context.after(() => disposeProduct(product));
    const { sftp, ftps, http } = product.endpoints;
    assert.ok(ftps);
    const overFtps = async (secret: string) => {
      const client = new Client();
      const login = { user: "tester", password: secret, secureOptions: { rejectUnauthorized: false } };
      await client.access({ ...ftps, ...login, secure: true }).finally(() => client.close());
    };
    const admin = await connectHttp(http.url, "admin");

    await assert.rejects(connectSftp(sftp, "tester", { password: "wrong" }));
    await assert.rejects(overFtps("wrong"), /530/);
    const guesses = Array.from({ length: limits.failedLogins - 2 }, () => connectHttp(http.url, "tester", "wrong"));
    for (const { status } of await Promise.allSettled(guesses)) assert.equal(status, "rejected");

    await assert.rejects(connectSftp(sftp, "tester", { password }));
    await assert.rejects(overFtps(password), /421/);
    await assert.rejects(connectHttp(http.url, "tester"), { status: 429 });
    (await connectSftp(sftp, "tester", identity.privateKeyFile)).client.end();
    const answer = await admin.request("GET", "/v1/events?type=authentication.failed&order=desc&limit=2");
    const { events } = (await answer.json()) as { events: AccountingEvent[] };
    const refusals = events.map(({ protocol, data }) => [protocol, data.reason]);
    assert.deepEqual(refusals, [
      ["ftps", "too-many-refused-logins"],
      ["sftp", "too-many-refused-logins"],
    ]);
  });

  it("has few more of the passwords looked at that it tries all at once", async (context) => {
    const directory = await temporaryDirectory();
    const { publicKey } = await writeIdentity(directory);
    const product = await startProduct({ directory, configuration: await testConfiguration(publicKey) });
    context.after(() => disposeProduct(product));
    const { url } = product.endpoints.http;
    const guesses = Array.from({ length: 2 * limits.failedLogins }, async (_, index) => {
      const authorization = `Basic ${Buffer.from(`tester:${index}`).toString("base64")}`;
      return (await fetch(`${url}/v1/files?path=/`, { headers: { authorization } })).status;
    });
    const statuses = await Promise.all(guesses);
    const looked = statuses.filter((status) => status === 401).length;
    assert.ok(looked >= limits.failedLogins && looked < limits.failedLogins + limits.passwordChecksPerNetwork);
    assert.equal(statuses.filter((status) => status === 429).length, statuses.length - looked);
  });
});
