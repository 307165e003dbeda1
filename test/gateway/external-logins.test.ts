import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { environmentNames as names } from "../../adapters/aws/env.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import { startGatewayCluster } from "../support/gateway-cluster.ts";
import { connectSftp, putFile } from "../support/sftp-client.ts";
import { startWebhookReceiver } from "../support/webhook-receiver.ts";

describe("a gateway whose logins an endpoint vouches for", { skip: awsOrSkip() }, () => {
  it("serves an account that is on file nowhere, through the custom-auth function", async (t) => {
    const described = JSON.stringify({ account: { permissions: [["allow-full-control"]] } });
    const endpoint = await startWebhookReceiver((response, { body }) => {
      const isKevin = body.includes('"home-alone"');
      response.writeHead(isKevin ? 200 : 401).end(isKevin ? described : "");
    });
    process.env[names.authentication] = JSON.stringify({ urls: [endpoint.url], allowPrivate: true });
    const cluster = await startGatewayCluster({ tasks: 2 });
    t.after(async () => {
      delete process.env[names.authentication];
      await cluster.close();
      await endpoint.close();
    });
    const login = (secret: string) =>
      connectSftp({ host: "127.0.0.1", port: cluster.sftpPort }, "kevin", { password: secret });
    await assert.rejects(login("wrong"), /authentication methods failed/);
    const connection = await login("home-alone");
    await putFile(connection, "/a.txt", Buffer.from("content"));
    connection.client.end();
    assert.equal((await cluster.objects.stat("kevin/a.txt"))?.size, 7);
    const logins = cluster.events().filter(({ type }) => type.startsWith("authentication."));
    assert.deepEqual(
      logins.map(({ type, data }) => [type, data.username, data.reason]),
      [
        ["authentication.failed", "kevin", "unknown-account"],
        ["authentication.succeeded", "kevin", undefined],
      ],
    );
  });
});
