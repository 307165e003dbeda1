import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { Readable, Writable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { Client } from "basic-ftp";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import { storeWithWriters } from "../../support/changed-writers.ts";
import { closeOf, FtpsClient } from "../../support/ftps-client.ts";
import { type FtpsTestServer, startFtps } from "../../support/ftps-server.ts";
import { createMemoryObjectStore } from "../../support/memory-object-store.ts";

let ftps: FtpsTestServer;
let client: FtpsClient;
before(async () => {
  ftps = await startFtps({ sessionReuse: "required" });
  client = await FtpsClient.loggedIn(ftps.port);
});
after(async () => {
  await client.quit();
  await ftps.close();
});

const text = async (path: string) => (await ftps.stored(path))?.toString();

describe("STOR and RETR", () => {
  const sizes = [0, 1, 16_384, limits.ftpsReceiveBytes, limits.ftpsSendBytes + 1, 5_000_001];
  for (const bytes of sizes) {
    it(`carry ${bytes} bytes there and back`, async () => {
      const content = randomBytes(bytes);
      const { lines } = await client.upload("STOR /content.bin", content);
      const sha256 = createHash("sha256").update(content).digest("hex");
      assert.equal(lines[0], `Stored ${bytes} bytes, SHA-256 ${sha256}.`);
      assert.ok(content.equals((await ftps.stored("/content.bin")) ?? Buffer.alloc(0)));
      assert.ok(content.equals(await client.download("RETR /content.bin")));
    });
  }

  it("change nothing in ASCII type", async () => {
    await client.expect("TYPE A", 200);
    await client.upload("STOR /lines.txt", "a\nb\r\nc");
    assert.equal((await client.download("RETR /lines.txt")).toString(), "a\nb\r\nc");
    await client.expect("TYPE I", 200);
  });

  it("record each transfer once", async () => {
    await client.upload("STOR /trail.bin", "x");
    await client.download("RETR /trail.bin");
    assert.deepEqual(ftps.trail("/trail.bin"), [
      "transfer.started",
      "transfer.completed",
      "transfer.started",
      "transfer.completed",
    ]);
  });

  it("refuse folders, missing files and missing folders, and give the port back", async () => {
    for (const line of ["RETR /", "RETR /missing", "STOR /", "STOR /missing/x", "APPE /", "STOU missing/x"]) {
      await client.passive();
      await client.expect(line, 550);
      await client.expect(line, 425);
    }
  });

  it("are refused by a reply, not by the end of the data connection, for a client that takes either", async () => {
    const other = await startFtps({ changes: { objects: failingStore() } });
    const seeding = await FtpsClient.loggedIn(other.port);
    await seeding.upload("STOR /unreadable.bin", Buffer.alloc(2 * limits.ftpsSendBytes));
    await seeding.quit();
    try {
      const refused = { "RETR /missing": 550, "STOR /missing/x": 550, "LIST /missing": 550 };
      const broken = { "STOR /full.bin": 552, "RETR /unreadable.bin": 450 };
      for (const [command, code] of Object.entries({ ...refused, ...broken })) {
        const impatient = new Client();
        const secureOptions = { rejectUnauthorized: false };
        await impatient.access({ port: other.port, user: "tester", password: "password", secure: true, secureOptions });
        const [verb, path = ""] = command.split(" ");
        const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
        const transfer =
          verb === "RETR"
            ? impatient.downloadTo(sink, path)
            : verb === "STOR"
              ? impatient.uploadFrom(Readable.from([Buffer.alloc(20_000_000)]), path)
              : impatient.list(path);
        await assert.rejects(transfer, { code }, command);
        impatient.close();
      }
    } finally {
      await other.close();
    }
  });

  it("take the rest of an upload that was refused, for a client that reads no reply before its end", async () => {
    for (const uploadPath of ["direct", "copying"] as const) {
      const other = await startFtps({ uploadPath, changes: { objects: failingStore() } });
      const talkative = await FtpsClient.loggedIn(other.port);
      const data = await talkative.startTransfer("STOR /full.bin");
      data.end(Buffer.alloc(20_000_000));
      data.resume();
      await once(data, "finish");
      await talkative.expectNext(552);
      await closeOf(data);
      assert.equal((await talkative.upload("STOR /next.bin", "next")).code, 226);
      await talkative.quit();
      await other.close();
    }
  });

  it("break the data connection of a refused transfer that the client leaves open", async () => {
    const other = await startFtps({ limits: { ftpsLingerMs: 1 }, changes: { objects: failingStore() } });
    const waiting = await FtpsClient.loggedIn(other.port);
    const data = await waiting.connectData();
    data.resume();
    await waiting.expect("RETR /missing", 550);
    await closeOf(data);
    const upload = await waiting.startTransfer("STOR /full.bin");
    upload.resume().write(Buffer.alloc(limits.ftpsReceiveBytes));
    await waiting.expectNext(552);
    await closeOf(upload);
    assert.equal(await other.stored("/full.bin"), undefined);
    await waiting.quit();
    await other.close();
  });
});

/** `/full.bin` finds no space, and reads of `/unreadable.bin` fail behind the first block. */
function failingStore() {
  const objects = createMemoryObjectStore();
  return {
    ...objects,
    openWrite: async (objectKey: string, transferId: string) => {
      const writer = await objects.openWrite(objectKey, transferId);
      if (!objectKey.endsWith("/full.bin")) return writer;
      return { ...writer, write: () => Promise.reject(new FileError("quota-exceeded", "the store is full")) };
    },
    openRead: async (objectKey: string) => {
      const reader = await objects.openRead(objectKey);
      if (!objectKey.endsWith("/unreadable.bin")) return reader;
      const read = (target: Uint8Array, position: number) =>
        position > 0
          ? Promise.reject(new FileError("unavailable", "the store is away"))
          : reader.read(target, position);
      return { ...reader, read };
    },
  };
}

describe("REST", () => {
  before(() => client.upload("STOR /rest.txt", "0123456789"));

  it("starts the next download behind what the client has", async () => {
    await client.expect("REST 4", 350);
    assert.equal((await client.download("RETR /rest.txt")).toString(), "456789");
    assert.equal((await client.download("RETR /rest.txt")).toString(), "0123456789");
    await client.expect("REST 10", 350);
    assert.equal((await client.download("RETR /rest.txt")).toString(), "");
  });

  it("starts the next upload inside the file, and keeps what lies beyond", async () => {
    await client.upload("STOR /up.txt", "0123456789");
    await client.expect("REST 3", 350);
    await client.upload("STOR /up.txt", "abc");
    assert.equal(await text("/up.txt"), "012abc6789");
    await client.expect("REST 10", 350);
    await client.upload("STOR /up.txt", "!");
    assert.equal(await text("/up.txt"), "012abc6789!");
  });

  it("behind the end of a file is 554, and changes nothing", async () => {
    for (const line of ["RETR /rest.txt", "STOR /rest.txt", "STOR /new.txt"]) {
      await client.expect("REST 11", 350);
      await client.passive();
      await client.expect(line, 554);
    }
    assert.equal(await text("/rest.txt"), "0123456789");
    assert.equal(await text("/new.txt"), undefined);
  });

  it("is for one transfer, whichever that is", async () => {
    await client.expect("REST 4", 350);
    await client.download("LIST /");
    assert.equal((await client.download("RETR /rest.txt")).toString(), "0123456789");
  });
});

describe("APPE and STOU", () => {
  it("append to a file, or make it", async () => {
    await client.upload("APPE /log.txt", "one\n");
    await client.expect("REST 1", 350);
    await client.upload("APPE /log.txt", "two\n");
    assert.equal(await text("/log.txt"), "one\ntwo\n");
  });

  it("store under a name of the server's choice, which the 150 tells", async () => {
    await client.expect("MKD /unique", 257);
    await client.expect("CWD /unique", 250);
    for (const line of ["STOU", "STOU report.pdf"]) {
      const socket = await client.connectData();
      const announcement = await client.expect(line, 150);
      client.secureData(socket).end(line);
      await client.expectNext(226);
      const path = /^FILE: (\/unique\/(file|report\.pdf)\.[0-9a-f-]{36})$/.exec(announcement)?.[1] ?? "";
      assert.equal(await text(path), line);
    }
    await client.expect("CWD /", 250);
  });
});

describe("during a transfer", () => {
  it("NOOP and STAT are answered, other commands wait their turn", async () => {
    const data = await client.startTransfer("STOR /slow.txt");
    client.send("NOOP\r\nSTAT\r\nSIZE /slow.txt\r\nNOOP\r\n");
    await client.expectNext(200);
    assert.ok((await client.reply()).lines.includes("A transfer is under way"));
    data.end("slow");
    await client.expectNext(226);
    assert.equal(await client.expectNext(213), "4");
    await client.expectNext(200);
  });

  it("ABOR ends an upload with 426 and then 226, and nothing is stored", async () => {
    const data = await client.startTransfer("STOR /aborted.txt");
    data.write("half");
    await client.expect("ABOR", 426);
    await client.expectNext(226);
    assert.equal(await text("/aborted.txt"), undefined);
    assert.deepEqual(ftps.trail("/aborted.txt"), ["transfer.started", "transfer.aborted"]);
  });

  it("ABOR with the telnet signals in front ends a download", async () => {
    await client.upload("STOR /large.bin", Buffer.alloc(20_000_000));
    const data = await client.startTransfer("RETR /large.bin");
    await once(data, "data");
    data.pause();
    client.send(Buffer.from([0xff, 0xf4, 0xff, 0xf2]));
    await client.expect("ABOR", 426);
    await client.expectNext(226);
    assert.equal(ftps.trail("/large.bin").at(-1), "transfer.aborted");
    data.destroy();
  });

  it("ABOR before the data connection comes ends the transfer too", async () => {
    await client.passive();
    await client.expect("STOR /never.txt", 150);
    await client.expect("ABOR", 426);
    await client.expectNext(226);
  });

  it("QUIT waits for the end", async () => {
    const other = await FtpsClient.loggedIn(ftps.port);
    const data = await other.startTransfer("STOR /quit.txt");
    other.send("QUIT\r\n");
    data.end("whole");
    await other.expectNext(226);
    await other.expectNext(221);
    await other.closed();
    assert.equal(await text("/quit.txt"), "whole");
  });

  it("the loss of the control connection ends it, with nothing stored", async () => {
    const alone = await startFtps();
    const other = await FtpsClient.loggedIn(alone.port);
    const data = await other.startTransfer("STOR /lost.txt");
    data.write("half");
    other.destroy();
    await closeOf(data);
    await alone.untilRecorded("session.ended");
    assert.equal(await alone.stored("/lost.txt"), undefined);
    assert.deepEqual(alone.trail("/lost.txt"), ["transfer.started", "transfer.aborted"]);
    await alone.close();
  });
});

describe("a store", () => {
  it("that is full answers 552 in the middle of an upload", async () => {
    const write = () => Promise.reject(new FileError("quota-exceeded", "the store is full"));
    const changes = { objects: storeWithWriters(() => ({ write })) };
    const full = await startFtps({ changes, limits: { ftpsLingerMs: 1 } });
    const other = await FtpsClient.loggedIn(full.port);
    const data = await other.startTransfer("STOR /full.bin");
    data.write(Buffer.alloc(limits.ftpsReceiveBytes));
    assert.equal(await other.expectNext(552), "The store is full.");
    await closeOf(data);
    assert.deepEqual(full.trail("/full.bin"), ["transfer.started", "transfer.aborted"]);
    await full.close();
  });

  it("that fails unexpectedly answers 451 and tells the operator, not the client", async () => {
    const publish = () => Promise.reject(new Error("secret detail"));
    const broken = await startFtps({ changes: { objects: storeWithWriters(() => ({ publish })) } });
    const other = await FtpsClient.loggedIn(broken.port);
    const { code, lines } = await other.upload("STOR /x", "x");
    assert.equal(code, 451);
    assert.doesNotMatch(lines.join(), /secret/);
    assert.match(JSON.stringify(broken.services.runtime.logged), /secret detail/);
    await broken.close();
  });

  it("that is slow makes the client wait", async () => {
    const gate = Promise.withResolvers<void>();
    const objects = storeWithWriters((writer) => ({ write: (chunk) => gate.promise.then(() => writer.write(chunk)) }));
    const slow = await startFtps({ changes: { objects } });
    const other = await FtpsClient.loggedIn(slow.port);
    const data = await other.startTransfer("STOR /slow.bin");
    const content = randomBytes(64 * 1024 * 1024);
    data.end(content);
    // Long enough for what fits into the buffers on the way; the answers come over the other connection.
    for (let round = 0; round < 200; round += 1) await other.expect("NOOP", 200);
    assert.ok(data.writableLength > 0, "the client has bytes that it cannot send");
    gate.resolve();
    await other.expectNext(226);
    assert.ok(content.equals((await slow.stored("/slow.bin")) ?? Buffer.alloc(0)));
    await slow.close();
  });
});
