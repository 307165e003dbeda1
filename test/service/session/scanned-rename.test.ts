import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createDirectoryObjectStore } from "../../../adapters/local/directory-object-store.ts";
import { compileExpression } from "../../../core/expression.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { createSessionOpener } from "../../../service/session/open-session.ts";
import type { Session } from "../../../service/session/session.ts";
import type { Upload } from "../../../service/session/upload.ts";
import { createMemoryServices, type MemoryServices, testAccount } from "../../support/memory-ports.ts";
import { temporaryDirectory } from "../../support/product.ts";
import { randomFrom } from "../../support/random.ts";

const refusal = { code: "permission-denied", message: /scanned there/ };
const rounds = 100;

/** What an account whose files are scanned below /inbox can do from two sessions at the same time. */
describe("a rename into a folder that is scanned", () => {
  let directory: string;
  let objects: ObjectStore;
  let services: MemoryServices;
  let [one, other]: Session[] = [];
  const sessions = () => {
    assert.ok(one && other);
    return { one, other };
  };
  before(async () => {
    directory = await temporaryDirectory();
    objects = await createDirectoryObjectStore({
      filesDirectory: join(directory, "files"),
      stagingDirectory: join(directory, "staging"),
    });
    services = createMemoryServices([testAccount({ scan: [compileExpression("/inbox/*")] })], { objects });
    const { openSession } = createSessionOpener(services);
    const logIn = async () => {
      const session = openSession({ protocol: "sftp", peer: { address: "127.0.0.1", port: 1 }, disconnect: () => {} });
      assert.ok(await session.authenticate({ kind: "password", username: "tester", password: "password" }));
      return session;
    };
    one = await logIn();
    other = await logIn();
    for (const folder of ["/inbox", "/out"]) await one.makeDirectory(folder);
  });
  after(async () => {
    for (const session of [one, other]) await session?.end("user-request");
    await rm(directory, { recursive: true });
  });
  const begin = async (session: Session, path: string) => {
    const upload = await session.upload(path, { mode: "replace" });
    await upload.append(Buffer.from("not scanned"));
    return upload;
  };
  const inbox = async (folder = "/inbox"): Promise<string[]> => {
    const { entries } = await objects.list(`tester${folder}`, { limit: 1000 });
    const names = entries.map(async ({ name, type }) =>
      type === "file" ? [`${folder}/${name}`] : inbox(`${folder}/${name}`),
    );
    return (await Promise.all(names)).flat();
  };

  it("takes an empty folder, and none with a file in it", async () => {
    const { one } = sessions();
    await one.makeDirectory("/out/empty");
    await one.rename("/out/empty", "/inbox/empty", { overwrite: false });
    await one.makeDirectory("/out/full");
    await one.makeDirectory("/out/full/deep");
    await (await begin(one, "/out/full/deep/a")).commit();
    await assert.rejects(one.rename("/out/full", "/inbox/full", { overwrite: false }), refusal);
    await assert.rejects(one.rename("/out/full/deep/a", "/inbox/a", { overwrite: true }), refusal);
    await assert.rejects(one.copy("/out/full/deep/a", "/inbox/a", { overwrite: true }), refusal);
    assert.deepEqual(await inbox(), []);
    const denied = services.accounting.events.filter(({ type }) => type === "access.denied");
    assert.equal(denied.length, 3);
  });

  it("leaves an upload where it was begun that ends when its folder has another name", async () => {
    const { one, other } = sessions();
    await one.makeDirectory("/out/renamed");
    const upload = await begin(other, "/out/renamed/late");
    await one.rename("/out/renamed", "/inbox/renamed", { overwrite: false });
    await upload.commit();
    assert.deepEqual(await inbox(), []);
    assert.equal((await one.stat("/out/renamed/late")).type, "file");
  });

  it("brings nothing along that is uploaded, renamed or exchanged in that very moment", async () => {
    const { one, other } = sessions();
    const random = randomFrom(1);
    for (let round = 0; round < rounds; round += 1) {
      const [from, to] = [`/out/race-${round}`, `/inbox/race-${round}`];
      await one.makeDirectory(from);
      const uploads: Upload[] = [];
      for (let index = 0; index < 4; index += 1) uploads.push(await begin(other, `${from}/${index}`));
      const elsewhere = await begin(other, `/out/elsewhere-${round}`);
      await elsewhere.commit();
      const works = [
        ...uploads.map((upload) => () => upload.commit()),
        () => other.rename(`/out/elsewhere-${round}`, `${from}/elsewhere`, { overwrite: false }),
        () => one.rename(from, to, { overwrite: false }),
        () => other.rename(to, from, { overwrite: false }),
        () => one.copy(`${from}/0`, `/inbox/copy-${round}`, { overwrite: true }),
        () => one.rename(`${to}/1`, `/inbox/second-${round}`, { overwrite: true }),
      ].sort(() => random() - 0.5);
      await Promise.allSettled(works.map((work) => work()));
      assert.deepEqual(await inbox(), [], `round ${round}`);
    }
  });
});
