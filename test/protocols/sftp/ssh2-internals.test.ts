import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import ssh2, { type Connection, type ServerChannel } from "ssh2";
import { offeredAlgorithms, readHostKeys } from "../../../protocols/sftp/algorithms.ts";
import {
  clientPacketBytes,
  disconnectReason,
  isExchangingKeys,
  sendDisconnect,
} from "../../../protocols/sftp/ssh2-internals.ts";
import { keyPair } from "./rig.ts";

/** A plain ssh2 server that lets everyone in, and a client of it that has opened the subsystem. */
async function connected() {
  const server = new ssh2.Server({
    hostKeys: readHostKeys([keyPair().privateKey]),
    algorithms: offeredAlgorithms(true, "strict"),
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const channel = new Promise<{ connection: Connection; channel: ServerChannel }>((resolve) => {
    server.on("connection", (connection) => {
      connection.on("error", () => {});
      connection.on("authentication", (context) => context.accept());
      connection.on("session", (accept) => {
        accept().on("subsystem", (acceptSubsystem) => resolve({ connection, channel: acceptSubsystem() }));
      });
    });
  });
  const client = new ssh2.Client();
  const { port } = server.address() as { port: number };
  client.on("error", () => {}).connect({ host: "127.0.0.1", port, username: "a" });
  await once(client, "ready");
  client.subsys("sftp", () => {});
  return { ...(await channel), client, stop: () => server.close(() => {}) };
}

describe("what is used of ssh2's inside", () => {
  it("tells whether keys are being exchanged", async () => {
    const { connection, client, stop } = await connected();
    assert.equal(isExchangingKeys(connection), false);
    connection.rekey();
    assert.equal(isExchangingKeys(connection), true);
    await once(connection, "rekey");
    assert.equal(isExchangingKeys(connection), false);
    client.end();
    stop();
  });

  it("tells how large the client's packets may be", async () => {
    const { channel, client, stop } = await connected();
    assert.equal(clientPacketBytes(channel), 32 * 1024);
    client.end();
    stop();
  });

  it("sends the reason for the end, and nothing after ssh2 has failed", async () => {
    const { connection, client, stop } = await connected();
    sendDisconnect(connection, disconnectReason.noMoreAuthenticationMethods);
    const [error] = (await once(client, "error")) as [{ code?: unknown }];
    assert.equal(error.code, disconnectReason.noMoreAuthenticationMethods);
    client.destroy();
    await once(connection, "close");
    sendDisconnect(connection, disconnectReason.byApplication);
    stop();
  });
});
