import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { createClamdScanner } from "../../../adapters/node/clamd-scanner.ts";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import { type ScannedFile, ScannerDown } from "../../../ports/content-scanner.ts";
import { type Clamd, eicar, eicarSignature, startClamd } from "../../support/clamd.ts";
import { programOrSkip } from "../../support/require-program.ts";

function fileOf(...pieces: readonly Buffer[]): ScannedFile {
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  return {
    scanId: "scan",
    objectKey: "content/scan",
    bytes,
    // As readers do, each piece in the same memory.
    content: async function* () {
      const memory = Buffer.alloc(Math.max(1, ...pieces.map(({ length }) => length)));
      for (const piece of pieces) {
        piece.copy(memory);
        yield memory.subarray(0, piece.length);
      }
    },
  };
}

/** A zip of one stored file. */
function zipOf(name: string, content: Buffer): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt32LE(crc32(content), 10);
  fields.writeUInt32LE(content.length, 14);
  fields.writeUInt32LE(content.length, 18);
  fields.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), fields, Buffer.from(name), content]);
  const central = Buffer.concat([
    Buffer.from("PK\x01\x02\x14\0", "latin1"),
    fields,
    Buffer.alloc(14),
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}

const isRefusal = (code: string, text: RegExp) => (error: unknown) =>
  error instanceof FileError && error.code === code && text.test(error.message);

describe("clamd", { skip: programOrSkip("clamd") }, () => {
  let clamd: Clamd;
  before(async () => {
    clamd = await startClamd();
  });
  after(() => clamd.dispose());

  const scan = (file: ScannedFile) => createClamdScanner({ host: "127.0.0.1", port: clamd.port }).scan(file);

  it("says what is clean, over TCP and over a socket", async () => {
    const file = fileOf(Buffer.from("hello"));
    assert.deepEqual(await scan(file), { verdict: "clean" });
    assert.deepEqual(await createClamdScanner({ path: clamd.socketPath }).scan(file), { verdict: "clean" });
    assert.deepEqual(await scan(fileOf()), { verdict: "clean" });
  });

  it("finds EICAR, also where it comes in two chunks", async () => {
    const found = { verdict: "infected", signature: eicarSignature };
    assert.deepEqual(await scan(fileOf(eicar)), found);
    assert.deepEqual(await scan(fileOf(eicar.subarray(0, 30), eicar.subarray(30))), found);
    const far = Buffer.concat([Buffer.alloc(limits.scannerChunkBytes - 20, "."), eicar, Buffer.alloc(1_000_000, ".")]);
    assert.deepEqual(await scan(fileOf(far)), found);
  });

  it("finds EICAR inside a zip", async () => {
    assert.deepEqual(await scan(fileOf(zipOf("a.txt", eicar))), { verdict: "infected", signature: eicarSignature });
  });

  it("has no verdict for a file over its StreamMaxLength", async () => {
    const large = fileOf(...Array.from({ length: 10 }, () => Buffer.alloc(1_000_000)));
    await assert.rejects(scan(large), isRefusal("too-large", /StreamMaxLength/));
  });

  it("scans many files that come at the same time", async () => {
    const scanner = createClamdScanner({ host: "127.0.0.1", port: clamd.port });
    const files = Array.from({ length: 40 }, (_, index) =>
      index % 3 === 0 ? eicar : Buffer.alloc(50_000, `${index}`),
    );
    const verdicts = await Promise.all(files.map((content) => scanner.scan(fileOf(content))));
    const expected = files.map((content) => (content === eicar ? "infected" : "clean"));
    assert.deepEqual(
      verdicts.map(({ verdict }) => verdict),
      expected,
    );
  });
});

describe("a scanner that is not as it should be", () => {
  const servers: Server[] = [];
  after(() => {
    for (const server of servers) server.close();
  });

  async function scannerThat(acts: (socket: Socket) => void) {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      acts(socket);
    });
    servers.push(server);
    await once(server.listen(0, "127.0.0.1"), "listening");
    return createClamdScanner({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
  }

  const large = () => fileOf(...Array.from({ length: 64 }, () => Buffer.alloc(1_000_000)));

  it("is down when nobody listens", async () => {
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    await once(server.close(), "close");
    for (const scanner of [createClamdScanner({ host: "127.0.0.1", port }), createClamdScanner({ path: "/nowhere" })]) {
      await assert.rejects(scanner.scan(fileOf(eicar)), ScannerDown);
    }
  });

  it("has no verdict when it ends in the middle", async () => {
    const broken = await scannerThat((socket) => socket.once("data", () => socket.destroy()));
    for (const file of [fileOf(eicar), large()]) {
      const error = await broken.scan(file).catch((reason: unknown) => reason);
      assert.ok(isRefusal("unavailable", /broke before/)(error), `${error}`);
      assert.ok(!(error instanceof ScannerDown));
    }
  });

  it("has no verdict when it says that a file is clean before it has it", async () => {
    const hasty = await scannerThat((socket) => socket.once("data", () => socket.write("stream: OK\0")));
    await assert.rejects(hasty.scan(large()), isRefusal("unavailable", /before it had the whole file/));
  });

  it("has no verdict when it says something else", async () => {
    const replies = [
      ["INSTREAM size limit exceeded. ERROR\0", "too-large"],
      ["stream: Can't allocate memory ERROR\0", "unavailable"],
      ["HTTP/1.1 400 Bad Request\r\n\r\n\0", "unavailable"],
      ["x".repeat(limits.scannerReplyBytes + 1), "unavailable"],
      ["stream: OK", "unavailable"],
    ] as const;
    for (const [reply, code] of replies) {
      const odd = await scannerThat((socket) => {
        socket.on("data", (chunk) => {
          if (chunk.subarray(-4).equals(Buffer.alloc(4))) socket.end(reply);
        });
      });
      await assert.rejects(odd.scan(fileOf(eicar)), isRefusal(code, /./), reply.slice(0, 40));
    }
  });

  it("is listened to when it refuses a file before all of it is sent", async () => {
    const strict = await scannerThat((socket) =>
      socket.once("data", () => socket.end("INSTREAM size limit exceeded. ERROR\0")),
    );
    await assert.rejects(strict.scan(large()), isRefusal("too-large", /StreamMaxLength/));
  });

  it("is given no more than it takes", async () => {
    let sentBytes = 0;
    let connections = 0;
    const { promise: connected, resolve } = Promise.withResolvers<Socket>();
    const slow = await scannerThat((socket) => {
      connections += 1;
      if (connections > 1) socket.destroy();
      else resolve(socket.pause());
    });
    const piece = Buffer.alloc(100_000);
    const scanning = slow.scan({
      ...fileOf(),
      bytes: 1000 * piece.length,
      content: async function* () {
        for (let count = 0; count < 1000; count += 1) {
          sentBytes += piece.length;
          yield piece;
        }
      },
    });
    const socket = await connected;
    for (let before = -1; before !== sentBytes; ) {
      before = sentBytes;
      await new Promise((next) => setTimeout(next, 100));
    }
    assert.ok(sentBytes < 20_000_000, `${sentBytes} bytes are on their way`);
    socket.destroy();
    await assert.rejects(scanning, isRefusal("unavailable", /broke/));
  });

  it("is asked about so many files at a time", async () => {
    let open = 0;
    let most = 0;
    const busy = await scannerThat((socket) => {
      open += 1;
      most = Math.max(most, open);
      socket.on("data", (chunk) => {
        if (chunk.subarray(-4).equals(Buffer.alloc(4))) {
          setTimeout(() => {
            open -= 1;
            socket.end("stream: OK\0");
          }, 20);
        }
      });
    });
    await Promise.all(Array.from({ length: 30 }, () => busy.scan(fileOf(Buffer.from("x")))));
    assert.equal(most, limits.scansAtOnce);
  });

  it("does not hide what the store says of the file", async () => {
    const fine = await scannerThat((socket) => socket.resume());
    const shorter = { ...fileOf(Buffer.from("short")), bytes: 6 };
    await assert.rejects(fine.scan(shorter), isRefusal("integrity", /not as long/));
    const failing: ScannedFile = {
      ...fileOf(),
      // biome-ignore lint/correctness/useYield: the store fails at once.
      content: async function* () {
        throw new FileError("unavailable", "the disk is gone");
      },
    };
    await assert.rejects(fine.scan(failing), isRefusal("unavailable", /the disk is gone/));
  });
});
