import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { limits } from "../../../core/limits.ts";
import { FtpsClient } from "../../support/ftps-client.ts";
import { type FtpsTestServer, startFtps } from "../../support/ftps-server.ts";

let ftps: FtpsTestServer;
let client: FtpsClient;
before(async () => {
  ftps = await startFtps();
  client = await FtpsClient.loggedIn(ftps.port);
  await client.expect("MKD /sub", 257);
  await client.expect("MKD /empty", 257);
  for (const name of ["a.txt", "b.txt", "c.bin", "-l"]) await client.upload(`STOR /sub/${name}`, name);
});
after(async () => {
  await client.quit();
  await ftps.close();
});

const lines = async (command: string) => {
  const text = (await client.download(command)).toString();
  return text === "" ? [] : text.replace(/\r\n$/, "").split("\r\n");
};

describe("LIST", () => {
  it("describes the entries of a folder, or one file", async () => {
    const names = (await lines("LIST /sub")).map((line) => line.replace(/^.* \d\d:\d\d /, ""));
    assert.deepEqual(names, ["-l", "a.txt", "b.txt", "c.bin"]);
    assert.match(
      (await lines("LIST /sub/a.txt")).join(),
      /^-rw-r----- 1 tester tester +5 \w{3} [ \d]\d \d\d:\d\d a\.txt$/,
    );
    assert.match((await lines("LIST -la"))[0] ?? "", /^drwx.* empty$/);
  });

  it("of an empty folder is empty, and ends under TLS", async () => assert.deepEqual(await lines("LIST /empty"), []));

  it("of what is missing is 550, and the port is given back", async () => {
    await client.passive();
    await client.expect("LIST /missing", 550);
    await client.expect("LIST /sub", 425);
  });
});

describe("NLST", () => {
  it("names entries so that the names can be used from the current folder", async () => {
    assert.deepEqual(await lines("NLST"), ["empty", "sub"]);
    assert.deepEqual(await lines("NLST sub"), ["sub/-l", "sub/a.txt", "sub/b.txt", "sub/c.bin"]);
    assert.deepEqual(await lines("NLST sub/"), ["sub/-l", "sub/a.txt", "sub/b.txt", "sub/c.bin"]);
    assert.deepEqual(await lines("NLST sub/a.txt"), ["sub/a.txt"]);
  });

  it("takes the last part of a path as a pattern when nothing has that name", async () => {
    assert.deepEqual(await lines("NLST sub/*.txt"), ["sub/a.txt", "sub/b.txt"]);
    await client.expect("CWD sub", 250);
    assert.deepEqual(await lines("NLST ?.bin"), ["c.bin"]);
    assert.deepEqual(await lines("NLST *.none"), []);
    await client.expect("CWD /", 250);
  });
});

describe("MLSD", () => {
  it("gives the facts that are in force", async () => {
    await client.expect("OPTS MLST type;size;", 200);
    assert.deepEqual(await lines("MLSD /sub"), [
      "type=file;size=2; -l",
      ...["a.txt", "b.txt", "c.bin"].map((name) => `type=file;size=5; ${name}`),
    ]);
    assert.deepEqual(await lines("MLSD"), ["type=dir; empty", "type=dir; sub"]);
    await client.expect("OPTS MLST type;size;modify;", 200);
  });

  it("is for folders only", async () => {
    await client.passive();
    await client.expect("MLSD /sub/a.txt", 501);
  });
});

describe("STAT", () => {
  it("with a path lists over the control connection", async () => {
    const { code, lines: reply } = await client.command("STAT /sub");
    assert.equal(code, 213);
    assert.equal(reply.length, 6);
    assert.match(reply[2] ?? "", / a\.txt$/);
  });
});

describe("a large folder", () => {
  const count = 2 * limits.listingPageEntries + 1;
  before(async () => {
    await ftps.services.objects.createDirectory("tester/large");
    for (let index = 0; index < count; index += 1) {
      const writer = await ftps.services.objects.openWrite(`tester/large/${index}`, `t${index}`);
      await writer.publish({});
    }
  });

  it("is listed whole, but not by STAT", async () => {
    assert.equal((await lines("NLST /large")).length, count);
    await client.expect("STAT /large", 550);
  });
});
