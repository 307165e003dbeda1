import assert from "node:assert/strict";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { startProduct, temporaryDirectory } from "../support/product.ts";

test("a start that finds its port in use says so and ends", async (context) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => server.close());
  const directory = await temporaryDirectory();
  context.after(() => rm(directory, { recursive: true, force: true }));
  const { port } = server.address() as AddressInfo;
  const configuration = `server: { sftp: false, ftps: false, http: { listen: "127.0.0.1:${port}" } }\n`;
  await assert.rejects(startProduct({ directory, configuration }), /exited with 1:[\s\S]*address already in use/);
});
