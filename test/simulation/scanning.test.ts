import assert from "node:assert/strict";
import { describe } from "node:test";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { compileExpression } from "../../core/expression.ts";
import { contentKey } from "../../core/held-file.ts";
import { limits } from "../../core/limits.ts";
import type { ContentConversions } from "../../ports/content-conversions.ts";
import { type ContentScanner, ScannerDown } from "../../ports/content-scanner.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { EventConsumer } from "../../service/consume/event-consumer.ts";
import { Quarantine } from "../../service/scan/quarantine.ts";
import { ScanDesk } from "../../service/scan/scan-desk.ts";
import { scanRetries } from "../../service/scan/scan-services.ts";
import { createSessionOpener } from "../../service/session/open-session.ts";
import { reconcile } from "../../service/session/reconcile.ts";
import { faultyWriter, startFaultyLife, type Unreliable, withFaults } from "../support/faulty-ports.ts";
import { createMemoryAutomation, type MemoryAutomation } from "../support/memory-automation.ts";
import { createMemoryObjectStore } from "../support/memory-object-store.ts";
import { createMemoryServices, type MemoryServices, testAccount } from "../support/memory-ports.ts";
import { randomFrom } from "../support/random.ts";
import { itFinds, itHolds } from "./seeds.ts";

const seeds = 500;
const lives = 3;
const bounds = { files: 1000, bytes: 1_000_000 };
const uploadsPerLife = 3;
/** What has come to nothing by then never does. */
const mostLooks = 5000;

const conversions: Pick<ContentConversions, "utf8" | "text"> = {
  utf8: (text) => new TextEncoder().encode(text),
  text: (bytes) => new TextDecoder().decode(bytes),
};

interface World {
  readonly random: () => number;
  readonly services: MemoryServices;
  readonly held: ObjectStore;
  readonly automation: MemoryAutomation;
  readonly clock: { nowMs: number; ids: number; uploads: number };
  /** Contents that a scanner has called clean. */
  readonly clean: Set<string>;
}

/** A way to get a port wrong, for the simulation to find out. */
interface Plant {
  readonly automation?: (automation: MemoryAutomation) => MemoryAutomation;
  readonly scanner?: (scanner: ContentScanner) => ContentScanner;
}

function createWorld(seed: number): World {
  const services = createMemoryServices([testAccount({ scan: [compileExpression("/in/*")] })]);
  const clock = { nowMs: 0, ids: 0, uploads: 0 };
  const automation = createMemoryAutomation(() => clock.nowMs);
  return { random: randomFrom(seed), services, held: createMemoryObjectStore(), automation, clock, clean: new Set() };
}

/** Pauses are over at once; leases are not renewed, because nothing takes that long. */
function runtimeOf({ clock, random, services: { runtime } }: World): MemoryServices["runtime"] {
  return {
    ...runtime,
    random,
    now: () => clock.nowMs,
    newId: () => {
      clock.ids += 1;
      return `id-${`${clock.ids}`.padStart(8, "0")}`;
    },
    every: (intervalMs, action) => {
      if (intervalMs === limits.claimLeaseMs / 3) return () => {};
      let isCancelled = false;
      setImmediate(() => {
        if (isCancelled) return;
        clock.nowMs += intervalMs;
        action();
      });
      return () => {
        isCancelled = true;
      };
    },
  };
}

/** Says the truth about what it reads, or nothing. */
function scannerOf(world: World, unreliable: Unreliable, faultRate: number): ContentScanner {
  return {
    scan: async ({ content }) => {
      if (world.random() < faultRate * 2) throw new ScannerDown("nobody answers");
      let text = "";
      for await (const piece of content()) text += conversions.text(piece);
      const isInfected = text.startsWith("virus");
      if (!isInfected) world.clean.add(text);
      return unreliable(async () =>
        isInfected ? { verdict: "infected", signature: "virus" } : { verdict: "clean", scanner: "test" },
      );
    },
  };
}

function faultyStore(store: ObjectStore, unreliable: Unreliable): ObjectStore {
  return {
    ...withFaults(store, unreliable, ["stat", "openRead", "remove", "list", "discard", "outcomeOf"]),
    openWrite: async (objectKey, transferId) =>
      faultyWriter(await unreliable(() => store.openWrite(objectKey, transferId)), unreliable),
  };
}

async function textOf(store: ObjectStore, objectKey: string): Promise<string> {
  const reader = await store.openRead(objectKey);
  const bytes = new Uint8Array(reader.entry.size);
  await reader.read(bytes, 0);
  return conversions.text(bytes);
}

/** What is visible, looked at whenever a file may have become so. */
async function visible({ services: { objects } }: World): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const { name } of (await objects.list("tester/in", { limit: 1000 })).entries) {
    files.set(name, await textOf(objects, `tester/in/${name}`));
  }
  return files;
}

/** The promises that hold at every moment. */
function watched(world: World): Pick<MemoryServices, "objects" | "accounting"> {
  const { objects, accounting } = world.services;
  return {
    objects: {
      ...objects,
      openWrite: async (objectKey, transferId) => {
        const writer = await objects.openWrite(objectKey, transferId);
        return {
          ...writer,
          publish: async (options) => {
            const entry = await writer.publish(options);
            for (const [name, text] of await visible(world)) assert.ok(world.clean.has(text), `${name}: ${text}`);
            return entry;
          },
        };
      },
    },
    accounting: {
      ...accounting,
      append: async (event) => {
        if (event.type === "scan.clean" && !accounting.events.some(({ id }) => id === event.id)) {
          assert.ok(await objects.stat(String(event.data.objectKey)), `${event.id} comes after its file`);
        }
        await accounting.append(event);
      },
    },
  };
}

async function live(world: World, faultRate: number, plant: Plant): Promise<void> {
  const life = startFaultyLife({ random: world.random, failureRate: faultRate, crashRate: faultRate / 6 });
  const { unreliable } = life;
  const runtime = runtimeOf(world);
  const { objects, accounting } = watched(world);
  world.automation.restart();
  const plain = { ...world.services, objects, accounting, runtime };
  const uploads = (store: ObjectStore, desk: () => ScanDesk | undefined) => ({
    quarantine: new Quarantine({ store, conversions, runtime, bounds: () => bounds }),
    scope: () => undefined,
    settled: async (transferId: string) => desk()?.settled(transferId),
  });
  await reconcile({ ...plain, quarantine: uploads(world.held, () => undefined) });
  const automation = plant.automation?.(world.automation) ?? world.automation;
  let desk: ScanDesk | undefined;
  const store = faultyStore(world.held, unreliable);
  const services = {
    ...plain,
    objects: faultyStore(objects, unreliable),
    accounting: withFaults(accounting, unreliable, ["append", "readBehind", "end"]),
    quarantine: uploads(store, () => desk),
  };
  const truth = scannerOf(world, unreliable, faultRate);
  const scanner = plant.scanner?.(truth) ?? truth;
  const claims = withFaults(automation.claims, unreliable, ["claim", "annotate", "complete", "release"]);
  const deadLetters = withFaults(automation.deadLetters, unreliable, ["put", "find", "remove"]);
  const started = new ScanDesk({
    ...services,
    quarantine: services.quarantine.quarantine,
    scanner: () => ({ scanner, whenDown: "hold", retentionDays: 30 }),
    claims,
    deadLetters,
    retries: scanRetries,
  });
  desk = started;
  const positions = withFaults(automation.positions, unreliable, ["load", "save"]);
  const feed = services.accounting;
  const consumer = new EventConsumer({ feed, positions, deadLetters, runtime }, started.handler());
  const work = async () => {
    await untilItWorks(() => started.start());
    await untilItWorks(() => consumer.start());
    await Promise.all(Array.from({ length: uploadsPerLife }, () => upload(world, services)));
    await settled(world);
    await consumer.stop();
    await started.stop();
  };
  await Promise.race([work(), life.crashed]);
  life.crash();
}

async function untilItWorks(action: () => Promise<void>): Promise<void> {
  while (
    !(await action().then(
      () => true,
      () => false,
    ))
  );
}

/** A client that sends one file, some of them under a name that another has. */
async function upload(world: World, services: Parameters<typeof createSessionOpener>[0]): Promise<void> {
  const number = world.clock.uploads;
  world.clock.uploads += 1;
  world.clock.nowMs += 1;
  const { openSession } = createSessionOpener(services);
  const session = openSession({ protocol: "sftp", peer: { address: "192.0.2.1", port: 1 }, disconnect: () => {} });
  try {
    await session.authenticate({ kind: "password", username: "tester", password: "password" });
    const path = `/in/${Math.floor(world.random() * 4)}.txt`;
    const file = await session.upload(path, { mode: world.random() < 0.2 ? "create" : "replace" });
    const content = world.random() < 0.3 ? "virus" : "good";
    // Some infected files come again and again.
    const text = content === "virus" && number % 2 === 0 ? content : `${content} ${number}`;
    await file.write(0, conversions.utf8(text));
    await file.commit();
  } catch {
    // The client hears of it, and what became of the file is on record.
  }
  await session.end("user-request").catch(() => {});
}

function completed({ services }: World): readonly AccountingEvent[] {
  return services.accounting.events.filter(({ type }) => type === "transfer.completed");
}

/** Resolves when every upload that is on record has an end: what failed for good is tried again at the next start. */
async function settled(world: World): Promise<void> {
  for (let looks = 0; looks < mostLooks; looks += 1) {
    const { events } = world.services.accounting;
    const ended = new Set(events.filter(({ type }) => type.startsWith("scan.")).map(({ data }) => data.transferId));
    if (completed(world).every(({ data }) => ended.has(data.transferId))) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function verify(world: World): Promise<void> {
  const { services, held, automation } = world;
  const files = [...(await visible(world)).values()];
  assert.equal(new Set(files).size, files.length, "no file is there twice");
  const scans = services.accounting.events.filter(({ type }) => type === "scan.clean" || type === "scan.infected");
  assert.equal(scans.length, completed(world).length, "each upload has one verdict on record");
  const kept = new Set<string>();
  const infected = new Set<string>();
  for (const [index, { data }] of completed(world).entries()) {
    const scan = scans.find((event) => event.data.transferId === data.transferId);
    const transferId = String(data.transferId);
    if (scan?.type === "scan.infected") {
      infected.add(`${data.path} ${data.sha256}`);
      if (!(await held.stat(contentKey(transferId)))) continue;
      assert.match(await textOf(held, contentKey(transferId)), /^virus/);
      kept.add(transferId);
      continue;
    }
    const isReplaced = completed(world)
      .slice(index + 1)
      .some((later) => later.data.path === data.path);
    const isThere = files.some((text) => text === `good ${numberOf(files, String(data.sha256))}`);
    assert.ok(isThere || isReplaced, `${transferId} is there, or was replaced by a later upload of the same name`);
  }
  assert.equal(kept.size, infected.size, "each infected file is kept once, however often it came");
  const names = (await held.list("content", { limit: 1000 }).catch(() => ({ entries: [] }))).entries;
  assert.deepEqual(new Set(names.map(({ name }) => name)), kept, "nothing else is left in quarantine");
  assert.deepEqual(await held.stagedUploads(), []);
  assert.deepEqual(await services.objects.stagedUploads(), []);
  assert.deepEqual((await automation.deadLetters.list({ limit: 10 })).letters, []);
}

function numberOf(files: readonly string[], sha256: string): string | undefined {
  return files.find((text) => digest(text) === sha256)?.replace("good ", "");
}

function digest(text: string): string {
  const sha256 = createMemoryServices([]).runtime.sha256();
  sha256.update(conversions.utf8(text));
  return sha256.hex();
}

async function simulate(seed: number, plant: Plant = {}): Promise<void> {
  const world = createWorld(seed);
  try {
    await world.services.objects.ensureDirectory("tester/in");
    await world.automation.positions.save("scan", 0);
    for (let life = 0; life < lives; life += 1) await live(world, 0.04, plant);
    await live(world, 0, plant);
    // What was given up in the last life is taken up again.
    await live(world, 0, plant);
    await verify(world);
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  }
}

const plants: Readonly<Record<string, Plant>> = {
  "claims that lose notes": {
    automation: (automation) => ({ ...automation, claims: { ...automation.claims, annotate: async () => {} } }),
  },
  "a position that is ahead of what is done": {
    automation: (automation) => {
      const { positions } = automation;
      const save: typeof positions.save = (consumer, position) => positions.save(consumer, position + 1);
      return { ...automation, positions: { ...positions, save } };
    },
  },
  "a scanner that takes silence for a clean file": {
    scanner: (scanner) => ({ scan: (file) => scanner.scan(file).catch(() => ({ verdict: "clean" as const })) }),
  },
};

describe("scanning over ports that fail and processes that die", () => {
  itHolds("shows clean files only, and loses none", { seeds, simulate });
  itFinds(plants, { seeds, simulate });
});
