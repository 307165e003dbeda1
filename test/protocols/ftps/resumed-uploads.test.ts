import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import type { TLSSocket } from "node:tls";
import { limits } from "../../../core/limits.ts";
import { storeWithWriters } from "../../support/changed-writers.ts";
import { FtpsClient } from "../../support/ftps-client.ts";
import { type FtpsTestServer, startFtps } from "../../support/ftps-server.ts";
import { testAccount } from "../../support/memory-ports.ts";
import { resumableServices } from "../../support/memory-resumable-uploads.ts";

const content = randomBytes(3 * limits.ftpsReceiveBytes);

describe("uploads over FTPS that break off", () => {
  let ftps: FtpsTestServer;
  let client: FtpsClient;
  /** Called when the store has a part of an upload. */
  let wrote: () => void = () => {};
  before(async () => {
    const accounts = [testAccount({ resumableUploads: true }), testAccount({ name: "other", home: "tester" })];
    const objects = storeWithWriters((writer) => ({
      write: async (chunk) => {
        await writer.write(chunk);
        wrote();
      },
    }));
    ftps = await startFtps({ accounts, changes: resumableServices(objects), limits: { ftpsDataIdleMs: 300 } });
    client = await FtpsClient.loggedIn(ftps.port);
  });
  after(async () => {
    client.destroy();
    await ftps.close();
  });

  interface Half {
    readonly client: FtpsClient;
    readonly raw: Socket;
    readonly data: TLSSocket;
  }

  async function half(line: string): Promise<Half> {
    const one = await FtpsClient.loggedIn(ftps.port);
    const raw = await one.connectData();
    await one.expect(line, 150);
    const data = one.secureData(raw);
    await once(data, "secureConnect");
    const written = new Promise<void>((resolve) => {
      wrote = resolve;
    });
    data.write(content.subarray(0, content.length / 2));
    await written;
    return { client: one, raw, data };
  }

  /** What SIZE says once the upload's end is on record. */
  async function keptBytes(path: string, breakOff: (upload: Half) => void): Promise<number> {
    const ended = ftps.events.filter(({ type }) => type === "transfer.aborted").length + 1;
    const upload = await half(`STOR ${path}`);
    breakOff(upload);
    await ftps.untilRecorded("transfer.aborted", ended);
    upload.client.destroy();
    const text = await client.expect(`SIZE ${path}`, 213);
    return Number(text.split(" ").at(-1));
  }

  async function storeRest(path: string, line: string, from: number): Promise<void> {
    const { code, lines } = await client.upload(line, content.subarray(from));
    assert.equal(code, 226, lines.join(" "));
    assert.deepEqual(await ftps.stored(path), content);
  }

  const breaks: Readonly<Record<string, (upload: Half) => void>> = {
    "is reset": ({ raw }) => void raw.resetAndDestroy(),
    "ends without a close_notify": ({ raw }) => void raw.end(),
    "stands still": () => {},
    "goes with its control connection": ({ client: one }) => one.destroy(),
  };

  for (const [title, breakOff] of Object.entries(breaks)) {
    it(`go on where the server has them when their connection ${title}`, async () => {
      const path = `/${title.replaceAll(" ", "-")}.bin`;
      const size = await keptBytes(path, breakOff);
      assert.ok(size > 0 && size < content.length / 2, `${size} bytes are kept`);
      await client.expect(`REST ${size}`, 350);
      await storeRest(path, `STOR ${path}`, size);
    });
  }

  it("go on with APPE", async () => {
    const size = await keptBytes("/appended.bin", ({ raw }) => void raw.resetAndDestroy());
    await storeRest("/appended.bin", "APPE /appended.bin", size);
  });

  it("go on before their end, and begin anew", async () => {
    const size = await keptBytes("/earlier.bin", ({ raw }) => void raw.resetAndDestroy());
    await client.expect(`REST ${size - 1000}`, 350);
    await storeRest("/earlier.bin", "STOR /earlier.bin", size - 1000);
    await keptBytes("/anew.bin", ({ raw }) => void raw.resetAndDestroy());
    await storeRest("/anew.bin", "STOR /anew.bin", 0);
  });

  it("do not go on behind their end, which changes nothing", async () => {
    const size = await keptBytes("/behind.bin", ({ raw }) => void raw.resetAndDestroy());
    await client.expect(`REST ${size + 1}`, 350);
    await client.passive();
    await client.expect("STOR /behind.bin", 554);
    const left = Number((await client.expect("SIZE /behind.bin", 213)).split(" ").at(-1));
    assert.ok(left > 0 && left <= size);
    await client.expect(`REST ${left}`, 350);
    await storeRest("/behind.bin", "STOR /behind.bin", left);
  });

  it("leave nothing after ABOR", async () => {
    const upload = await half("STOR /unwanted.bin");
    await upload.client.expect("ABOR", 426);
    await upload.client.expectNext(226);
    upload.client.destroy();
    await client.expect("SIZE /unwanted.bin", 550);
  });

  it("are told of by MLST, in no listing, to no other account, and cannot be read", async () => {
    const size = await keptBytes("/secret.bin", ({ raw }) => void raw.resetAndDestroy());
    await client.passive();
    await client.expect("RETR /secret.bin", 550);
    const facts = await client.command("MLST /secret.bin");
    assert.match(facts.lines.join("\n"), new RegExp(`size=${size};`, "i"));
    assert.doesNotMatch((await client.download("MLSD /")).toString(), /secret/);
    const other = await FtpsClient.loggedIn(ftps.port, {}, "other");
    await other.expect("SIZE /secret.bin", 550);
    await other.expect("MLST /secret.bin", 550);
    other.destroy();
  });
});
