import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { awsOrSkip } from "../support/aws-services.ts";
import { startGatewayCluster } from "../support/gateway-cluster.ts";
import { beginSftpUpload } from "../support/upload-under-way.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
/** That of the image, where this process may take it on. */
const uid = process.getuid?.() === 0 ? 10_001 : undefined;

describe("the recipe of the image", () => {
  it("runs as nobody in particular, from a read-only place, with a health check", async () => {
    const text = await readFile(join(root, "gateway/Dockerfile"), "utf8");
    const instructions = text
      .replaceAll(/\\\n\s*/g, "")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    const stages = instructions.filter((line) => line.startsWith("FROM "));
    // No architecture is named: it is that of the build.
    assert.deepEqual(stages, ["FROM node:24-slim AS build", "FROM node:24-slim"]);
    const image = instructions.slice(instructions.indexOf("FROM node:24-slim"));
    const only = (word: string) => image.filter((line) => line.startsWith(`${word} `));
    assert.deepEqual(only("USER"), ["USER 10001:10001"]);
    assert.match(only("HEALTHCHECK").join(), /CMD \["node", "health-check\.mjs"\]$/);
    assert.deepEqual(only("ENTRYPOINT"), ['ENTRYPOINT ["node", "--enable-source-maps", "main.mjs"]']);
    assert.deepEqual(only("COPY"), [
      "COPY --from=build /image/node /usr/local/bin/node",
      "COPY --from=build /image/app /app",
    ]);
    assert.deepEqual([only("ADD"), only("VOLUME")], [[], []]);
    // The last word about the user comes before anything runs.
    assert.ok(image.findIndex((line) => line.startsWith("RUN ")) < image.indexOf("USER 10001:10001"));
  });

  it("builds the native ciphers, and fails where they cannot be built", async () => {
    const text = await readFile(join(root, "gateway/Dockerfile"), "utf8");
    assert.match(text, /^RUN node scripts\/native-crypto\.mjs --force$/m);
    assert.match(text, /g\+\+ make python3/);
  });
});

describe("what the image holds", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ferrygate-image-"));
    await run(process.execPath, ["scripts/bundle.mjs", join(folder, "dist")], { cwd: root });
    await run(process.execPath, ["scripts/gateway-image.mjs", join(folder, "image"), join(folder, "dist")], {
      cwd: root,
    });
    await chmod(folder, 0o755);
    await run("chmod", ["-R", "a-w,a+rX", join(folder, "image")]);
  });
  after(async () => {
    await run("chmod", ["-R", "u+w", folder]);
    await rm(folder, { recursive: true });
  });
  const program = (...args: readonly string[]) => ({
    command: join(folder, "image/node"),
    args,
    directory: join(folder, "image/app"),
    ...(uid !== undefined && { uid }),
  });

  it("lists what is missing in its environment, and ends", async () => {
    const { command, args, directory } = program("main.mjs");
    const failure = run(command, args, { cwd: directory, env: {}, ...(uid !== undefined && { uid, gid: uid }) });
    await assert.rejects(failure, ({ code, stderr }: { code: number; stderr: string }) => {
      assert.equal(code, 1);
      for (const name of ["TABLE", "DATA_BUCKET", "EVENT_BUS", "AUTH_FUNCTION", "HEALTH_PORT"]) {
        assert.match(stderr, new RegExp(`^FERRYGATE_${name}: is not set$`, "m"));
      }
      return true;
    });
  });

  it("has the CRC-32 of the processor", async () => {
    const { command, directory } = program();
    const { stdout } = await run(command, ["-p", "require('@node-rs/crc32').crc32('a', 0)"], { cwd: directory });
    assert.equal(stdout, "3904355907\n");
  });

  it("serves, answers its health check and drains, as its user and without writing", {
    skip: awsOrSkip(),
  }, async () => {
    const cluster = await startGatewayCluster({ tasks: 1, program: program("--enable-source-maps", "main.mjs") });
    try {
      const [task] = cluster.tasks;
      assert.ok(task);
      const place = { host: "127.0.0.1", port: cluster.sftpPort, localAddress: "127.0.3.1", path: "/file" };
      const upload = await beginSftpUpload(place);
      await upload.write(Buffer.from("content"));
      await upload.finish();
      assert.equal((await cluster.objects.stat("tester/file"))?.size, 7);
      const { command, args, directory } = program("health-check.mjs");
      const variables = { FERRYGATE_LISTEN_ADDRESS: task.host, FERRYGATE_HEALTH_PORT: `${cluster.healthPort}` };
      await run(command, args, { cwd: directory, env: variables });
      assert.equal(await task.stop(), 0, task.output());
      await assert.rejects(run(command, args, { cwd: directory, env: variables }));
    } finally {
      await cluster.close();
    }
  });
});
