import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { CreateBucketCommand, GetObjectCommand, ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
import { openS3Site } from "../../adapters/aws/s3-site.ts";
import { createRemoteSites } from "../../adapters/node/remote/remote-sites.ts";
import { createRuntime } from "../../adapters/node/runtime.ts";
import type { RemoteDestination } from "../../core/remote-destination.ts";
import { parseVirtualPath } from "../../core/virtual-path.ts";
import type { RemoteSites } from "../../ports/remote-site.ts";
import { temporaryPath } from "../../service/destinations/remote-names.ts";
import { awsServerOrSkip, startAwsServices } from "../support/aws-services.ts";
import { type BreakingRelay, type Breaks, startBreakingRelay } from "../support/breaking-relay.ts";
import { proftpdOrSkip, startFtpServer } from "../support/ftp-servers.ts";
import { startHttpsFileServer } from "../support/https-file-server.ts";
import { temporaryDirectory } from "../support/product.ts";
import { type PushRig, startPushRig } from "../support/push-rig.ts";
import { remoteDestination } from "../support/remote-destination.ts";
import { programOrSkip } from "../support/require-program.ts";
import { startSshServer } from "../support/ssh-server.ts";

const sites = createRemoteSites({ s3: openS3Site });
const content = randomBytes(20_000_000);

async function withDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await temporaryDirectory();
  await work(directory).finally(() => rm(directory, { recursive: true, force: true }));
}

async function withRig(
  destination: RemoteDestination,
  work: (rig: PushRig) => Promise<void>,
  through: RemoteSites = sites,
): Promise<void> {
  const rig = await startPushRig(destination, through);
  await work(rig).finally(() => rig.stop());
}

/** What was read back of the file's end before it is gone on with does not count: bytes that were written do. */
function counting(): { readonly sites: RemoteSites; readonly offsets: number[] } {
  const offsets: number[] = [];
  const open = async (destination: RemoteDestination) => {
    const site = await sites.open(destination);
    const write: typeof site.write = (path, pieces, options) => {
      offsets.push(options.offset);
      return site.write(path, pieces, options);
    };
    return new Proxy(site, {
      get: (target, name) => {
        if (name === "write") return write;
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  return { sites: { open }, offsets };
}

async function untilMoved(rig: PushRig, bytes: number): Promise<void> {
  while (((await rig.active())[0]?.movedBytes ?? 0) < bytes) await delay(5);
}

describe("a large push", () => {
  for (const name of ["vsftpd", "ProFTPD"] as const) {
    const skip = name === "vsftpd" ? programOrSkip("vsftpd") : proftpdOrSkip();
    it(`arrives whole at ${name}`, { skip }, () =>
      withDirectory(async (directory) => {
        const { server, files, destination } = await startFtpServer(name, directory);
        await withRig(destination(), async (rig) => {
          await rig.push("a.bin", content);
          assert.deepEqual(await rig.letters(), []);
        });
        assert.ok(content.equals(await readFile(join(files, "in", "a.bin"))));
        assert.deepEqual(await readdir(join(files, "in")), ["a.bin"]);
        await server.stop();
      }),
    );
  }

  it("arrives whole at a web server", () =>
    withDirectory(async (directory) => {
      const server = await startHttpsFileServer(directory);
      const destination = remoteDestination(`${server.url}/base`, { authorities: server.certificate });
      await withRig(destination, async (rig) => {
        await rig.push("a.bin", content);
        assert.deepEqual(await rig.letters(), []);
      });
      assert.ok(content.equals(await readFile(join(directory, "base", "in", "a.bin"))));
      await server.close();
    }));

  it("arrives whole in a bucket, in parts, and leaves none", { skip: awsServerOrSkip() }, () =>
    withBucket({}, async ({ destination, stored, unfinished }) => {
      await withRig(destination(), async (rig) => {
        await rig.push("a.bin", content);
        assert.deepEqual(await rig.letters(), []);
      });
      assert.ok(content.equals(await stored("in/a.bin")));
      assert.deepEqual(await unfinished(), []);
    }),
  );
});

interface Bucket {
  readonly relay: BreakingRelay;
  destination(changes?: Partial<Omit<RemoteDestination, "address">>): RemoteDestination;
  stored(objectKey: string): Promise<Buffer>;
  unfinished(): Promise<readonly string[]>;
}

/** A bucket that is reached by a way that breaks. */
async function withBucket(breaks: Breaks, work: (bucket: Bucket) => Promise<void>): Promise<void> {
  const services = await startAwsServices();
  const { hostname, port } = new URL(services.endpoint);
  assert.equal(hostname, "127.0.0.1");
  const relay = await startBreakingRelay({ port: Number(port) }, breaks);
  const credentials = { accessKeyId: "test", secretAccessKey: "test-secret" };
  const region = "eu-west-1";
  const client = new S3Client({ endpoint: services.endpoint, region, credentials, forcePathStyle: true });
  const Bucket = `push-${process.pid}-${Date.now()}`;
  await client.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }));
  const login = { user: credentials.accessKeyId, password: credentials.secretAccessKey, region };
  const endpoint = `http://127.0.0.1:${relay.port}`;
  const bucket: Bucket = {
    relay,
    destination: (changes = {}) => remoteDestination(`s3://${Bucket}`, { ...login, endpoint, ...changes }),
    stored: async (objectKey) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: objectKey }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
    unfinished: async () => {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
      return Uploads.map((upload) => `${upload.Key}`);
    },
  };
  try {
    await work(bucket);
  } finally {
    client.destroy();
    await relay.close();
    await services.stop();
  }
}

/** Resolves when the way has broken and the try that was under way is over. */
async function untilBroken(rig: PushRig, { isBroken }: BreakingRelay): Promise<void> {
  while (!isBroken()) await delay(5);
  while ((await rig.active()).length > 0) await delay(5);
}

const partBytes = 8 * 1024 * 1024;

describe("a push to a bucket whose connection breaks", { skip: awsServerOrSkip() }, () => {
  it("goes on behind the parts that are there", () =>
    withBucket({ atBytes: 12_000_000 }, async ({ relay, destination, stored, unfinished }) => {
      await withRig(destination(), async (rig) => {
        const pushed = rig.push("a.bin", content);
        await untilBroken(rig, relay);
        assert.deepEqual(await unfinished(), ["in/a.bin"]);
        relay.mend();
        const types = (await pushed).map(({ type }) => type).filter((type) => type.startsWith("transfer."));
        assert.deepEqual(types, ["transfer.started", "transfer.completed"]);
      });
      assert.ok(content.equals(await stored("in/a.bin")));
      assert.deepEqual(await unfinished(), []);
      const sent = relay.sentBytes();

      assert.ok(sent < content.length + partBytes, `${sent} bytes for ${content.length}`);
    }));

  it("leaves no parts when its tries are used up", () =>
    withBucket({ mostBytesOfConnection: 4_000_000 }, async ({ destination, unfinished }) => {
      await withRig(destination({ tries: 2 }), async (rig) => {
        await rig.push("a.bin", content);
        assert.equal((await rig.letters()).length, 1);
      });
      assert.deepEqual(await unfinished(), []);
    }));

  it("leaves no parts when the file is another one by then", () =>
    withBucket({ atBytes: 12_000_000 }, async ({ relay, destination, unfinished }) => {
      await withRig(destination(), async (rig) => {
        const pushed = rig.push("a.bin", content);
        await untilBroken(rig, relay);
        await rig.replace("a.bin", Buffer.from("another"));
        relay.mend();
        assert.ok((await pushed).some(({ type }) => type === "transfer.aborted"));
      });
      assert.deepEqual(await unfinished(), []);
    }));
});

describe("a push that is cut off", () => {
  it("is gone on with at OpenSSH, where it was", { skip: programOrSkip("sshd") }, () =>
    withDirectory(async (directory) => {
      const server = await startSshServer(directory);
      const { port, files, user, privateKey, hostKey } = server;
      const destination = remoteDestination(`sftp://127.0.0.1:${port}${files}`, {
        user,
        privateKey,
        hostKeys: [hostKey],
        bytesPerSecond: 10_000_000,
      });
      const { sites: counted, offsets } = counting();
      await withRig(
        destination,
        async (rig) => {
          const pushed = rig.push("a.bin", content);
          for (const bytes of [4_000_000, 10_000_000]) {
            await untilMoved(rig, bytes);
            await server.kill();
            await server.start();
          }
          const events = await pushed;
          const types = events.map(({ type }) => type).filter((type) => type.startsWith("transfer."));
          assert.deepEqual(types, ["transfer.started", "transfer.completed"]);
          assert.deepEqual(await rig.letters(), []);
        },
        counted,
      );
      assert.equal(offsets[0], 0);
      assert.ok(offsets.length >= 3 && (offsets[1] ?? 0) > 1_000_000, `${offsets}`);
      assert.ok((offsets[2] ?? 0) > (offsets[1] ?? 0), `${offsets}`);
      assert.ok(content.equals(await readFile(join(files, "in", "a.bin"))));
      assert.deepEqual(await readdir(join(files, "in")), ["a.bin"]);
      await server.kill();
    }),
  );

  it("begins anew where what is there is not the beginning of the file", { skip: programOrSkip("sshd") }, () =>
    withDirectory(async (directory) => {
      const server = await startSshServer(directory);
      const { port, files, user, privateKey, hostKey } = server;
      const destination = remoteDestination(`sftp://127.0.0.1:${port}${files}`, {
        user,
        privateKey,
        hostKeys: [hostKey],
        bytesPerSecond: 10_000_000,
      });
      const { sites: counted, offsets } = counting();
      await withRig(
        destination,
        async (rig) => {
          const pushed = rig.push("a.bin", content);
          await untilMoved(rig, 4_000_000);
          await server.kill();
          const [temporary = ""] = await readdir(join(files, "in"));
          const { size } = await stat(join(files, "in", temporary));
          // As after a crash of the machine: the size is there, and the bytes are not.
          await writeFile(join(files, "in", temporary), Buffer.alloc(size));
          await server.start();
          await pushed;
        },
        counted,
      );
      assert.deepEqual(offsets, [0, 0]);
      assert.ok(content.equals(await readFile(join(files, "in", "a.bin"))));
      await server.kill();
    }),
  );
});

describe("a push to a disk that is full", { skip: programOrSkip("sshd") }, () => {
  it("waits among the dead letters when its tries are used up, and no part of it has the file's name", () =>
    withDirectory(async (directory) => {
      const server = await startSshServer(directory);
      const { port, files, user, privateKey, hostKey } = server;
      const login = { user, privateKey, hostKeys: [hostKey], tries: 2 };
      await mkdir(join(files, "in"));
      const runtime = createRuntime({ log: { info: () => {}, warn: () => {}, error: () => {} } });
      const workId = "dispatch.upload-a.bin/push/do.0";
      const temporary = join(files, temporaryPath(runtime, parseVirtualPath("/in/a.bin"), workId));
      // What is written there finds no room.
      await symlink("/dev/full", temporary);
      await withRig(remoteDestination(`sftp://127.0.0.1:${port}${files}`, login), async (rig) => {
        const events = await rig.push("a.bin", content);
        assert.deepEqual(await rig.letters(), ["the destination answered: Failure"]);
        const types = events.map(({ type }) => type);
        assert.deepEqual(types, ["transfer.started", "transfer.aborted", "dispatch.failed"]);
      });
      assert.deepEqual(await readdir(join(files, "in")), [basename(temporary)]);
      await server.kill();
    }));
});

describe("a push that a site refuses", () => {
  const small = Buffer.from("small");

  it("waits among the dead letters at once, with what ProFTPD says", { skip: proftpdOrSkip() }, () =>
    withDirectory(async (directory) => {
      const { server, files, destination } = await startFtpServer("ProFTPD", directory);
      await mkdir(join(files, "denied"));
      const there = destination();
      const denied = { ...there, address: { ...there.address, folder: `${there.address.folder}/denied` } };
      await withRig(denied, async (rig) => {
        const events = await rig.push("a.bin", small);
        assert.match(`${await rig.letters()}`, /^the destination refused: .*Operation not permitted$/);
        const failed = events.find(({ type }) => type === "dispatch.failed");
        assert.equal(failed?.data.attempts, 1);
      });
      await server.stop();
    }),
  );

  for (const [status, attempts] of [
    [400, 1],
    [403, 1],
    [413, 1],
    [503, 2],
  ] as const) {
    it(`waits among the dead letters after ${attempts} of 2 tries where HTTP says ${status}`, () =>
      withDirectory(async (directory) => {
        const answer = {
          status,
          headers: { "content-type": "text/plain", "retry-after": "3" },
          text: "not on Sundays",
        };
        const server = await startHttpsFileServer(directory, { put: answer });
        const destination = remoteDestination(server.url, { authorities: server.certificate, tries: 2 });
        await withRig(destination, async (rig) => {
          const startMs = performance.now();
          const events = await rig.push("a.bin", small);
          assert.deepEqual(await rig.letters(), [`the destination answered ${status} for /in/a.bin: not on Sundays`]);
          assert.equal(events.find(({ type }) => type === "dispatch.failed")?.data.attempts, attempts);
          assert.ok(attempts === 1 || performance.now() - startMs >= 3000);
        });
        await server.close();
      }));
  }
});
