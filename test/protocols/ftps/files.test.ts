import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { FtpsClient } from "../../support/ftps-client.ts";
import { type FtpsTestServer, startFtps } from "../../support/ftps-server.ts";
import { testAccount } from "../../support/memory-ports.ts";

const rule = (...tokens: ("allow-list" | "allow-write" | "allow-rename")[]) => ({
  permissions: [{ expression: undefined, tokens, label: "the rule" }],
});

let ftps: FtpsTestServer;
let client: FtpsClient;
before(async () => {
  ftps = await startFtps({
    accounts: [
      testAccount(),
      testAccount({ name: "reader", home: "tester", ...rule("allow-list") }),
      testAccount({ name: "renamer", home: "tester", ...rule("allow-rename") }),
    ],
  });
  client = await FtpsClient.loggedIn(ftps.port);
});
after(async () => {
  await client.quit();
  await ftps.close();
});

describe("folders", () => {
  it("are made, entered, left and removed", async () => {
    assert.equal(await client.expect("MKD a b", 257), '"/a b" was made.');
    await client.expect("MKD /a b", 550);
    assert.equal(await client.expect('MKD /q"q', 257), '"/q""q" was made.');
    await client.expect("CWD a b", 250);
    assert.equal(await client.expect("PWD", 257), '"/a b" is the current folder.');
    await client.expect("MKD deep", 257);
    await client.expect("CWD deep", 250);
    await client.expect("CDUP", 250);
    assert.equal(await client.expect("XPWD", 257), '"/a b" is the current folder.');
    await client.expect("CDUP", 250);
    await client.expect("CDUP", 250);
    await client.expect("RMD a b", 550);
    await client.expect("RMD a b/deep", 250);
    await client.expect("RMD a b", 250);
    await client.expect('XRMD q"q', 250);
    await client.expect("RMD a b", 550);
  });

  it("are not entered when they are files or are missing", async () => {
    await client.upload("STOR /file", "x");
    await client.expect("CWD /file", 550);
    await client.expect("CWD /missing", 550);
    assert.match(await client.expect("PWD", 257), /^"\/"/);
    await client.expect("DELE /file", 250);
  });

  it("are never above the root", async () => {
    await client.expect("CWD ../../..", 250);
    assert.match(await client.expect("PWD", 257), /^"\/" /);
  });
});

describe("files", () => {
  it("are measured, dated, hashed and described", async () => {
    await client.upload("STOR /d.txt", "123456789");
    assert.match(await client.expect("MFMT 20240229120000 d.txt", 213), /^Modify=20240229120000; d\.txt$/);
    assert.equal(await client.expect("MDTM d.txt", 213), "20240229120000");
    assert.equal(await client.expect("SIZE d.txt", 213), "9");
    await client.expect("OPTS HASH CRC32", 200);
    assert.equal(await client.expect("HASH d.txt", 213), "CRC32 0-9 cbf43926 d.txt");
    await client.expect("OPTS HASH SHA-256", 200);
    assert.match(await client.expect("HASH d.txt", 213), /^SHA-256 0-9 15e2b0d3[0-9a-f]{56} d\.txt$/);
    const { lines } = await client.command("MLST d.txt");
    assert.deepEqual(lines, ["Listing", "type=file;size=9;modify=20240229120000; /d.txt", "End"]);
  });

  it("leave no transfer on record when they are hashed", async () => {
    const before = ftps.trail("/d.txt").length;
    await client.expect("HASH d.txt", 213);
    assert.equal(ftps.trail("/d.txt").length, before);
  });

  it("are missing with 550, whatever is asked of them", async () => {
    for (const line of [
      "SIZE x",
      "MDTM x",
      "HASH x",
      "DELE x",
      "RNFR x",
      "MLST x",
      "MFMT 20240101000000 x",
      "STAT x",
    ]) {
      await client.expect(line, 550);
    }
    for (const line of ["SIZE /", "MDTM /", "HASH /", "DELE /"]) await client.expect(line, 550);
  });

  it("have names without control characters", async () => {
    await client.expect("SIZE a\u0000b", 553);
    await client.expect("MKD a\tb", 553);
    await client.expect(`MKD ${"x".repeat(300)}`, 553);
  });

  it("are renamed, and replace what has the new name", async () => {
    await client.upload("STOR /one", "1");
    await client.upload("STOR /two", "2");
    await client.expect("RNTO /three", 503);
    await client.expect("RNFR /one", 350);
    await client.expect("RNTO /two", 250);
    assert.equal((await ftps.stored("/two"))?.toString(), "1");
    await client.expect("RNTO /three", 503);
  });
});

describe("a refused permission", () => {
  it("is 553 and on record with its rule", async () => {
    const reader = await FtpsClient.loggedIn(ftps.port, {}, "reader");
    for (const line of [
      "DELE d.txt",
      "MKD x",
      "RMD x",
      "MFMT 20240101000000 d.txt",
      "HASH d.txt",
      "SITE CHMOD 644 d.txt",
    ]) {
      await reader.expect(line, 553);
    }
    await reader.passive();
    await reader.expect("STOR x", 553);
    await reader.passive();
    await reader.expect("RETR d.txt", 553);
    await reader.expect("RNFR d.txt", 350);
    await reader.expect("RNTO e.txt", 553);
    const denied = ftps.events.filter(({ type, account }) => type === "access.denied" && account?.name === "reader");
    assert.deepEqual(
      denied.map(({ data }) => [data.action, data.rule]),
      [
        "delete-file",
        "create-folder",
        "delete-folder",
        "set-attributes",
        "read",
        "set-attributes",
        "write",
        "read",
        "rename",
      ].map((action) => [action, "the rule"]),
    );
    await reader.quit();
  });

  it("to look does not forbid to rename", async () => {
    const renamer = await FtpsClient.loggedIn(ftps.port, {}, "renamer");
    await renamer.expect("RNFR /two", 350);
    await renamer.expect("RNTO /renamed", 250);
    await renamer.quit();
  });
});
