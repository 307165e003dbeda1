import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import type { UploadPath } from "../../../protocols/ftps/data-connection.ts";
import { FtpsClient } from "../../support/ftps-client.ts";
import { type FtpsTestServer, startFtps } from "../../support/ftps-server.ts";

const versions = ["TLSv1.2", "TLSv1.3"] as const;
const content = "the content that was there before";

type Version = (typeof versions)[number];

interface Command {
  readonly lines: readonly string[];
  readonly path: string;
  readonly before?: string;
}

/** Tries again for as long as it fails: the handshake of a login may take longer than a limit that soon passes. */
async function untilDone<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch {}
  }
}

/** Passes so many bytes of what is written on, and then ends the connection as `cut` does. */
class CutConnection extends Duplex {
  readonly #socket: Socket;
  readonly #cut: (socket: Socket) => void;
  #leftBytes: number;
  passedBytes = 0;
  /** Written behind everything else. */
  trailer = "";

  constructor(socket: Socket, leftBytes: number, cut: (socket: Socket) => void) {
    super();
    this.#socket = socket;
    this.#leftBytes = leftBytes;
    this.#cut = cut;
    socket.on("data", (chunk) => this.push(chunk));
    socket.once("close", () => this.destroy());
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const passed = chunk.subarray(0, this.#leftBytes);
    this.#leftBytes -= passed.length;
    this.passedBytes += passed.length;
    this.#socket.write(passed, () => {
      if (this.#leftBytes === 0) this.#cut(this.#socket);
      done();
    });
  }

  override _final(done: () => void): void {
    this.#socket.end(this.trailer, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

for (const uploadPath of ["direct", "copying"] as const) {
  describe(`on the ${uploadPath} path`, () => truncationTests(uploadPath));
}

function truncationTests(uploadPath: UploadPath): void {
  let ftps: FtpsTestServer;
  // Each has one limit that soon passes, for the tests that wait for nothing else.
  let idling: FtpsTestServer;
  let connecting: FtpsTestServer;
  let shaking: FtpsTestServer;
  before(async () => {
    ftps = await startFtps({ uploadPath });
    idling = await startFtps({ uploadPath, limits: { ftpsDataIdleMs: 200 } });
    connecting = await startFtps({ uploadPath, limits: { ftpsDataConnectMs: 200 } });
    shaking = await startFtps({ uploadPath, limits: { handshakeMs: 200 } });
  });
  after(async () => {
    await Promise.all([ftps, idling, connecting, shaking].map((server) => server.close()));
    // A connection that is left behind keeps this waiting for ever.
    while (process.getActiveResourcesInfo().includes("TCPSocketWrap")) await delay(10);
  });

  const login = (version: Version, { port } = ftps) =>
    FtpsClient.loggedIn(port, { tls: { minVersion: version, maxVersion: version } });

  /** What is on record of a path since `mark`, and what is in the store. */
  async function outcomeOf(path: string, mark: number, { events, stored } = ftps) {
    const types = events
      .slice(mark)
      .filter(({ data }) => data.path === path)
      .map(({ type }) => type);
    return { types, stored: (await stored(path))?.toString() };
  }

  /** A file that no upload brought. */
  async function store({ services: { objects } }: FtpsTestServer, path: string, bytes: Buffer): Promise<void> {
    const writer = await objects.openWrite(`tester${path}`, `before ${path}`);
    await writer.write(bytes);
    await writer.publish({});
  }

  const aborted = ["transfer.started", "transfer.aborted"];

  interface Upload {
    readonly client: FtpsClient;
    readonly raw: Socket;
    readonly data: TLSSocket;
  }

  /** An upload under way, half of whose content has left the client. */
  async function halfAnUpload(client: FtpsClient, line: string): Promise<Upload> {
    const raw = await client.connectData();
    await client.expect(line, 150);
    const data = client.secureData(raw);
    // The server may have ended it by then, where its limit is short.
    await Promise.race([once(data, "secureConnect"), once(data, "close")]);
    await new Promise((resolve) => data.write(Buffer.alloc(100_000, "x"), resolve));
    return { client, raw, data };
  }

  const breaks: Readonly<Record<string, (upload: Upload) => void>> = {
    "is reset": ({ raw }) => void raw.resetAndDestroy(),
    "ends without a close_notify": ({ raw }) => void raw.end(),
  };

  const commands: readonly Command[] = [
    { lines: ["STOR /new.bin"], path: "/new.bin" },
    { lines: ["STOR /old.bin"], path: "/old.bin", before: content },
    { lines: ["APPE /log.bin"], path: "/log.bin", before: content },
    { lines: ["REST 5", "STOR /part.bin"], path: "/part.bin", before: content },
  ];

  interface Broken {
    readonly server: FtpsTestServer;
    readonly version: Version;
    readonly breakOff: (upload: Upload) => void;
  }

  async function uploadBrokenOff({ server, version, breakOff }: Broken, { lines, path, before: old }: Command) {
    const client = await login(version, server);
    if (old) await store(server, path, Buffer.from(old));
    const mark = server.events.length;
    for (const line of lines.slice(0, -1)) await client.expect(line, 350);
    breakOff(await halfAnUpload(client, lines.at(-1) ?? ""));
    await client.expectNext(426);
    assert.deepEqual(await outcomeOf(path, mark, server), { types: aborted, stored: old });
    return client;
  }

  for (const version of versions) {
    for (const [title, breakOff] of Object.entries(breaks)) {
      describe(`an upload over ${version} whose data connection ${title}`, () => {
        for (const command of commands) {
          it(`is 426 for ${command.lines.join(", ")} and leaves what was there`, async () => {
            const client = await uploadBrokenOff({ server: ftps, version, breakOff }, command);
            await client.upload(`STOR ${command.path}.next`, "the session goes on");
            await client.quit();
          });
        }
      });
    }

    describe(`an upload over ${version} whose data connection stands still`, () => {
      for (const command of commands) {
        it(`is 426 for ${command.lines.join(", ")} and leaves what was there`, async () => {
          const client = await uploadBrokenOff({ server: idling, version, breakOff: () => {} }, command);
          await client.expect("NOOP", 200);
          await client.quit();
        });
      }
    });

    it(`over ${version} the loss of the control connection in the middle leaves nothing`, async () => {
      const client = await login(version);
      const mark = ftps.events.length;
      const { data } = await halfAnUpload(client, "STOR /lost.bin");
      const ended = ftps.trail().filter((type) => type === "session.ended").length;
      client.destroy();
      await ftps.untilRecorded("session.ended", ended + 1);
      // Too late: nobody is left to take it.
      data.end("and the other half");
      assert.deepEqual(await outcomeOf("/lost.bin", mark), { types: aborted, stored: undefined });
    });
  }

  describe("a data connection", () => {
    const silent = async (server: FtpsTestServer, connect: (client: FtpsClient) => Promise<Socket | number>) => {
      const client = await untilDone(() => login("TLSv1.3", server));
      await connect(client);
      await client.expect("STOR /silent.bin", 150);
      await client.expectNext(425);
      await client.quit();
      assert.deepEqual(await outcomeOf("/silent.bin", 0, server), { types: aborted, stored: undefined });
    };

    it("that never comes is 425, and nothing is stored", () => silent(connecting, (client) => client.passive()));

    it("that comes and never begins its handshake is 425, and nothing is stored", () =>
      silent(shaking, (client) => client.connectData()));

    it("in clear that is reset is 426, and nothing is stored", async (context) => {
      const clear = await startFtps({ uploadPath, listener: { allowClearData: true } });
      context.after(() => clear.close());
      const client = await FtpsClient.loggedIn(clear.port);
      await client.expect("PROT C", 200);
      const data = await client.connectData();
      await client.expect("STOR /clear.bin", 150);
      await new Promise((resolve) => data.write(Buffer.alloc(100_000), resolve));
      data.resetAndDestroy();
      await client.expectNext(426);
      assert.equal(await clear.stored("/clear.bin"), undefined);
      assert.deepEqual(clear.trail("/clear.bin"), aborted);
      await client.quit();
    });

    it("over which the client takes nothing of a download is 426", async () => {
      const client = await login("TLSv1.3", idling);
      await store(idling, "/large.bin", Buffer.alloc(20_000_000));
      const data = client.secureData(await client.connectData());
      data.pause();
      await client.expect("RETR /large.bin", 150);
      await client.expectNext(426);
      assert.deepEqual((await outcomeOf("/large.bin", 0, idling)).types, aborted);
      data.destroy();
      await client.quit();
    });
  });

  describe("an upload whose ciphertext is cut", () => {
    /** Uploads over a connection that passes `leftBytes`. Answers the code of the reply, and what passed. */
    async function uploadCut(client: FtpsClient, leftBytes: number, cut: (socket: Socket) => void, trailer = "") {
      const raw = await client.connectData();
      await client.expect("STOR /cut.txt", 150);
      const connection = new CutConnection(raw, leftBytes, cut);
      connection.trailer = trailer;
      const data = client.secureData(connection as unknown as Socket);
      data.once("secureConnect", () => data.end("x".repeat(40)));
      data.resume();
      const { code } = await client.reply();
      raw.destroy();
      return { code, passedBytes: connection.passedBytes };
    }

    const cuts = {
      "by a FIN": (raw: Socket) => void raw.end(),
      "by a reset": (raw: Socket) => void raw.resetAndDestroy(),
    };
    for (const version of versions) {
      it(`is whole when its close_notify has come over ${version}, whatever follows`, async () => {
        const client = await login(version);
        const whole = await uploadCut(client, Number.MAX_SAFE_INTEGER, cuts["by a FIN"], "more");
        assert.equal(whole.code, 226);
        assert.equal(`${await ftps.stored("/cut.txt")}`, "x".repeat(40));
        await client.expect("DELE /cut.txt", 250);
        await client.quit();
      });

      it(`in the middle of a record, as long as a close_notify, over ${version} is never stored`, async () => {
        const client = await login(version);
        const whole = await uploadCut(client, Number.MAX_SAFE_INTEGER, cuts["by a FIN"]);
        await client.expect("DELE /cut.txt", 250);
        // A record has its header and its tag around its content, and in TLS 1.2 eight bytes of a nonce, in 1.3 one of
        // a type; the content of a close_notify has two bytes, the file 40.
        const recordBytes = version === "TLSv1.3" ? 40 + 22 : 40 + 29;
        const { code } = await uploadCut(client, whole.passedBytes - recordBytes, cuts["by a FIN"]);
        assert.equal(code, 426);
        assert.equal(await ftps.stored("/cut.txt"), undefined);
        await client.quit();
      });
      for (const [title, cut] of Object.entries(cuts)) {
        it(`${title} at any byte over ${version} is never stored`, async () => {
          const client = await login(version);
          const whole = await uploadCut(client, Number.MAX_SAFE_INTEGER, cut);
          assert.equal(whole.code, 226);
          await client.expect("DELE /cut.txt", 250);
          const mark = ftps.events.length;
          // The content and the close_notify behind it are the last bytes; the handshake is cut here and there.
          const points = Array.from({ length: whole.passedBytes }, (_, index) => index).filter(
            (at) => at > whole.passedBytes - 120 || at % 50 === 1,
          );
          for (const at of points.slice(1)) {
            const { code } = await uploadCut(client, at, cut);
            assert.ok(code === 425 || code === 426, `${code} after ${at} of ${whole.passedBytes} bytes`);
          }
          const { types, stored } = await outcomeOf("/cut.txt", mark);
          assert.equal(stored, undefined);
          assert.deepEqual(
            types,
            points.slice(1).flatMap(() => aborted),
          );
          await client.quit();
        });
      }
    }
  });
}
