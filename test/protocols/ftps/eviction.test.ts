import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { limits } from "../../../core/limits.ts";
import { closeOf, FtpsClient } from "../../support/ftps-client.ts";
import { startFtps } from "../../support/ftps-server.ts";

const { unauthenticatedConnectionsPerAddress } = limits;

describe("an evicted client", () => {
  /** Opens as many connections as push the first one out. */
  const crowd = async (context: TestContext, port: number): Promise<void> => {
    const sockets = Array.from({ length: unauthenticatedConnectionsPerAddress }, () =>
      connect({ host: "127.0.0.1", port }).on("error", () => {}),
    );
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    context.after(() => sockets.map((socket) => socket.destroy()));
  };

  it("is told why", async (context) => {
    const ftps = await startFtps();
    context.after(() => ftps.close());
    const client = await FtpsClient.connect(ftps.port);
    await crowd(context, ftps.port);
    await client.expectNext(421);
    await client.closed();
  });

  it("hears nothing in clear where TLS has begun", async (context) => {
    const ftps = await startFtps({ listener: { implicit: true } });
    context.after(() => ftps.close());
    const first = connect({ host: "127.0.0.1", port: ftps.port }).on("error", () => {});
    await once(first, "connect");
    first.resume();
    await crowd(context, ftps.port);
    await closeOf(first);
    assert.equal(first.bytesRead, 0);
  });
});
