import { execFileSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeRandomFile } from "../interop/client-script.ts";
import { type TestIdentity, temporaryDirectory, writeIdentity } from "../support/product.ts";
import { connectSftp, type SftpConnection } from "../support/sftp-client.ts";
import { cpuOf, sftpBatch } from "./openssh-client.ts";
import { medianOf, residentBytesOf } from "./process-usage.ts";
import { type BenchServer, startFerrygate, startOpenSsh } from "./servers.ts";
import { stalledStoreBytes } from "./stalled-store.ts";

const { values: options } = parseArgs({
  options: {
    smoke: { type: "boolean", default: false },
    repetitions: { type: "string" },
    only: { type: "string", default: "" },
    cipher: { type: "string", default: "aes128-gcm@openssh.com" },
  },
});

const scale = options.smoke
  ? { fileBytes: 16 * 1024 ** 2, smallFiles: 50, connections: 10, idleSessions: 10, stalledClients: 5, repetitions: 1 }
  : {
      fileBytes: 1024 ** 3,
      smallFiles: 2000,
      connections: 200,
      idleSessions: 200,
      stalledClients: 100,
      repetitions: 5,
    };
const repetitions = options.repetitions === undefined ? scale.repetitions : Number(options.repetitions);

interface Bench {
  readonly directory: string;
  readonly identity: TestIdentity;
}

/** One figure of one server, lower or higher is better as the aim says. */
interface Measurement {
  readonly title: string;
  readonly unit: string;
  readonly aim: string;
  /** The ratio to OpenSSH is what counts; without it the absolute figure is. */
  readonly measure: (server: BenchServer, bench: Bench) => Promise<number>;
}

const batch = (server: BenchServer, { identity }: Bench, input: string) =>
  sftpBatch(server, { identity, cipher: options.cipher }, input);

const perGiB = (seconds: number) => (seconds * 1024 ** 3) / scale.fileBytes;

async function filesPerSecond(run: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await run();
  return scale.smallFiles / ((performance.now() - startedAtMs) / 1000);
}

async function loginAndLeave(server: BenchServer, { identity }: Bench): Promise<void> {
  const { client } = await connectSftp(server, server.username, identity.privateKeyFile);
  await new Promise<void>((resolve) => {
    client.once("close", () => resolve());
    client.end();
  });
}

async function inBatches(count: number, atOnce: number, run: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done += atOnce) {
    await Promise.all(Array.from({ length: Math.min(atOnce, count - done) }, run));
  }
}

async function idleSessionBytes(server: BenchServer, { identity }: Bench): Promise<number> {
  await inBatches(8, 8, () => loginAndLeave(server, { directory: "", identity }));
  const before = residentBytesOf(server.pid);
  const sessions: SftpConnection[] = [];
  await inBatches(scale.idleSessions, 8, async () => {
    sessions.push(await connectSftp(server, server.username, identity.privateKeyFile));
  });
  const after = residentBytesOf(server.pid);
  await Promise.all(
    sessions.map(({ client }) => new Promise<void>((resolve) => client.once("close", () => resolve()).end())),
  );
  return (after - before) / scale.idleSessions;
}

const ratioMeasurements: readonly Measurement[] = [
  {
    title: "one stream up, CPU seconds per GiB",
    unit: "s",
    aim: "≤ 1.0",
    measure: async (server, bench) =>
      perGiB(
        await cpuOf(server, () =>
          batch(server, bench, `put ${join(bench.directory, "large.bin")} ${server.remoteDirectory}/large.bin\n`),
        ),
      ),
  },
  {
    title: "one stream down, CPU seconds per GiB",
    unit: "s",
    aim: "≤ 0.6",
    measure: async (server, bench) =>
      perGiB(await cpuOf(server, () => batch(server, bench, `get ${server.remoteDirectory}/large.bin /dev/null\n`))),
  },
  {
    title: `${scale.smallFiles} × 4 KiB up, files a second`,
    unit: "/s",
    aim: "≥ 0.8",
    measure: (server, bench) =>
      filesPerSecond(() =>
        batch(server, bench, `put ${join(bench.directory, "small")}/* ${server.remoteDirectory}/\n`),
      ),
  },
  {
    title: `${scale.smallFiles} × 4 KiB down, files a second`,
    unit: "/s",
    aim: "≥ 1.0",
    measure: async (server, bench) => {
      const into = join(bench.directory, "down");
      await rm(into, { recursive: true, force: true });
      await mkdir(into);
      return filesPerSecond(() => batch(server, bench, `get ${server.remoteDirectory}/f* ${into}/\n`));
    },
  },
  {
    title: "CPU a connection, logged in and out",
    unit: "ms",
    aim: "≤ 0.1",
    measure: async (server, bench) =>
      ((await cpuOf(server, () => inBatches(scale.connections, 8, () => loginAndLeave(server, bench)))) * 1000) /
      scale.connections,
  },
];

async function prepare(): Promise<Bench> {
  const directory = await temporaryDirectory();
  const identity = await writeIdentity(directory);
  await writeRandomFile(join(directory, "large.bin"), scale.fileBytes);
  await mkdir(join(directory, "small"));
  for (let index = 0; index < scale.smallFiles; index += 1) {
    await writeFile(join(directory, "small", `f${String(index).padStart(5, "0")}`), Buffer.alloc(4096, `${index} `));
  }
  return { directory, identity };
}

/** The servers take turns inside every repetition, so that a machine that slows down slows both. */
async function compare(measurement: Measurement, servers: readonly [BenchServer, BenchServer], bench: Bench) {
  const figures: [number[], number[]] = [[], []];
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    for (const side of [0, 1] as const) figures[side].push(await measurement.measure(servers[side], bench));
  }
  const [ours, theirs] = [medianOf(figures[0]), medianOf(figures[1])];
  const ratios = figures[0].map((value, index) => value / (figures[1][index] ?? Number.NaN));
  const row = [measurement.title, ours.toFixed(2), theirs.toFixed(2), measurement.unit, medianOf(ratios).toFixed(2)];
  const spread = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
  console.log(`| ${[...row, spread, measurement.aim].join(" | ")} |`);
}

function describeMachine(): string {
  const client = execFileSync("sh", ["-c", "ssh -V 2>&1"]).toString().trim();
  return `${cpus().length} × ${cpus()[0]?.model}; Node ${process.version}; ${client}; ${options.cipher}`;
}

const bench = await prepare();
const servers: [BenchServer, BenchServer] = [
  await startFerrygate(bench.directory, bench.identity),
  await startOpenSsh(bench.directory, bench.identity),
];
try {
  console.log(`${describeMachine()}; ${repetitions} repetitions, medians\n`);
  console.log("| | Ferrygate | OpenSSH | | ratio | spread | aim |\n|---|---|---|---|---|---|---|");
  // First, because later the process has memory in hand that sessions use without it growing.
  const idle = (await idleSessionBytes(servers[0], bench)) / 1024;
  for (const measurement of ratioMeasurements) {
    if (measurement.title.includes(options.only)) await compare(measurement, servers, bench);
  }
  console.log(`| resident memory an idle session | ${idle.toFixed(0)} | | KiB | | | ≤ 120 |`);
  const stalled = (await stalledStoreBytes(scale.stalledClients)) / 1024 ** 2;
  console.log(`| ${scale.stalledClients} clients, stalled store | ${stalled.toFixed(0)} | | MiB | | | ≤ 600 |`);
} finally {
  await Promise.all(servers.map((server) => server.stop()));
  await rm(bench.directory, { recursive: true, force: true });
}
