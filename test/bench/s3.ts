import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeRandomFile } from "../interop/client-script.ts";
import { createTestAuthority } from "../support/certificates.ts";
import { writeIdentity } from "../support/product.ts";
import { connectSftp, putFile, type SftpConnection } from "../support/sftp-client.ts";
import { cpuOf, sftpBatch } from "./openssh-client.ts";
import { medianOf, residentBytesOf } from "./process-usage.ts";
import { type BenchServer, startFerrygate, startOpenSsh } from "./servers.ts";

const { values: options } = parseArgs({
  options: {
    store: { type: "string" },
    endpoint: { type: "string" },
    bucket: { type: "string", default: "ferrygate-bench" },
    latency: { type: "string", default: "0" },
    smoke: { type: "boolean", default: false },
    repetitions: { type: "string" },
    only: { type: "string", default: "" },
    cipher: { type: "string", default: "aes128-gcm@openssh.com" },
  },
});

const scale = options.smoke
  ? { fileBytes: 32 * 1024 ** 2, smallFiles: 20, repetitions: 1 }
  : { fileBytes: 1024 ** 3, smallFiles: 500, repetitions: 5 };
const repetitions = options.repetitions === undefined ? scale.repetitions : Number(options.repetitions);

interface S3Endpoint {
  readonly env: Readonly<Record<string, string>>;
  stop(): void;
}

/** The sink of this folder behind TLS, in a process of its own. */
async function startSink(directory: string): Promise<S3Endpoint> {
  const authority = createTestAuthority();
  const server = authority.issue("localhost");
  const files = { authority: authority.certificate, certificate: server.certificate, privateKey: server.privateKey };
  for (const [name, pem] of Object.entries(files)) await writeFile(join(directory, `${name}.pem`), pem);
  const program = fileURLToPath(new URL("s3-sink.ts", import.meta.url));
  const args = [program, join(directory, "certificate.pem"), join(directory, "privateKey.pem"), options.latency];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = (await once(child.stdout, "data")) as [Buffer];
  const env = {
    AWS_ENDPOINT_URL: `https://localhost:${port.toString().trim()}`,
    NODE_EXTRA_CA_CERTS: join(directory, "authority.pem"),
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "bench",
    AWS_SECRET_ACCESS_KEY: "bench-secret",
  };
  return { env, stop: () => child.kill() };
}

/** Beside OpenSSH's server, which writes to memory, the files of both sides lie in memory too. */
const directory = await mkdtemp("/dev/shm/ferrygate-bench-");
const identity = await writeIdentity(directory);
const client = { identity, cipher: options.cipher };
const large = join(directory, "large.bin");
await writeRandomFile(large, scale.fileBytes);
await mkdir(join(directory, "small"));
for (let index = 0; index < scale.smallFiles; index += 1) {
  await writeFile(join(directory, "small", `f${index}`), Buffer.alloc(4096, `${index} `));
}
const given = options.endpoint === undefined ? undefined : { env: { AWS_ENDPOINT_URL: options.endpoint }, stop() {} };
const s3 = given ?? (await startSink(directory));
const program = fileURLToPath(new URL("../support/product-on-s3.ts", import.meta.url));
const env = { ...s3.env, FERRYGATE_DATA_BUCKET: options.bucket };
const servers: readonly [BenchServer, BenchServer] = [
  await startFerrygate(directory, identity, { program, env }),
  await startOpenSsh(directory, identity),
];

const perGiB = (seconds: number) => (seconds * 1024 ** 3) / scale.fileBytes;
const up = (server: BenchServer) => sftpBatch(server, client, `put ${large} ${server.remoteDirectory}/large.bin\n`);
const down = (server: BenchServer) => sftpBatch(server, client, `get ${server.remoteDirectory}/large.bin /dev/null\n`);
const smallUp = (server: BenchServer) =>
  sftpBatch(server, client, `put ${join(directory, "small")}/* ${server.remoteDirectory}/\n`);

const concurrentUploads = options.smoke ? 5 : 100;
const concurrentBytes = 24 * 1024 ** 2;

/** The most resident memory of a new server while so many clients upload 24 MiB each at the same time. */
async function mostResidentBytes(): Promise<{ readonly before: number; readonly most: number }> {
  const apart = join(directory, "apart");
  const server = await startFerrygate(apart, identity, { program, env });
  await sftpBatch(server, client, `-mkdir ${server.remoteDirectory}\n`);
  const before = residentBytesOf(server.pid);
  let most = before;
  const sampling = setInterval(() => {
    most = Math.max(most, residentBytesOf(server.pid));
  }, 50);
  const content = Buffer.alloc(concurrentBytes, "content ");
  const connections: SftpConnection[] = [];
  try {
    while (connections.length < concurrentUploads) {
      connections.push(await connectSftp(server, server.username, identity.privateKeyFile));
    }
    const uploads = connections.map((one, index) => putFile(one, `${server.remoteDirectory}/${index}`, content));
    await Promise.all(uploads);
  } finally {
    for (const { client: connected } of connections) connected.destroy();
    clearInterval(sampling);
    await server.stop();
  }
  return { before, most };
}

async function secondsOf(run: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await run();
  return (performance.now() - startedAtMs) / 1000;
}

/** The servers take turns inside every repetition, so that a machine that slows down slows both. */
async function compare(title: string, aim: string, measure: (server: BenchServer) => Promise<number>): Promise<void> {
  if (!title.includes(options.only)) return;
  const figures: [number[], number[]] = [[], []];
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    for (const side of [0, 1] as const) figures[side].push(await measure(servers[side]));
  }
  const ratios = figures[0].map((value, index) => value / (figures[1][index] ?? Number.NaN));
  const [ours, theirs, ratio] = [figures[0], figures[1], ratios].map((values) => medianOf(values).toFixed(2));
  const spread = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
  console.log(`| ${[title, ours, theirs, ratio, spread, aim].join(" | ")} |`);
}

try {
  await sftpBatch(servers[0], client, `-mkdir ${servers[0].remoteDirectory}\n`);
  const version = execFileSync("sh", ["-c", "ssh -V 2>&1"]).toString().trim();
  const machine = `${cpus().length} × ${cpus()[0]?.model}; Node ${process.version}; ${version}; ${options.cipher}`;
  const place = options.endpoint ?? `the sink, over TLS, after ${options.latency} ms`;
  console.log(`${machine}; S3 at ${place}; ${repetitions} repetitions, medians\n`);
  console.log("| | Ferrygate on S3 | OpenSSH on tmpfs | ratio | spread | aim |\n|---|---|---|---|---|---|");
  await compare("up, CPU seconds per GiB", "≤ 1.3", async (server) => perGiB(await cpuOf(server, () => up(server))));
  await compare("down, CPU seconds per GiB", "≤ 1.6", async (server) =>
    perGiB(await cpuOf(server, () => down(server))),
  );
  await compare("up, seconds per GiB", "", async (server) => perGiB(await secondsOf(() => up(server))));
  await compare("down, seconds per GiB", "", async (server) => perGiB(await secondsOf(() => down(server))));
  const smallFilesUp = async (server: BenchServer) => scale.smallFiles / (await secondsOf(() => smallUp(server)));
  await compare(`${scale.smallFiles} × 4 KiB up, files a second`, "", smallFilesUp);
  if ("memory".includes(options.only)) {
    const { before, most } = await mostResidentBytes();
    const [idle, busy] = [before, most].map((bytes) => (bytes / 1024 ** 2).toFixed(0));
    const title = `${concurrentUploads} × 24 MiB up at the same time, most memory in MiB`;
    console.log(`| ${title} | ${busy} (idle ${idle}) | | | | |`);
  }
  console.log(
    `\nresident memory of Ferrygate at the end: ${(residentBytesOf(servers[0].pid) / 1024 ** 2).toFixed(0)} MiB`,
  );
} finally {
  await Promise.all(servers.map((server) => server.stop()));
  s3.stop();
  await rm(directory, { recursive: true, force: true });
}
