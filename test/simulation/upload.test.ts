import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import type { ResumableUploadStore } from "../../ports/resumable-uploads.ts";
import { createSessionOpener } from "../../service/session/open-session.ts";
import { reconcile } from "../../service/session/reconcile.ts";
import { ResumableUploads } from "../../service/session/resumable-uploads.ts";
import type { SessionServices } from "../../service/session/services.ts";
import type { Session } from "../../service/session/session.ts";
import { type Faults, faultyServices, withFaults } from "../support/faulty-ports.ts";
import { createMemoryServices, type MemoryServices, testAccount } from "../support/memory-ports.ts";
import { createMemoryResumableUploads } from "../support/memory-resumable-uploads.ts";
import { randomFrom } from "../support/random.ts";

const seeds = 3000;
const resumptionSeeds = 1500;
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

/** One life of the process: some work over faulty ports, then its death at the latest when that is done. */
async function live(
  services: SessionServices,
  faults: Faults,
  resumable: ResumableUploadStore | undefined,
  work: (session: Session, index: number) => Promise<void>,
) {
  const faulty = faultyServices(services, faults);
  const store = resumable && withFaults(resumable, faulty.unreliable, ["put", "remove"]);
  const own = { ...faulty.services, resumable: store && new ResumableUploads({ ...faulty.services, store }) };
  const { openSession } = createSessionOpener(own);
  const begin = async (index: number) => work(await loggedIn(openSession), index);
  const all = Promise.allSettled(Array.from({ length: uploadsPerLife }, (_, index) => begin(index)));
  await Promise.race([all, faulty.crashed]);
  faulty.crash();
}

async function loggedIn(openSession: ReturnType<typeof createSessionOpener>["openSession"], username = "tester") {
  const session = openSession({ protocol: "sftp", peer: { address: "192.0.2.1", port: 1 }, disconnect: () => {} });
  await session.authenticate({ kind: "password", username, password: "password" });
  return session;
}

/** As a client that goes on with what the server has of the file, and takes a file of the same size for uploaded. */
async function goOn(session: Session, path: string, content: Uint8Array, random: () => number): Promise<void> {
  const known = await session.stat(path).catch(() => ({ size: 0 }));
  if (known.size >= content.length) return;
  const transfer = await session.upload(path, { mode: known.size > 0 || random() < 0.5 ? "update" : "replace" });
  const step = 1 + Math.floor(random() * 20);
  const from = random() < 0.1 ? Math.floor(known.size / 2) : known.size;
  for (let offset = from; offset < content.length; offset += step) {
    if (random() < 0.1) {
      await session.end("lost-carrier");
      throw new Error("the line broke");
    }
    await transfer.write(offset, content.subarray(offset, offset + step));
  }
  await transfer.commit();
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

/** Whatever was resumed had been kept, and so many bytes of it. */
function verifyResumptions({ accounting }: MemoryServices): number {
  const kept = new Map(accounting.events.map(({ data }) => [`${data.transferId}:${data.keptBytes}`, data]));
  const resumed = accounting.events.filter(({ type, data }) => type === "transfer.started" && data.resumes);
  for (const { data } of resumed) {
    assert.ok(kept.has(`${data.resumes}:${data.resumedBytes}`), `${data.resumes} was kept`);
  }
  return resumed.length;
}

describe("uploads over ports that fail and processes that die", () => {
  it(`keep every promise, ${seeds} seeds`, async () => {
    for (let seed = 1; seed <= seeds; seed += 1) {
      const random = randomFrom(seed);
      const services = createMemoryServices([testAccount()]);
      const acknowledged = new Map<string, string>();
      for (let life = 0; life < lives; life += 1) {
        const faults = { random, failureRate: 0.05, crashRate: 0.05 };
        await live(services, faults, undefined, async (session, index) => {
          const [path, content] = [`/life${life}-${index}`, new Uint8Array(Math.floor(random() * 100)).fill(index)];
          await upload(session, path, content);
          acknowledged.set(path, sha256(content));
        });
        await reconcile(services);
        await verify(services, acknowledged).catch((error: unknown) => {
          throw new Error(`seed ${seed}, life ${life}`, { cause: error });
        });
      }
    }
  });

  it(`go on where they broke off, whole and seen by nobody else, ${resumptionSeeds} seeds`, async () => {
    let resumptions = 0;
    for (let seed = 1; seed <= resumptionSeeds; seed += 1) {
      const random = randomFrom(seed);
      const accounts = [testAccount({ resumableUploads: true }), testAccount({ name: "other", home: "tester" })];
      const plain = createMemoryServices(accounts);
      const store = createMemoryResumableUploads();
      const services = { ...plain, resumable: new ResumableUploads({ ...plain, store }) };
      const contents = [0, 1].map((index) => Uint8Array.from({ length: 40 + 60 * index }, () => random() * 256));
      const acknowledged = new Map<string, string>();
      // Two sessions for each file: one of them may come upon what the other is at.
      const work = (chance: () => number) => async (session: Session, index: number) => {
        const content = contents[index % 2] ?? new Uint8Array(0);
        await goOn(session, `/file${index % 2}`, content, chance);
        acknowledged.set(`/file${index % 2}`, sha256(content));
      };
      const verifyAll = async (life: number) => {
        await verify(services, acknowledged).catch((error: unknown) => {
          throw new Error(`seed ${seed}, life ${life}`, { cause: error });
        });
        const other = await loggedIn(createSessionOpener(services).openSession, "other");
        for (const path of ["/file0", "/file1"]) {
          const isPublished = (await services.objects.stat(`tester${path}`)) !== undefined;
          assert.equal(
            await other.stat(path).then(
              () => true,
              () => false,
            ),
            isPublished,
          );
        }
      };
      for (let life = 0; life < lives; life += 1) {
        const faults = { random, failureRate: 0.02, crashRate: 0.02 };
        await live(services, faults, store, work(random));
        await reconcile(services);
        await verifyAll(life);
      }
      const { openSession } = createSessionOpener(services);
      for (const index of [0, 1]) await work(() => 0.99)(await loggedIn(openSession), index);
      assert.equal(acknowledged.size, 2);
      await verifyAll(lives);
      resumptions += verifyResumptions(services);
    }
    assert.ok(resumptions > resumptionSeeds / 2, `${resumptions} uploads went on`);
  });
});
