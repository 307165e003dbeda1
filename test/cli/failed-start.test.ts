import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { lockDataDirectory } from "../../bin/local/data-directory-lock.ts";
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

test("a data directory is one server's at a time, and what keeps it from being locked is named", async (context) => {
  const directory = await temporaryDirectory();
  context.after(() => rm(directory, { recursive: true, force: true }));
  const unlock = lockDataDirectory(directory);
  assert.ok(unlock);
  assert.equal(lockDataDirectory(directory), undefined);
  unlock();
  lockDataDirectory(directory)?.();
  const file = join(directory, "run", "lock.sqlite");
  await rm(file);
  await mkdir(file);
  assert.throws(() => lockDataDirectory(directory), { message: new RegExp(`^${file}, which .* unable to open`) });
});
