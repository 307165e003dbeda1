import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe } from "node:test";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { parseDestinationTemplate } from "../../core/destination-template.ts";
import type { DispatchRule, DispatchStep, OverwritePolicy } from "../../core/dispatch.ts";
import { compileSelection } from "../../core/event-selection.ts";
import { limits } from "../../core/limits.ts";
import type { Archives } from "../../ports/archives.ts";
import type { ContentConversions } from "../../ports/content-conversions.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { EventConsumer } from "../../service/consume/event-consumer.ts";
import { createDispatcher } from "../../service/dispatch/dispatcher.ts";
import { faultyWriter, startFaultyLife, withFaults } from "../support/faulty-ports.ts";
import { createMemoryAutomation, type MemoryAutomation } from "../support/memory-automation.ts";
import { createMemoryServices, type MemoryServices, testAccount } from "../support/memory-ports.ts";
import { randomFrom } from "../support/random.ts";
import { uploadEvent } from "../support/upload-event.ts";
import { itFinds, itHolds } from "./seeds.ts";

const seeds = 5000;
const lives = 2;
const uploadsPerLife = 2;

function put(action: "move" | "copy", to: string, overwrite: OverwritePolicy = "fail"): DispatchStep {
  return { action, to: parseDestinationTemplate(to, 0), account: undefined, overwrite };
}

function rule(name: string, path: string, steps: readonly DispatchStep[], more: Partial<DispatchRule> = {}) {
  const when = compileSelection({ path, types: ["transfer.completed"] });
  return { name, enabled: true, when, steps, otherwise: [], continues: false, ...more };
}

/** One rule for each kind of file; the last letter of a name chooses. */
const rules: readonly DispatchRule[] = [
  rule("fan-out", "/in/*a", [
    put("copy", "/one/"),
    put("copy", "/two/{file.name}.txt", "number"),
    put("move", "/kept/"),
  ]),
  rule("plain", "/in/*b", [
    put("move", "/out/"),
    { action: "webhook", webhook: { url: "https://hooks.example.com/", allowPrivate: false } },
  ]),
  rule("gone", "/in/*c", [put("copy", "/copy/", "number"), { action: "delete" }]),
  rule("first", "/in/*d", [put("move", "/first/", "replace")], { continues: true }),
  rule("second", "/in/*d", [put("copy", "/second/", "number")]),
  rule("packed", "/in/*f", [
    { action: "checksum", overwrite: "fail" },
    { action: "compress", overwrite: "number" },
    put("copy", "/packed/"),
    { action: "extract", overwrite: "number" },
    put("move", "/unpacked/"),
  ]),
  rule("archived", "/in/*g", [
    { action: "compress", format: "tar", overwrite: "number" },
    {
      action: "unpack",
      format: "tar",
      to: parseDestinationTemplate("/files/", 0),
      account: undefined,
      overwrite: "number",
    },
  ]),
  rule("refused", "/in/*e", [put("copy", "/taken")], { otherwise: [put("move", "/failed/", "number")] }),
];

/** Where a file has to be in the end, by the last letter of its name. */
const placesOf: Readonly<Record<string, (name: string) => readonly string[]>> = {
  a: (name) => [`one/${name}`, `two/${name}.txt`, `kept/${name}`],
  b: (name) => [`out/${name}`],
  c: (name) => [`copy/${name}`],
  d: (name) => [`first/${name}`, `second/${name}`],
  e: (name) => [`failed/${name}`],
  f: (name) => [`in/${name}.sha256`, `packed/${name}.gz`, `unpacked/${name}`],
  g: (name) => [`files/${name}`, `files/more/${name}`],
};

/** Compression that is done at once, and can be read. */
const conversions: ContentConversions = {
  gzip: async function* (content) {
    yield utf8("packed ");
    yield* content;
  },
  gunzip: async function* (content) {
    let isFirst = true;
    for await (const piece of content) {
      yield isFirst ? piece.subarray("packed ".length) : piece;
      isFirst = false;
    }
  },
  utf8: (text) => utf8(text),
  text: (bytes) => new TextDecoder().decode(bytes),
};

/** An archive of a file has another one in it, so that its extraction has two. */
const archives: Archives = {
  pack: async function* (_format, { name, content }) {
    yield utf8(`${name}\n`);
    yield* content;
  },
  entries: async function* (_format, archive) {
    const bytes = new Uint8Array(archive.entry.size);
    await archive.read(bytes, 0);
    const [name = "", content = ""] = conversions.text(bytes).split("\n");
    for (const entry of [name, `more/${name}`]) {
      yield {
        name: entry,
        type: "file",
        bytes: content.length,
        content: async function* () {
          yield utf8(content);
        },
      };
    }
  },
};

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

const sha256 = (content: string) => createHash("sha256").update(content).digest("hex");

interface World {
  readonly random: () => number;
  readonly services: MemoryServices;
  readonly automation: MemoryAutomation;
  /** Uploaded files: name → content, which no two have in common. */
  readonly uploaded: Map<string, string>;
  readonly clock: { nowMs: number; ids: number };
}

async function createWorld(seed: number): Promise<World> {
  const services = createMemoryServices([testAccount()]);
  const clock = { nowMs: 0, ids: 0 };
  const automation = createMemoryAutomation(() => clock.nowMs);
  const world = { random: randomFrom(seed), services, automation, uploaded: new Map(), clock };
  await write(services.objects, "tester/taken", "somebody else's");
  return world;
}

async function write(objects: ObjectStore, objectKey: string, content: string): Promise<string> {
  const writer = await objects.openWrite(objectKey, objectKey);
  await writer.write(utf8(content));
  return (await writer.publish({})).etag;
}

/** A client's upload and its record, which the simulation of uploads shows to be sound. */
async function upload({ services, uploaded, random }: World): Promise<void> {
  const name = `${uploaded.size}${"abcdefg"[Math.floor(random() * 7)]}`;
  const content = `content of ${name}`;
  uploaded.set(name, content);
  const objectKey = `tester/in/${name}`;
  const etag = await write(services.objects, objectKey, content);
  // Some clients set the time after an upload, which makes another version of the same content.
  const recordedEtag = random() < 0.3 ? "another" : etag;
  const data = { sha256: sha256(content), etag: recordedEtag };
  await services.accounting.append(uploadEvent(name, `/in/${name}`, data));
}

/** Pauses are over at once; leases are not renewed, because nothing takes that long. */
function passTime({ clock }: World, intervalMs: number, action: () => void): () => void {
  if (intervalMs === limits.claimLeaseMs / 3) return () => {};
  clock.nowMs += intervalMs;
  queueMicrotask(action);
  return () => {};
}

/** The promises that hold at every moment are looked at whenever something happens. */
function watched(world: World): MemoryServices {
  const { objects, accounting, runtime } = world.services;
  return {
    ...world.services,
    runtime: {
      ...runtime,
      random: world.random,
      now: () => world.clock.nowMs,
      every: (ms, action) => passTime(world, ms, action),
    },
    objects: {
      ...objects,
      move: async (fromKey, toKey, options) => {
        const name = fromKey.replace("tester/in/", "");
        for (const place of fromKey === `tester/in/${name}` && name.endsWith("a") ? ["one", "two"] : []) {
          const copy = await contentOf(objects, `tester/${place}/${name}${place === "two" ? ".txt" : ""}`);
          assert.equal(copy, world.uploaded.get(name), `${name} leaves the Inbox after it has got to ${place}`);
        }
        await objects.move(fromKey, toKey, options);
      },
    },
    accounting: {
      ...accounting,
      append: async (event) => {
        const { objectKey, sha256: digest } = event.data;
        if (event.type === "dispatch.completed" && digest !== undefined) {
          const content = (await contentOf(objects, String(objectKey))) ?? "";
          // It may have been taken on by a later step when an old event is recorded again.
          if (content !== "") assert.equal(sha256(content), digest, `${event.id} comes after its file`);
        }
        await accounting.append(event);
      },
    },
  };
}

async function contentOf(objects: ObjectStore, objectKey: string): Promise<string | undefined> {
  if ((await objects.stat(objectKey))?.type !== "file") return undefined;
  const reader = await objects.openRead(objectKey);
  const content = new Uint8Array(reader.entry.size);
  await reader.read(content, 0);
  return new TextDecoder().decode(content);
}

/** A way to get a port wrong, for the simulation to find out. */
type Plant = (automation: MemoryAutomation) => MemoryAutomation;

/** One life of the process over faulty ports, until the log is handled or it dies. */
async function live(world: World, faultRate: number, plant: Plant): Promise<void> {
  const life = startFaultyLife({ random: world.random, failureRate: faultRate, crashRate: faultRate / 4 });
  world.automation.restart();
  for (const transferId of await world.services.objects.stagedUploads())
    await world.services.objects.discard(transferId);
  const automation = plant(world.automation);
  const services = watched(world);
  const { unreliable } = life;
  const claims = withFaults(automation.claims, unreliable, ["claim", "annotate", "complete", "release"]);
  const accounting = withFaults(services.accounting, unreliable, ["append", "readBehind", "end"]);
  const changes = ["stat", "openRead", "ensureDirectory", "move", "copy", "remove"] as const;
  const objects = {
    ...withFaults(services.objects, unreliable, changes),
    openWrite: async (objectKey: string, transferId: string) =>
      faultyWriter(await unreliable(() => services.objects.openWrite(objectKey, transferId)), unreliable),
  };
  const dispatcher = createDispatcher({ ...services, objects, accounting, claims, archives, conversions }, () => rules);
  const positions = withFaults(automation.positions, unreliable, ["load", "save"]);
  const deadLetters = withFaults(automation.deadLetters, unreliable, ["put", "find", "remove"]);
  const { runtime } = services;
  const consumer = new EventConsumer({ feed: accounting, positions, deadLetters, runtime }, dispatcher);
  const work = async () => {
    while (
      !(await consumer.start().then(
        () => true,
        () => false,
      ))
    );
    for (let count = 0; count < uploadsPerLife; count += 1) await upload(world);
    await handled(world);
    await redeliver(world, dispatcher.handle);
    for (const { id } of (await deadLetters.list({ limit: 1000 })).letters) await consumer.replay(id).catch(() => {});
    await consumer.stop();
  };
  await Promise.race([work(), life.crashed]);
  life.crash();
}

/** Resolves when the consumer has seen every upload. */
async function handled({ services, automation }: World): Promise<void> {
  for (;;) {
    const position = (await automation.positions.load("dispatch")) ?? 0;
    const waiting = services.accounting.events.slice(position);
    if (!waiting.some(({ type }) => type === "transfer.completed")) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A queue may deliver again what is done, in any order, and two at the same time. */
async function redeliver({ services, random }: World, handle: (event: AccountingEvent) => Promise<void>) {
  const events = services.accounting.events.filter(({ type }) => type === "transfer.completed");
  const again = [...events, ...events].sort(() => random() - 0.5).slice(0, 4);
  await Promise.allSettled(again.map(handle));
}

async function verify({ services, automation, uploaded }: World): Promise<void> {
  const { letters } = await automation.deadLetters.list({ limit: 1000 });
  assert.deepEqual(
    letters.map(({ id, reason }) => `${id}: ${reason}`),
    [],
    "nothing is left over",
  );
  const expected = new Map([["taken", "somebody else's"]]);
  for (const [name, content] of uploaded) {
    for (const place of placesOf[name.slice(-1)]?.(name) ?? []) expected.set(place, madeOf(content, place));
  }
  assert.deepEqual(
    await allFiles(services.objects),
    new Map([...expected].sort()),
    "files are where they belong, once",
  );
  assert.deepEqual(await services.objects.stagedUploads(), [], "nothing is left in staging");
  const completed = services.accounting.events.filter(({ type }) => type === "dispatch.completed");
  const expectedCount = [...uploaded.keys()].reduce((sum, name) => sum + (stepCounts[name.slice(-1)] ?? 0), 0);
  assert.equal(completed.length, expectedCount, "each step is on record once");
}

function madeOf(content: string, place: string): string {
  if (place.endsWith(".gz")) return `packed ${content}`;
  return place.endsWith(".sha256") ? `${sha256(content)}  ${place.slice("in/".length, -".sha256".length)}\n` : content;
}

const stepCounts: Readonly<Record<string, number>> = { a: 3, b: 2, c: 2, d: 2, e: 1, f: 5, g: 4 };

async function allFiles(objects: ObjectStore): Promise<Map<string, string>> {
  const files: [string, string][] = [];
  for (const folder of (await objects.list("tester", { limit: 1000 })).entries) {
    const names = folder.type === "file" ? [""] : await namesBelow(objects, `tester/${folder.name}`);
    for (const name of names) {
      const place = `${folder.name}${name}`;
      files.push([place, (await contentOf(objects, `tester/${place}`)) ?? ""]);
    }
  }
  return new Map(files.sort(([one], [other]) => (one < other ? -1 : 1)));
}

async function namesBelow(objects: ObjectStore, folder: string): Promise<string[]> {
  const { entries } = await objects.list(folder, { limit: 1000 });
  const names = entries.map(async ({ name, type }) =>
    type === "file"
      ? [`/${name}`]
      : (await namesBelow(objects, `${folder}/${name}`)).map((below) => `/${name}${below}`),
  );
  return (await Promise.all(names)).flat();
}

async function simulate(seed: number, plant: Plant = (automation) => automation): Promise<void> {
  const world = await createWorld(seed);
  try {
    // A first start, so that every upload finds a consumer that has been here before.
    await world.automation.positions.save("dispatch", 0);
    for (let life = 0; life < lives; life += 1) await live(world, 0.06, plant);
    await live(world, 0, plant);
    await verify(world);
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  }
}

/** Mistakes that an adapter or the code above it could make. */
const plants: Readonly<Record<string, Plant>> = {
  "claims that lose notes": (automation) => {
    return { ...automation, claims: { ...automation.claims, annotate: async () => {} } };
  },
  "claims that give one piece of work to two owners": (automation) => {
    const { claims } = automation;
    const claim: typeof claims.claim = async (request) => {
      const answer = await claims.claim(request);
      return answer.state === "busy" ? { state: "claimed", note: undefined } : answer;
    };
    return { ...automation, claims: { ...claims, claim, annotate: async () => {}, complete: async () => {} } };
  },
  "a position that is ahead of what is done": (automation) => {
    const { positions } = automation;
    const save: typeof positions.save = (consumer, position) => positions.save(consumer, position + 1);
    return { ...automation, positions: { ...positions, save } };
  },
  "dead letters that are lost": (automation) => {
    return { ...automation, deadLetters: { ...automation.deadLetters, put: async () => {} } };
  },
};

describe("dispatching over ports that fail and processes that die", () => {
  itHolds("gets every file to every destination once", { seeds, simulate });
  itFinds(plants, { seeds, simulate });
});
