import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { createSessionOpener } from "../../service/session/open-session.ts";
import { reconcile } from "../../service/session/reconcile.ts";
import type { SessionServices } from "../../service/session/services.ts";
import type { Session } from "../../service/session/session.ts";
import { faultyServices } from "../support/faulty-ports.ts";
import { createMemoryServices, type MemoryServices, testAccount } from "../support/memory-ports.ts";
import { randomFrom } from "../support/random.ts";

const seeds = 3000;
const lives = 3;
const uploadsPerLife = 4;

const sha256 = (content: Uint8Array) => createHash("sha256").update(content).digest("hex");

async function upload(session: Session, path: string, content: Uint8Array): Promise<void> {
  const transfer = await session.upload(path, { mode: "replace" });
  const half = content.length >> 1;
  await transfer.write(0, content.subarray(0, half));
  await transfer.write(half, content.subarray(half));
  await transfer.commit();
}

/** One life of the process: some uploads over faulty ports, then its death at the latest when they are done. */
async function live(services: SessionServices, random: () => number, life: number, acknowledged: Map<string, string>) {
  const faulty = faultyServices(services, { random, failureRate: 0.05, crashRate: 0.05 });
  const { openSession } = createSessionOpener(faulty.services);
  const peer = { address: "192.0.2.1", port: 1 };
  const work = async (index: number) => {
    const session = openSession({ protocol: "sftp", peer, disconnect: () => {} });
    await session.authenticate({ kind: "password", username: "tester", password: "password" });
    const [path, content] = [`/life${life}-${index}`, new Uint8Array(Math.floor(random() * 100)).fill(index)];
    await upload(session, path, content);
    acknowledged.set(path, sha256(content));
  };
  const all = Promise.allSettled(Array.from({ length: uploadsPerLife }, (_, index) => work(index)));
  await Promise.race([all, faulty.crashed]);
  faulty.crash();
}

async function visibleFiles({ objects }: SessionServices): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  if (!(await objects.stat("tester"))) return files;
  for (const { name, size } of (await objects.list("tester", { limit: 1000 })).entries) {
    const reader = await objects.openRead(`tester/${name}`);
    const content = new Uint8Array(size);
    await reader.read(content, 0);
    await reader.close();
    files.set(`/${name}`, sha256(content));
  }
  return files;
}

async function verify(services: MemoryServices, acknowledged: ReadonlyMap<string, string>): Promise<void> {
  const { events } = services.accounting;
  const ofType = (type: string) => events.filter((event) => event.type === type).map(({ data }) => data);
  const completed = ofType("transfer.completed");
  const visible = await visibleFiles(services);
  assert.deepEqual(
    new Map([...visible].sort()),
    new Map(completed.map(({ path, sha256 }) => [String(path), String(sha256)] as const).sort()),
    "what is visible is what is on record",
  );
  for (const [path, digest] of acknowledged) assert.equal(visible.get(path), digest, `${path} was acknowledged`);
  const started = ofType("transfer.started").map(({ transferId }) => transferId);
  const ended = [...completed, ...ofType("transfer.aborted")].map(({ transferId }) => transferId);
  assert.deepEqual([...ended].sort(), [...started].sort(), "every start has one end");
  assert.deepEqual(await services.objects.stagedUploads(), [], "nothing is left behind");
}

describe("uploads over ports that fail and processes that die", () => {
  it(`keep every promise, ${seeds} seeds`, async () => {
    for (let seed = 1; seed <= seeds; seed += 1) {
      const random = randomFrom(seed);
      const services = createMemoryServices([testAccount()]);
      const acknowledged = new Map<string, string>();
      for (let life = 0; life < lives; life += 1) {
        await live(services, random, life, acknowledged);
        await reconcile(services);
        await verify(services, acknowledged).catch((error: unknown) => {
          throw new Error(`seed ${seed}, life ${life}`, { cause: error });
        });
      }
    }
  });
});
