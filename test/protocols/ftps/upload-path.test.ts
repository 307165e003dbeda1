import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { type ConnectionOptions, connect as connectTls, createSecureContext } from "node:tls";
import { limits } from "../../../core/limits.ts";
import { DirectUploadSocket } from "../../../protocols/ftps/direct-upload-socket.ts";
import { withoutTickets } from "../../../protocols/ftps/tls-settings.ts";
import { probeUploadPath } from "../../../protocols/ftps/upload-path.ts";
import { storeWithWriters } from "../../support/changed-writers.ts";
import { FtpsClient } from "../../support/ftps-client.ts";
import { type FtpsTestServer, startFtps, testTls } from "../../support/ftps-server.ts";

const serverOptions = { cert: testTls.certificate, key: testTls.privateKey };

describe("the probe of the upload path", () => {
  it("finds that the direct path works with the Node of this product", async () => {
    assert.equal(await probeUploadPath(serverOptions), "direct");
  });

  it("does without the direct path where a connection cannot be asked whether it is being read", async (context) => {
    const prototype = await streamPrototype();
    const { readStart } = prototype;
    context.mock.method(prototype, "readStart", function (this: unknown) {
      readStart.call(this);
      return 0;
    });
    assert.equal(await probeUploadPath(serverOptions), "copying");
  });

  it("does without the direct path where session tickets cannot be held back", async (context) => {
    const { context: inside } = createSecureContext(serverOptions) as unknown as { context: object };
    context.mock.method(Object.getPrototypeOf(inside), "enableTicketKeyCallback", () => {});
    assert.equal(await probeUploadPath(serverOptions), "copying");
  });

  it("finds nothing where a cut-off upload cannot be told at all", async () => {
    await assert.rejects(probeUploadPath({}), /cut off/);
  });
});

/** Where Node has the methods of its TCP connections. */
async function streamPrototype(): Promise<{ readStart(): number }> {
  const ftps = await startFtps();
  const client = await FtpsClient.connect(ftps.port);
  let prototype = (client.socket as unknown as { readonly _handle: { readStart(): number } })._handle;
  while (!Object.hasOwn(prototype, "readStart")) prototype = Object.getPrototypeOf(prototype);
  client.destroy();
  await ftps.close();
  return prototype;
}

const versions = ["TLSv1.2", "TLSv1.3"] as const;
const endings = ["with a close_notify", "without one"] as const;

for (const uploadPath of ["direct", "copying"] as const) {
  for (const version of versions) {
    for (const ending of endings) {
      it(`an upload ${ending} to a store that stands still ends the same: ${version}, ${uploadPath}`, async () => {
        const gate = new Gate();
        const ftps = await startFtps({ uploadPath, changes: { objects: gate.objects } });
        const client = await loggedIn(ftps, version);
        // Around the size at which the reading stops, so that the end comes together with it, before it and after it.
        for (const extraBytes of [-20_000, -1, 0, 1, 10_000, 16_384, 40_000, 300_000]) {
          const content = Buffer.alloc(limits.uploadPendingBytes + extraBytes, `${extraBytes} `);
          const code = await uploadBehind(gate, client, content, ending === "with a close_notify");
          assert.equal(code, ending === "with a close_notify" ? 226 : 426, `${extraBytes}`);
          const stored = await ftps.stored("/gated.bin");
          assert.ok(code === 226 ? stored?.equals(content) : stored === undefined, `${extraBytes}`);
          if (stored) await client.expect("DELE /gated.bin", 250);
        }
        assert.ok(gate.mostBytes <= limits.uploadPendingBytes + 2 * limits.ftpsReceiveBytes, `${gate.mostBytes}`);
        await client.quit();
        await ftps.close();
      });
    }
  }
}

/** A store that takes nothing while it is closed. */
class Gate {
  #opened = Promise.withResolvers<void>();
  #heldBytes = 0;
  mostBytes = 0;
  readonly objects = storeWithWriters((writer) => ({
    write: async (chunk) => {
      this.#heldBytes += chunk.length;
      this.mostBytes = Math.max(this.mostBytes, this.#heldBytes);
      await this.#opened.promise;
      this.#heldBytes -= chunk.length;
      return writer.write(chunk);
    },
  }));

  close(): void {
    this.#opened = Promise.withResolvers();
  }

  open(): void {
    this.#opened.resolve();
  }
}

/** Everything is on its way, and as much of it read as the server wants to, before the store takes any of it. */
async function uploadBehind(gate: Gate, client: FtpsClient, content: Buffer, announced: boolean): Promise<number> {
  gate.close();
  const raw = await client.connectData();
  await client.expect("STOR /gated.bin", 150);
  const data = client.secureData(raw);
  await once(data, "secureConnect");
  const sent = new Promise((resolve) => data.write(content, resolve));
  const isOver = sent.then(() => void (announced ? data.end() : raw.end()));
  let early: number | undefined;
  for (let round = 0; round < 20; round += 1) {
    const { code } = await client.command("NOOP");
    if (code === 200) continue;
    // That an upload was cut off may be known before the store has taken what there is of it.
    early = code;
    await client.expectNext(200);
  }
  gate.open();
  await isOver;
  data.resume();
  const code = early ?? (await client.reply()).code;
  raw.destroy();
  return code;
}

function loggedIn(ftps: FtpsTestServer, version: (typeof versions)[number]): Promise<FtpsClient> {
  const tls: ConnectionOptions = { minVersion: version, maxVersion: version };
  return FtpsClient.loggedIn(ftps.port, { tls });
}

for (const version of versions) {
  it(`a close_notify that anybody could have written is not the end of an upload over ${version}`, async () => {
    const ftps = await startFtps();
    const client = await loggedIn(ftps, version);
    const raw = await client.connectData();
    await client.expect("STOR /forged.bin", 150);
    const data = client.secureData(raw);
    await once(data, "secureConnect");
    await new Promise((resolve) => data.write("content", resolve));
    const alert = { type: 21, warning: 1, closeNotify: 0 };
    raw.end(Buffer.from([alert.type, 3, 3, 0, 2, alert.warning, alert.closeNotify]));
    assert.equal((await client.reply()).code, 426);
    assert.equal(await ftps.stored("/forged.bin"), undefined);
    raw.destroy();
    await client.quit();
    await ftps.close();
  });
}

for (const version of versions) {
  for (const ending of endings) {
    it(`an upload ${ending} behind a header that was read before ends as it should: ${version}`, async (context) => {
      const header = "who the client is";
      const server = createServer().listen(0, "127.0.0.1");
      context.after(() => server.close());
      await once(server, "listening");
      const raw = connect((server.address() as AddressInfo).port, "127.0.0.1");
      const [accepted] = (await once(server, "connection")) as [Socket];
      raw.write(header);
      const client = connectTls({ socket: raw, rejectUnauthorized: false, minVersion: version, maxVersion: version });
      client.on("error", () => {});
      // The header and the first bytes of TLS, in whatever pieces they come.
      let bytes = Buffer.alloc(0);
      while (bytes.length <= header.length) bytes = Buffer.concat([bytes, (await once(accepted, "data"))[0]]);
      accepted.pause();
      accepted.unshift(bytes.subarray(header.length));
      const secureContext = withoutTickets(createSecureContext(serverOptions));
      const socket = new DirectUploadSocket(accepted, { isServer: true, secureContext });
      socket.resume();
      await once(client, "secureConnect");
      client.resume().write("content", () => void (ending === "with a close_notify" ? client.end() : raw.end()));
      await once(socket, "end");
      assert.equal(socket.endAnnounced, ending === "with a close_notify");
      raw.destroy();
    });
  }
}
