import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe } from "node:test";
import { archives } from "../../adapters/node/archives.ts";
import { contentConversions } from "../../adapters/node/content-conversions.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { parseDestinationTemplate } from "../../core/destination-template.ts";
import type { DispatchRule, DispatchStep, OverwritePolicy } from "../../core/dispatch.ts";
import { compileSelection } from "../../core/event-selection.ts";
import { limits } from "../../core/limits.ts";
import type { RemoteDestination } from "../../core/remote-destination.ts";
import type { RemoteSites } from "../../ports/remote-site.ts";
import type { Runtime } from "../../ports/runtime.ts";
import { EventConsumer } from "../../service/consume/event-consumer.ts";
import { Destinations } from "../../service/destinations/destination-access.ts";
import { PushLanes } from "../../service/destinations/push-lanes.ts";
import type { Pushing } from "../../service/dispatch/dispatch-services.ts";
import { createDispatcher } from "../../service/dispatch/dispatcher.ts";
import { startFaultyLife, type Unreliable, withFaults } from "../support/faulty-ports.ts";
import { createMemoryAutomation, type MemoryAutomation } from "../support/memory-automation.ts";
import { createMemoryServices, type MemoryServices, testAccount } from "../support/memory-ports.ts";
import { createMemorySite, type MemorySiteState, memorySiteState } from "../support/memory-site.ts";
import { randomFrom } from "../support/random.ts";
import { remoteDestination } from "../support/remote-destination.ts";
import { uploadEvent } from "../support/upload-event.ts";
import { itFinds, itHolds } from "./seeds.ts";

const seeds = 1000;
const lives = 2;
const uploadsPerLife = 2;

function push(destination: string, overwrite: OverwritePolicy): DispatchStep {
  return { action: "push", destination, to: parseDestinationTemplate("/in/", 0), overwrite };
}

const kept: DispatchStep = {
  action: "move",
  to: parseDestinationTemplate("/kept/", 0),
  account: undefined,
  overwrite: "fail",
};

function rule(name: string, path: string, steps: readonly DispatchStep[], more: Partial<DispatchRule> = {}) {
  const when = compileSelection({ path, types: ["transfer.completed"] });
  return { name, enabled: true, when, steps, otherwise: [], continues: false, ...more };
}

const rules: readonly DispatchRule[] = [
  rule("both", "/in/*a", [push("gradual", "number"), push("whole", "fail"), kept]),
  rule("gradual", "/in/*b", [push("gradual", "fail"), { action: "delete" }]),
  rule("whole", "/in/*c", [push("whole", "number"), kept]),
  rule("first", "/in/*d", [push("gradual", "replace")], { continues: true }),
  rule("second", "/in/*d", [push("whole", "number"), kept]),
  rule("refused", "/in/*e", [push("nowhere", "fail"), kept], { otherwise: [push("gradual", "number"), kept] }),
];

const sitesOf: Readonly<Record<string, readonly string[]>> = {
  a: ["gradual", "whole"],
  b: ["gradual"],
  c: ["whole"],
  d: ["gradual", "whole"],
  e: ["gradual"],
};

const destinations: readonly RemoteDestination[] = ["gradual", "whole"].map((name) =>
  remoteDestination("sftp://site", { name }),
);

const utf8 = (text: string) => new TextEncoder().encode(text);
const sha256 = (content: string) => createHash("sha256").update(content).digest("hex");

interface World {
  readonly random: () => number;
  readonly services: MemoryServices;
  readonly automation: MemoryAutomation;
  readonly sites: Readonly<Record<string, MemorySiteState>>;
  /** Uploaded files: name → content, which no two have in common. */
  readonly uploaded: Map<string, string>;
  readonly clock: { nowMs: number };
}

function createWorld(seed: number): World {
  const services = createMemoryServices([testAccount()]);
  const clock = { nowMs: 0 };
  const automation = createMemoryAutomation(() => clock.nowMs);
  const sites = { gradual: memorySiteState(), whole: memorySiteState() };
  const random = randomFrom(seed);
  // Some partners wait for their files, and take them at once.
  const takes = random() < 0.5;
  sites.gradual.onArrival = (path) => takes && void sites.gradual.files.delete(path);
  return { random, services, automation, sites, uploaded: new Map(), clock };
}

async function upload({ services, uploaded, random }: World): Promise<void> {
  const name = `${uploaded.size}${"abcde"[Math.floor(random() * 5)]}`;
  const content = random() < 0.1 ? "" : `content of ${name}`;
  uploaded.set(name, content);
  const objectKey = `tester/in/${name}`;
  const writer = await services.objects.openWrite(objectKey, objectKey);
  await writer.write(utf8(content));
  const { etag } = await writer.publish({});
  await services.accounting.append(uploadEvent(name, `/in/${name}`, { sha256: sha256(content), etag }));
}

/** Pauses are over at once; leases are not renewed, because nothing takes that long. */
function runtimeOf({ services, random, clock }: World): Runtime {
  return {
    ...services.runtime,
    random,
    now: () => clock.nowMs,
    every: (intervalMs, action) => {
      if (intervalMs === limits.claimLeaseMs / 3) return () => {};
      clock.nowMs += intervalMs;
      let isOn = true;
      queueMicrotask(() => isOn && action());
      return () => {
        isOn = false;
      };
    },
  };
}

function remoteSites({ sites }: World, unreliable: Unreliable): RemoteSites {
  return {
    open: ({ name }) =>
      unreliable(async () => {
        const state = sites[name];
        if (!state) throw new Error(`there is no site ${name}`);
        return createMemorySite(state, name === "gradual" ? "gradual" : "whole", unreliable);
      }),
  };
}

/** A way to get a port wrong, for the simulation to find out. */
type Plant = (automation: MemoryAutomation) => MemoryAutomation;

/** One life of the process over faulty ports, until everything is sent or it dies. */
async function live(world: World, faultRate: number, plant: Plant): Promise<void> {
  const life = startFaultyLife({ random: world.random, failureRate: faultRate, crashRate: faultRate / 4 });
  world.automation.restart();
  const automation = plant(world.automation);
  const { unreliable } = life;
  const runtime = runtimeOf(world);
  const services = {
    ...world.services,
    runtime,
    archives,
    conversions: contentConversions,
    claims: withFaults(automation.claims, unreliable, ["claim", "annotate", "complete", "release"]),
    accounting: withFaults(world.services.accounting, unreliable, ["append", "readBehind", "end"]),
    objects: withFaults(world.services.objects, unreliable, ["stat", "openRead", "move", "remove", "ensureDirectory"]),
  };
  const queue = withFaults(automation.pushes, unreliable, ["add", "waiting", "first", "postpone", "settle"]);
  const deadLetters = withFaults(automation.deadLetters, unreliable, ["put", "find", "remove"]);
  const positions = withFaults(automation.positions, unreliable, ["load", "save"]);
  const handlerFor = (pushing: Pushing) => createDispatcher({ ...services, pushing }, () => rules);
  const access = new Destinations(() => destinations, remoteSites(world, unreliable), runtime);
  const lanes = new PushLanes({ destinations: access, queue, deadLetters, runtime, handlerFor });
  const consumer = new EventConsumer(
    { feed: services.accounting, positions, deadLetters, runtime },
    handlerFor(lanes.pushing),
  );
  const work = async () => {
    await insist(() => lanes.start());
    await insist(() => consumer.start());
    for (let count = 0; count < uploadsPerLife; count += 1) await upload(world);
    await settled(world);
    for (const { id } of (await deadLetters.list({ limit: 1000 })).letters) await consumer.replay(id).catch(() => {});
    await settled(world);
    await consumer.stop();
    await lanes.stop();
  };
  await Promise.race([work(), life.crashed]);
  life.crash();
}

async function insist(action: () => Promise<void>): Promise<void> {
  for (;;) {
    const isDone = await action().then(
      () => true,
      () => false,
    );
    if (isDone) return;
  }
}

/** Resolves when the consumer has seen every upload, and no push waits. */
async function settled({ services, automation }: World): Promise<void> {
  for (;;) {
    const position = (await automation.positions.load("dispatch")) ?? 0;
    const isSeen = !services.accounting.events.slice(position).some(isUpload);
    if (isSeen && (await automation.pushes.waiting()).length === 0) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function isUpload({ type, data }: AccountingEvent): boolean {
  return type === "transfer.completed" && data.direction === "upload";
}

async function verify({ services, automation, uploaded, sites }: World): Promise<void> {
  const { letters } = await automation.deadLetters.list({ limit: 1000 });
  assert.deepEqual(
    letters.map(({ id, reason }) => `${id}: ${reason}`),
    [],
    "nothing is left over",
  );
  for (const [name, { arrivals, files, unfinished }] of Object.entries(sites)) {
    const expected = [...uploaded].filter(([file]) => sitesOf[file.slice(-1)]?.includes(name));
    assert.deepEqual(
      arrivals.map(({ path, content }) => `${path}: ${content}`).sort(),
      expected.map(([file, content]) => `/in/${file}: ${content}`).sort(),
      `each file has got to ${name} once, whole`,
    );
    assert.deepEqual(
      [...files.keys()].filter((path) => path.includes(".ferrygate-")),
      [],
      "nothing is left behind",
    );
    const held = [...unfinished.values()].filter((content) => content.length > 0);
    assert.deepEqual(held, [], "nothing is held unseen");
  }
  const keptFiles = await services.objects.list("tester/kept", { limit: 1000 }).catch(() => ({ entries: [] }));
  assert.deepEqual(
    keptFiles.entries.map(({ name }) => name).sort(),
    [...uploaded.keys()].filter((name) => !name.endsWith("b")).sort(),
    "files are where they belong",
  );
  verifyTrails(services.accounting.events, uploaded);
}

function verifyTrails(events: readonly AccountingEvent[], uploaded: ReadonlyMap<string, string>): void {
  const pushes = events.filter(({ data }) => data.transferId !== undefined && data.destination !== undefined);
  const expected = [...uploaded.keys()].flatMap((name) => (sitesOf[name.slice(-1)] ?? []).map(() => `/in/${name}`));
  const completed = pushes.filter(({ type }) => type === "transfer.completed");
  assert.deepEqual(completed.map(({ data }) => data.path).sort(), expected.sort(), "each push is on record once");
  const startedIds = new Set(pushes.filter(({ type }) => type === "transfer.started").map(idOf));
  const endedIds = pushes.filter(({ type }) => type !== "transfer.started").map(idOf);
  assert.deepEqual(endedIds.sort(), [...startedIds].sort(), "each transfer has one end");
}

function idOf({ data }: AccountingEvent): string {
  return String(data.transferId);
}

async function simulate(seed: number, plant: Plant = (automation) => automation): Promise<void> {
  const world = createWorld(seed);
  try {
    await world.automation.positions.save("dispatch", 0);
    for (let life = 0; life < lives; life += 1) await live(world, 0.04, plant);
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
  "a queue that forgets what it has handed out": (automation) => {
    const { pushes } = automation;
    const first: typeof pushes.first = async (destination, limit) => {
      const found = await pushes.first(destination, limit);
      for (const { position } of found) await pushes.settle(position);
      return found;
    };
    return { ...automation, pushes: { ...pushes, first } };
  },
  "dead letters that are lost": (automation) => {
    return { ...automation, deadLetters: { ...automation.deadLetters, put: async () => {} } };
  },
};

describe("pushing over ports and sites that fail, and processes that die", () => {
  itHolds("gets every file to every site once", { seeds, simulate });
  itFinds(plants, { seeds, simulate });
});
