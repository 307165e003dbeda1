import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Client } from "basic-ftp";
import { connectHttp } from "../support/http-client.ts";
import {
  disposeProduct,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { connectSftp, putFile } from "../support/sftp-client.ts";
import { startWebhookReceiver } from "../support/webhook-receiver.ts";

/** Knows one user by password and by key, as an endpoint for SFTPPlus would. */
function directoryAnswer(body: string, publicKey: string): { status: number; body: string } {
  const { credentials } = JSON.parse(body);
  const isKevin = credentials.username === "kevin";
  const isRight = credentials.content === "home-alone" || credentials.content === publicKey;
  if (!isKevin) return { status: 401, body: "" };
  if (!isRight) return { status: 403, body: '{"message":"wrong password"}' };
  return { status: 200, body: '{"account":{"permissions":[["allow-full-control"]],"home_folder_path":"/kevins"}}' };
}

describe("an account of a customer's own endpoint", () => {
  it("logs in over SFTP, FTPS and HTTPS and finds the same files", async (context) => {
    const directory = await temporaryDirectory();
    const identity = await writeIdentity(directory);
    const blob = identity.publicKey.split(" ")[1] ?? "";
    const endpoint = await startWebhookReceiver((response, request) => {
      const { status, body } = directoryAnswer(request.body, blob);
      response.writeHead(status).end(body);
    });
    context.after(() => endpoint.close());
    const other = await writeIdentity(directory, "id_other");
    const configuration = `${await testConfiguration(other.publicKey)}authentication:
  http: { urls: ["${endpoint.url}/auth"], headers: { X-Api-Key: secret } }
`;
    const product = await startProduct({ directory, configuration });
    context.after(() => disposeProduct(product));

    const sftp = await connectSftp(product.endpoints.sftp, "kevin", identity.privateKeyFile);
    await putFile(sftp, "/a.txt", Buffer.from("hello"));
    sftp.client.end();
    await assert.rejects(connectSftp(product.endpoints.sftp, "kevin", other.privateKeyFile));

    const http = await connectHttp(product.endpoints.http.url, "kevin", "home-alone");
    assert.equal(await (await http.files("GET", "/a.txt")).text(), "hello");
    await assert.rejects(connectHttp(product.endpoints.http.url, "kevin", "let-me-in"), { status: 401 });
    await assert.rejects(connectHttp(product.endpoints.http.url, "kevn", "home-alone"), { status: 401 });

    assert.ok(product.endpoints.ftps);
    const ftps = new Client();
    const credential = { user: "kevin", password: "home-alone", secureOptions: { rejectUnauthorized: false } };
    await ftps.access({ ...product.endpoints.ftps, ...credential, secure: true });
    assert.deepEqual(
      (await ftps.list("/")).map(({ name }) => name),
      ["a.txt"],
    );
    ftps.close();

    const failed = await product.events("type=authentication.failed");
    assert.deepEqual(
      failed
        .map(({ data }) => `${data.username} ${data.method} ${data.reason} ${JSON.stringify(data.external)}`)
        .sort(),
      [
        'kevin password refused-externally {"message":"wrong password"}',
        "kevin public-key refused-externally undefined",
        "kevn password unknown-account undefined",
      ],
    );
    const types = endpoint.requests.map(({ body }) => JSON.parse(body).credentials.creator.type);
    assert.deepEqual([...new Set(types)].sort(), ["ftps", "https", "ssh"]);
    assert.ok(endpoint.requests.every(({ headers }) => headers["x-api-key"] === "secret"));
    assert.doesNotMatch(JSON.stringify(await product.events()), /home-alone/);

    const asked = endpoint.requests.length;
    await product.stop();
    const restarted = await startProduct({ directory, configuration });
    context.after(() => restarted.stop());
    const headers = { authorization: `Bearer ${http.token}` };
    const answer = await fetch(`${restarted.endpoints.http.url}/v1/files?path=/a.txt`, { headers });
    assert.equal(await answer.text(), "hello");
    assert.equal(endpoint.requests.length, asked);
  });
});
