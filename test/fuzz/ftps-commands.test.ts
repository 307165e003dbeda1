import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { commandTable, unsupportedCommands } from "../../protocols/ftps/commands.ts";
import { FtpsClient } from "../support/ftps-client.ts";
import { type FtpsTestServer, startFtps } from "../support/ftps-server.ts";

/** Everything but what ends the session, or starts a transfer that the fuzzer would have to serve. */
const verbs = [...commandTable.keys(), ...unsupportedCommands, "XYZZY", "site", "rEtR"].filter(
  (verb) => verb !== "QUIT",
);
const argument = fc.oneof(
  fc.constantFrom(
    "",
    "/",
    "..",
    "/dir",
    "/dir/file.txt",
    "-la /dir",
    "a*",
    "I",
    "A",
    "P",
    "C",
    "0",
    "17",
    "ALL",
    "TLS",
  ),
  fc.constantFrom(
    "UTF8 ON",
    "MLST type;size;",
    "HASH CRC32",
    "HASH SHA-256",
    "20261122101500 /dir/file.txt",
    "|1|::1|9|",
  ),
  fc.string({ unit: "grapheme", maxLength: 40 }).map((text) => text.replace(/[\r\n]/g, "")),
  fc.string({ unit: "binary", maxLength: 300 }).map((text) => text.replace(/[\r\n]/g, "")),
);
const line = fc
  .tuple(fc.constantFrom(...verbs), argument)
  .map(([verb, text]) => (text === "" ? verb : `${verb} ${text}`));

describe("a session", () => {
  let ftps: FtpsTestServer;
  before(async () => {
    ftps = await startFtps();
  });
  after(() => ftps.close());

  it("answers every command once, and goes on, whatever the commands are", async () => {
    const passive = /^(PASV|EPSV)\b/i;
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 20 }), async (lines) => {
        const client = await FtpsClient.loggedIn(ftps.port);
        await client.command("MKD /dir");
        await client.upload("STOR /dir/file.txt", "content");
        // No passive port, so no transfer starts and each command has one reply.
        for (const text of lines.filter((each) => !passive.test(each))) {
          const { code } = await client.command(text);
          assert.ok(code >= 200 && code < 600 && code !== 451, `${JSON.stringify(text)} is answered ${code}`);
        }
        await client.expect("NOOP", 200);
        await client.quit();
      }),
      { numRuns: 60 },
    );
    const failures = ftps.services.runtime.logged.filter((entry) => JSON.stringify(entry).includes("command failed"));
    assert.deepEqual(failures, []);
  });
});
