import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { commandTable } from "../../../protocols/ftps/commands.ts";
import { FtpsClient } from "../../support/ftps-client.ts";
import { type FtpsTestServer, startFtps } from "../../support/ftps-server.ts";

const argumentOf: Readonly<Record<string, string>> = {
  PROT: "P",
  PBSZ: "0",
  TYPE: "I",
  MODE: "S",
  STRU: "F",
  OPTS: "UTF8 ON",
  MFMT: "20260101000000 x",
  REST: "0",
  ALLO: "1",
};

/** A command line that the verb's grammar accepts. */
function lineOf(verb: string): string {
  const { syntax } = commandTable.get(verb) ?? {};
  return `${verb} ${argumentOf[verb] ?? (syntax?.startsWith("<") ? "x" : "")}`.trimEnd();
}

let ftps: FtpsTestServer;
let client: FtpsClient;
before(async () => {
  ftps = await startFtps();
});
after(() => ftps.close());

describe("the command table", () => {
  it("lets nothing that needs TLS or a login through before them", async () => {
    client = await FtpsClient.connect(ftps.port);
    for (const [verb, { needsTls, needsLogin }] of commandTable) {
      if (needsTls || needsLogin) assert.equal((await client.command(lineOf(verb))).code, 530, verb);
    }
    await client.expect("AUTH TLS", 234);
    await client.startTls();
    for (const [verb, { needsLogin }] of commandTable) {
      if (needsLogin) assert.equal((await client.command(lineOf(verb))).code, 530, verb);
    }
    await client.quit();
  });

  it("leaves free for everyone only what tells or takes nothing", () => {
    const free = [...commandTable].filter(([, { needsTls, needsLogin }]) => !needsTls && !needsLogin);
    assert.deepEqual(
      free.map(([verb]) => verb),
      ["QUIT", "AUTH", "PBSZ", "CCC", "FEAT", "OPTS", "SYST", "NOOP", "HELP"],
    );
  });

  it("holds every command while a transfer is under way but those that are for such times", () => {
    const usable = [...commandTable].filter(([, { usableDuringTransfer }]) => usableDuringTransfer);
    assert.deepEqual(
      usable.map(([verb]) => verb),
      ["NOOP", "STAT", "ABOR"],
    );
  });
});

describe("commands that move no data", () => {
  before(async () => {
    client = await FtpsClient.loggedIn(ftps.port);
  });
  after(() => client.destroy());

  const answers: readonly [string, number, RegExp?][] = [
    ["SYST", 215, /^UNIX Type: L8$/],
    ["NOOP", 200],
    ["noop", 200],
    ["TYPE A", 200],
    ["TYPE I", 200],
    ["TYPE E", 504],
    ["TYPE", 501],
    ["MODE S", 200],
    ["MODE B", 504],
    ["STRU F", 200],
    ["STRU R", 504],
    ["ALLO 100", 202],
    ["REST 12", 350],
    ["REST -1", 501],
    ["OPTS UTF8 ON", 200],
    ["OPTS UTF8 OFF", 504],
    ["OPTS MLST size;unknown;", 200, /^MLST OPTS size;$/],
    ["OPTS MLST type;size;modify;", 200],
    ["OPTS HASH crc32", 200, /^CRC32$/],
    ["OPTS HASH SHA-256", 200],
    ["OPTS HASH MD5", 501],
    ["OPTS FOO", 501],
    ["OPTS", 501],
    ["STAT", 211],
    ["HELP", 214],
    ["HELP stor", 214, /^Syntax: STOR <path>$/],
    ["HELP FOO", 501],
    ["SITE HELP", 214],
    ["SITE UTIME x", 504],
    ["SITE CHMOD", 501],
    ["SITE CHMOD rwx /", 501],
    ["SITE CHMOD 755 /", 200],
    ["SITE CHMOD 0644 /missing", 550],
    ["PORT 127,0,0,1,10,10", 502],
    ["EPRT |1|127.0.0.1|2570|", 502],
    ["CCC", 534],
    ["PBSZ 0", 200, /^PBSZ=0$/],
    ["PBSZ x", 501],
    ["PROT S", 536],
    ["PROT C", 534],
    ["PROT P", 200],
    ["AUTH TLS", 503],
    ["USER tester", 503],
    ["PASS password", 503],
    ["ACCT x", 502],
    ["REIN", 502],
    ["SMNT /", 502],
    ["FOO", 500],
    ["é", 500],
    ["EPSV 2", 522, /\(1\)/],
    ["PASV now", 501],
    ["ABOR", 226],
    ["RETR x", 425],
    ["LIST", 425],
  ];
  for (const [line, code, text = /./] of answers) {
    it(`answers ${line} with ${code}`, async () => assert.match(await client.expect(line, code), text));
  }

  it("names in FEAT what is there and no more", async () => {
    const { lines } = await client.command("FEAT");
    const features = lines.slice(1, -1);
    assert.deepEqual(features, [
      "AUTH TLS",
      "EPSV",
      "HASH SHA-256*;CRC32",
      "MDTM",
      "MFMT",
      "MLST type*;size*;modify*;",
      "PBSZ",
      "PROT",
      "REST STREAM",
      "SIZE",
      "TVFS",
      "UTF8",
    ]);
    for (const verb of features.map((feature) => feature.split(" ")[0] ?? "")) {
      assert.ok(commandTable.has(verb) || ["TVFS", "UTF8"].includes(verb), verb);
    }
  });

  it("answers a line that is too long or not UTF-8, and goes on", async () => {
    await client.expect(`CWD ${"x".repeat(9000)}`, 500);
    client.send(Buffer.from([0x43, 0x57, 0x44, 0x20, 0xff, 0xfe, 0x80, 0x0d, 0x0a]));
    await client.expectNext(501);
    await client.expect("NOOP", 200);
  });

  it("answers pipelined commands in their order", async () => {
    client.send("PWD\r\nNOOP\r\nSYST\r\n");
    for (const code of [257, 200, 215]) await client.expectNext(code);
  });

  it("allows only EPSV after EPSV ALL", async () => {
    await client.expect("EPSV ALL", 200);
    await client.expect("PASV", 503);
    await client.expect("EPSV", 229);
  });
});
